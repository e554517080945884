// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/bind.hpp>
#include <motet/reflect/tie.hpp>

#include <doctest/doctest.h>

using motet::reflect::bind_fields;
using motet::reflect::tie_fields;
using motet::reflect::tied_field;
using motet::reflect::ties_an_array;

TEST_CASE("tie: references to all fields, in order") {
    sample::point at{1, 2};
    auto fields = tie_fields<2>(at);
    tied_field<0>(fields) = tied_field<1>(fields) + 1;
    CHECK(at.x == 3);
    const sample::hundred many;
    auto all = tie_fields<100>(many);
    CHECK(&tied_field<99>(all) > &tied_field<0>(all));
    static_assert(std::is_same_v<decltype(tied_field<0>(all)), const int&>);
    static_assert(!ties_an_array<2, sample::point>);
    static_assert(ties_an_array<1, sample::c_array>);
}

TEST_CASE("bind: empty initializers are counted") {
    static_assert(bind_fields<2>::takes_braces<sample::point>);
    static_assert(!bind_fields<3>::takes_braces<sample::point>);
    static_assert(bind_fields<1>::takes_braces_then<sample::point, int>);
    static_assert(!bind_fields<1>::takes_braces_then<sample::point, std::string>);
    static_assert(!bind_fields<2>::takes_braces_then<sample::point, int>);
    static_assert(bind_fields<100>::takes_braces<sample::hundred>);
}

TEST_CASE("bind: bit-fields cannot be referred to") {
    static_assert(bind_fields<2>::addressable<sample::point>);
    static_assert(!bind_fields<2>::addressable<sample::bit_field>);
    static_assert(!bind_fields<4>::addressable<sample::late_bit_fields>);
    static_assert(bind_fields<2>::addressable<sample::padded_by_bits>);
}
