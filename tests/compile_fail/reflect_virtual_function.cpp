// expect: motet: this type is not a plain struct
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

struct shape {
    virtual double area() const;
    double width = 1;
};

double width(shape& one) { return motet::reflect::get<0>(one); }
