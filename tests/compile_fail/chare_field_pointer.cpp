// expect: motet: a raw pointer cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int* data = nullptr;
};

int main() { motet::array<tile>::create(3); }
