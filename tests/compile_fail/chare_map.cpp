// expect: motet: a map is called as map(index, extent, pes) or map(index, pes), and returns the number of a PE
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
};

int main() {
    motet::array<tile>::create(3, {}, [](std::string) { return 0; });
}
