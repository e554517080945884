// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <utility>

namespace motet::inline MOTET_VARIANT {

/// A field that goes neither with its chare to another process nor into checkpoints: a cache, an open file, a handle of
/// another library. It is a T{} there; `on(motet::arrived)` can make it anew. Moves inside a process leave it as it is,
/// and so does what restores a chare where it stands (an atomic script that fails).
template <class T>
struct transient {
    T value{};

    T& operator*() { return value; }
    const T& operator*() const { return value; }
    T* operator->() { return &value; }
    const T* operator->() const { return &value; }
    template <class Archive>
    void serialize(Archive& archive) {
        if constexpr (!Archive::is_writing)
            if (!archive.origin().restores) value = T{};
        archive();
    }
};

} // namespace motet::inline MOTET_VARIANT
