// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

/// Numbers between the program and scripts.

/// Rows of `width` numbers as a NumPy array; of one row, as an array of its own, or as a number.
inline motet::value array_of(std::span<const double> numbers, std::size_t width, bool one = false) {
    if (one && width == 1) return {numbers[0]};
    motet::value::array all{"<f8", {}, {}};
    if (!one) all.shape.push_back(static_cast<std::int64_t>(numbers.size() / width));
    if (width != 1) all.shape.push_back(static_cast<std::int64_t>(width));
    const auto bytes = std::as_bytes(numbers);
    all.content.assign(bytes.begin(), bytes.end());
    return {std::move(all)};
}

template <class Number>
std::vector<double> converted(const motet::value::array& from) {
    std::vector<double> all(from.content.size() / sizeof(Number));
    for (std::size_t i = 0; i < all.size(); ++i) {
        Number n;
        std::memcpy(&n, from.content.data() + i * sizeof(Number), sizeof(Number));
        all[i] = static_cast<double>(n);
    }
    return all;
}

/// The numbers that a script gives: one, a list or tuple of them, or an array. Throws motet::error for all else.
inline std::vector<double> numbers_in(const motet::value& given) {
    if (const auto* array = std::get_if<motet::value::array>(&given.data)) {
        if (array->type == "<f8") return converted<double>(*array);
        if (array->type == "<f4") return converted<float>(*array);
        if (array->type == "<i8") return converted<std::int64_t>(*array);
        if (array->type == "<i4") return converted<std::int32_t>(*array);
        if (array->type == "|b1") return converted<std::uint8_t>(*array);
        throw motet::error("expected an array of numbers, got one of " + array->type);
    }
    const std::vector<motet::value>* items = nullptr;
    if (const auto* list = std::get_if<motet::value::list>(&given.data)) items = &list->items;
    if (const auto* tuple = std::get_if<motet::value::tuple>(&given.data)) items = &tuple->items;
    if (items == nullptr) return {given.number()};
    std::vector<double> all;
    for (const motet::value& each : *items) all.push_back(each.number());
    return all;
}
