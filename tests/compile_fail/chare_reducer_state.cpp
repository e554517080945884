// expect: motet: a reducer is a function object without state
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    int get() const { return step; }
};

int main() {
    int shift = 3;
    motet::array<tile>().reduce<&tile::get>([shift](int a, int b) { return a + b + shift; });
}
