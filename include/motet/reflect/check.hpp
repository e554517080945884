// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/bind.hpp>
#include <motet/reflect/probe.hpp>
#include <motet/reflect/tie.hpp>

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace motet::reflect {

/// A plain struct: a class without constructors, private fields and virtual functions, which says by nothing else
/// (as std::array does) what it is made of. Its fields are looked at when it is reflected: check_reflectable() says
/// what is wrong with them.
template <class T>
concept reflectable = std::is_class_v<T> && std::is_aggregate_v<T> && !requires { std::tuple_size<T>::value; };

/// Whether the plain struct T has a base class.
template <reflectable T>
constexpr bool has_bases() {
    if constexpr (std::is_empty_v<T> && counted_fields<T>.count == 0)
        return false;
    else if constexpr (counted_fields<T>.how == counted::not_at_all || counted_fields<T>.count > max_field_count)
        return false;
    else
        return takes_at<T, 0, base_value<T>>() && !takes_at<T, 0, no_value>();
}

/// Whether a field of the plain struct T is a union, or T has an anonymous one.
template <reflectable T>
constexpr bool has_union() {
    constexpr auto fields = counted_fields<T>;
    if constexpr (fields.how == counted::not_at_all || fields.count > max_field_count) {
        return false;
    } else if constexpr (!takes_values<T, fields.count + 1> &&
                         takes_without_union<T>(std::make_index_sequence<fields.count>{})) {
        return false; // asked at once for all places; the answer "perhaps" asks one by one
    } else {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return ((takes_at<T, I, union_value>() && !takes_at<T, I, no_value>()) || ...);
        }(std::make_index_sequence<fields.count>{});
    }
}

// Whether T can be taken apart by a structured binding as it was counted.
template <class T>
constexpr bool can_be_bound() {
    return counted_fields<T>.how != counted::not_at_all && counted_fields<T>.count <= max_field_count &&
           !has_bases<T>() && !has_union<T>();
}

// Of what can be bound.
template <class T>
constexpr bool addressable() {
    return bind_fields<counted_fields<T>.count>::template addressable<T>;
}
template <class T>
constexpr bool binds_an_array() {
    if constexpr (addressable<T>())
        return ties_an_array<counted_fields<T>.count, T>;
    else
        return false; // its bit-field is told
}

/// Whether a field of the plain struct T is a C array.
template <reflectable T>
constexpr bool has_c_array() {
    constexpr auto fields = counted_fields<T>;
    if constexpr (fields.how == counted::not_at_all) {
        return false;
    } else if constexpr (fields.how == counted::by_values) {
        constexpr bool elements = []<std::size_t... I>(std::index_sequence<I...>) {
            return (!takes_braced_among<T>(std::make_index_sequence<I>{},
                                           std::make_index_sequence<fields.count - I - 1>{}) ||
                    ...);
        }(std::make_index_sequence<fields.count>{});
        if constexpr (elements || !can_be_bound<T>())
            return elements;
        else
            return binds_an_array<T>();
    } else if constexpr (fields.count > max_field_count) {
        return false;
    } else if constexpr (can_be_bound<T>()) {
        return binds_an_array<T>();
    } else {
        return takes_values<T, fields.count + 1>;
    }
}

/// Whether a field of the plain struct T is a bit-field.
template <reflectable T>
constexpr bool has_bit_field() {
    if constexpr (can_be_bound<T>() && !has_c_array<T>())
        return !addressable<T>();
    else
        return false;
}

/// What keeps a type from being reflected.
enum class obstacle { none, not_aggregate, bases, not_counted, unions, c_array, too_many, bit_field };

template <class T>
constexpr obstacle find_obstacle() {
    if constexpr (!reflectable<T>)
        return obstacle::not_aggregate;
    else if constexpr (counted_fields<T>.how == counted::not_at_all)
        return obstacle::not_counted;
    else if constexpr (has_bases<T>())
        return obstacle::bases;
    else if constexpr (has_union<T>())
        return obstacle::unions;
    else if constexpr (has_c_array<T>())
        return obstacle::c_array;
    else if constexpr (counted_fields<T>.count > max_field_count)
        return obstacle::too_many;
    else if constexpr (has_bit_field<T>())
        return obstacle::bit_field;
    else
        return obstacle::none;
}

/// What keeps T from being reflected, if anything. Never an error itself.
template <class T>
inline constexpr obstacle obstacle_of = find_obstacle<std::remove_cv_t<T>>();

/// Stops the compilation with a sentence that says what is wrong and what to do, if T cannot be reflected.
template <class T>
constexpr void check_reflectable() {
    constexpr obstacle found = obstacle_of<T>;
    static_assert(found != obstacle::not_aggregate,
                  "motet: this type is not a plain struct (it has a constructor, a private or protected field, or a "
                  "virtual function, or is no struct at all), so its fields cannot be found: give it a member "
                  "'serialize', or make it a plain struct");
    static_assert(found != obstacle::bases,
                  "motet: this struct has a base class, whose fields cannot be told from its own: make the base a "
                  "field, or give the struct a member 'serialize'");
    static_assert(found != obstacle::not_counted,
                  "motet: the fields of this struct cannot be counted, for one is a reference, or of a type that can "
                  "be made from anything: hold a value in its place, or give the struct a member 'serialize'");
    static_assert(found != obstacle::unions,
                  "motet: this struct has a union, and nothing says which member of it is alive: use std::variant, or "
                  "give the struct a member 'serialize'");
    static_assert(found != obstacle::c_array,
                  "motet: this struct has a C array as a field: use std::array, or give the struct a member "
                  "'serialize'");
    static_assert(found != obstacle::too_many,
                  "motet: this struct has more than 100 fields: group some of them in a struct, or give it a member "
                  "'serialize'");
    static_assert(found != obstacle::bit_field,
                  "motet: this struct has a bit-field, to which nothing can refer: use a whole integer or "
                  "std::bitset, or give the struct a member 'serialize'");
}

} // namespace motet::reflect
