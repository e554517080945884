// expect: motet: a `when` names this entry method, but
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(int) {}
    void when(motet::entry<&tile::go>, int) const {}
};

int main() { motet::array<tile>()[0].ask<&tile::go>(1); }
