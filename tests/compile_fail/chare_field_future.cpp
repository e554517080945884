// expect: motet: a type that can only be moved, such as a future or a thread, stays where it is
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    motet::future<int> later;
};

int main() { motet::array<tile>::create(3); }
