// SPDX-License-Identifier: BSL-1.0
// What a program of somebody else's looks like to the compiler and the linker.
#include <motet/runtime/launch.hpp>
#include <motet/serial/serial.hpp>

#include <string>

struct particle {
    int number = 0;
    std::string name;
};

int main() {
    particle copy;
    motet::serial::decode_into(motet::serial::encode(particle{7, "seven"}), copy);
    return copy.number == 7 && copy.name == "seven" ? 0 : 1;
}
