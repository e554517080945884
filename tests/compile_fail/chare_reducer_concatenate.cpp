// expect: motet: concatenate joins strings and vectors, and this is neither
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    int get() const { return step; }
};

int main() { motet::array<tile>().reduce<&tile::get>(motet::concatenate); }
