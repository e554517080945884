// expect: motet: this method returns nothing that could be gathered or reduced: use all<M>()
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go() {}
};

int main() { motet::section<tile>().reduce<&tile::go>(motet::sum); }
