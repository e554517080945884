// expect: motet: this struct has a C array as a field: use std::array
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/names.hpp>

struct particle {
    int before;
    double at[1];
};

static_assert(motet::reflect::field_name<particle, 1> == "at");
