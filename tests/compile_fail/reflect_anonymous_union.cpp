// expect: motet: this struct has a union
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/describe.hpp>

struct cell {
    int tag;
    union {
        long whole;
        double real;
    };
};

auto& type = motet::reflect::describe<cell>();
