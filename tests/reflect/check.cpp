// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/check.hpp>

#include <doctest/doctest.h>

#include <array>
#include <complex>

using motet::reflect::obstacle;
using motet::reflect::obstacle_of;
using motet::reflect::reflectable;

TEST_CASE("check: plain structs can be reflected") {
    static_assert(reflectable<sample::particle>);
    static_assert(obstacle_of<sample::particle> == obstacle::none);
    static_assert(obstacle_of<const sample::particle> == obstacle::none);
    static_assert(obstacle_of<sample::empty> == obstacle::none);
    static_assert(obstacle_of<sample::node> == obstacle::none);
    static_assert(obstacle_of<sample::move_only> == obstacle::none);
    static_assert(obstacle_of<sample::with_defaults> == obstacle::none);
    static_assert(obstacle_of<sample::hundred> == obstacle::none);
    static_assert(obstacle_of<sample::padded_by_bits> == obstacle::none);
    motet::reflect::check_reflectable<sample::particle>();
}

TEST_CASE("check: what is no plain struct is told") {
    static_assert(!reflectable<int> && !reflectable<int[3]> && !reflectable<sample::number>);
    static_assert(!reflectable<std::array<int, 3>> && !reflectable<std::complex<double>>);
    static_assert(!reflectable<sample::color> && !reflectable<sample::point*>);
    static_assert(obstacle_of<sample::with_private> == obstacle::not_aggregate);
    static_assert(obstacle_of<sample::with_constructor> == obstacle::not_aggregate);
    static_assert(obstacle_of<sample::with_virtual> == obstacle::not_aggregate);
}

TEST_CASE("check: bases") {
    using motet::reflect::has_bases;
    static_assert(has_bases<sample::derived>() && has_bases<sample::only_derived>());
    static_assert(has_bases<sample::derived_from_empty>() && has_bases<sample::derived_with_token>());
    static_assert(!has_bases<sample::point>() && !has_bases<sample::empty>());
    static_assert(!has_bases<sample::first_of_two<sample::base>>());
    static_assert(!has_bases<sample::first_of_two<sample::greedy>>());
    static_assert(obstacle_of<sample::derived> == obstacle::bases);
}

TEST_CASE("check: C arrays, of one element and of many, of what has no default too") {
    using motet::reflect::has_c_array;
    static_assert(has_c_array<sample::c_array>() && has_c_array<sample::c_array_of_one>());
    static_assert(has_c_array<sample::c_array_of_arrays>() && has_c_array<sample::long_c_array>());
    static_assert(has_c_array<sample::c_array_after_token>() && has_c_array<sample::c_array_of_tokens>());
    static_assert(has_c_array<sample::long_c_array_after_token>());
    static_assert(!has_c_array<sample::first_of_two<std::array<int, 4>>>());
    static_assert(!has_c_array<sample::first_of_two<sample::token>>());
    static_assert(!has_c_array<sample::first_of_two<sample::pinned>>());
    static_assert(obstacle_of<sample::c_array> == obstacle::c_array);
    static_assert(obstacle_of<sample::long_c_array> == obstacle::c_array);
}

TEST_CASE("check: unions, with a name and without") {
    using motet::reflect::has_union;
    static_assert(has_union<sample::with_union>() && has_union<sample::with_anonymous_union>());
    static_assert(has_union<sample::only_anonymous_union>() && has_union<sample::anonymous_union_after_token>());
    static_assert(has_union<sample::anonymous_union_after_array>());
    static_assert(!has_union<sample::first_of_two<sample::greedy>>());
    static_assert(!has_union<sample::particle>());
    static_assert(obstacle_of<sample::with_anonymous_union> == obstacle::unions);
}

TEST_CASE("check: bit-fields") {
    using motet::reflect::has_bit_field;
    static_assert(has_bit_field<sample::bit_field>() && has_bit_field<sample::late_bit_fields>());
    static_assert(has_bit_field<sample::bit_field_after_token>() && !has_bit_field<sample::padded_by_bits>());
    static_assert(obstacle_of<sample::bit_field> == obstacle::bit_field);
}

TEST_CASE("check: what cannot be counted") {
    static_assert(obstacle_of<sample::reference> == obstacle::not_counted);
    static_assert(obstacle_of<sample::hundred_and_one> == obstacle::too_many);
}
