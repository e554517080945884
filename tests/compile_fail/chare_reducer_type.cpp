// expect: motet: this reducer cannot take two of the values that the elements give
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    std::string get() const { return {}; }
};

int main() {
    motet::array<tile>().reduce<&tile::get>([](int a, int b) { return a + b; });
}
