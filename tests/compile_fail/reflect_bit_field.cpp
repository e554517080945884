// expect: motet: this struct has a bit-field
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/for_each_field.hpp>

struct flags {
    unsigned state : 3;
    bool on;
};

void visit(flags& one) {
    motet::reflect::for_each_field(one, [](auto, auto&) {});
}
