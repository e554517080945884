// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/motet.hpp>

#include <string>

/// Each function asks it from a source file of its own.
struct greeter {
    std::string greeting;

    std::string greet(const std::string& name) const { return greeting + ", " + name; }
};

std::string ask_in_program(motet::chare<greeter> one);
std::string ask_in_library(motet::chare<greeter> one);
