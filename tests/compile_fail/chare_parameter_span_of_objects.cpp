// expect: motet: a span parameter needs elements that are trivially copyable
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(std::span<const std::string>) {}
};

int main() { motet::array<tile>()[0].tell<&tile::go>(std::vector<std::string>()); }
