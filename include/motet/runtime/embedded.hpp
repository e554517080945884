// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/call.hpp>
#include <motet/runtime/launch.hpp>
#include <motet/runtime/pe.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <sched.h>
#include <string>
#include <utility>
#include <vector>

/// A machine inside a program that has a main of its own, and perhaps knows nothing of chares.
///
/// 1. It has one PE in each process. The PE runs only while the program calls `run`, on the thread that calls; between
///    two calls everything stays as it is. No other thread ever calls MPI: a program that was initialized with
///    MPI_THREAD_SINGLE may have one.
/// 2. All processes call `run` together. Process 0 says when it is enough; the word goes down the tree of PEs.
/// 3. There is no main that could return, so nothing looks for quiescence.
namespace motet::inline MOTET_VARIANT::runtime {

class embedded_machine {
public:
    /// Collective over the processes of `chosen.within`. Throws `error` on all of them if something is wrong with one.
    embedded_machine(options chosen, std::vector<std::string> arguments, std::unique_ptr<pe_state> (*equip)(pe&));
    embedded_machine(const embedded_machine&) = delete;
    embedded_machine& operator=(const embedded_machine&) = delete;
    /// Collective.
    ~embedded_machine();

    /// Runs the PEs until `enough` holds on process 0, which is asked when its PE has nothing to do. Collective. False
    /// if the run has ended with an error, which is told in job.failure.
    bool run(const std::function<bool(pe&)>& enough);
    pe& here() { return *job->pes[0]; }

private:
    static void loop(void* self);
    void look_around();

    const std::function<bool(pe&)>* enough_now = nullptr;
    std::unique_ptr<machine> job;
    std::unique_ptr<scheduler> fibers;
    double nap = 0;
};

#if MOTET_BODIES

/// Step 2.
inline void pause_embedded(pe& p) {
    const tree all(p, 0);
    all.for_each_child(p.number, [&](pe_number child) { post_uncounted<&pause_embedded>(p, child); });
    p.paused = true;
}

MOTET_INLINE embedded_machine::embedded_machine(options chosen, std::vector<std::string> arguments,
                                                std::unique_ptr<pe_state> (*equip)(pe&)) {
    if (pe::current_slot() != nullptr) throw error("this belongs outside of motet::run");
    registry::instance().seal();
    chosen.pes = 1;
    chosen.embedded = true;
    auto others = connect(chosen);
    const std::size_t stack = chosen.stack;
    job = std::make_unique<machine>(std::move(chosen), std::move(arguments), std::move(others));
    job->listening = true;
    here().state = equip(here());
    if (here().watch) here().watch->running = true; // step 3
    fibers = std::make_unique<scheduler>(stack, &loop, this);
    here().fibers = fibers.get();
}

MOTET_INLINE embedded_machine::~embedded_machine() {
    if (job->remote) job->remote->finish();
}

MOTET_INLINE bool embedded_machine::run(const std::function<bool(pe&)>& enough) {
    pe& p = here();
    enough_now = &enough;
    p.paused = false;
    fibers->prepare(); // throws while this thread is no PE's yet
    p.enter();
    fibers->run();
    pe::current_slot() = nullptr;
    p.flush();
    return !p.stopping;
}

MOTET_INLINE void embedded_machine::loop(void* pointer) {
    auto& self = *static_cast<embedded_machine*>(pointer);
    pe& p = self.here();
    while (!p.paused && !p.stopping) {
        if (p.attention && p.attend()) continue;
        if (p.queue.empty())
            self.look_around();
        else
            p.dispatch(p.queue.pop());
    }
}

MOTET_INLINE void embedded_machine::look_around() {
    pe& p = here();
    p.flush();
    p.take_timers();
    if (job->remote) job->remote->poll(p);
    if (p.take_inbox() || !p.nothing_queued()) {
        nap = 0;
        return;
    }
    if (p.number == 0 && (*enough_now)(p)) return pause_embedded(p);
    // Nobody wakes this PE when something comes from another process.
    nap = std::clamp(1.25 * nap, 1e-6, 1e-3);
    if (nap > 20e-6)
        p.incoming.sleep(nap, p.stopping);
    else
        sched_yield();
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
