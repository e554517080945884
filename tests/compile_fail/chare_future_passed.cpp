// expect: motet: a parameter of an entry method is a future, which stays on the PE where it was made
// expect: motet: the result of an entry method is a future, which stays on the PE where it was made
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void take(motet::future<int>) {}
    motet::future<int> give() { return {}; }
};

void passes() { motet::array<tile>()[0].tell<&tile::take>(motet::future<int>()); }

int main() { motet::array<tile>()[0].ask<&tile::give>().get(); }
