// expect: motet: a method that returns nothing needs no motet::eventually: it returns void, and may
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    motet::eventually<void> go() { return motet::next<&tile::go>(); }
};

int main() { motet::array<tile>()[0].tell<&tile::go>(); }
