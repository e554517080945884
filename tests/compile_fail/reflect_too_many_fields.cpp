// expect: motet: this struct has more than 100 fields
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

#define TEN(p) int p##0, p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9;

struct crowd {
    TEN(a) TEN(b) TEN(c) TEN(d) TEN(e) TEN(f) TEN(g) TEN(h) TEN(i) TEN(j) int last;
};

static_assert(motet::reflect::field_count<crowd> == 101);
