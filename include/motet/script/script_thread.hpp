// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/pending.hpp>
#include <motet/script/python.hpp>

#if MOTET_BODIES

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT::script {

/// What a script has set for its thread ends with it, though the thread goes on: variables of a context, what is
/// `threading.local`, tracing. While it lives Python's lock is held.
class [[gnu::visibility("hidden")]] thread_of_script {
public:
    thread_of_script() { check(context && PyContext_Enter(context.ptr()) == 0); }
    thread_of_script(const thread_of_script&) = delete;
    thread_of_script& operator=(const thread_of_script&) = delete;
    ~thread_of_script() {
        PyContext_Exit(context.ptr());
        PyEval_SetTrace(nullptr, nullptr);
        PyEval_SetProfile(nullptr, nullptr);
        if (PyObject* const own = PyThreadState_GetDict()) PyDict_Clear(own);
        PyErr_Clear();
    }

private:
    py::object context = py::reinterpret_steal<py::object>(PyContext_New());
};

/// A thread that a PE is lent to for scripts, one after the other.
class script_thread {
public:
    script_thread() : thread([this] { loop(); }) {}
    script_thread(const script_thread&) = delete;
    script_thread& operator=(const script_thread&) = delete;
    ~script_thread() {
        job = {};
        baton.lend();
        thread.join();
    }
    /// What it does when the PE is lent to it the next time.
    void give(runtime::pe& p, std::function<void()> what) {
        on = &p;
        job = std::move(what);
        ended = nullptr;
        baton.finished = false;
    }

    runtime::guest baton;
    runtime::waiter* ended = nullptr; ///< waits for the script's end

private:
    void loop() {
        for (;;) {
            baton.wait();
            if (!job) return baton.give_back();
            on->enter();
            job();
            baton.finished = true;
            if (ended != nullptr) on->make_ready(*ended);
            baton.give_back();
        }
    }

    runtime::pe* on = nullptr;
    std::function<void()> job; ///< none: it is to end
    std::thread thread;
};

/// Threads of a PE that have run a script: to start one takes longer than most scripts.
class script_threads final : public runtime::upper_state {
public:
    static script_threads& of(runtime::pe& p) { return runtime::kept_as<script_threads>(pe_scripting::of(p).threads); }
    /// Throws std::system_error where none can be started.
    std::unique_ptr<script_thread> take() {
        if (idle.empty()) return std::make_unique<script_thread>();
        auto last = std::move(idle.back());
        idle.pop_back();
        return last;
    }
    /// A simulated machine may have a thousand PEs: they keep none.
    void give_back(std::unique_ptr<script_thread> unused, const runtime::pe& p) {
        if (!p.job.sim && idle.size() < most_idle) idle.push_back(std::move(unused));
    }

private:
    static constexpr std::size_t most_idle = 4;
    std::vector<std::unique_ptr<script_thread>> idle;
};

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
