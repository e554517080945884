// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/serial/codec.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace motet::serial {

/// std::variant: the number of the alternative, then its value.
template <template <class...> class Variant, class... T>
struct codec<Variant<T...>, kind::variant> {
    using parts = types<T...>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 2;

    static void write(writer& out, const Variant<T...>& value) {
        if (value.valueless_by_exception()) {
            throw error("cannot encode: a variant has no value, because an exception left it so; assign one first");
        }
        out.put_size(value.index());
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            static_cast<void>(((I == value.index() && (put(out, *get_if<I>(&value)), true)) || ...));
        }(std::index_sequence_for<T...>());
    }

    static void read(reader& in, Variant<T...>& value) {
        const std::size_t index = in.take_size();
        if (index >= sizeof...(T)) {
            in.fail("a variant of " + std::to_string(sizeof...(T)) + " alternatives has none of number " +
                    std::to_string(index));
        }
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            static_cast<void>(((I == index && (read_alternative<I>(in, value), true)) || ...));
        }(std::index_sequence_for<T...>());
    }

private:
    template <std::size_t I>
    static void read_alternative(reader& in, Variant<T...>& value) {
        if (value.index() != I) value.template emplace<I>();
        get(in, *get_if<I>(&value));
    }
};

} // namespace motet::serial
