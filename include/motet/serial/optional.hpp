// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <cstddef>

namespace motet::serial {

/// std::optional: whether there is a value, then the value.
template <class T>
struct codec<T, kind::optional> {
    using parts = types<typename T::value_type>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) {
        put(out, value.has_value());
        if (value.has_value()) put(out, *value);
    }

    static void read(reader& in, T& value) {
        bool present;
        get(in, present);
        if (!present) {
            value.reset();
        } else {
            if (!value.has_value()) value.emplace();
            get(in, *value);
        }
    }
};

} // namespace motet::serial
