// expect: motet: this type is not a plain struct
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

struct account {
    account(int start) : balance(start) {}
    int balance;
};

static_assert(motet::reflect::field_count<account> == 1);
