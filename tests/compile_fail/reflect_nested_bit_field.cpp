// expect: motet: this struct has a bit-field
// SPDX-License-Identifier: BSL-1.0
#include <motet/reflect/schema.hpp>

#include <map>
#include <vector>

struct flags {
    unsigned state : 3;
};
struct cell {
    std::map<int, std::vector<flags>> history;
};

auto hash = motet::reflect::schema_hash<cell>();
