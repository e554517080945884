// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/aggregate.hpp>
#include <motet/serial/codec.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace motet::serial {

/// std::tuple and std::pair: one element behind the other.
template <template <class...> class Tuple, class... T>
struct codec<Tuple<T...>, kind::tuple> {
    using parts = types<T...>;
    static constexpr std::size_t fixed = sizes_together<T...>().fixed;
    static constexpr std::size_t least = sizes_together<T...>().least;

    template <class Sink>
    static void write(Sink& out, const Tuple<T...>& value) {
        if constexpr (sizeof...(T) == 0) {
            put(out, false);
        } else {
            std::apply([&](const T&... item) { (put(out, item), ...); }, value);
        }
    }

    template <class Source>
    static void read(Source& in, Tuple<T...>& value) {
        if constexpr (sizeof...(T) == 0) {
            bool nothing;
            get(in, nothing);
        } else {
            [&]<std::size_t... I>(std::index_sequence<I...>) {
                (read_item(in, I, std::get<I>(value)), ...);
            }(std::index_sequence_for<T...>());
        }
    }

private:
    template <class Source, class Item>
    static void read_item(Source& in, std::size_t index, Item& item) {
        try {
            get(in, item);
        } catch (const decode_error& inner) {
            fail_below(index, inner);
        }
    }
};

} // namespace motet::serial
