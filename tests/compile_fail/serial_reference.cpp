// expect: motet: a reference cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <tuple>

int main() {
    int value = 1;
    motet::serial::encode(std::tuple<int&>(value));
}
