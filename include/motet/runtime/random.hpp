// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <cstdint>

/// Chance that a seed decides: SplitMix64 (Steele, Lea and Flood, 2014).
namespace motet::inline MOTET_VARIANT::runtime {

inline constexpr std::uint64_t random_step = 0x9e3779b97f4a7c15u;

/// One number made of another, so that neighbours have nothing in common.
constexpr std::uint64_t scrambled(std::uint64_t z) {
    z += random_step;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/// From 0 up to 1.
constexpr double unit_of(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

struct random_source {
    std::uint64_t state;
    std::uint64_t operator()() {
        const std::uint64_t next = scrambled(state);
        state += random_step;
        return next;
    }
    double unit() { return unit_of((*this)()); }
};

} // namespace motet::inline MOTET_VARIANT::runtime
