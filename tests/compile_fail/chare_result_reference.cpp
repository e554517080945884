// expect: motet: the result of an entry method is a reference
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    const int& get() const { return step; }
};

int main() { motet::array<tile>()[0].ask<&tile::get>(); }
