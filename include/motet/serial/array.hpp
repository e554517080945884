// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>
#include <motet/serial/elements.hpp>
#include <motet/serial/flat.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace motet::serial {

/// std::array: its elements, without a count.
template <class T>
struct codec<T, kind::array> {
    using element = typename T::value_type;
    using parts = types<element>;
    static constexpr std::size_t count = std::tuple_size_v<T>;
    static constexpr std::size_t fixed = count == 0 ? 1 : count * codec<element>::fixed;
    static constexpr std::size_t least = count == 0 ? 1 : count * codec<element>::least;

    template <class Sink>
    static void write(Sink& out, const T& value) {
        if constexpr (count == 0) {
            put(out, false);
        } else if constexpr (is_tight<T>) {
            out.put(&value, sizeof(T));
        } else {
            for (const element& item : value) put(out, item);
        }
    }

    template <class Source>
    static void read(Source& in, T& value) {
        if constexpr (count == 0) {
            bool nothing;
            get(in, nothing);
        } else if constexpr (is_tight<T> && !layout_of<T>().bools) {
            in.get(&value, sizeof(T));
        } else {
            read_elements(in, value);
        }
    }
};

} // namespace motet::serial
