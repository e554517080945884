// expect: motet: a C array cannot be serialized: use std::array
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

int main() {
    int values[3] = {1, 2, 3};
    motet::serial::encode(values);
}
