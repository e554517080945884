// expect: motet: a raw pointer cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(motet::element_proxy<tile, std::int64_t> to) { motet::channel<int*>(to).send(nullptr); }
};

int main() { motet::array<tile>()[0].tell<&tile::go>(motet::array<tile>()[1]); }
