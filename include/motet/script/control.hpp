// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/call.hpp>
#include <motet/runtime/machine.hpp>
#include <motet/script/hook_watch.hpp>
#include <motet/script/log.hpp>
#include <motet/script/output.hpp>
#include <motet/script/python.hpp>
#include <motet/script/run_board.hpp>
#include <motet/script/thread.hpp>
#include <motet/serial/serial.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// What becomes of scripts from outside of the PEs, on a thread of its own in each process: scripts that run away are
/// stopped, and output is taken while they keep their PE.
///
/// 1. A script that runs in a chare is *watched* from its beginning to its end. It is to stop when a client asks for
///    it, when its time is up, and when the run ends.
/// 2. Python code is stopped by an exception that CPython raises at the next bytecode of its thread
///    (PyThreadState_SetAsyncExc): once, and again each second as long as the script goes on.
/// 3. A script that waits in a method of its chare, or for a future, is woken: what waits is unwound.
/// 4. Native code that does not come back to Python cannot be stopped; nor can a script that catches whatever is
///    raised. `whatever_runs` says where those are, in every process: each tells process 0 before it strikes, for
///    native code may keep Python's lock, and again when it knows more.
/// 5. Between processes these are notes (runtime/remote.hpp), which get through while all PEs of a process are busy
///    with scripts. So does output, at most `most_ahead` bytes that have not been acknowledged; what a script prints
///    faster than that waits for its end, and the oldest of it is dropped. In an embedded machine (a plain MPI program)
///    no thread but the script's own may call MPI: it exchanges notes between two of its bytecodes (Py_AddPendingCall).
/// 6. A hook is a script with many runs, all short: see hook_watch.hpp. Who interrupts it, or removes it while it does
///    not come to an end, ends the run that is under way, and those on PEs where it is installed only later: they may
///    be PE 0, which could not hear of it any more.
namespace motet::inline MOTET_VARIANT::script {

/// What processes note to each other about scripts.
struct script_note {
    enum kinds : std::uint8_t { interrupt, output, acknowledge, leave, place };
    std::uint8_t kind = interrupt;
    std::uint32_t process = 0; ///< the sender
    std::uint64_t run = 0;
    std::uint32_t handle = 0;
    std::uint64_t amount = 0; ///< bytes: dropped, or acknowledged
    std::string text;
};

class script_control final : public runtime::machine_state {
public:
    using clock = watched_script::clock;

    /// That of a machine; null when its run is over. Any thread.
    static script_control* find(runtime::machine& job) {
        std::call_once(job.script_control_made, [&] { job.script_control = std::make_unique<script_control>(job); });
        return static_cast<script_control*>(job.script_control.get());
    }
    /// While its run goes on.
    static script_control& of(runtime::machine& job) { return *find(job); }

    explicit script_control(runtime::machine& of_job) : job(of_job) {}
    ~script_control() override;

    /// With Python's lock. The script may be one that is to stop already.
    void begin(watched_script& s);
    void end(watched_script& s);
    /// The same for a hook that is installed on a PE, and one that is removed there.
    void begin(watched_hook& h);
    void end(watched_hook& h) { hooks.remove(h); }
    stop_reason why_stopped(const watched_hook& h) { return hooks.reason_of(h); }
    /// Ends a run of the desk wherever it runs, and does not let it begin where it has not. Of a hook: see hook_watch.
    void interrupt(std::uint64_t run);
    /// A hook is to be removed: a run of it that does not end by itself soon is ended.
    void let_leave(std::uint64_t run);
    /// The same for those of a client that is gone.
    void let_leave_all_of(std::uint64_t client);
    /// What runs. In process 0.
    std::vector<running_name> list();
    /// Where a run still is that was to stop, for people; empty: nowhere. In process 0.
    std::string whatever_runs(std::uint64_t run);

    static void take_note(runtime::machine& job, std::span<const std::byte> bytes);
    /// On its PE.
    static void cancel_wait(runtime::pe& p, std::uint64_t serial);

    run_board runs; ///< in process 0
    output_board output;
    std::unique_ptr<script_log> log; ///< of what comes from outside; in process 0, before PEs run

    /// Sends output ahead of the outcomes.
    void send_output();
    /// Whether a script of that run goes on in this process.
    bool runs_here(std::uint64_t run) {
        const std::lock_guard lock(guard);
        return std::any_of(running.begin(), running.end(), [&](const auto* s) { return s->run == run; });
    }
    /// For threads that scripts leave behind, with Python's lock: null when the run is over.
    std::weak_ptr<script_control> alive() {
        if (!lives) lives.reset(this, [](script_control*) {});
        return lives;
    }

private:
    static constexpr std::size_t most_ahead = std::size_t{64} << 10;
    static constexpr std::size_t most_remembered = 1000;
    /// Runs that are to stop, for PEs where they have not begun yet; the latest ones.
    class stopped_runs {
    public:
        void add(std::uint64_t run) {
            runs.push_back(run);
            if (runs.size() > most_remembered) runs.pop_front();
        }
        bool has(std::uint64_t run) const { return std::find(runs.begin(), runs.end(), run) != runs.end(); }

    private:
        std::deque<std::uint64_t> runs;
    };
    static constexpr std::size_t most_told = 3000; ///< bytes of a place
    static constexpr auto tick = std::chrono::milliseconds(20);

    std::string place_of(std::uint64_t run) const;
    void wake();
    void loop();
    void look(std::unique_lock<std::mutex>& lock);
    bool is_to_stop(watched_script& s, clock::time_point now);
    void strike(const std::vector<std::uint64_t>& which);
    watched_script* by_serial(std::uint64_t serial);
    void interrupt_here(std::uint64_t run);
    void let_leave_here(std::uint64_t run);
    void note_others(script_note::kinds kind, std::uint64_t run);
    void tell_place(std::uint64_t run);
    void note(std::uint32_t process, const script_note& what);

    runtime::machine& job;
    std::shared_ptr<script_control> lives;
    std::mutex guard;
    std::condition_variable changed;
    std::vector<watched_script*> running; ///< of one thread: the later one inside of the earlier one
    hook_watch hooks;
    stopped_runs interrupted;
    stopped_runs leaving; ///< of hooks
    std::uint64_t last_serial = 0;
    bool asleep = true; ///< until something is watched
    bool hurry = false;
    bool ending = false;
    std::atomic<bool> wants_python{false}; ///< the thread of this waits for Python's lock
    std::atomic<std::size_t> ahead{0};     ///< bytes of output that process 0 has not acknowledged
    std::thread thread;
};

#if MOTET_BODIES

/// Sends and takes notes of an embedded machine, between two bytecodes of the script that runs (stop.hpp).
inline int exchange_notes(void*);

MOTET_INLINE script_control::~script_control() {
    if (lives) {
        const gil lock; // no thread of a script is in here
        lives.reset();
    }
    {
        const std::lock_guard lock(guard);
        ending = true;
    }
    changed.notify_one();
    if (thread.joinable()) thread.join();
}

inline void script_control::begin(watched_script& s) {
    const std::lock_guard lock(guard);
    s.serial = ++last_serial;
    if (s.run != 0 && interrupted.has(s.run)) s.reason = stop_reason::asked;
    running.push_back(&s);
    wake();
}

inline void script_control::begin(watched_hook& h) {
    const std::lock_guard lock(guard);
    hooks.add(h, interrupted.has(h.run) ? stop_reason::asked
                 : leaving.has(h.run)   ? stop_reason::removed
                                        : stop_reason::none);
    wake();
}

inline void script_control::wake() {
    if (!thread.joinable()) thread = thread_beside([this] { loop(); });
    if (asleep) changed.notify_one();
}

inline void script_control::end(watched_script& s) {
    const std::lock_guard lock(guard);
    std::erase(running, &s);
    if (s.reason == stop_reason::asked) tell_place(s.run);
}

inline watched_script* script_control::by_serial(std::uint64_t serial) {
    const auto found = std::find_if(running.begin(), running.end(), [&](const auto* s) { return s->serial == serial; });
    return found == running.end() ? nullptr : *found;
}

inline void script_control::interrupt_here(std::uint64_t run) {
    {
        const std::lock_guard lock(guard);
        interrupted.add(run);
        for (watched_script* s : running) {
            if (s->run != run) continue;
            s->reason = stop_reason::asked;
            s->next_strike = {};
        }
        hooks.stop(run, stop_reason::asked);
        hurry = true;
    }
    changed.notify_one();
}

MOTET_INLINE void script_control::interrupt(std::uint64_t run) {
    interrupt_here(run);
    note_others(script_note::interrupt, run);
}

inline void script_control::let_leave_here(std::uint64_t run) {
    const std::lock_guard lock(guard);
    leaving.add(run);
    hooks.stop(run, stop_reason::removed);
}

inline void script_control::let_leave(std::uint64_t run) {
    let_leave_here(run);
    note_others(script_note::leave, run);
}

inline void script_control::let_leave_all_of(std::uint64_t client) {
    for (const std::uint64_t run : runs.hooks_of(client)) let_leave(run);
}

inline std::string script_control::whatever_runs(std::uint64_t run) {
    std::string here;
    {
        const std::lock_guard lock(guard);
        here = place_of(run);
    }
    const std::string elsewhere = runs.places_of(run);
    return here + (here.empty() || elsewhere.empty() ? "" : ", ") + elsewhere;
}

MOTET_INLINE std::vector<running_name> script_control::list() {
    return runs.list([this](std::uint64_t run) {
        const std::lock_guard lock(guard);
        return place_of(run);
    });
}

inline std::string script_control::place_of(std::uint64_t run) const {
    std::string text;
    for (const watched_script* s : running) {
        if (s->run != run) continue;
        text += (text.empty() ? "in " : ", in ") + *s->where + " on PE " + std::to_string(s->p->number);
        if (wants_python)
            text += ", while native code keeps Python's lock";
        else if (s->away)
            text += ", in a method of C++";
        else if (!s->place.empty())
            text += ", " + s->place + ", in native code or where it catches whatever is raised";
    }
    return text + hooks.place_of(run, wants_python);
}

inline void script_control::loop() {
    std::unique_lock lock(guard);
    for (int idle = 0; !ending;) {
        idle = running.empty() && hooks.empty() ? idle + 1 : 0;
        if (idle > 50) {
            asleep = true;
            changed.wait(lock, [this] { return ending || !running.empty() || !hooks.empty(); });
            asleep = false;
            continue;
        }
        asleep = false;
        hurry = false;
        look(lock);
        changed.wait_for(lock, tick, [this] { return ending || hurry; });
    }
}

inline bool script_control::is_to_stop(watched_script& s, clock::time_point now) {
    if (s.reason != stop_reason::none) return true;
    const auto since = [&](clock::time_point t) { return std::chrono::duration<double>(now - t).count(); };
    const double most_at_pe = s.run != 0 ? job.options.script_limit : 0;
    if (s.p->stopping.load(std::memory_order_relaxed))
        s.reason = stop_reason::run_ends;
    else if (s.limit > 0 && since(s.started) > s.limit)
        s.reason = stop_reason::too_long;
    else if (most_at_pe > 0 && !s.away && since(clock::time_point(clock::duration(s.pe_since))) > most_at_pe)
        s.reason = stop_reason::kept_pe;
    return s.reason != stop_reason::none;
}

/// With the lock, which is given back meanwhile.
inline void script_control::look(std::unique_lock<std::mutex>& lock) {
    const auto now = clock::now();
    std::vector<std::uint64_t> to_strike;
    for (watched_script* s : running) {
        if (!is_to_stop(*s, now) || now < s->next_strike) continue;
        s->next_strike = now + std::chrono::seconds(1);
        to_strike.push_back(s->serial);
        if (s->reason == stop_reason::asked) tell_place(s->run);
        if (s->on != nullptr && !job.sim && s->reason != stop_reason::run_ends)
            runtime::post_from_outside<&cancel_wait>(*s->p, s->serial);
    }
    const hook_watch::found of_hooks = hooks.look(now, job.options.script_limit);
    for (const std::uint64_t run : of_hooks.asked) tell_place(run);
    const bool busy = !running.empty() || of_hooks.keep_a_pe;
    lock.unlock();
    if (job.options.embedded) { // only the thread of the script may call MPI
        if (job.remote && busy) {
            wants_python = true;
            const gil python; // the script's thread looks for such calls when it takes the lock again (CPython 3.11)
            wants_python = false;
            Py_AddPendingCall(&exchange_notes, nullptr);
        }
    } else {
        if (job.remote && busy) job.remote->take_notes();
        send_output();
    }
    if (!to_strike.empty() || of_hooks.to_strike) strike(to_strike);
    lock.lock();
}

inline void script_control::strike(const std::vector<std::uint64_t>& which) {
    wants_python = true;
    const gil python;
    wants_python = false;
    hooks.strike();
    for (const std::uint64_t serial : which) {
        unsigned long seen = 0;
        {
            const std::lock_guard lock(guard);
            watched_script* const s = by_serial(serial);
            if (s == nullptr || s->away) continue;
            const auto last = std::find_if(running.rbegin(), running.rend(),
                                           [&](const watched_script* o) { return o->thread == s->thread; });
            if (*last != s) continue; // what it has called is not to stop for it
            if (s->strikes++ > 0) seen = s->thread;
            raise_in(s->thread, s->reason);
        }
        if (seen == 0) continue;
        std::string place = line_of(seen);
        const std::lock_guard lock(guard);
        watched_script* const s = by_serial(serial);
        if (s == nullptr) continue;
        s->place = std::move(place);
        if (s->reason == stop_reason::asked) tell_place(s->run);
    }
}

inline void script_control::cancel_wait(runtime::pe& p, std::uint64_t serial) {
    script_control& own = of(p.job);
    runtime::guest* on = nullptr;
    {
        const std::lock_guard lock(own.guard);
        if (const watched_script* const s = own.by_serial(serial)) on = s->on;
    }
    if (on != nullptr && !on->finished && on->waiting != nullptr) runtime::cancel(p, *on->waiting);
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::script
