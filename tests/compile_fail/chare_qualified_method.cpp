// expect: motet: an entry method cannot be volatile, qualified with & or &&
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go() & {}
};

int main() { motet::array<tile>()[0].tell<&tile::go>(); }
