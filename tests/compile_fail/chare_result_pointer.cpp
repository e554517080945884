// expect: motet: the result of an entry method is a pointer
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    int* get() { return &step; }
};

int main() { motet::array<tile>().gather<&tile::get>(); }
