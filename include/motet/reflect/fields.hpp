// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/check.hpp>
#include <motet/reflect/tie.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace motet::reflect {

template <class T>
constexpr std::size_t checked_field_count() {
    check_reflectable<T>();
    if constexpr (obstacle_of<T> == obstacle::none) // or further errors would follow the sentence
        return counted_fields<T>.count;
    else
        return 0;
}

/// The number of fields of the plain struct T.
template <class T>
inline constexpr std::size_t field_count = checked_field_count<std::remove_cv_t<T>>();

/// Calls `f(field...)` with references to all fields of `object`, in the order of their declaration.
template <class T, class F>
constexpr decltype(auto) apply_to_fields(T& object, F&& f) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
        [[maybe_unused]] auto fields = tie_fields<field_count<T>>(object);
        return f(tied_field<I>(fields)...);
    }(std::make_index_sequence<field_count<T>>{});
}

/// A reference to field I of `object`, to const if the object is.
template <std::size_t I, class T>
constexpr auto& get(T& object) {
    static_assert(I < field_count<T>, "motet: the struct has no field of this number (they count from 0)");
    auto fields = tie_fields<field_count<T>>(object);
    return tied_field<I>(fields);
}

/// The type of field I of the struct T.
template <class T, std::size_t I>
using field_type = std::remove_reference_t<decltype(get<I>(std::declval<T&>()))>;

/// Calls `f(std::integral_constant<std::size_t, I>{})` for each field I of T: the form for what needs the index, or the
/// types, when compiled.
template <class T, class F>
constexpr void for_each_index(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (static_cast<void>(f(std::integral_constant<std::size_t, I>{})), ...);
    }(std::make_index_sequence<field_count<T>>{});
}

} // namespace motet::reflect
