// expect: motet: what is called must be a member function of the chare
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
};

int main() { motet::array<tile>()[0].ask<&tile::step>(); }
