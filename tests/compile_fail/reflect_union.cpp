// expect: motet: this struct has a union
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/schema.hpp>

union number {
    long whole;
    double real;
};
struct cell {
    int tag;
    number value;
};

auto text = motet::reflect::schema_of<cell>();
