// expect: motet: the `when` of this chare names an entry method of another struct
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct other {
    int step = 0;
    void go(int) {}
};
struct tile {
    int step = 0;
    void go(int) {}
    bool when(motet::entry<&other::go>, int at) const { return at == step; }
};

int main() { motet::array<tile>()[0].tell<&tile::go>(1); }
