// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <cstddef>
#include <type_traits>

namespace motet::serial {

/// std::unique_ptr: whether there is an object, then the object, which is read into the one there is if there is one.
template <class T>
struct codec<T, kind::unique_pointer> {
    using element = std::remove_cv_t<typename T::element_type>;
    using parts = types<element>;
    static constexpr std::size_t fixed = 0;
    static constexpr std::size_t least = 1;

    static void write(writer& out, const T& value) {
        const nested level(out);
        put(out, value != nullptr);
        if (value != nullptr) put(out, static_cast<const element&>(*value));
    }

    static void read(reader& in, T& value) {
        const nested level(in);
        bool present;
        get(in, present);
        if (!present) {
            value.reset();
        } else if constexpr (std::is_const_v<typename T::element_type>) {
            auto* fresh = new element();
            value.reset(fresh);
            get(in, *fresh);
        } else {
            if (value == nullptr) value.reset(new element());
            get(in, *value);
        }
    }
};

} // namespace motet::serial
