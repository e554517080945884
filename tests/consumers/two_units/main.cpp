// SPDX-License-Identifier: BSL-1.0
#include "parts.hpp"

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        auto one = motet::chare<greeter>::create(greeter{"Hello"});
        return one.ask<&greeter::greet>("main").get() == "Hello, main" && ask_in_program(one) == "Hello, program" &&
                       ask_in_library(one) == "Hello, library"
                   ? 0
                   : 1;
    });
}
