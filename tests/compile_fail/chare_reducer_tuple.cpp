// expect: motet: a tuple of reducers needs a tuple of as many values
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    std::tuple<int, int> get() const { return {1, 2}; }
};

int main() { motet::array<tile>().reduce<&tile::get>(motet::reducers(motet::sum)); }
