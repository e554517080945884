// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/for_each_field.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <type_traits>

TEST_CASE("for_each_field: in the order of declaration, with names and references") {
    sample::particle one{"a", {1, 2}, 3, sample::color::green};
    std::string names;
    motet::reflect::for_each_field(one, [&](std::string_view name, auto& field) {
        names += name;
        names += ' ';
        if constexpr (std::is_same_v<decltype(field), double&>) field = 8;
    });
    CHECK(names == "name at mass tint ");
    CHECK(one.mass == 8);

    const sample::particle& same = one;
    motet::reflect::for_each_field(same, [](std::string_view, auto& field) {
        static_assert(std::is_const_v<std::remove_reference_t<decltype(field)>>);
    });
    sample::empty nothing;
    motet::reflect::for_each_field(nothing, [](std::string_view, auto&) { FAIL("an empty struct has no field"); });
}

TEST_CASE("for_each_indexed_field: the index is a constant") {
    sample::point at{1, 2};
    motet::reflect::for_each_indexed_field(at, [](auto index, std::string_view name, int& field) {
        static_assert(index < 2);
        field += 10 * static_cast<int>(index);
        CHECK(name == (index == 0 ? "x" : "y"));
    });
    CHECK(at.x == 1);
    CHECK(at.y == 12);
}
