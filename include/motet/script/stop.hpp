// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/control_notes.hpp>
#include <motet/script/space.hpp>

#if MOTET_BODIES

#include <string>

/// How a script that is to stop (control.hpp) is told so, and how it says so.
namespace motet::inline MOTET_VARIANT::script {

/// What a script that has used up its time sees: no Exception, so that it ends what ends with Ctrl-C.
inline PyObject*& time_limit_type() {
    static PyObject* type = nullptr; // Python is never ended
    return type;
}

inline PyObject* exception_for(stop_reason why) {
    return why == stop_reason::asked || why == stop_reason::removed ? PyExc_KeyboardInterrupt
           : why == stop_reason::run_ends                           ? PyExc_SystemExit
                                                                    : time_limit_type();
}

inline void raise_in(unsigned long thread, stop_reason why) { PyThreadState_SetAsyncExc(thread, exception_for(why)); }

inline int exchange_notes(void*) {
    const running_script* const s = running_script::current(); // by now perhaps another one, or none
    if (s == nullptr || !s->p.job.options.embedded || !s->p.job.remote) return 0;
    s->p.job.remote->take_notes();
    script_control::of(s->p.job).send_output();
    return 0;
}

inline std::string line_of(unsigned long thread) {
    try {
        const py::dict frames = py::module_::import("sys").attr("_current_frames")();
        const py::object frame = frames.attr("get")(thread, py::none());
        if (frame.is_none()) return {};
        const py::object code = frame.attr("f_code");
        return "at line " + py::str(frame.attr("f_lineno")).cast<std::string>() + " of " +
               code.attr("co_filename").cast<std::string>() + " (" + code.attr("co_name").cast<std::string>() + ")";
    } catch (py::error_already_set&) {
        return {};
    }
}

/// `limit`: of its request.
inline std::string stop_text(const runtime::pe& p, stop_reason why, double limit) {
    const auto seconds = [](double n) { return reflect::to_text(n) + " s"; };
    switch (why) {
    case stop_reason::asked: return "interrupted by a client";
    case stop_reason::removed: return "it was removed, and did not end";
    case stop_reason::kept_pe:
        return "it has kept its PE for longer than " + seconds(p.job.options.script_limit) +
               " (--motet-script-limit), and nothing else could run there";
    case stop_reason::too_long: return "it has run for longer than the " + seconds(limit) + " of its request";
    default: return "the program has ended";
    }
}
inline std::string stop_text(const running_script& s) { return stop_text(s.p, s.watched.reason, s.watched.limit); }

/// Watches a script as long as it runs. With Python's lock.
class [[gnu::visibility("hidden")]] watching {
public:
    watching(running_script& which, const script_request& request) : s(which) {
        watched_script& w = s.watched;
        if (request.run == 0 && request.limit <= 0 && s.p.job.sim) return;
        w.run = request.run;
        w.thread = PyThread_get_thread_ident();
        w.p = &s.p;
        w.on = s.p.lent;
        w.where = &s.variables.chare->name;
        w.limit = request.limit;
        w.started = watched_script::clock::now();
        w.pe_since = w.started.time_since_epoch().count();
        script_control::of(s.p.job).begin(w);
    }
    watching(const watching&) = delete;
    watching& operator=(const watching&) = delete;
    ~watching() { end(); }

    /// It can be stopped no longer.
    void end() {
        watched_script& w = s.watched;
        if (w.p == nullptr) return;
        script_control::of(s.p.job).end(w);
        w.p = nullptr;
        if (w.strikes > 0) PyThreadState_SetAsyncExc(w.thread, nullptr); // it may have come too late
    }

private:
    running_script& s;
};

/// One run of a hook, which may be stopped as long as this lives. With Python's lock, at the beginning and at the end.
class [[gnu::visibility("hidden")]] hook_turn {
public:
    /// `at`: of its message.
    hook_turn(watched_hook& which, const runtime::frame* at) : h(which) {
        h.thread = PyThread_get_thread_ident();
        h.at = at;
        h.turn.store(turn(), std::memory_order_release);
    }
    hook_turn(const hook_turn&) = delete;
    hook_turn& operator=(const hook_turn&) = delete;
    ~hook_turn() { end(); }

    /// It can be stopped no longer.
    void end() {
        if (ended) return;
        ended = true;
        if (h.to_stop == h.turn.load(std::memory_order_relaxed)) {
            why = script_control::of(h.p->job).why_stopped(h);
            PyThreadState_SetAsyncExc(h.thread, nullptr); // it may have come too late
        }
        h.turn.store(turn(), std::memory_order_release);
    }
    /// When it has ended: says why, where the error is that one.
    void explain(script_outcome& problem, const py::error_already_set& raised) const {
        if (why != stop_reason::none && problem.error.empty() && raised.matches(exception_for(why)))
            problem.error = stop_text(*h.p, why, h.limit);
    }

private:
    std::uint64_t turn() const { return h.turn.load(std::memory_order_relaxed) + 1; }

    watched_hook& h;
    stop_reason why = stop_reason::none;
    bool ended = false;
};

/// Raises what a script shall see that is to stop; nothing where it may go on.
inline void stop_if_asked(running_script& s) {
    if (s.watched.reason != stop_reason::none) raise(exception_for(s.watched.reason), stop_text(s));
}

/// C++ of the program runs for a script, and may wait. Python's lock is given back meanwhile.
class [[gnu::visibility("hidden")]] outside_python {
public:
    explicit outside_python(running_script& which) : s(which), resumed(s.p.resumed) {
        s.watched.away = true;
        mine = PyEval_SaveThread();
    }
    outside_python(const outside_python&) = delete;
    outside_python& operator=(const outside_python&) = delete;
    ~outside_python() {
        PyEval_RestoreThread(mine);
        if (s.p.resumed != resumed) // it did not keep its PE
            s.watched.pe_since = watched_script::clock::now().time_since_epoch().count();
        s.watched.away = false;
    }

private:
    running_script& s;
    std::uint64_t resumed;
    PyThreadState* mine;
};

/// To be called after each call of C++: raises what ends the script, if `unwound` (what it called was unwound while it
/// waited) or it is to stop.
inline void after_outside(running_script& s, bool unwound) {
    stop_if_asked(s);
    if (!unwound) return;
    s.ending = true;
    raise(PyExc_SystemExit, "the program has ended");
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
