// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string_view>

namespace motet::reflect {

inline constexpr std::uint64_t fnv_begin = 0xcbf29ce484222325u;

/// FNV-1a over the bytes of a text (Fowler, Noll and Vo; http://www.isthe.com/chongo/tech/comp/fnv/), going on from the
/// hash of what stands before it.
constexpr std::uint64_t fnv_1a(std::string_view text, std::uint64_t hash = fnv_begin) {
    for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
    return hash;
}

} // namespace motet::reflect
