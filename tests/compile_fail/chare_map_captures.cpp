// expect: motet: a lambda with captures cannot be serialized: write a struct that has them as fields
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
};

int main() {
    int shift = 1;
    motet::array<tile>::create(3, {}, [shift](std::int64_t index, std::int64_t pes) { return (index + shift) % pes; });
}
