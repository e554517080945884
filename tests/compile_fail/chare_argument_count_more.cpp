// expect: motet: this call gives more arguments than the entry method takes
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(int) {}
};

int main() { motet::array<tile>()[0].tell<&tile::go>(1, 2); }
