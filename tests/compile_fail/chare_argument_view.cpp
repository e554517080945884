// expect: motet: a std::string_view or std::span inside of what is sent or kept looks at memory that may be gone
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct label {
    std::string_view text;
};
struct tile {
    int step = 0;
    void name(std::vector<label>) {}
};

int main() { motet::array<tile>()[0].tell<&tile::name>(std::vector<label>{{"north"}}); }
