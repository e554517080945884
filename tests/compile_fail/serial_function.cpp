// expect: motet: a std::function cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <functional>
#include <map>
#include <string>

int main() { motet::serial::encode(std::map<std::string, std::function<void()>>()); }
