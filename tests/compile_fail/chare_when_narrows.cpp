// expect: motet: a `when` takes a number in a type that does not hold every value of the entry method's parameter
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(double) {}
    bool when(motet::entry<&tile::go>, int at) const { return at == step; }
};

int main() { motet::array<tile>()[0].tell<&tile::go>(2.5); }
