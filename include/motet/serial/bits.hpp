// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <cstddef>

namespace motet::serial {

/// Eight bools from `bits`, beginning at `first`, as one byte; those past `count` are 0.
template <class Bits>
unsigned char pack_bools(const Bits& bits, std::size_t first, std::size_t count) {
    unsigned byte = 0;
    for (std::size_t i = 0; i < 8 && first + i < count; ++i) byte |= (bits[first + i] ? 1u : 0u) << i;
    return static_cast<unsigned char>(byte);
}

/// The reverse.
template <class Bits>
void unpack_bools(unsigned char byte, Bits& bits, std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < 8 && first + i < count; ++i) bits[first + i] = ((byte >> i) & 1) != 0;
}

/// std::bitset: eight to a byte.
template <template <std::size_t> class Bitset, std::size_t N>
struct codec<Bitset<N>, kind::bitset> {
    using parts = types<>;
    static constexpr std::size_t fixed = N == 0 ? 1 : (N + 7) / 8;
    static constexpr std::size_t least = fixed;

    template <class Sink>
    static void write(Sink& out, const Bitset<N>& value) {
        for (std::size_t byte = 0; byte < fixed; ++byte) put(out, pack_bools(value, 8 * byte, N));
    }

    template <class Source>
    static void read(Source& in, Bitset<N>& value) {
        for (std::size_t byte = 0; byte < fixed; ++byte) {
            unsigned char packed;
            get(in, packed);
            unpack_bools(packed, value, 8 * byte, N);
        }
    }
};

/// std::vector<bool>: a count, then eight to a byte.
template <class T>
struct codec<T, kind::packed_bools> {
    using parts = types<>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) {
        const std::size_t count = value.size();
        out.put_size(count);
        slot bytes{out.claim(bytes_for(count))};
        for (std::size_t first = 0; first < count; first += 8) put(bytes, pack_bools(value, first, count));
    }

    static void read(reader& in, T& value) {
        const std::size_t count = in.take_size();
        checked_bytes bytes{in.take(bytes_for(count)), in};
        value.resize(count);
        for (std::size_t first = 0; first < count; first += 8) {
            unsigned char packed;
            get(bytes, packed);
            unpack_bools(packed, value, first, count);
        }
    }

private:
    static std::size_t bytes_for(std::size_t count) { return count / 8 + (count % 8 != 0); }
};

} // namespace motet::serial
