// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/call.hpp>
#include <motet/runtime/deliver.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/runtime/wave.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

/// Finds out that nothing moves any more (Mattern, "Algorithms for distributed termination detection", 1987).
///
/// 1. When PE 0 is idle it sends a wave down the tree of PEs; each adds its counts of messages sent and processed to
///    those of its children and passes them up.
/// 2. Two waves in succession that found the same counts, sent = processed: the program is quiescent. Whoever asked
///    for quiescence is told; if nobody did and main has returned, the run is over.
/// 3. Two equal waves with sent = processed + held back: nothing can move any more. If a fiber waits, that is a
///    deadlock.
/// 4. A deadlock, and messages still held back at the end, are reported: PE 0 asks every PE for its lines.
namespace motet::inline MOTET_VARIANT::runtime {

/// Tells `where` when the program is quiescent; called on PE 0.
MOTET_INLINE void want_quiescence(pe& p, address where);

#if MOTET_BODIES

/// "1 fiber", "2 fibers".
inline std::string count_text(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// How long, in words.
inline std::string duration_text(double seconds) {
    char text[32];
    if (seconds < 1e-3)
        std::snprintf(text, sizeof text, "%.0f us", seconds * 1e6);
    else if (seconds < 1)
        std::snprintf(text, sizeof text, "%.0f ms", seconds * 1e3);
    else
        std::snprintf(text, sizeof text, "%.1f s", seconds);
    return text;
}

inline void wave_up(pe& p, wave_counts counts);
inline void finish_wave(pe& p, const wave_counts& counts);

inline tree wave_tree(const pe& p) { return {p, 0}; }

inline void pass_wave_up(pe& p) {
    // While the PE is halted that counts as a message on the way.
    wave_counts own{p.sent, p.processed, p.held(), 0, !p.ready.empty() || p.work_pending};
    for (const waiter* w = p.parked; w != nullptr; w = w->after) ++own.parked;
    p.wave.sum.add(own);
    if (p.number == 0) return finish_wave(p, p.wave.sum);
    post_uncounted<&wave_up>(p, wave_tree(p).parent(p.number), p.wave.sum);
}

inline void wave_down(pe& p) {
    p.wave = {{}, wave_tree(p).child_count(p.number)};
    wave_tree(p).for_each_child(p.number, [&](pe_number child) { post_uncounted<&wave_down>(p, child); });
    if (p.wave.missing == 0) pass_wave_up(p);
}

inline void wave_up(pe& p, wave_counts counts) {
    p.wave.sum.add(counts);
    if (--p.wave.missing == 0) pass_wave_up(p);
}

/// The lines, of which the first hundred count.
inline std::string joined(const std::vector<std::string>& lines) {
    constexpr std::size_t most = 100;
    std::string text;
    for (std::size_t i = 0; i < lines.size() && i < most; ++i) text += "\n  " + lines[i];
    if (lines.size() > most) text += "\n  ... and " + std::to_string(lines.size() - most) + " more";
    return text;
}

/// The warning at the end of a run that leaves these messages behind.
inline std::string still_held(const std::vector<std::string>& lines) {
    return "the program ends with " + count_text(lines.size(), "message") + " still held back:" + joined(lines);
}

/// Waves go on, as if there had been none.
inline void wave_again(quiescence_watch& watch) {
    watch.running = watch.resting = watch.have_previous = false;
    watch.next = watch.pause = 0;
}

/// What a PE has to say when nothing moves any more.
inline void take_report(pe& p, std::vector<std::string> parked, std::vector<std::string> held) {
    quiescence_watch& watch = *p.watch;
    for (auto& line : parked) watch.parked_lines.push_back(std::move(line));
    for (auto& line : held) watch.held_lines.push_back(std::move(line));
    if (--watch.reports_missing > 0) return;
    if (watch.stirred) return wave_again(watch);
    if (watch.parked_lines.empty()) {
        p.job.warnings.push_back(still_held(watch.held_lines));
        p.job.rested = true;
        return p.job.stop(p.job.main_code);
    }
    const std::string found =
        "nothing can move any more, but " + count_text(watch.parked_lines.size(), "fiber") +
        (watch.parked_lines.size() == 1 ? " waits:" : " wait:") + joined(watch.parked_lines) +
        (watch.held_lines.empty() ? "" : "\nand these messages are held back:" + joined(watch.held_lines));
    if (!p.job.listening) return p.job.fail("deadlock: " + found);
    // A client may still change that. It is told once, not after each request that did not.
    watch.resting = true;
    std::string who;
    for (const std::string& line : watch.parked_lines) who += line.substr(0, line.rfind(", for ")) + "\n";
    const bool is_begin = p.job.options.script_wait && p.turn() <= 1;
    if constexpr (can_be_debugged)
        if (p.job.options.freeze_on_deadlock && !is_begin) {
            if (std::exchange(watch.told, who) == who) return p.job.fail("deadlock: " + found); // it was looked at
            if (machine::freeze_in_place_of_end(p, "deadlock", found)) return;
        }
    if (std::exchange(watch.told, who) != who && !is_begin)
        std::fprintf(stderr, "motet: %s\nThe program stays open to scripts.\n", found.c_str());
}

/// On PE 0: a client has asked for something.
inline void stir(pe& p) {
    p.watch->stirred = true;
    if (p.watch->resting) wave_again(*p.watch);
}

inline void give_report(pe& p) {
    std::vector<std::string> parked;
    std::vector<std::string> held;
    const double now = p.now();
    for (waiter* w = p.parked; w != nullptr; w = w->after)
        parked.push_back(p.state->place(p, *w->running) + " waits " + awaited(*w) + ", for " +
                         duration_text(now - w->since));
    p.state->list_held(p, held, false);
    post_uncounted<&take_report>(p, 0, std::move(parked), std::move(held));
}

inline void ask_reports(pe& p) {
    quiescence_watch& watch = *p.watch;
    watch.stirred = false;
    watch.parked_lines.clear();
    watch.held_lines.clear();
    watch.reports_missing = p.job.pe_total();
    for (pe_number to = 0; to < p.job.pe_total(); ++to) post_uncounted<&give_report>(p, to);
}

inline void start_wave(pe& p) {
    p.watch->running = true;
    wave_down(p);
}

inline void finish_wave(pe& p, const wave_counts& counts) {
    quiescence_watch& watch = *p.watch;
    watch.running = false;
    const bool equal = watch.have_previous && watch.previous == counts;
    const bool balanced = counts.busy == 0 && counts.sent == counts.processed + counts.held;
    watch.previous = counts;
    watch.have_previous = true;
    if (!balanced || !equal) {
        if (balanced) return start_wave(p);                          // the second wave follows at once
        watch.pause = std::clamp(1.125 * watch.pause, 20e-6, 50e-3); // an eighth of the time waited so far
        watch.next = p.now() + watch.pause;
        if (equal && p.port != nullptr)
            broken("a simulated run lost a message: sent " + std::to_string(counts.sent) + ", processed " +
                   std::to_string(counts.processed) + ", held " + std::to_string(counts.held));
        return;
    }
    watch.have_previous = false;
    watch.pause = 0;
    if (counts.held == 0 && !watch.wanted.empty()) {
        std::vector<address> told;
        told.swap(watch.wanted);
        for (const address& where : told) deliver_nothing(p, where);
        return;
    }
    if (p.at_rest != nullptr && p.at_rest(p)) return;
    if (watch.main_returned && counts.parked == 0 && counts.held == 0) return p.job.stop(p.job.main_code);
    watch.running = true; // no further wave
    ask_reports(p);
}

/// When PE 0 has nothing to do. Returns the seconds until it wants to be called again, negative: never.
inline double consider_wave(pe& p) {
    quiescence_watch& watch = *p.watch;
    if (watch.running || p.halted) return -1;
    const double now = p.now();
    if (now < watch.next && p.port == nullptr) return watch.next - now;
    start_wave(p);
    return 0;
}

MOTET_INLINE void want_quiescence(pe& p, address where) {
    p.watch->wanted.push_back(where);
    p.watch->next = 0;
    p.watch->pause = 0;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
