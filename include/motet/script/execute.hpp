// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/ck.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>

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

/// The names of what can be iterated over.
inline std::string range_names(const type_description& type, void* object) {
    std::string all;
    for (const auto& field : type.fields)
        if ((field.type->kind == kind::sequence || field.type->kind == kind::map) &&
            find_field(type, object, field.name) != nullptr)
            all += (all.empty() ? "" : ", ") + std::string(field.name);
    return all.empty() ? "none" : all;
}

/// The container reference behind what a field gives: a view knows its list.
inline py::object container_behind(const py::object& given) {
    if (is_reference(given.ptr())) return given;
    if (py::hasattr(given, "_list")) return given.attr("_list");
    return py::none();
}

/// Iterate mode (Charm++ manual, section 26.4): the function is called for each element, which it may change.
inline py::object iterate(space& s, const script_request& request) {
    PyObject* const found = PyDict_GetItemString(s.variables.ptr(), request.method.c_str());
    if (found == nullptr || PyCallable_Check(found) == 0)
        raise(PyExc_NameError, "there is no function '" + request.method +
                                   "' to iterate with: define it in the code, "
                                   "or name one of a persistent interpreter");
    const auto function = py::reinterpret_borrow<py::object>(found);
    py::object range = self_of(s);
    std::size_t begin = 0;
    while (begin <= request.over.size() && !request.over.empty()) { // "cells", or "tree.leaves"
        const std::size_t end = std::min(request.over.find('.', begin), request.over.size());
        range = range.attr(request.over.substr(begin, end - begin).c_str());
        begin = end + 1;
    }
    const py::object container = request.over.empty() ? py::none() : container_behind(range);
    if (container.is_none() || ref(container.ptr()).type->kind != kind::sequence)
        raise(PyExc_TypeError, "'" + request.over + "' is no range to iterate over; the ranges of " + s.chare->name +
                                   " are: " + range_names(*s.chare->type, s.chare->object));
    if (request.vectorized) return function(range);
    reference& r = ref(container.ptr());
    const type_description& element = *r.type->parts[0];
    py::list returned;
    bool something = false;
    py::object each;
    for (std::size_t i = 0; i < size_of(r); ++i) { // the function may change how many there are
        const bool again =
            each && element.kind == kind::structure && r.type->access->at != nullptr && Py_REFCNT(each.ptr()) == 1;
        if (again) { // nobody has kept it: it stands for the next one
            reference& e = ref(each.ptr());
            e.place = i;
            e.address = r.type->access->at(address_of(r), i);
            e.generation = r.within->generation;
        } else {
            each = item_at(r, i);
        }
        PyObject* const argument = each.ptr();
        auto result = py::reinterpret_steal<py::object>(PyObject_Vectorcall(function.ptr(), &argument, 1, nullptr));
        check(static_cast<bool>(result));
        something = something || !result.is_none();
        returned.append(std::move(result));
    }
    if (!something) return py::none();
    return returned;
}

/// The variables of the request's handle in this chare; new ones, if it has none yet.
inline std::shared_ptr<space> space_for(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                                        std::uint32_t handle) {
    auto& known = script_host::of(p.home).spaces[script_host::key_of(handle, c, e)];
    if (!known) {
        known = std::make_shared<space>(
            std::make_shared<scope>(nullptr, c.type->describe(), runtime::element_text(c, e.index)));
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
    running.opened = &opened;
    running.high_level = request.high_level;
    running.keep_print = request.keep_print;
    if (request.run != 0) running.handle = request.handle;
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
