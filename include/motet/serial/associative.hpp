// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace motet::serial {

template <class T>
struct parts_of_associative {
    using type = types<typename T::key_type>;
};
template <map_like T>
struct parts_of_associative<T> {
    using type = types<typename T::key_type, typename T::mapped_type>;
};

/// Sets and maps, ordered or not, with single or many equal keys: a count, then each key, with its value in a map.
template <class T>
struct codec<T, kind::associative> {
    using parts = typename parts_of_associative<T>::type;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) {
        const nested level(out);
        const copies_only<writer> whole(out);
        out.put_size(value.size());
        for (const auto& item : value) {
            if constexpr (map_like<T>) {
                put(out, item.first);
                put(out, item.second);
            } else {
                put(out, item);
            }
        }
    }

    static void read(reader& in, T& value) {
        const nested level(in);
        const copies_only<reader> whole(in);
        const std::size_t count = in.take_count(least_of(parts()));
        value.clear();
        if constexpr (requires { value.reserve(count); }) value.reserve(count);
        for (std::size_t index = 0; index < count; ++index) {
            try {
                read_item(in, value);
            } catch (const decode_error& inner) {
                fail_below(index, inner);
            }
            if (value.size() != index + 1) in.fail("the key at [" + std::to_string(index) + "] occurs twice");
        }
    }

private:
    template <class... Part>
    static consteval std::size_t least_of(types<Part...>) {
        return (codec<Part>::least + ...);
    }

    // Values nest, and fibers have small stacks: what is large is read where it stays, or on the heap.
    static void read_item(reader& in, T& value) {
        using key = typename T::key_type;
        if constexpr (sizeof(key) > 1024) {
            read_item(in, value, *std::make_unique<key>());
        } else {
            key small{};
            read_item(in, value, small);
        }
    }
    static void read_item(reader& in, T& value, typename T::key_type& key) {
        get(in, key);
        if constexpr (map_like<T>) {
            const auto at = value.emplace_hint(value.end(), std::piecewise_construct,
                                               std::forward_as_tuple(std::move(key)), std::tuple<>());
            get(in, at->second);
        } else {
            value.emplace_hint(value.end(), std::move(key));
        }
    }
};

} // namespace motet::serial
