// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/buffer.hpp>
#include <motet/serial/check.hpp>
#include <motet/serial/codec.hpp>
#include <motet/serial/reader.hpp>
#include <motet/serial/writer.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

namespace motet::serial {

/// Appends `value` to what `out` holds. An object that std::shared_ptr shares is written once per writer.
/// Throws motet::error for a variant without a value and for values nested deeper than max_depth.
template <class T>
void write(writer& out, const T& value) {
    check_serializable<T>();
    if constexpr (serializable<T>) put(out, value);
}

/// Reads what write() wrote into `value`, whose memory is used again where it can be.
/// Throws decode_error with the path and the byte; `value` is then valid, but partly read.
template <class T>
void read(reader& in, T& value) {
    check_serializable<T>();
    if constexpr (serializable<T>) get(in, value);
}

/// The values, one behind the other, as bytes.
template <class... T>
buffer encode(const T&... values) {
    writer out;
    (write(out, values), ...);
    return out.release();
}

/// Reads all of `bytes` into `values`. Throws decode_error, also if bytes are left over.
template <class... T>
void decode_into(std::span<const std::byte> bytes, T&... values) {
    reader in(bytes);
    (read(in, values), ...);
    if (in.remaining() != 0) in.fail(std::to_string(in.remaining()) + " bytes are left over");
}

/// The value that all of `bytes` encode. Views in it point into `bytes`. Throws decode_error.
template <class T>
T decode(std::span<const std::byte> bytes) {
    static_assert(std::is_default_constructible_v<T>,
                  "motet: what is decoded must be default constructible: give it a default constructor, or use "
                  "decode_into");
    T value{};
    decode_into(bytes, value);
    return value;
}

} // namespace motet::serial
