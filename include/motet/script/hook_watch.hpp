// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/local.hpp>
#include <motet/script/watched.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// Hooks that keep their PE.
///
/// 1. A hook may run millions of times a second: its run takes no lock and asks for no time. It counts its *turn*
///    when it begins and when it ends, and whoever looks twice and finds the same odd number sees that one run goes on.
/// 2. Such a run is to end when it lasts longer than the hook may (from when it was first seen), when somebody
///    interrupts the hook, and when the run of the program ends. A hook that is to be removed has a second to end by
///    itself: ended where it stands it could leave a chare half changed.
/// 3. It ends as any script does: by an exception, again each second as long as it goes on. It is raised with Python's
///    lock, while the turn is the same: never in what runs later on that thread.
namespace motet::inline MOTET_VARIANT::script {

/// A hook on one PE.
struct watched_hook {
    using clock = watched_script::clock;

    std::uint32_t handle = 0;
    std::uint64_t run = 0; ///< its name in all processes
    runtime::pe* p = nullptr;
    double limit = 0;                    ///< seconds that one run may take; 0: no such limit
    std::atomic<std::uint64_t> turn = 0; ///< odd while it runs

    // With Python's lock.
    unsigned long thread = 0;
    const runtime::frame* at = nullptr; ///< the message's; null: it is being installed
    std::uint64_t to_stop = 0;          ///< the turn in which it was to stop

    // Of the watch.
    std::uint64_t seen = 0;
    clock::time_point since;                ///< that turn is seen
    bool kept = false;                      ///< at more than one look
    stop_reason wanted = stop_reason::none; ///< asked, or removed
    stop_reason reason = stop_reason::none; ///< why that turn is to stop
    bool due = false;
    int strikes = 0;
    clock::time_point next_strike;
    std::string place;
};

class hook_watch {
public:
    using clock = watched_script::clock;
    struct found {
        bool keep_a_pe = false;
        bool to_strike = false;
        std::vector<std::uint64_t> asked; ///< runs of those that are struck since somebody asks for it
    };

    bool empty() const {
        const std::lock_guard lock(guard);
        return all.empty();
    }
    /// `wanted`: why it is to stop, if that was wanted before it has come to its PE.
    void add(watched_hook& h, stop_reason wanted) {
        const std::lock_guard lock(guard);
        h.wanted = wanted;
        all.push_back(&h);
    }
    void remove(watched_hook& h) {
        const std::lock_guard lock(guard);
        std::erase(all, &h);
    }
    void stop(std::uint64_t run, stop_reason why) {
        const std::lock_guard lock(guard);
        for (watched_hook* h : all) {
            if (h->run != run || h->wanted == stop_reason::asked) continue;
            h->wanted = why;
            h->next_strike = {};
        }
    }
    /// `most`: seconds that any may keep its PE; 0: for ever.
    found look(clock::time_point now, double most) {
        const std::lock_guard lock(guard);
        found what;
        for (watched_hook* h : all) {
            const std::uint64_t turn = h->turn.load(std::memory_order_acquire);
            h->kept = turn == h->seen && turn % 2 == 1;
            if (turn != h->seen) {
                h->seen = turn;
                h->since = now;
                h->strikes = 0;
                h->reason = stop_reason::none;
                h->next_strike = {};
                h->place.clear();
            }
            if (turn % 2 == 0) continue;
            what.keep_a_pe = what.keep_a_pe || h->kept;
            if (!is_to_stop(*h, std::chrono::duration<double>(now - h->since).count(), most) || now < h->next_strike)
                continue;
            h->next_strike = now + std::chrono::seconds(1);
            h->due = what.to_strike = true;
            if (h->reason == stop_reason::asked) what.asked.push_back(h->run);
        }
        return what;
    }
    /// Why the turn that was to stop was.
    stop_reason reason_of(const watched_hook& h) const {
        const std::lock_guard lock(guard);
        return h.reason;
    }
#if MOTET_BODIES
    /// Those that are due. With Python's lock.
    void strike() {
        std::vector<std::pair<watched_hook*, std::uint64_t>> again;
        {
            const std::lock_guard lock(guard);
            for (watched_hook* h : all) {
                if (!std::exchange(h->due, false) || h->turn != h->seen) continue;
                h->to_stop = h->seen;
                if (h->strikes++ > 0) again.emplace_back(h, h->seen);
                raise_in(h->thread, h->reason);
            }
        }
        for (const auto& [which, turn] : again) {
            if (!goes_on(which, turn)) continue; // Python gives its lock away now and then
            std::string place = which->at == nullptr ? "while it is installed" : chare_of(*which->at);
            const std::string line = line_of(which->thread);
            const std::lock_guard lock(guard);
            if (std::find(all.begin(), all.end(), which) == all.end() || which->seen != turn) continue;
            which->place = std::move(place) + ", " + line + ", in native code or where it catches whatever is raised";
        }
    }
#endif

    /// Where runs are that keep a PE, for people.
    std::string place_of(std::uint64_t run, bool without_python) const {
        const std::lock_guard lock(guard);
        std::string text;
        for (const watched_hook* h : all) {
            if (h->run != run || !h->kept) continue;
            text += (text.empty() ? "on PE " : ", on PE ") + std::to_string(h->p->number);
            if (without_python)
                text += ", while native code keeps Python's lock";
            else if (!h->place.empty())
                text += " " + h->place;
        }
        return text;
    }

private:
    static bool is_to_stop(watched_hook& h, double seconds, double most) {
        if (h.reason != stop_reason::none) return true;
        if (h.wanted == stop_reason::asked || (h.wanted == stop_reason::removed && seconds > 1))
            h.reason = h.wanted;
        else if (h.p->stopping.load(std::memory_order_relaxed))
            h.reason = stop_reason::run_ends;
        else if (h.limit > 0 && seconds > h.limit)
            h.reason = stop_reason::too_long;
        else if (most > 0 && seconds > most)
            h.reason = stop_reason::kept_pe;
        return h.reason != stop_reason::none;
    }
    bool goes_on(const watched_hook* h, std::uint64_t turn) const {
        const std::lock_guard lock(guard);
        return std::find(all.begin(), all.end(), h) != all.end() && h->turn == turn;
    }
    static std::string chare_of(const runtime::frame& f) {
        return "in " + runtime::element_text(*static_cast<const runtime::part*>(f.part),
                                             static_cast<const runtime::element_header*>(f.element)->index);
    }

    mutable std::mutex guard;
    std::vector<watched_hook*> all;
};

} // namespace motet::inline MOTET_VARIANT::script
