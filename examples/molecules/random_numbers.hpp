// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace molecules {

/// Numbers that depend on `key` alone, in [0, 1): SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class random_numbers {
public:
    explicit random_numbers(std::uint64_t key) : state(key) {}

    double next() { return static_cast<double>(next_bits() >> 11) * 0x1p-53; }

    std::uint64_t next_bits() {
        std::uint64_t bits = state += 0x9e3779b97f4a7c15;
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
        return bits ^ (bits >> 31);
    }

private:
    std::uint64_t state;
};

} // namespace molecules
