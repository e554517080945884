// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/pe.hpp>
#if MOTET_BODIES
#include <motet/runtime/launcher.hpp>
#ifdef MOTET_WITH_MPI
#include <motet/runtime/mpi_start.hpp>
#endif
#include <motet/runtime/simulator.hpp>
#include <motet/runtime/threads.hpp>
#endif

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

/// What a run calls as its main. Without the type of the function object: two source files may have lambdas of one
/// name.
struct main_body {
    void* object;
    int (*call)(void* object);

    /// Calls `body`, which outlives the run.
    template <class Body>
    static main_body of(Body& body) {
        return {const_cast<std::remove_const_t<Body>*>(&body), &invoke<Body>};
    }

private:
    template <class Body>
    static int invoke(void* object) {
        auto& body = *static_cast<Body*>(object);
        if constexpr (std::is_convertible_v<std::invoke_result_t<Body&>, int>) {
            return body();
        } else {
            body();
            return 0;
        }
    }
};

/// Runs `main` on PE 0. `equip` gives each PE its state.
/// Returns the exit code; throws `error` for what ended the run.
MOTET_INLINE int run_job(options chosen, std::vector<std::string> arguments, main_body main,
                         std::unique_ptr<pe_state> (*equip)(pe&));

/// The same for a `body`, which outlives the run.
template <class Body>
int launch(options chosen, std::vector<std::string> arguments, Body& body, std::unique_ptr<pe_state> (*equip)(pe&)) {
    return run_job(std::move(chosen), std::move(arguments), main_body::of(body), equip);
}

#if MOTET_BODIES

MOTET_INLINE machine::machine(runtime::options chosen, std::vector<std::string> rest,
                              std::unique_ptr<remote_port> other)
    : options(std::move(chosen)), arguments(std::move(rest)), remote(std::move(other)) {
    const std::uint32_t here = options.simulated ? options.processes : 1;
    const std::uint32_t first = remote ? remote->process_number() : 0;
    all_processes = remote ? remote->process_count() : here;
    all_pes = all_processes * options.pes;
    pe_number next = first * options.pes;
    for (std::uint32_t i = 0; i < here; ++i) {
        processes.push_back(std::make_unique<process>());
        process& own = *processes.back();
        own.number = first + i;
        own.first_pe = next;
        own.pe_count = options.pes;
        if (!options.trace.empty()) own.blocks.lead = sizeof(stamp);
        for (std::uint32_t k = 0; k < options.pes; ++k) pes.push_back(std::make_unique<pe>(*this, own, next++));
    }
    if (pes[0]->number == 0) pes[0]->watch = std::make_unique<quiescence_watch>();
    if (options.simulated) sim = std::make_unique<simulator>(*this);
    if (remote) remote->attach(*this);
}

MOTET_INLINE pe::pe(machine& owner, process& within, pe_number global_number)
    : number(global_number), home(within), job(owner), blocks(within.blocks),
      outboxes(owner.options.simulated ? 0 : within.pe_count) {}
MOTET_INLINE pe::~pe() = default;

MOTET_INLINE machine::~machine() {
    for (auto& p : pes)
        if (p->state) p->state->clear(*p);
    for (auto& p : pes) p->flush();
    for (auto& p : pes) p->drain();
    remote.reset();
    sim.reset();
    for (auto& p : pes) p->state.reset();
}

MOTET_INLINE bool machine::stop_here(int code, const std::string& why) {
    {
        const std::lock_guard lock(ending);
        if (stopped) return false;
        stopped = true;
        exit_code = code;
        if (!why.empty() && failure.empty()) {
            failure = why;
            failed_elsewhere = true;
        }
    }
    for (auto& p : pes) {
        p->stopping.store(true, std::memory_order_seq_cst);
        p->incoming.wake();
    }
    return true;
}

MOTET_INLINE void machine::stop(int code) {
    if (stop_here(code) && remote) remote->stop_others({code, rested}, failure);
}

MOTET_INLINE void machine::fail(std::string what) {
    {
        const std::lock_guard lock(ending);
        if (stopped || !failure.empty()) return;
        failure = std::move(what);
    }
    stop(1);
}

#ifndef MOTET_WITH_MPI
/// The way to the other processes of the job: there are none. Settles the number of PEs.
inline std::unique_ptr<remote_port> connect(options& chosen) {
    refuse_copies(chosen, "it is built without MPI (link it to motet::mpi)");
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    if (chosen.pes == 0) chosen.pes = cores;
    chosen.core_each = chosen.pes <= cores;
    return nullptr;
}
#endif

/// The program's main, as the first message of a run.
inline void run_main(pe& p, const main_body* body) {
    if (p.job.options.script_wait) machine::await_client(p);
    const int code = body->call(body->object);
    p.watch->main_returned = true;
    p.watch->next = 0;
    p.watch->pause = 0;
    p.job.main_code = code;
}

MOTET_INLINE int run_job(options chosen, std::vector<std::string> arguments, main_body main,
                         std::unique_ptr<pe_state> (*equip)(pe&)) {
    if (pe::current_slot() != nullptr)
        throw error("motet::run is called inside of a run: one after the other, or each on a thread of its own");
    registry::instance().seal();
    auto others = chosen.simulated ? nullptr : connect(chosen);
    machine job(std::move(chosen), std::move(arguments), std::move(others));
    for (auto& p : job.pes) p->state = equip(*p);
    std::unique_ptr<account> kept;
    if (job.options.stats || !job.options.trace.empty()) {
        if (machine::keep_account == nullptr) throw error("--motet-trace and --motet-stats: include <motet/motet.hpp>");
        kept = machine::keep_account(job);
    }
    if (!job.options.restart.empty()) {
        if (machine::restart == nullptr) throw error("--motet-restart: include <motet/motet.hpp>");
        machine::restart(job, job.options.restart);
    } else if (pe& first = *job.pes[0]; first.number == 0) {
        first.send(0, call<&run_main>::make(first, &main));
    }
    std::unique_ptr<machine_state> listener;
    if (job.options.script || !job.options.script_run.empty()) {
        if (machine::listen == nullptr)
            throw error("--motet-script: this program takes no scripts (it is built without <motet/script.hpp>)");
        if (job.sim && job.options.script) throw error("--motet-script: a simulated program has no clients");
        job.listening = job.options.script;
        listener = machine::listen(job);
    }
    if (job.sim)
        job.sim->run();
    else
        run_on_threads(job);
    listener.reset();
    job.script_control.reset();
    if (job.remote) job.remote->finish();
    if (kept) kept->write(job);
    if (job.failed_elsewhere) throw told_elsewhere(job.failure);
    if (!job.failure.empty()) throw error(job.failure);
    if (!job.rested) { // it was motet::exit, or nothing is held
        std::vector<std::string> held;
        for (auto& p : job.pes) p->state->list_held(*p, held, true);
        if (!held.empty()) job.warnings.push_back(still_held(held));
    }
    for (const std::string& warning : job.warnings) std::fprintf(stderr, "motet: warning: %s\n", warning.c_str());
    if (const auto dropped = job.erased_tells.load(); dropped > 0)
        std::fprintf(stderr, "motet: warning: %s to erased elements dropped\n",
                     dropped == 1 ? "1 message" : (std::to_string(dropped) + " messages").c_str());
    if (job.sim && job.options.table) std::fputs(job.sim->table().c_str(), stderr);
    return job.exit_code;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
