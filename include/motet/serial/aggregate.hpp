// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/reflect.hpp>
#include <motet/serial/codec.hpp>
#include <motet/serial/flat.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace motet::serial {

/// Encoded sizes of values that stand one behind the other.
struct sizes_of_parts {
    std::size_t fixed;
    std::size_t least;
};

/// As in C++ itself, what is empty takes one byte.
template <class... T>
consteval sizes_of_parts sizes_together() {
    if constexpr (sizeof...(T) == 0) {
        return {1, 1};
    } else {
        constexpr bool all_fixed = ((codec<T>::fixed != 0) && ...);
        return {all_fixed ? (codec<T>::fixed + ...) : 0, (codec<T>::least + ...)};
    }
}

/// Plain structs: their fields in the order of declaration.
template <class T>
struct codec<T, kind::aggregate> {
private:
    static constexpr std::size_t count = reflect::field_count<T>;
    using indices = std::make_index_sequence<count>;

    template <std::size_t... I>
    static types<reflect::field_type<T, I>...> list(std::index_sequence<I...>);
    template <std::size_t... I>
    static consteval sizes_of_parts sizes(std::index_sequence<I...>) {
        return sizes_together<reflect::field_type<T, I>...>();
    }

public:
    using parts = decltype(list(indices()));
    static constexpr std::size_t fixed = sizes(indices()).fixed;
    static constexpr std::size_t least = sizes(indices()).least;

    template <class Sink>
    static void write(Sink& out, const T& value) {
        if constexpr (count == 0) {
            put(out, false);
        } else if constexpr (is_tight<T>) {
            out.put(&value, sizeof(T));
        } else {
            reflect::apply_to_fields(value, [&](const auto&... field) { (put(out, field), ...); });
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
            [&]<std::size_t... I>(std::index_sequence<I...>) {
                reflect::apply_to_fields(value, [&](auto&... field) { (read_field<I>(in, field), ...); });
            }(indices());
        }
    }

private:
    template <std::size_t I, class Source, class Field>
    static void read_field(Source& in, Field& field) {
        try {
            get(in, field);
        } catch (const decode_error& inner) {
            fail_below(std::string(reflect::field_name<T, I>), inner);
        }
    }
};

} // namespace motet::serial
