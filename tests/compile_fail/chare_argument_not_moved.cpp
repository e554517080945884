// expect: motet: an argument of this call cannot be converted to the parameter of the entry method
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(std::unique_ptr<int>) {}
};

int main() {
    auto p = std::make_unique<int>(1);
    motet::array<tile>()[0].ask<&tile::go>(p);
}
