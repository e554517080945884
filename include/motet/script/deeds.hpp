// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/execute.hpp>

#if MOTET_BODIES

#include <memory>
#include <optional>
#include <string>
#include <utility>

/// What the proxies of scripts ask of a chare, done there: fields read and written, methods called. All but the methods
/// are functions in Python that never wait.
namespace motet::inline MOTET_VARIANT::script {

/// Made by prepare_proxies: each takes the chare and what the proxy sent along.
inline void prepare_deeds(py::dict& names) {
    run_own_python(R"py(
import ck as _ck

def _deed_get(self, *path): return _ck.read(path) if path else self
def _deed_field(self, *path): return _record(_ck.read(path))
def _deed_set(self, value, *path): _ck.write(path, value)
def _deed_item(self, key, *path): return _deed_get(self, *path)[_unkeyed(key)]
def _deed_set_item(self, key, value, *path): _deed_get(self, *path)[_unkeyed(key)] = value
def _deed_delete_item(self, key, *path): del _deed_get(self, *path)[_unkeyed(key)]
def _deed_length(self, *path): return len(_deed_get(self, *path))
def _deed_contains(self, value, *path): return value in _deed_get(self, *path)
def _deed_invoke(self, name, arguments, *path): return getattr(_deed_get(self, *path), name)(*arguments)
def _deed_apply(self, function, *arguments): return unpacked(function)(self, *arguments)
def _deed_one(self): return 1

def _keyed(key):
    """A key of a container, or of an array, as what can be sent along."""
    if isinstance(key, slice): return ("slice", key.start, key.stop, key.step)
    if key is Ellipsis: return ("...",)
    if isinstance(key, tuple): return ("keys", *map(_keyed, key))
    return ("key", key)

def _unkeyed(key):
    kind, *parts = key
    if kind == "slice": return slice(*parts)
    if kind == "...": return Ellipsis
    if kind == "keys": return tuple(map(_unkeyed, parts))
    return parts[0]
)py",
                   names);
}

/// Runs body(running, job) as a script of the chare that leaves nothing behind, with Python's lock.
template <class Body>
script_outcome run_once(runtime::pe& p, runtime::part& c, runtime::element_header& e, const script_job& job,
                        Body&& body) {
    space variables(scope_of(c, e));
    running_script running(p, c, e, variables);
    return run_as_script(running, job, std::forward<Body>(body));
}

/// Does what a proxy asks for, with Python's lock.
inline script_outcome run_deed(runtime::pe& p, runtime::part& c, runtime::element_header& e, const script_job& job) {
    if (job.deed == "erase") {
        script_outcome outcome;
        try {
            runtime::request_erasure(p, c, e, job.told);
        } catch (const error& problem) {
            outcome.error_type = "TypeError";
            outcome.error = problem.what();
        }
        return outcome;
    }
    return run_once(p, c, e, job, [](running_script& here, const script_job& what) {
        here.methods = runtime::registry::get<opened_type>(what.opened).methods();
        py::tuple given(what.arguments.size() + 1);
        given[0] = self_of(here.variables);
        for (std::size_t i = 0; i < what.arguments.size(); ++i) given[i + 1] = from_value(what.arguments[i]);
        return py::object((*helpers())[("_deed_" + what.deed).c_str()](*given));
    });
}

/// A call of a method that a proxy asks for: its arguments and its result are Python's, the call itself is not.
class asked_call {
public:
    asked_call(runtime::pe& on, runtime::part& of, runtime::element_header& in, const script_job& what)
        : p(on), c(of), e(in), job(what) {
        for (const script_method& each : runtime::registry::get<opened_type>(job.opened).methods())
            if (each.name == std::get<std::string>(job.arguments[0].data)) method = &each;
    }

    script_outcome run() {
        if (method == nullptr) {
            outcome.error_type = "AttributeError";
            outcome.error = "there is no such method for scripts";
            return std::move(outcome);
        }
        step(&asked_call::convert);
        if (outcome.failed() || outcome.skipped) return std::move(outcome);
        {
            runtime::frame f{.element = &e, .part = &c, .type = method->entry(), .counted = false};
            const runtime::frame_scope scope(p, f);
            try {
                result = method->call(c.type->object(e), arguments->get(), nullptr);
            } catch (const fiber::unwind&) {
                throw;
            } catch (...) {
                const auto problem = runtime::exception_text::current();
                outcome.error_type = "RuntimeError";
                outcome.error = problem.text + " (" + problem.type + ", in " + std::string(method->name) + ")";
            }
        }
        if (!outcome.failed()) step(&asked_call::conclude);
        return std::move(outcome);
    }

private:
    void step(void (asked_call::*what)()) {
        now = what;
        p.fibers->call_on_thread([](void* self) { static_cast<asked_call*>(self)->as_script(); }, this);
    }
    void as_script() noexcept {
        try {
            const gil lock;
            (this->*now)();
        } catch (const std::exception& problem) { // Python does not start
            outcome.error_type = "SystemError";
            outcome.error = problem.what();
        }
    }
    /// The arguments, from Python's.
    void convert() {
        script_job only_the_choice;
        only_the_choice.elements = job.elements;
        outcome = run_once(p, c, e, only_the_choice, [this](running_script&, const script_job&) -> py::object {
            const type_description& wanted = *method->arguments;
            const std::size_t count = job.arguments.size() - 1;
            check_count(*method, count);
            arguments.emplace(wanted, Py_None, path{});
            for (std::size_t i = 0; i < count; ++i)
                read_argument(*method, arguments->get(), i, from_value(job.arguments[i + 1]).ptr());
            return py::none();
        });
    }
    /// The result, to Python's.
    void conclude() {
        script_job only_the_reducer;
        only_the_reducer.across = job.across;
        outcome = run_once(p, c, e, only_the_reducer, [this](running_script&, const script_job&) -> py::object {
            if (method->result == nullptr) return py::none();
            return own(*method->result, std::exchange(result, nullptr), "the result of " + std::string(method->name));
        });
    }

    runtime::pe& p;
    runtime::part& c;
    runtime::element_header& e;
    const script_job& job;
    const script_method* method = nullptr;
    std::optional<fresh> arguments;
    void* result = nullptr;
    script_outcome outcome;
    void (asked_call::*now)() = nullptr;
};

inline script_outcome call_for_script(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                                      const script_job& job) {
    return asked_call(p, c, e, job).run();
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
