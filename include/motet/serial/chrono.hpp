// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <cstddef>

namespace motet::serial {

/// std::chrono::duration: its count.
template <class T>
struct codec<T, kind::duration> {
    using rep = typename T::rep;
    using parts = types<rep>;
    static constexpr std::size_t fixed = codec<rep>::fixed;
    static constexpr std::size_t least = codec<rep>::least;

    template <class Sink>
    static void write(Sink& out, const T& value) {
        put(out, value.count());
    }

    template <class Source>
    static void read(Source& in, T& value) {
        rep count;
        get(in, count);
        value = T(count);
    }
};

/// std::chrono::time_point: the time since its clock's epoch.
template <class T>
struct codec<T, kind::time_point> {
    using duration = typename T::duration;
    using parts = types<duration>;
    static constexpr std::size_t fixed = codec<duration>::fixed;
    static constexpr std::size_t least = codec<duration>::least;

    template <class Sink>
    static void write(Sink& out, const T& value) {
        put(out, value.time_since_epoch());
    }

    template <class Source>
    static void read(Source& in, T& value) {
        duration since;
        get(in, since);
        value = T(since);
    }
};

} // namespace motet::serial
