// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>
#include <motet/serial/flat.hpp>

#include <cstddef>

namespace motet::serial {

/// std::complex: the real part, then the imaginary.
template <class T>
struct codec<T, kind::complex> {
    using part = typename T::value_type;
    using parts = types<part>;
    static constexpr std::size_t fixed = 2 * value_bytes<part>;
    static constexpr std::size_t least = fixed;

    template <class Sink>
    static void write(Sink& out, const T& value) {
        put(out, value.real());
        put(out, value.imag());
    }

    template <class Source>
    static void read(Source& in, T& value) {
        part real, imag;
        get(in, real);
        get(in, imag);
        value = T(real, imag);
    }
};

} // namespace motet::serial
