// SPDX-License-Identifier: BSL-1.0
#include "parts.hpp"

#include <motet/reflect/reflect.hpp>
#include <motet/runtime/launch.hpp>
#include <motet/serial/serial.hpp>

std::string describe_in_library() {
    const motet::serial::buffer bytes = motet::serial::encode(particle{7, "seven"});
    particle copy;
    motet::serial::decode_into(bytes, copy);
    return motet::reflect::to_text(copy);
}
