// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/iterate.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <unistd.h>

/// One run of a script in a chare, on the thread that holds its PE.
namespace motet::inline MOTET_VARIANT::script {

/// What became of a request in one chare, of the error that Python has set.
inline void take_error(script_outcome& outcome, py::error_already_set& problem) {
    try {
        outcome.error_type = problem.type().attr("__name__").cast<std::string>();
        auto text = py::reinterpret_steal<py::object>(PyObject_Str(problem.value().ptr()));
        if (!text) PyErr_Clear();
        outcome.error = text ? text.cast<std::string>() : "<its text raises>";
        outcome.traceback =
            (*helpers())["traced"](problem.type(), problem.value(), problem.trace() ? problem.trace() : py::none())
                .cast<std::string>();
    } catch (py::error_already_set& again) {
        if (outcome.error_type.empty()) outcome.error_type = "Exception";
        again.restore();
        PyErr_Clear();
    }
}

/// Runs code; the value of its last statement, if that is an expression.
inline py::object run_code(space& s, const std::string& code) {
    py::object last = py::none();
    const py::tuple parts = (*helpers())["compiled"](text_to_python(code));
    const py::object body = parts[0];
    const py::object expression = parts[1];
    PyObject* const variables = s.variables.ptr();
    if (!body.is_none()) {
        const auto done = py::reinterpret_steal<py::object>(PyEval_EvalCode(body.ptr(), variables, variables));
        check(static_cast<bool>(done));
    }
    if (!expression.is_none()) {
        last = py::reinterpret_steal<py::object>(PyEval_EvalCode(expression.ptr(), variables, variables));
        check(static_cast<bool>(last));
    }
    return last;
}

/// Ends a child that the script has forked (ck.hpp), where the script ends: it is no program of its own, but a copy
/// without threads that shares its sockets.
inline void end_child(const running_script& s) {
    if (running_script::current() != &s) _exit(0);
}

/// The variables of the request's handle in this chare; new ones, if it has none yet.
inline std::shared_ptr<space> space_for(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                                        std::uint32_t handle) {
    auto& known = script_host::of(p.home).spaces[script_host::key_of(handle, c, e)];
    if (!known) {
        const lent_object* const lent = find_lent(c, e);
        known = std::make_shared<space>(
            std::make_shared<scope>(nullptr, lent != nullptr ? lent->describe(lent->object) : c.type->describe(),
                                    runtime::element_text(c, e.index)));
        known->chare->steady = lent != nullptr;
        known->variables["__builtins__"] = py::module_::import("builtins");
        known->variables["__name__"] = "__script__";
        known->variables["ck"] = py::module_::import("ck");
    }
    return known;
}

/// Runs a request in the chare, with Python's lock. Waits only where the request is a high-level one.
inline script_outcome run_request(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                                  const opened_type& opened, const script_request& request) {
    script_outcome outcome;
    if (c.info->kind != runtime::collection_kind::single) outcome.index = c.type->coordinates(e.index);
    const auto s = space_for(p, c, e, request.handle);
    running_script running(p, c, e, *s);
    const lent_object* const lent = find_lent(c, e);
    running.methods = lent != nullptr ? lent->methods(lent->object) : opened.methods();
    running.high_level = request.high_level;
    running.keep_print = request.keep_print;
    running.atomic = request.atomic;
    if (request.run != 0 && !request.atomic) running.handle = request.handle; // else it is held
    outcome.pe = p.number;
    outcome.messages = p.processed;
    running_script* const before = std::exchange(running_script::current(), &running);
    s->chare->reopen(c.type->object(e));
    watching watched(running, request);
    try {
        stop_if_asked(running);
        s->variables["self"] = self_of(*s);
        if (request.high_level) s->variables["charm"] = py::module_::import("charm");
        const py::object result = run_code(*s, request.code);
        outcome.result = to_value((request.iterate ? iterate(*s, request) : result).ptr());
    } catch (py::error_already_set& problem) {
        end_child(running);
        watched.end();
        take_error(outcome, problem);
        if (outcome.error.empty() && problem.matches(exception_for(running.watched.reason)))
            outcome.error = stop_text(running);
    } catch (const does_not_fit& problem) {
        outcome.error_type = "TypeError";
        outcome.error = problem.what;
    } catch (const std::exception& problem) {
        outcome.error_type = "RuntimeError";
        outcome.error = problem.what();
    }
    end_child(running);
    watched.end();
    s->chare->close();
    running_script::current() = before;
    if (running.handle == 0)
        outcome.output = running.output.take();
    else if (p.home.number != 0 && p.job.remote)
        outcome.output = script_control::of(p.job).output.take_rest(running.handle, outcome.sent_ahead);
    if (!request.persistent) script_host::of(p.home).spaces.erase(script_host::key_of(request.handle, c, e));
    return outcome;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
