// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>
#include <motet/serial/flat.hpp>

#include <cstddef>
#include <type_traits>

namespace motet::serial {

/// Numbers, bools, characters and enums: their bytes as they are in memory, without padding.
template <class T>
struct codec<T, kind::scalar> {
    using parts = types<>;
    static constexpr std::size_t fixed = value_bytes<T>;
    static constexpr std::size_t least = fixed;

    template <class Sink>
    static void write(Sink& out, const T& value) {
        out.put(&value, fixed);
    }

    template <class Source>
    static void read(Source& in, T& value) {
        if constexpr (is_bool<T>) {
            unsigned char byte;
            in.get(&byte, 1);
            if (byte > 1) in.fail("a bool is neither 0 nor 1");
            value = static_cast<T>(byte != 0);
        } else {
            in.get(&value, fixed);
        }
    }
};

} // namespace motet::serial
