// expect: motet: a parameter of an entry method is a shared_ptr to non-const
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(std::shared_ptr<int>) {}
};

int main() { motet::array<tile>()[0].tell<&tile::go>(std::make_shared<int>(1)); }
