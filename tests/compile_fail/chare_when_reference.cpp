// expect: motet: a `when` names this entry method, but its parameters (after the tag) are not those of the method
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(std::string) {}
    bool when(motet::entry<&tile::go>, std::string& text) const { return text.empty(); }
};

int main() { motet::array<tile>()[0].tell<&tile::go>("text"); }
