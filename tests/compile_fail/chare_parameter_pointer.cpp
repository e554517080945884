// expect: motet: a parameter of an entry method is a pointer
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(const int*) {}
};

int main() {
    int n = 0;
    motet::array<tile>()[0].tell<&tile::go>(&n);
}
