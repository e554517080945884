// expect: motet: a target is a member function
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
};

int main() { (void)motet::array<tile>().to<&tile::step>(); }
