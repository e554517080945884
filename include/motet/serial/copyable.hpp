// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <type_traits>

namespace motet::serial {

template <class T, class... Above>
consteval bool is_copyable();

template <class... Above, class... Part>
consteval bool are_copyable(types<Part...>) {
    return (is_copyable<Part, Above...>() && ...);
}

template <class T, class... Above>
consteval bool is_copyable() {
    if constexpr (!std::is_copy_constructible_v<T>) {
        return false;
    } else if constexpr ((std::is_same_v<T, Above> || ...)) {
        return true;
    } else {
        constexpr kind how = kind_of<T>();
        if constexpr (how == kind::own || how == kind::view || how == kind::shared_pointer ||
                      how == kind::weak_pointer || how >= kind::reference)
            return true;
        else
            return are_copyable<T, Above...>(typename codec<T>::parts());
    }
}

/// Values that can be copied. Unlike std::is_copy_constructible this looks into containers, which say that they can be
/// copied even where their elements cannot: a std::vector<std::unique_ptr<int>>, and the structs that hold one.
template <class T>
concept copyable = is_copyable<T>();

} // namespace motet::serial
