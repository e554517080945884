// expect: motet: this entry method belongs to another type of chare than the proxy
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct other {
    int n = 0;
    void go() {}
};
struct tile {
    int step = 0;
};

int main() { motet::group<tile>().all<&other::go>(); }
