// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/variant.hpp>

/// The Python interpreter of this process.
///
/// 1. There is one for all PEs of all processes, simulated ones too; scripts are kept apart by namespaces, not by
///    interpreters (NumPy and pybind11 2.10 do not work in sub-interpreters).
/// 2. It is started by the first who needs it and stays until the process ends: NumPy cannot be imported a second time.
/// 3. A thread that runs Python keeps one thread state for good: `PyGILState_Ensure`, which NumPy and ctypes call,
///    picks a thread's first one. `gil` holds the lock while it lives.
/// 4. Nobody waits for anything while he holds the lock, but for what Python itself waits for: what must be made once
///    is made when the interpreter starts.
/// 5. Signals stay the program's.
namespace motet::inline MOTET_VARIANT::script {

/// Starts the interpreter, if it does not run yet. Throws `error` if it does not start, or NumPy is missing.
MOTET_INLINE void start_python();
/// Makes the modules of scripts (ck.hpp).
MOTET_INLINE void prepare_python();

/// Holds Python's lock as long as it lives. Never across a wait.
class gil {
public:
    gil();
    ~gil();
    gil(const gil&) = delete;
    gil& operator=(const gil&) = delete;

private:
    int state;
};

} // namespace motet::inline MOTET_VARIANT::script

#if MOTET_BODIES

#include <pybind11/embed.h>
#include <pybind11/numpy.h>

#include <mutex>
#include <string>
#include <structmember.h>

namespace motet::inline MOTET_VARIANT::script {

namespace py = pybind11;

inline void initialize_python() {
    if (Py_IsInitialized() != 0) return; // the program runs Python itself
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    config.use_hash_seed = 1; // simulated runs are replayed: sets of texts have the same order each time
    config.hash_seed = 0;
#ifdef MOTET_PYTHON // else what comes first in PATH decides whose library it takes, perhaps that of another version
    PyConfig_SetBytesString(&config, &config.program_name, MOTET_PYTHON);
#endif
    const PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0)
        throw error(std::string("Python cannot be started: ") +
                    (status.err_msg != nullptr ? status.err_msg : "it does not say why") +
                    ". Is PYTHONHOME set, or the standard library missing?");
    PyEval_SaveThread();
}

/// The thread state that a thread keeps until it ends (step 3 at the top).
struct [[gnu::visibility("hidden")]] kept_thread_state {
    PyGILState_STATE before = PyGILState_Ensure();
    PyThreadState* state = PyEval_SaveThread();

    kept_thread_state() = default;
    kept_thread_state(const kept_thread_state&) = delete;
    kept_thread_state& operator=(const kept_thread_state&) = delete;
    ~kept_thread_state() {
        if (Py_IsInitialized() == 0 || PyGILState_Check() != 0) return; // the process ends, from inside of Python
        PyEval_RestoreThread(state);
        PyGILState_Release(before);
    }
};
[[gnu::noinline]] inline void keep_thread_state() { static thread_local const kept_thread_state kept; }

MOTET_INLINE void start_python() {
    static std::once_flag started;
    std::call_once(started, [] {
        initialize_python();
        keep_thread_state(); // pybind11 takes the first that it meets for that of this thread for good
        const PyGILState_STATE state = PyGILState_Ensure();
        std::string problem;
        try {
            prepare_python();
        } catch (const std::exception& e) {
            problem = e.what();
        }
        PyGILState_Release(state);
        if (!problem.empty()) throw error("Python cannot be prepared for scripts (is NumPy installed?): " + problem);
    });
}

[[gnu::noinline]] MOTET_INLINE gil::gil() {
    start_python();
    keep_thread_state();
    state = static_cast<int>(PyGILState_Ensure());
}
MOTET_INLINE gil::~gil() { PyGILState_Release(static_cast<PyGILState_STATE>(state)); }

/// A module with these functions. `definition` belongs to it, for good.
inline PyObject* make_module(PyModuleDef& definition, const char* name, const char* doc, PyMethodDef* methods) {
    definition = {PyModuleDef_HEAD_INIT, name, doc, -1, methods, nullptr, nullptr, nullptr, nullptr};
    return PyModule_Create(&definition);
}

/// Runs Python that is part of Motet: tracebacks of scripts leave it out.
inline void run_own_python(const char* source, const py::dict& names) {
    const py::object compile = py::module_::import("builtins").attr("compile");
    py::module_::import("builtins").attr("exec")(compile(source, "<motet>", "exec"), names);
}

/// The Python exception that is set becomes a C++ one.
inline void check(bool good) {
    if (!good) throw py::error_already_set();
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
