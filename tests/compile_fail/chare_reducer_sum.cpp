// expect: motet: a sum or product of bool is a bool and counts nothing: give an int
// expect: motet: a sum of strings would join them in any order: motet::concatenate does in theirs
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    bool done = false;
    bool is_done() const { return done; }
    std::string name() const { return {}; }
};

void joins() { motet::array<tile>().reduce<&tile::name>(motet::sum); }

int main() { motet::array<tile>().reduce<&tile::is_done>(motet::sum); }
