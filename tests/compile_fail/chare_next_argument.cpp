// expect: motet: this call gives fewer arguments than the entry method takes
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(int) { return motet::next<&tile::go>(); }
};

int main() { motet::array<tile>()[0].tell<&tile::go>(1); }
