// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/pe.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The clocks of the processes, and what process 0 would have read (Cristian, "Probabilistic clock synchronization",
/// 1989).
///
/// 1. Process 0 asks each of the others in turn, many times, what its clock says. An answer belongs to the middle of
///    the time that it took, give or take a half: of all the quickest one counts.
/// 2. So before the run and after it. In between the difference is taken to change evenly.
namespace motet::inline MOTET_VARIANT::trace {

/// One answer: what the clock of process 0 said before and after it, and what the other one said.
struct clock_answer {
    double asked = 0;
    double there = 0;
    double answered = 0;
};

/// What a process knows of its clock, in seconds.
struct clock_reading {
    double at = 0;     ///< its own clock
    double offset = 0; ///< to be added for that of process 0
    double error = 0;  ///< of the offset, at most
    double origin = 0; ///< what the clock of process 0 said when the readings began
};

/// Step 1: what comes out of at least one answer.
inline clock_reading best_of(std::span<const clock_answer> answers) {
    const clock_answer best = *std::min_element(answers.begin(), answers.end(), [](const auto& a, const auto& b) {
        return a.answered - a.asked < b.answered - b.asked;
    });
    return {best.there, (best.asked + best.answered) / 2 - best.there, (best.answered - best.asked) / 2, 0};
}

/// Step 2: by how much to correct `time`, which is of the own clock with the offset of `begin`.
inline double drift(const clock_reading& begin, const clock_reading& end, double time) {
    if (end.at <= begin.at) return 0;
    const double part = (time - begin.offset - begin.at) / (end.at - begin.at);
    return (end.offset - begin.offset) * std::clamp(part, 0.0, 1.0);
}

/// The bytes of a plain struct, for another process, and back.
template <class T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}
template <class T>
T from_bytes(const std::string& bytes) {
    T value{};
    if (bytes.size() != sizeof value) runtime::broken("processes do not understand each other");
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// Step 1, called by all processes outside of the run. On process 0 the error is the largest of all.
MOTET_INLINE clock_reading read_clock(runtime::machine& job);

#if MOTET_BODIES
MOTET_INLINE clock_reading read_clock(runtime::machine& job) {
    constexpr int rounds = 50;
    const runtime::pe& p = *job.pes[0];
    clock_reading own{p.now(), 0, 0, job.sim ? 0 : p.now()};
    if (!job.remote) return own;
    runtime::remote_port& others = *job.remote;
    if (others.process_number() != 0) {
        for (;;) {
            const std::string asked = others.take(0);
            if (!asked.empty()) return from_bytes<clock_reading>(asked);
            others.give(0, bytes_of(p.now()));
        }
    }
    std::vector<clock_answer> answers(rounds);
    for (std::uint32_t process = 1; process < others.process_count(); ++process) {
        for (clock_answer& each : answers) {
            each.asked = p.now();
            others.give(process, {});
            each.there = from_bytes<double>(others.take(process));
            each.answered = p.now();
        }
        clock_reading theirs = best_of(answers);
        theirs.origin = own.origin;
        own.error = std::max(own.error, theirs.error);
        others.give(process, bytes_of(theirs));
    }
    return own;
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::trace
