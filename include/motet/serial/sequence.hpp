// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>
#include <motet/serial/elements.hpp>
#include <motet/serial/flat.hpp>
#include <motet/serial/image.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace motet::serial {

/// Strings, vectors, deques, lists: a count, then the elements. Contiguous flat elements are copied as memory.
template <class T>
struct codec<T, kind::sequence> {
    using element = typename T::value_type;
    using parts = types<element>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) {
        const std::size_t count = size_of(value);
        out.put_size(count);
        if constexpr (is_image) {
            if constexpr (is_lent)
                if (out.lends != nullptr && out.lends->takes(count * sizeof(element)))
                    return out.lends->lent.push_back(
                        {std::as_bytes(std::span(value.data(), count)), const_cast<T*>(&value),
                         [](void* sent, spare_containers& spare) { spare.keep(*static_cast<T*>(sent)); }});
            put_image(out, value.data(), count);
        } else {
            const nested level(out);
            write_elements(out, value);
        }
    }

    static void read(reader& in, T& value) {
        if constexpr (is_lent)
            if (in.lends != nullptr) return read_or_borrow(in, value);
        if constexpr (is_image) {
            const std::size_t count = in.take_count(sizeof(element));
            assign(value, take_image<element>(in, count), count);
        } else {
            const nested level(in);
            const std::size_t count = in.take_count(codec<element>::least);
            value.resize(count);
            read_elements(in, value);
        }
    }

private:
    static constexpr bool is_image =
        is_flat<element>() && requires(T& value) { requires std::is_same_v<decltype(value.data()), element*>; };

    /// What may be received straight into the container: any bytes of the right number are a value.
    static constexpr bool is_lent = [] {
        if constexpr (is_image)
            return is_tight<element> && !layout_of<element>().bools && requires(T& value) {
                value.capacity();
                value.swap(value);
            };
        else
            return false;
    }();

    static void read_or_borrow(reader& in, T& value) {
        const std::size_t count = in.take_size();
        if (count <= SIZE_MAX / sizeof(element) && in.lends->takes(count * sizeof(element))) {
            if (!in.lends->expects(count * sizeof(element))) in.fail_count(count);
            if (value.capacity() < count) in.lends->spare.use(value, count);
            value.resize(count);
            in.lends->places.push_back(std::as_writable_bytes(std::span(value.data(), count)));
            return;
        }
        if (count > in.remaining() / sizeof(element)) in.fail_count(count);
        assign(value, take_image<element>(in, count), count);
    }

    static std::size_t size_of(const T& value) {
        if constexpr (requires { value.size(); }) {
            return value.size();
        } else {
            std::size_t count = 0;
            for (auto at = value.begin(); at != value.end(); ++at) ++count;
            return count;
        }
    }

    // Not resize and copy where it can be helped: that would fill new memory twice.
    static void assign(T& value, const std::byte* image, std::size_t count) {
        const auto* first = reinterpret_cast<const element*>(image);
        if (count == 0) {
            value.clear();
        } else if (!is_aligned<element>(image)) {
            value.resize(count);
            std::memcpy(static_cast<void*>(value.data()), image, count * sizeof(element));
        } else if constexpr (requires { value.assign(first, count); }) {
            value.assign(first, count);
        } else if constexpr (requires { value.assign(first, first + count); }) {
            value.assign(first, first + count);
        } else {
            value.resize(count);
            std::memcpy(static_cast<void*>(value.data()), image, count * sizeof(element));
        }
    }
};

} // namespace motet::serial
