// expect: motet: a parameter of an entry method is a reference to non-const
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(std::vector<int>&) {}
};

int main() {
    std::vector<int> v;
    motet::array<tile>()[0].tell<&tile::go>(v);
}
