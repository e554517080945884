// expect: motet: an argument of this call cannot be converted
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(int) {}
};

int main() { motet::array<tile>().section({1}).tell<&tile::go>(std::string()); }
