// expect: motet: this call gives fewer arguments than the entry method takes
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    int go(int, int = 5) { return step; }
};

int main() { motet::array<tile>().gather<&tile::go>(1); }
