// expect: motet: an array under a struct as index has no extent
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct key {
    int a = 0, b = 0;
};
struct tile {
    int step = 0;
};

int main() { motet::array<tile, key>::create(key{2, 2}); }
