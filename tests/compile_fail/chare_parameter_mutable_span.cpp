// expect: motet: a parameter of an entry method is a span of non-const
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(std::span<double>) {}
};

int main() {
    std::vector<double> v;
    motet::array<tile>()[0].tell<&tile::go>(v);
}
