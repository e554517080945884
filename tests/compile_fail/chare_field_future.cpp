// expect: motet: this type is neither a plain struct nor a known container
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    motet::future<int> later;
};

int main() { motet::array<tile>::create(3); }
