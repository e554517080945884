// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/iterate.hpp>
#include <motet/script/pending.hpp>

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

/// The same of the exception that is being handled. With Python's lock.
inline void take_current_error(script_outcome& outcome) {
    try {
        throw;
    } catch (py::error_already_set& problem) {
        take_error(outcome, problem);
    } catch (const does_not_fit& problem) {
        outcome.error_type = reinterpret_cast<PyTypeObject*>(problem.type)->tp_name;
        outcome.error = problem.what;
    } catch (const std::exception& problem) {
        outcome.error_type = "RuntimeError";
        outcome.error = problem.what();
    }
}

/// Runs what is compiled; the value of an expression.
inline py::object evaluated(const py::object& code, const py::dict& globals, const py::dict& locals) {
    auto made = py::reinterpret_steal<py::object>(PyEval_EvalCode(code.ptr(), globals.ptr(), locals.ptr()));
    check(static_cast<bool>(made));
    return made;
}

/// Runs code; the value of its last statement, if that is an expression.
inline py::object run_code(space& s, const std::string& code) {
    py::object last = py::none();
    const py::tuple parts = (*helpers())["compiled"](text_to_python(code));
    const py::object body = parts[0];
    const py::object expression = parts[1];
    if (!body.is_none()) evaluated(body, s.variables, s.variables);
    if (!expression.is_none()) last = evaluated(expression, s.variables, s.variables);
    return last;
}

/// Ends a child that the script has forked (ck.hpp), where the script ends: it is no program of its own, but a copy
/// without threads that shares its sockets.
inline void end_child(const running_script& s) {
    if (running_script::current() != &s) _exit(0);
}

/// Python's own names, and those that are served, as far as this PE knows: what every script finds.
inline py::dict names_in_scripts(runtime::pe& p);

/// What scripts look into in this chare. It is closed: see run_as_script.
inline std::shared_ptr<scope> scope_of(runtime::part& c, runtime::element_header& e) {
    const lent_object* const lent = find_lent(c, e);
    auto made = std::make_shared<scope>(nullptr, lent != nullptr ? lent->describe(lent->object) : c.type->describe(),
                                        runtime::element_text(c, e.index));
    made->steady = lent != nullptr;
    return made;
}

/// The variables of the request's handle in this chare; new ones, if it has none yet.
inline std::shared_ptr<space> space_for(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                                        std::uint32_t handle) {
    auto& all = script_host::of(p.home).spaces;
    const auto key = script_host::key_of(handle, c, e);
    if (const auto known = all.find(key); known != all.end() && known->second->birth == script_host::birth_of(e))
        return known->second;
    const auto made = std::make_shared<space>(scope_of(c, e), script_host::birth_of(e));
    made->variables["__builtins__"] = names_in_scripts(p);
    made->variables["__name__"] = "__script__";
    made->variables["ck"] = (*helpers())["_ck"];
    if (handle != 0) all[key] = made; // else nobody else has them
    return made;
}

/// The index of an element as scripts see it: an int, or a tuple of several; None of a single chare.
inline py::object index_to_python(const std::vector<std::int64_t>& index) {
    if (index.empty()) return py::none();
    if (index.size() == 1) return py::int_(index[0]);
    py::tuple all(index.size());
    for (std::size_t i = 0; i < index.size(); ++i) all[i] = index[i];
    return all;
}

/// Whether the element is one of those that a condition chooses.
inline bool is_chosen(space& s, const script_job& job, const std::vector<std::int64_t>& index) {
    if (job.elements.where.empty()) return true;
    py::dict locals;
    locals["self"] = self_of(s);
    locals["index"] = index_to_python(index);
    const py::tuple parts = (*helpers())["compiled"](text_to_python(job.elements.where));
    const py::object body = parts[0];
    const py::object condition = parts[1];
    if (!body.is_none() || condition.is_none())
        raise(PyExc_SyntaxError, "elements are chosen by one expression, such as \"self.step > 3\"");
    const py::object found = evaluated(condition, s.variables, locals);
    const int yes = PyObject_IsTrue(found.ptr());
    check(yes >= 0);
    return yes == 1;
}

/// Runs body(running, job) as a script of the chare, with Python's lock: what it gives or raises is the outcome. Waits
/// only where the script may.
template <class Body>
script_outcome run_as_script(running_script& running, const script_job& job, Body&& body) {
    script_outcome outcome;
    const runtime::part& c = running.c;
    if (c.info->kind != runtime::collection_kind::single) outcome.index = c.type->coordinates(running.e.index);
    outcome.pe = running.p.number;
    outcome.messages = running.p.processed;
    space& s = running.variables;
    struct entered {
        scope& chare;
        running_script* before;
        ~entered() {
            chare.close();
            running_script::current() = before;
        }
    };
    {
        const entered in{*s.chare, std::exchange(running_script::current(), &running)};
        s.chare->reopen(c.type->object(running.e));
        watching watched(running, job.request);
        try {
            stop_if_asked(running);
            names_in_scripts(running.p);
            if (is_chosen(s, job, outcome.index)) {
                py::object result = body(running, job);
                if (job.across) result = (*helpers())["lifted"](from_value(*job.across), result);
                outcome.result = to_value(result.ptr());
            } else {
                outcome.skipped = true;
            }
        } catch (py::error_already_set& problem) {
            end_child(running);
            watched.end();
            take_error(outcome, problem);
            if (outcome.error.empty() && problem.matches(exception_for(running.watched.reason)))
                outcome.error = stop_text(running);
        } catch (...) {
            take_current_error(outcome);
        }
        end_child(running);
        watched.end();
        restore_streams();
    }
    if (running.handle == 0)
        outcome.output = running.output.take();
    else if (!outcome.skipped && running.p.home.number != 0 && running.p.job.remote)
        outcome.output = script_control::of(running.p.job).output.take_rest(running.handle, outcome.sent_ahead);
    return outcome;
}

/// Runs a script in the chare.
inline script_outcome run_request(runtime::pe& p, runtime::part& c, runtime::element_header& e, const script_job& job) {
    const script_request& request = job.request;
    const auto s = space_for(p, c, e, request.handle);
    if (std::exchange(s->used, true)) { // the desk lets nobody in; the program itself may do this
        script_outcome refused;
        if (c.info->kind != runtime::collection_kind::single) refused.index = c.type->coordinates(e.index);
        refused.error_type = "RuntimeError";
        refused.error = "interpreter " + std::to_string(request.handle) + " still runs a script in this chare";
        return refused;
    }
    running_script running(p, c, e, *s);
    const lent_object* const lent = find_lent(c, e);
    running.methods =
        lent != nullptr ? lent->methods(lent->object) : runtime::registry::get<opened_type>(job.opened).methods();
    running.high_level = request.high_level;
    running.keep_print = request.keep_print;
    running.atomic = request.atomic;
    if (request.run != 0 && !request.atomic) running.handle = request.handle; // else it is held
    script_outcome outcome = run_as_script(running, job, [](running_script& here, const script_job& what) {
        space& variables = here.variables;
        variables.variables["self"] = self_of(variables);
        if (here.high_level) variables.variables["charm"] = (*helpers())["_charm"];
        py::object result = run_code(variables, what.request.code);
        return what.request.iterate ? iterate(variables, what.request) : result;
    });
    s->used = false;
    // The next element of this index is another one.
    if (!request.persistent || e.has(runtime::element_header::erase_pending))
        script_host::of(p.home).spaces.erase(script_host::key_of(request.handle, c, e));
    return outcome;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
