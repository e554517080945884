// expect: motet: this struct has a base class
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

struct entity {
    int id = 0;
};
struct particle : entity {
    double mass = 1;
};

static_assert(motet::reflect::field_count<particle> == 2);
