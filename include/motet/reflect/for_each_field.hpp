// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/fields.hpp>
#include <motet/reflect/names.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace motet::reflect {

/// Calls `f(name, field)` for each field of `object` in the order of their declaration; `name` is a std::string_view,
/// `field` a reference, to const if the object is.
template <class T, class F>
constexpr void for_each_field(T& object, F&& f) {
    apply_to_fields(object, [&]<class... Fields>(Fields&... field) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (static_cast<void>(f(field_name<T, I>, field)), ...);
        }(std::make_index_sequence<sizeof...(Fields)>{});
    });
}

/// As for_each_field, but calls `f(index, name, field)`, where `index` is a std::integral_constant.
template <class T, class F>
constexpr void for_each_indexed_field(T& object, F&& f) {
    apply_to_fields(object, [&]<class... Fields>(Fields&... field) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (static_cast<void>(f(std::integral_constant<std::size_t, I>{}, field_name<T, I>, field)), ...);
        }(std::make_index_sequence<sizeof...(Fields)>{});
    });
}

} // namespace motet::reflect
