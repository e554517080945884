// expect: motet: `range(const motet::range_request&)` of a struct returns a C++ range
// expect: motet: `read(const motet::script_path&)` of a struct returns what a script reads
// expect: motet: `write(const motet::script_path&, const motet::value&)` of a struct returns nothing
// flags: -DMOTET_WITH_SCRIPT
// SPDX-License-Identifier: BSL-1.0
#include <motet/script/own_access.hpp>

struct tile {
    int step = 0;
    int range(const motet::range_request&) { return step; }
    int* read(const motet::script_path&) { return &step; }
    int write(const motet::script_path&, const motet::value&) { return step; }
};

int main() { return motet::reflect::describe<tile>().access->own->reads_all; }
