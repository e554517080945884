// expect: motet: a std::string_view or std::span inside of what is sent or kept looks at memory that may be gone
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    std::string name;
    std::string_view call() const { return name; }
};

int main() { motet::array<tile>()[0].ask<&tile::call>(); }
