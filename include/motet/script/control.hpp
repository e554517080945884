// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/frame.hpp>
#include <motet/runtime/call.hpp>
#include <motet/runtime/machine.hpp>
#include <motet/script/log.hpp>
#include <motet/script/output.hpp>
#include <motet/script/python.hpp>
#include <motet/script/request.hpp>
#include <motet/script/thread.hpp>
#include <motet/serial/serial.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
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
///    raised. `whatever_runs` says where those are.
/// 5. Between processes these are notes (runtime/remote.hpp), which get through while all PEs of a process are busy
///    with scripts. So does output, at most `most_ahead` bytes that have not been acknowledged; what a script prints
///    faster than that waits for its end, and the oldest of it is dropped. In an embedded machine (a plain MPI program)
///    no thread but the script's own may call MPI: it exchanges notes between two of its bytecodes (Py_AddPendingCall).
namespace motet::inline MOTET_VARIANT::script {

enum class stop_reason : std::uint8_t {
    none,
    asked,    ///< by a client
    kept_pe,  ///< for longer than --motet-script-limit
    too_long, ///< for its own limit
    run_ends
};

/// A script in a chare. Stands on the stack of whoever runs it.
struct watched_script {
    using clock = std::chrono::steady_clock;

    std::uint64_t serial = 0; ///< its name in this process
    std::uint64_t run = 0;    ///< script_request::run
    unsigned long thread = 0; ///< as Python numbers them
    runtime::pe* p = nullptr;
    runtime::guest* on = nullptr; ///< the thread that its PE is lent to; null: it runs on the PE's own and cannot wait
    const std::string* where = nullptr; ///< the chare
    double limit = 0;                   ///< seconds, waits included; 0: none
    clock::time_point started = clock::now();
    std::atomic<clock::rep> pe_since = started.time_since_epoch().count(); ///< it has kept its PE
    std::atomic<bool> away = false; ///< C++ of the program runs for it, or it waits
    std::atomic<stop_reason> reason = stop_reason::none;

    int strikes = 0; ///< of step 2
    clock::time_point next_strike;
    std::string place; ///< the line of Python where it still was when it was to stop
};

/// What processes note to each other about scripts.
struct script_note {
    enum kinds : std::uint8_t { interrupt, output, acknowledge };
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
    /// Ends a run of the desk wherever it runs, and does not let it begin where it has not.
    void interrupt(std::uint64_t run);
    /// The desk says which run of a handle begins, in what and for whom, and that it has ended.
    void note_run(std::uint32_t handle, std::uint64_t run, std::string name, std::string client) {
        const std::lock_guard lock(guard);
        runs[handle] = {run, std::move(name), std::move(client), clock::now()};
    }
    void note_end(std::uint32_t handle) {
        const std::lock_guard lock(guard);
        runs.erase(handle);
    }
    /// The run of a handle that goes on; 0: none. In process 0.
    std::uint64_t run_of(std::uint32_t handle) {
        const std::lock_guard lock(guard);
        const auto found = runs.find(handle);
        return found == runs.end() ? 0 : found->second.run;
    }
    /// What runs. In process 0.
    std::vector<running_name> list();
    /// Where a run still is in this process, for people; empty: nowhere.
    std::string whatever_runs(std::uint64_t run);

    static void take_note(runtime::machine& job, std::span<const std::byte> bytes);
    /// On its PE.
    static void cancel_wait(runtime::pe& p, std::uint64_t serial);

    output_board output;
    std::unique_ptr<script_log> log; ///< of what comes from outside; in process 0, before PEs run

    /// Sends output ahead of the outcomes.
    void send_output();

private:
    static constexpr std::size_t most_ahead = std::size_t{64} << 10;
    static constexpr std::size_t most_interrupted = 1000;
    static constexpr auto tick = std::chrono::milliseconds(20);

    struct run_record {
        std::uint64_t run = 0;
        std::string name;
        std::string client;
        clock::time_point since;
    };

    std::string place_of(std::uint64_t run) const;
    void loop();
    void look(std::unique_lock<std::mutex>& lock);
    bool is_to_stop(watched_script& s, clock::time_point now);
    void strike(const std::vector<std::uint64_t>& which);
    watched_script* by_serial(std::uint64_t serial);
    void interrupt_here(std::uint64_t run);
    void note(std::uint32_t process, const script_note& what);

    runtime::machine& job;
    std::mutex guard;
    std::condition_variable changed;
    std::vector<watched_script*> running; ///< of one thread: the later one inside of the earlier one
    std::deque<std::uint64_t> interrupted;
    std::map<std::uint32_t, run_record> runs; ///< by handle
    std::uint64_t last_serial = 0;
    bool asleep = true; ///< until something is watched
    bool hurry = false;
    bool ending = false;
    std::atomic<bool> wants_python{false}; ///< the thread of this waits for Python's lock
    std::atomic<std::size_t> ahead{0};     ///< bytes of output that process 0 has not acknowledged
    std::thread thread;
};

#if MOTET_BODIES

/// Raises in a thread what a script that is to stop shall see. With Python's lock (stop.hpp).
inline void raise_in(unsigned long thread, stop_reason why);
/// Sends and takes notes of an embedded machine, between two bytecodes of the script that runs (stop.hpp).
inline int exchange_notes(void*);
/// The line of Python that a thread is in. With Python's lock (stop.hpp).
inline std::string line_of(unsigned long thread);

inline script_control::~script_control() {
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
    if (s.run != 0 && std::find(interrupted.begin(), interrupted.end(), s.run) != interrupted.end())
        s.reason = stop_reason::asked;
    running.push_back(&s);
    if (!thread.joinable()) thread = thread_beside([this] { loop(); });
    if (asleep) changed.notify_one();
}

inline void script_control::end(watched_script& s) {
    const std::lock_guard lock(guard);
    std::erase(running, &s);
}

inline watched_script* script_control::by_serial(std::uint64_t serial) {
    const auto found = std::find_if(running.begin(), running.end(), [&](const auto* s) { return s->serial == serial; });
    return found == running.end() ? nullptr : *found;
}

inline void script_control::interrupt_here(std::uint64_t run) {
    {
        const std::lock_guard lock(guard);
        interrupted.push_back(run);
        if (interrupted.size() > most_interrupted) interrupted.pop_front();
        for (watched_script* s : running) {
            if (s->run != run) continue;
            s->reason = stop_reason::asked;
            s->next_strike = {};
        }
        hurry = true;
    }
    changed.notify_one();
}

inline void script_control::interrupt(std::uint64_t run) {
    interrupt_here(run);
    if (!job.remote) return;
    script_note what;
    what.run = run;
    for (std::uint32_t q = 0; q < job.process_total(); ++q)
        if (q != job.remote->process_number()) note(q, what);
}

inline std::string script_control::whatever_runs(std::uint64_t run) {
    const std::lock_guard lock(guard);
    return place_of(run);
}

inline std::vector<running_name> script_control::list() {
    const std::lock_guard lock(guard);
    std::vector<running_name> all;
    for (const auto& [handle, r] : runs)
        all.push_back(
            {handle, r.name, r.client, std::chrono::duration<double>(clock::now() - r.since).count(), place_of(r.run)});
    return all;
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
    return text;
}

inline void script_control::loop() {
    std::unique_lock lock(guard);
    for (int idle = 0; !ending;) {
        idle = running.empty() ? idle + 1 : 0;
        if (idle > 50) {
            asleep = true;
            changed.wait(lock, [this] { return ending || !running.empty(); });
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
        if (s->on != nullptr && !job.sim && s->reason != stop_reason::run_ends)
            runtime::post_from_outside<&cancel_wait>(*s->p, s->serial);
    }
    const bool busy = !running.empty();
    lock.unlock();
    if (job.embedded) { // only the thread of the script may call MPI
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
    if (!to_strike.empty()) strike(to_strike);
    lock.lock();
}

inline void script_control::strike(const std::vector<std::uint64_t>& which) {
    wants_python = true;
    const gil python;
    wants_python = false;
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
        if (watched_script* const s = by_serial(serial)) s->place = std::move(place);
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

inline void script_control::note(std::uint32_t process, const script_note& what) {
    job.remote->note(process, serial::encode(what).bytes());
}

inline void script_control::send_output() {
    // Where nobody listens the run could be taken for one at rest while this is on its way: it goes with the outcome.
    if (!job.remote || !job.listening || job.remote->process_number() == 0) return;
    const std::size_t sent = ahead;
    if (sent >= most_ahead) return;
    output.send_ahead(most_ahead - sent, [&](std::uint32_t handle, const std::string& text, std::uint64_t dropped) {
        ahead += text.size();
        script_note what;
        what.kind = script_note::output;
        what.process = job.remote->process_number();
        what.handle = handle;
        what.amount = dropped;
        what.text = text;
        note(0, what);
    });
}

inline void script_control::take_note(runtime::machine& job, std::span<const std::byte> bytes) {
    script_control* const own = find(job);
    if (own == nullptr) return;
    script_note what;
    serial::decode_into(bytes, what);
    switch (what.kind) {
    case script_note::interrupt: own->interrupt_here(what.run); break;
    case script_note::output: {
        own->output.add_arrived(what.handle, what.text, what.amount);
        script_note back;
        back.kind = script_note::acknowledge;
        back.amount = what.text.size();
        own->note(what.process, back);
        break;
    }
    default: own->ahead -= what.amount; break;
    }
}

/// Before main.
inline const bool takes_notes = [] {
    runtime::machine::take_note = &script_control::take_note;
    return true;
}();

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::script
