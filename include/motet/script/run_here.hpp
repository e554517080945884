// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/atomic.hpp>
#include <motet/script/results.hpp>
#include <motet/script/script_thread.hpp>
#include <motet/script/stubs.hpp>

#if MOTET_BODIES

#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

/// On which stack scripts run.
///
/// A script that never waits runs on the PE's thread, on that thread's own stack: Python's recursion limit counts
/// calls, not bytes, and fibers may have small stacks. One that may wait cannot be a fiber there: CPython keeps its
/// state by thread (before 3.12, PyGILState_Ensure, which NumPy and ctypes call, even picks the first that a thread
/// ever had). It gets a thread for itself, and the PE is lent to it (runtime/guest.hpp):
///
/// 1. The script's frame lends the PE to the thread. The methods that the script calls run there at once.
/// 2. When one waits, Python's lock has been given back before, and the PE goes back to its own thread, where the
///    script's frame parks until the script has ended.
/// 3. When what the method waits for is there, the PE is lent again. Python's lock is asked for only with the PE
///    in hand.
/// 4. If the run ends meanwhile, the waits end by fiber::unwind, which scripts see as SystemExit; the script's frame
///    waits for the script's end before it is unwound itself.
namespace motet::inline MOTET_VARIANT::script {

struct script_errand {
    runtime::pe& p;
    runtime::part& c;
    runtime::element_header& e;
    const script_job& job;
    script_outcome outcome;

    /// `on_its_own`: on a thread that a PE is lent to.
    void run(bool on_its_own = false) noexcept {
        try {
            const gil lock;
            std::optional<thread_of_script> ends;
            if (on_its_own) ends.emplace();
            outcome = job.deed.empty() ? run_request(p, c, e, job) : run_deed(p, c, e, job);
        } catch (const std::exception& problem) { // Python does not start
            outcome.error_type = "SystemError";
            outcome.error = problem.what();
        }
    }
};

inline void run_as_guest(script_errand& what, runtime::pe& p) {
    auto thread = script_threads::of(p).take();
    runtime::guest& guest = thread->baton;
    runtime::waiter ended;
    ended.describe = [](runtime::waiter&) { return std::string("for a script to end"); };
    thread->give(p, [&what] { what.run(true); });
    p.lend(guest);
    std::exception_ptr unwound;
    if (!guest.finished) {
        thread->ended = &ended;
        try {
            p.park(ended);
        } catch (...) {
            unwound = std::current_exception();
            thread->ended = nullptr;
        }
    }
    while (!guest.finished) { // step 4
        guest.waiting->cancelled = true;
        p.lend(guest);
    }
    if (guest.abandoned)
        static_cast<void>(thread.release()); // it never ends
    else
        script_threads::of(p).give_back(std::move(thread), p);
    if (unwound) std::rethrow_exception(unwound);
}

MOTET_INLINE script_outcome run_here(runtime::pe& p, runtime::part& c, runtime::element_header& e, runtime::frame& f,
                                     const script_job& job) {
    pe_scripting::of(p).learn(job.names);
    if (job.deed == "call") return call_for_script(p, c, e, job);
    script_errand what{p, c, e, job, {}};
    if (p.job.options.embedded) {
        // What the script calls may do MPI's collective operations: the other processes need what waits to be sent to
        // them. Methods do not wait there, so every script runs on the program's own thread, which alone may call MPI.
        p.flush();
        f.may_wait = false;
        p.fibers->call_on_thread([](void* pointer) { static_cast<script_errand*>(pointer)->run(); }, &what);
    } else if (job.request.atomic) {
        f.may_wait = false;
        return run_atomically(p, c, e, job.request.transaction, [&] {
            p.fibers->call_on_thread([](void* pointer) { static_cast<script_errand*>(pointer)->run(); }, &what);
            return std::move(what.outcome);
        });
    } else if (job.request.high_level) {
        try {
            run_as_guest(what, p);
        } catch (const std::system_error& problem) {
            what.outcome.error_type = "SystemError";
            what.outcome.error = std::string("no thread can be started for the script: ") + problem.what();
        }
    } else {
        f.may_wait = false;
        p.fibers->call_on_thread([](void* pointer) { static_cast<script_errand*>(pointer)->run(); }, &what);
    }
    return std::move(what.outcome);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
