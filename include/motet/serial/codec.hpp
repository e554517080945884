// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/kind.hpp>
#include <motet/serial/reader.hpp>
#include <motet/serial/writer.hpp>

#include <cstddef>
#include <type_traits>

namespace motet::serial {

/// A list of types.
template <class... T>
struct types {};

/// How values of one type become bytes. A codec has
///   `parts`  the types it encodes inside;
///   `fixed`  the encoded size where all values have the same, else 0;
///   `least`  the smallest encoded size, at least 1, so that a count can be checked against the bytes left;
///   `write(sink, value)`, `read(source, value)`  where sink is a writer and source a reader, or, when `fixed` is not
///   0,
///            also a slot and checked_bytes.
/// This one is for the kinds that are refused.
template <class T, kind K = kind_of<T>()>
struct codec {
    using parts = types<>;
};

/// Writes one value inside another's encoding.
template <class Sink, class T>
void put(Sink& out, const T& value) {
    using how = codec<T>;
    if constexpr (std::is_same_v<Sink, writer> && how::fixed != 0) {
        slot claimed{out.claim(how::fixed)};
        how::write(claimed, value);
    } else {
        how::write(out, value);
    }
}

/// Reads one value inside another's encoding.
template <class Source, class T>
void get(Source& in, T& value) {
    using how = codec<T>;
    if constexpr (std::is_same_v<Source, reader> && how::fixed != 0) {
        checked_bytes taken{in.take(how::fixed), in};
        how::read(taken, value);
    } else {
        how::read(in, value);
    }
}

} // namespace motet::serial
