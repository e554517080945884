// expect: motet: the fields of this struct cannot be counted
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

struct observer {
    int& watched;
};

static_assert(motet::reflect::field_count<observer> == 1);
