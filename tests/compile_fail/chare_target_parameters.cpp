// expect: motet: a target takes one value: the method must have one parameter, or none
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(int, int) {}
};

int main() { (void)motet::array<tile>()[0].to<&tile::go>(); }
