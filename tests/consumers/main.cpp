// SPDX-License-Identifier: BSL-1.0
// What a program of somebody else's looks like to the compiler and the linker.
#include <motet/motet.hpp>

#include <string>

struct greeter {
    std::string greeting;

    std::string greet(const std::string& name) const { return greeting + ", " + name; }
};

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        auto one = motet::chare<greeter>::create(greeter{"Hello"});
        return one.ask<&greeter::greet>("world").get() == "Hello, world" ? 0 : 1;
    });
}
