// expect: motet: a smart pointer to an array does not know its length
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <memory>

int main() { motet::serial::encode(std::unique_ptr<double[]>()); }
