// expect: motet: a hook of this chare is not called as it is: a hook takes its tag by value, and nothing else
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    int step = 0;
    void on(motet::arrived, int from) { step = from; }
};

int main() { motet::array<tile>::create(3); }
