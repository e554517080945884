// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/fields.hpp>
#include <motet/serial/kind.hpp>

#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

namespace motet::serial {

/// Bytes of an arithmetic type or enum that carry its value: all of them, but for x87's long double.
template <class T>
inline constexpr std::size_t value_bytes =
    std::is_same_v<T, long double> && std::numeric_limits<long double>::digits == 64 ? 10 : sizeof(T);

/// A bool, or an enum of bools: other bytes than 0 and 1 are no value.
template <class T>
inline constexpr bool is_bool = std::is_same_v<T, bool>;
template <class T>
    requires std::is_enum_v<T>
inline constexpr bool is_bool<T> = std::is_same_v<std::underlying_type_t<T>, bool>;

/// How a type lies in memory.
struct layout {
    bool flat;         // nothing but numbers, bools and enums at fixed places: its memory is its value
    std::size_t value; // bytes of these, without padding
    bool bools;        // some are bools, whose bytes have to be checked
};

template <class T>
consteval layout layout_of();

template <class T, std::size_t... I>
consteval layout layout_of_fields(std::index_sequence<I...>) {
    constexpr layout fields[] = {layout_of<reflect::field_type<T, I>>()..., {true, 0, false}};
    layout whole{true, 0, false};
    for (const layout& field : fields) {
        whole.flat = whole.flat && field.flat;
        whole.value += field.value;
        whole.bools = whole.bools || field.bools;
    }
    return whole;
}

template <class T>
consteval layout layout_of() {
    constexpr kind how = kind_of<T>();
    if constexpr (how == kind::scalar) {
        return {true, value_bytes<T>, is_bool<T>};
    } else if constexpr (how == kind::array && std::is_trivially_copyable_v<T>) {
        constexpr layout element = layout_of<typename T::value_type>();
        return {element.flat, element.value * std::tuple_size_v<T>, element.bools};
    } else if constexpr (how == kind::complex && std::is_trivially_copyable_v<T>) {
        return {true, 2 * value_bytes<typename T::value_type>, false};
    } else if constexpr (how == kind::duration) {
        static_assert(sizeof(T) == sizeof(typename T::rep));
        return layout_of<typename T::rep>();
    } else if constexpr (how == kind::time_point) {
        static_assert(sizeof(T) == sizeof(typename T::duration));
        return layout_of<typename T::duration>();
    } else if constexpr (how == kind::aggregate && std::is_trivially_copyable_v<T>) {
        return layout_of_fields<T>(std::make_index_sequence<reflect::field_count<T>>());
    } else {
        return {false, 0, false};
    }
}

/// Whether ranges of T are copied as memory, and viewed in place.
template <class T>
consteval bool is_flat() {
    return layout_of<T>().flat;
}

/// Flat and without padding: copied in one piece.
template <class T>
inline constexpr bool is_tight = layout_of<T>().flat && layout_of<T>().value == sizeof(T);

/// Calls `visit(leaf)` with each number, bool and enum inside `value`; the leaves are not loaded.
template <class T, class Visit>
void for_each_leaf(T& value, Visit visit) {
    using plain = std::remove_const_t<T>;
    constexpr kind how = kind_of<plain>();
    if constexpr (how == kind::aggregate) {
        reflect::apply_to_fields(value, [&](auto&... field) { (for_each_leaf(field, visit), ...); });
    } else if constexpr (how == kind::array) {
        for (auto& element : value) for_each_leaf(element, visit);
    } else {
        visit(value);
    }
}

/// Copies the memory of `value` to `target`, with zeros where it has padding.
template <class T>
void copy_without_padding(std::byte* target, const T& value) {
    std::memset(target, 0, sizeof(T));
    for_each_leaf(value, [&](const auto& leaf) {
        const auto offset = reinterpret_cast<const std::byte*>(&leaf) - reinterpret_cast<const std::byte*>(&value);
        using plain = std::remove_cvref_t<decltype(leaf)>;
        if constexpr (kind_of<plain>() == kind::complex) {
            constexpr std::size_t half = sizeof(typename plain::value_type);
            constexpr std::size_t bytes = value_bytes<typename plain::value_type>;
            std::memcpy(target + offset, &leaf, bytes);
            std::memcpy(target + offset + half, reinterpret_cast<const std::byte*>(&leaf) + half, bytes);
        } else {
            std::memcpy(target + offset, &leaf, value_bytes<plain>);
        }
    });
}

/// Whether every bool in the memory of `value` is 0 or 1.
template <class T>
bool bools_are_valid(const T& value) {
    bool valid = true;
    for_each_leaf(value, [&](const auto& leaf) {
        if constexpr (is_bool<std::remove_cvref_t<decltype(leaf)>>) {
            valid = valid && *reinterpret_cast<const unsigned char*>(&leaf) <= 1;
        }
    });
    return valid;
}

} // namespace motet::serial
