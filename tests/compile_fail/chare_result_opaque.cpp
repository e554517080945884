// expect: motet: a std::function cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

#include <functional>

struct tile {
    int step = 0;
    std::function<int()> get() { return {}; }
};

int main() { motet::array<tile>()[0].ask<&tile::get>(); }
