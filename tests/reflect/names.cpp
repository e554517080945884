// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/names.hpp>

#include <doctest/doctest.h>

#include <list>

using motet::reflect::field_name;
using motet::reflect::short_type_name;
using motet::reflect::strip_name;
using motet::reflect::type_name;

namespace {
struct hidden {
    int a_1;
    struct deep {
        double b2;
    } in;
};
} // namespace

template <class T>
struct box {
    T value;
    struct nested {
        T value_of_nested;
    };
};

TEST_CASE("names: of fields") {
    static_assert(field_name<sample::particle, 0> == "name");
    static_assert(field_name<sample::particle, 3> == "tint");
    static_assert(field_name<const sample::particle, 1> == "at");
    static_assert(field_name<sample::hundred, 0> == "a0");
    static_assert(field_name<sample::hundred, 99> == "last9");
    static_assert(field_name<sample::node, 1> == "children");
    static_assert(field_name<sample::move_only, 0> == "owned");
    static_assert(field_name<sample::with_defaults, 1> == "ticket");
    static_assert(field_name<sample::first_of_two<sample::pinned>, 0> == "first");
    static_assert(field_name<sample::first_of_two<sample::empty>, 0> == "first");
    static_assert(field_name<sample::middle_of_three<void (*)(int)>, 1> == "middle");
    static_assert(field_name<sample::middle_of_three<sample::first_of_two<int>>, 1> == "middle");
    static_assert(field_name<box<hidden>::nested, 0> == "value_of_nested");
    static_assert(field_name<hidden, 0> == "a_1");
    static_assert(field_name<hidden::deep, 0> == "b2");
    struct local {
        int inside;
    };
    static_assert(field_name<local, 0> == "inside");
    static_assert(field_name<box<local>, 0> == "value");
}

TEST_CASE("names: of types") {
    static_assert(type_name<int> == "int");
    static_assert(type_name<sample::point> == "sample::point");
    static_assert(type_name<box<int>> == "box<int>");
    struct local {};
    static_assert(short_type_name<local> == "local");
    static_assert(short_type_name<hidden> == "hidden");
    static_assert(short_type_name<hidden::deep> == "deep");
    static_assert(short_type_name<const sample::color> == "color");
    static_assert(short_type_name<box<box<hidden>>> == "box");
    static_assert(short_type_name<box<local>::nested> == "nested");
    static_assert(short_type_name<std::list<int>> == "list");
    static_assert(short_type_name<int*> == "unnamed");
    static_assert(short_type_name<decltype([] {})> == "unnamed");
}

TEST_CASE("names: stripping looks past comparisons in template arguments") {
    static_assert(strip_name("a::b<(3 > 2), c<d> >") == "b");
    static_assert(strip_name("f<int>()::loc") == "loc");
    static_assert(strip_name(">>>") == "unnamed");
    static_assert(strip_name("") == "unnamed");
}
