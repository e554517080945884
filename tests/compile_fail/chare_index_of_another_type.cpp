// expect: motet: this is no index of the collection
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go() {}
};

int main() {
    const auto tiles = motet::array<tile, motet::grid<2>>::create({2, 2});
    tiles[3].tell<&tile::go>();
}
