// expect: motet: a std::unique_ptr with a deleter of its own cannot be made again
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <cstdio>
#include <memory>

int main() { motet::serial::encode(std::unique_ptr<std::FILE, int (*)(std::FILE*)>(nullptr, &std::fclose)); }
