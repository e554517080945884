// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdio>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

#include <motet/fiber/overflow_guard.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/runtime/quiescence.hpp>

/// The driver that runs each PE on a thread of its own.
namespace motet::inline MOTET_VARIANT::runtime {

inline void relax_cpu() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    asm volatile("yield");
#endif
}

class threaded_pe {
public:
    threaded_pe(machine& job, pe_number number) : fibers(job.options.stack, &loop, this), self(*job.pes[number]) {
        self.fibers = &fibers;
        const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
        spin = job.pe_total() <= cores ? job.options.spin_us * 1e-6 : 0;
    }

    /// Runs the PE until the run ends, on the calling thread.
    void run() {
        self.enter();
        {
            const fiber::overflow_guard guard(&running_fiber, &describe_running);
            fibers.run();
        }
        pe::current_slot() = nullptr;
    }

private:
    static constexpr int turn = 32; ///< handlers between two looks at the inbox

    static void loop(void* pointer) {
        threaded_pe& own = *static_cast<threaded_pe*>(pointer);
        pe& p = own.self;
        while (!p.stopping.load(std::memory_order_relaxed)) {
            if (p.attention && p.attend()) continue;
            if (p.queue.empty()) {
                own.look_around();
                continue;
            }
            if (--own.budget < 0) {
                own.budget = turn;
                p.flush();
                p.take_inbox();
                p.take_timers();
            }
            p.dispatch(p.queue.pop());
        }
        p.unwind_parked();
    }
    void look_around() {
        pe& p = self;
        p.flush();
        p.take_timers();
        if (p.take_inbox() || !p.nothing_queued()) return;
        if (spin > 0) {
            const double end = p.now() + spin;
            for (int i = 1;; ++i) {
                if (!p.incoming.empty()) return;
                relax_cpu();
                if (i % 64 == 0) {
                    const double now = p.now();
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
        p.incoming.sleep(limit, p.stopping);
    }
    /// Somebody waits for the outcome of a wave: no need to spin first.
    bool wants_wave(double now) const {
        const quiescence_watch& watch = *self.watch;
        return !watch.running && now >= watch.next && (watch.main_returned || !watch.wanted.empty());
    }
    static fiber::fiber* running_fiber() {
        pe* p = pe::current_slot();
        return p != nullptr && p->fibers != nullptr ? p->fibers->current() : nullptr;
    }
    static void describe_running(char* buffer, std::size_t size) {
        pe* p = pe::current_slot();
        const std::string place =
            p != nullptr && p->current_frame != nullptr ? p->state->place(*p, *p->current_frame) : "the scheduler";
        std::snprintf(buffer, size, "%s", place.c_str());
    }

    scheduler fibers;
    pe& self;
    double spin = 0;
    int budget = turn;
};

inline void run_on_threads(machine& job) {
    std::vector<std::unique_ptr<threaded_pe>> drivers(job.pe_total());
    std::vector<std::thread> threads;
    for (pe_number i = 1; i < job.pe_total(); ++i)
        threads.emplace_back([&job, &drivers, i] {
            drivers[i] = std::make_unique<threaded_pe>(job, i);
            drivers[i]->run();
        });
    drivers[0] = std::make_unique<threaded_pe>(job, 0);
    drivers[0]->run();
    for (std::thread& t : threads) t.join();
}

} // namespace motet::inline MOTET_VARIANT::runtime
