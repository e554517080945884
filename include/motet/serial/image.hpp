// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>
#include <motet/serial/flat.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace motet::serial {

/// Writes `count` flat values as they lie in memory, with zeros for their padding, at a place aligned for them
/// (counted from the first byte written): so they can be viewed where they are.
template <class T>
void put_image(writer& out, const T* values, std::size_t count) {
    if (count == 0) return;
    out.align(alignof(T) < 16 ? alignof(T) : 16);
    if constexpr (is_tight<T>) {
        out.put(values, count * sizeof(T));
    } else {
        std::byte* target = out.claim(count * sizeof(T));
        for (std::size_t i = 0; i < count; ++i) copy_without_padding(target + i * sizeof(T), values[i]);
    }
}

/// Takes the bytes of `count` flat values that put_image wrote.
template <class T>
const std::byte* take_image(reader& in, std::size_t count) {
    if (count == 0) return nullptr;
    in.align(alignof(T) < 16 ? alignof(T) : 16);
    if (count > in.remaining() / sizeof(T)) in.fail_count(count);
    const std::byte* image = in.take(count * sizeof(T));
    if constexpr (layout_of<T>().bools) {
        for (std::size_t i = 0; i < count; ++i) {
            alignas(T) std::byte copy[sizeof(T)];
            std::memcpy(copy, image + i * sizeof(T), sizeof(T));
            if (!bools_are_valid(reinterpret_cast<const T&>(copy))) in.fail("a bool is neither 0 nor 1");
        }
    }
    return image;
}

/// Whether a T may stand at `place`.
template <class T>
bool is_aligned(const std::byte* place) {
    return reinterpret_cast<std::uintptr_t>(place) % alignof(T) == 0;
}

} // namespace motet::serial
