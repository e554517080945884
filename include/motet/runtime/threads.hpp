// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/fiber/overflow_guard.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/runtime/quiescence.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <system_error>
#include <thread>
#include <vector>

/// The driver that runs each PE on a thread of its own.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

inline void relax_cpu() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    asm volatile("yield");
#endif
}

/// A clock that costs little to read, and a good moment in its units: about 20 microseconds.
#if defined(__x86_64__)
inline std::uint64_t ticks() { return __builtin_ia32_rdtsc(); }
inline constexpr std::uint64_t ticks_per_turn = 50'000;
#else
inline std::uint64_t ticks() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}
inline constexpr std::uint64_t ticks_per_turn = 20'000;
#endif

/// While it lives, sleeps of this thread are as short as they say: Linux adds 50 microseconds to most.
class exact_sleeps {
public:
    explicit exact_sleeps(bool wanted) : before(wanted ? prctl(PR_GET_TIMERSLACK) : -1) { set(before > 0 ? 1 : -1); }
    exact_sleeps(const exact_sleeps&) = delete;
    exact_sleeps& operator=(const exact_sleeps&) = delete;
    ~exact_sleeps() { set(before); }

private:
    static void set(int nanoseconds) {
        if (nanoseconds > 0) prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(nanoseconds));
    }
    int before;
};

/// A PE on the thread that made this.
class threaded_pe {
public:
    /// `local`: which PE of this process.
    threaded_pe(machine& job, std::uint32_t local) : fibers(job.options.stack, &loop, this), self(*job.pes[local]) {
        self.fibers = &fibers;
        yields = !job.options.core_each;
        if (!yields || job.remote != nullptr) spin = job.options.spin_us * 1e-6;
    }

    /// Runs the PE until the run ends, on the calling thread.
    void run() {
        fibers.prepare(); // throws while this thread is no PE's yet
        self.enter();
        const exact_sleeps while_it_naps(self.job.remote != nullptr);
        {
            const fiber::overflow_guard guard(&running_fiber, &pe::describe_running);
            fibers.run();
        }
        pe::current_slot() = nullptr;
    }

private:
    static constexpr int step = 8;                 ///< handlers between two looks at the clock, at most
    static constexpr int longest_turn = 32;        ///< handlers between two exchanges with other PEs of the process
    static constexpr int longest_turn_far = 64;    ///< and with other processes
    static constexpr int looks_in_a_hurry = 256;   ///< into the inbox, before the processor is given pauses
    static constexpr int longest_for_large = 1000; ///< times the usual that it looks while large data is on its way

    static void loop(void* pointer) {
        threaded_pe& own = *static_cast<threaded_pe*>(pointer);
        pe& p = own.self;
        while (!p.stopping.load(std::memory_order_relaxed)) {
            if (!p.attention && p.queue.empty()) {
                own.look_around();
                continue;
            }
            if (--p.budget < 0) [[unlikely]]
                own.look_up();
            if (p.attention && p.attend()) continue;
            if (!p.queue.empty()) p.dispatch(p.queue.pop());
        }
        p.unwind_parked();
    }
    /// What a busy PE does from time to time: sends, and takes, what others wait for. Every 32 handlers, or after every
    /// one where they compute for long: after one that did it looks at the clock again after 1, 2, 4 and then 8 more.
    /// The first message that waits to be sent brings it on.
    void look_up() {
        const auto time = ticks();
        const bool slow = time - looked_up > ticks_per_turn;
        looked_up = time;
        const int handled = pace;
        pace = slow ? 1 : std::min(2 * pace, step);
        self.budget = pace - 1;
        if (self.nothing_to_exchange()) return;
        turn += handled;
        if (!slow && turn < exchanged + longest_turn) return;
        exchanged = turn;
        self.flush_near();
        if (slow || turn >= longest_turn_far) {
            turn = exchanged = 0;
            if (self.job.remote) self.job.remote->flush(self), self.job.remote->poll(self);
        }
        self.take_inbox();
        self.take_timers();
    }
    void look_around() {
        pe& p = self;
        p.flush();
        turn = exchanged = 0;
        p.take_timers();
        remote_port* const others = p.job.remote.get();
        if (others != nullptr) others->poll(p);
        if (p.take_inbox() || !p.nothing_queued()) return found_work();
        if (spin > 0 && nap == 0) { // between naps that found nothing, others may need the core
            double begin = 0;
            double end = 0; // what answers at once is not worth a look at the clock
            for (int i = 1;; ++i) {
                if (!p.incoming.empty()) {
                    p.take_inbox();
                    return found_work();
                }
                if (others != nullptr) {
                    if ((i % looks_in_a_hurry == 0 ? others->poll(p) : others->glance(p)) && !p.nothing_queued())
                        return found_work();
                    if (yields) sched_yield(); // what it waits for may need this core
                } else if (i > looks_in_a_hurry) {
                    relax_cpu();
                }
                if (i % 64 == 0 || yields) {
                    const double now = p.now();
                    if (end == 0) begin = now, end = now + spin;
                    // large data may move only while somebody looks, and an answer may follow at once
                    if (others != nullptr && others->carries() && now < begin + longest_for_large * spin)
                        end = now + spin;
                    if (now > end || p.stopping.load(std::memory_order_relaxed)) break;
                    if (const double timer = p.next_timer(); timer == 0) return;
                    if (p.watch && wants_wave(now)) break;
                }
            }
        }
        double limit = p.next_timer();
        if (p.watch) {
            const double wave = consider_wave(p);
            if (wave == 0 || !p.nothing_queued()) return;
            if (wave > 0) limit = limit < 0 ? wave : std::min(limit, wave);
        }
        p.flush();
        if (others != nullptr) { // nobody wakes this PE when something comes from there
            nap = std::clamp(1.25 * nap, 10e-6, 1e-3);
            limit = limit < 0 ? nap : std::min(limit, nap);
        }
        p.incoming.sleep(limit, p.stopping);
    }
    void found_work() { nap = 0; }
    /// Somebody waits for the outcome of a wave: no need to spin first.
    bool wants_wave(double now) const {
        const quiescence_watch& watch = *self.watch;
        return !watch.running && now >= watch.next && (watch.main_returned || !watch.wanted.empty());
    }
    static fiber::fiber* running_fiber() {
        pe* p = pe::current_slot();
        return p != nullptr && p->fibers != nullptr ? p->fibers->current() : nullptr;
    }

    scheduler fibers;
    pe& self;
    double spin = 0;     ///< seconds that it looks for messages before it sleeps
    bool yields = false; ///< other processes' PEs need the core meanwhile
    double nap = 0;      ///< seconds that it slept at last, where it has to look itself
    int pace = step;     ///< handlers from one look at the clock to the next
    int turn = 0;        ///< handlers since the last exchange with other processes
    int exchanged = 0;   ///< so many were they when others of this process were served
    std::uint64_t looked_up = 0;
};

inline void run_on_threads(machine& job) {
    const auto work = [&job](std::uint32_t local) {
        try {
            threaded_pe(job, local).run();
        } catch (const std::exception& problem) { // no stack for its first fiber
            job.fail("PE " + std::to_string(job.pes[local]->number) + " cannot run: " + problem.what());
        }
    };
    const std::uint32_t count = job.options.pes;
    std::vector<std::thread> threads;
    threads.reserve(count);
    try {
        for (std::uint32_t local = 1; local < count; ++local) threads.emplace_back(work, local);
    } catch (const std::system_error& problem) {
        job.fail("thread " + std::to_string(threads.size() + 2) + " of " + std::to_string(count) +
                 " cannot be started: " + problem.what() + " (--motet-pes)");
    }
    work(0);
    for (std::thread& t : threads) t.join();
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
