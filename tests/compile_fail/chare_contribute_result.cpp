// expect: motet: the target of this contribution does not take what the reducer results in
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void go(motet::target<int> to) { motet::contribute(std::string(), motet::gather, to); }
};

int main() { motet::array<tile>().tell<&tile::go>(motet::target<int>()); }
