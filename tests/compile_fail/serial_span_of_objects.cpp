// expect: motet: a span can only show plain data
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <span>
#include <string>

int main() { motet::serial::encode(std::span<const std::string>()); }
