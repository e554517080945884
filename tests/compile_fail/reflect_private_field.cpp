// expect: motet: this type is not a plain struct
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

class account {
    int balance = 0;
};

static_assert(motet::reflect::field_count<account> == 1);
