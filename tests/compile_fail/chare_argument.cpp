// expect: motet: an argument of this call cannot be converted to the parameter of the entry method
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(int, std::vector<double>) {}
};

int main() { motet::array<tile>().tell<&tile::go>(1, "not numbers"); }
