// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/identity.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

/// What a wave of the quiescence protocol adds up over the PEs.
struct wave_counts {
    std::uint64_t sent = 0;
    std::uint64_t processed = 0;
    std::uint64_t held = 0;   ///< messages held back
    std::uint64_t parked = 0; ///< fibers that wait
    std::uint64_t busy = 0;   ///< PEs where something is about to go on
    friend bool operator==(const wave_counts&, const wave_counts&) = default;

    void add(const wave_counts& other) {
        sent += other.sent;
        processed += other.processed;
        held += other.held;
        parked += other.parked;
        busy += other.busy;
    }
};

/// A PE's share of the wave that passes through it.
struct wave_share {
    wave_counts sum;
    std::uint32_t missing = 0; ///< children that have not answered
};

/// What PE 0 knows of the waves.
struct quiescence_watch {
    bool running = false; ///< a wave, or the report after it, is under way
    bool resting = false; ///< nothing can move any more but by a client: no wave until it asks for something
    bool stirred = false; ///< it has asked while the report was made, which may not hold any more
    std::string told;     ///< who waited, and for what, when that was told last
    bool have_previous = false;
    wave_counts previous;
    bool main_returned = false;
    double next = 0; ///< when PE 0, idle, may start a wave
    double pause = 0;
    std::vector<address> wanted; ///< whom to tell
    std::uint32_t reports_missing = 0;
    std::vector<std::string> parked_lines;
    std::vector<std::string> held_lines;
};

} // namespace motet::inline MOTET_VARIANT::runtime
