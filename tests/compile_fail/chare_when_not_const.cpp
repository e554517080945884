// expect: motet: a `when` names this entry method, but
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(int) {}
    bool when(motet::entry<&tile::go>, int) { return true; }
};

int main() { motet::array<tile>().tell<&tile::go>(1); }
