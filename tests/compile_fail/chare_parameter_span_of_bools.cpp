// expect: motet: a parameter of an entry method is a std::span<const bool>, and the std::vector<bool>
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(std::span<const bool>) {}
};

int main() { motet::array<tile>()[0].tell<&tile::go>(std::array<bool, 2>()); }
