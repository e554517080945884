// SPDX-License-Identifier: BSL-1.0
#include "parts.hpp"

#include <motet/reflect/reflect.hpp>
#include <motet/runtime/launch.hpp>
#include <motet/serial/serial.hpp>

#include <iostream>

int main() {
    const std::string text = motet::reflect::to_text(particle{7, "seven"});
    std::cout << text << '\n';
    return text == describe_in_program() && text == describe_in_library() ? 0 : 1;
}
