// expect: motet: this struct has a C array as a field: use std::array
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/for_each_field.hpp>

struct particle {
    double at[3];
};

void visit(particle& one) {
    motet::reflect::for_each_field(one, [](auto, auto&) {});
}
