// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/probe.hpp>

#include <doctest/doctest.h>

using motet::reflect::counted;
using motet::reflect::counted_fields;
using motet::reflect::max_field_count;

TEST_CASE("probe: fields are counted by empty initializers where all can be empty") {
    static_assert(counted_fields<sample::empty>.count == 0);
    static_assert(counted_fields<sample::node>.count == 2);
    static_assert(counted_fields<sample::c_array>.count == 1);
    static_assert(counted_fields<sample::hundred>.count == 100);
    static_assert(counted_fields<sample::hundred_and_one>.count == max_field_count + 1);
    static_assert(counted_fields<sample::hundred_and_one>.how == counted::by_braces);
}

TEST_CASE("probe: fields are counted by values where one has no empty state") {
    static_assert(counted_fields<sample::middle_of_three<sample::token>>.count == 3);
    static_assert(counted_fields<sample::middle_of_three<sample::token>>.how == counted::by_values);
    static_assert(counted_fields<sample::with_defaults>.count == 3);
    static_assert(counted_fields<sample::first_of_two<sample::pinned>>.count == 2);
    static_assert(counted_fields<sample::reference>.how == counted::not_at_all);
}
