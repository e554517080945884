// expect: motet: an index is an integer, a motet::grid<1...6>, or a plain struct whose fields pack into 16 bytes
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct key {
    long a, b, c;
};
struct tile {
    int step = 0;
};

int main() { motet::array<tile, key>::create(); }
