// expect: motet: this type is not a plain struct
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/fields.hpp>

auto first(int& number) { return motet::reflect::get<0>(number); }
