// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/bind.hpp>

#include <doctest/doctest.h>

using motet::reflect::bind_fields;

TEST_CASE("bind: a function gets references to all fields") {
    sample::point at{1, 2};
    bind_fields<2>::to(at, [](int& x, int& y) { x = y + 1; });
    CHECK(at.x == 3);

    const sample::hundred many;
    CHECK(bind_fields<100>::to(many, [](const auto&... field) { return (field + ...); }) == 450);
    static_assert(bind_fields<0>::to(at, [] { return 5; }) == 5);
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
