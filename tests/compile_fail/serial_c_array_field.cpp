// expect: motet: this struct has a C array as a field
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <vector>

struct cell {
    int values[3];
};

int main() { motet::serial::encode(std::vector<cell>(2)); }
