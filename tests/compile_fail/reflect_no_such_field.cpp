// expect: motet: the struct has no field of this number
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

struct point {
    int x, y;
};

int third(point& at) { return motet::reflect::get<2>(at); }
