// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>
#include <motet/serial/image.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace motet::serial {

/// std::string_view and std::span<const T>: encoded like a sequence, and read as a view into the reader's bytes.
template <class T>
struct codec<T, kind::view> {
    using element = std::remove_cvref_t<decltype(*std::declval<const T&>().data())>;
    using parts = types<element>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) {
        out.put_size(value.size());
        put_image(out, value.data(), value.size());
    }

    static void read(reader& in, T& value) {
        const std::size_t count = in.take_count(sizeof(element));
        const std::byte* image = take_image<element>(in, count);
        if (!is_aligned<element>(image)) in.fail("a view needs bytes that begin at a multiple of 16 in memory");
        value = T(reinterpret_cast<const element*>(image), count);
    }
};

} // namespace motet::serial
