// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/deeds.hpp>
#include <motet/script/pending.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <utility>
#include <vector>

/// What proxies hold: what they stand for, and answers that will come. A script waits for these where it may: the lock
/// of Python is given back first, and views become snapshots.
namespace motet::inline MOTET_VARIANT::script {

// A capsule holds what a proxy stands for, another one an answer.

inline py::object handle_of(const served& what) {
    return py::capsule(new served(what), "motet.served",
                       [](PyObject* self) { delete static_cast<served*>(PyCapsule_GetPointer(self, "motet.served")); });
}
inline const served& served_of(PyObject* handle) {
    void* const found = PyCapsule_GetPointer(handle, "motet.served");
    check(found != nullptr);
    return *static_cast<const served*>(found);
}

using shared_pending = std::shared_ptr<script_pending>;

inline PyObject* handle_of(shared_pending what) {
    return py::capsule(
               new shared_pending(std::move(what)), "motet.pending",
               [](PyObject* self) { delete static_cast<shared_pending*>(PyCapsule_GetPointer(self, "motet.pending")); })
        .release()
        .ptr();
}
inline const shared_pending& pending_of(PyObject* handle) {
    void* const found = PyCapsule_GetPointer(handle, "motet.pending");
    check(found != nullptr);
    return *static_cast<const shared_pending*>(found);
}

/// Whether all of a value is sent, not only its repr.
inline bool travels(const value& v) {
    const auto all = [](const auto& items) {
        for (const value& each : items)
            if (!travels(each)) return false;
        return true;
    };
    if (const auto* l = std::get_if<value::list>(&v.data)) return all(l->items);
    if (const auto* t = std::get_if<value::tuple>(&v.data)) return all(t->items);
    if (const auto* d = std::get_if<value::dict>(&v.data)) {
        for (const auto& [key, each] : d->items)
            if (!travels(key) || !travels(each)) return false;
        return true;
    }
    return !std::holds_alternative<value::object>(v.data);
}

inline value to_be_sent(PyObject* given) {
    value made = to_value(given);
    if (!travels(made))
        raise(PyExc_TypeError, std::string(Py_TYPE(given)->tp_name) +
                                   " cannot be sent to another chare: numbers, texts, bytes, lists, tuples, dicts and "
                                   "arrays can");
    return made;
}

inline std::vector<std::int64_t> coordinates_from(PyObject* index) {
    std::vector<std::int64_t> all;
    const value numbers = to_value(index);
    for (const value& each : numbers.items()) all.push_back(each.integer());
    return all;
}

inline runtime::index_bits bits_of(const served& of, PyObject* index) {
    if (of.kind == runtime::collection_kind::single) return of.single;
    return of.type_of_chares().from_coordinates(coordinates_from(index));
}

/// Parks the script until one of the answers is there. Without Python's lock.
inline bool park_script(runtime::pe& p, const std::vector<shared_pending>& all, const std::string& what) noexcept {
    script_waiter w;
    w.what = what;
    w.describe = [](runtime::waiter& self) { return "for " + static_cast<script_waiter&>(self).what; };
    for (const auto& each : all) each->waiting.push_back(&w);
    bool goes_on = true;
    try {
        p.park(w);
    } catch (...) { // the run ends
        goes_on = false;
    }
    for (const auto& each : all) std::erase(each->waiting, &w);
    return goes_on;
}

/// _wait(answers, for one of them, what for)
inline PyObject* wait_for_answers(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* handles = nullptr;
        int one = 0;
        const char* what = nullptr;
        check(PyArg_ParseTuple(arguments, "O!ps", &PyList_Type, &handles, &one, &what) != 0);
        running_script& s = this_script("this");
        std::vector<shared_pending> all;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(handles); ++i) {
            all.push_back(pending_of(PyList_GET_ITEM(handles, i)));
            if (all.back()->on != &s.p)
                raise(PyExc_RuntimeError, "this future was made on another PE, where its answer comes: ask again");
        }
        if (!s.may_wait())
            raise(PyExc_RuntimeError,
                  std::string(what) + " waits for an answer, and this script is of the kind that never waits: run it "
                                      "with high_level=True (a hook, iterate mode, map(), what is atomic and plain MPI "
                                      "programs never wait)");
        const std::string text = what;
        const auto done = [&] {
            const std::size_t ready = std::erase_if(all, [](const shared_pending& each) { return each->ready(); });
            return all.empty() || (one != 0 && ready != 0);
        };
        if (done()) return none();
        if (s.ending) raise(PyExc_SystemExit, "the program has ended");
        s.variables.chare->move_on();
        bool goes_on = true;
        {
            const outside_python away(s);
            do goes_on = park_script(s.p, all, text);
            while (goes_on && !done());
        }
        s.variables.chare->move_on();
        after_outside(s, !goes_on);
        return none();
    });
}

inline PyObject* answer_is_ready(PyObject*, PyObject* handle) {
    return guarded([&] { return PyBool_FromLong(pending_of(handle)->ready()); });
}

/// _taken(answer): (index, result, type of the error, its text, traceback) of each outcome
inline PyObject* take_answer(PyObject*, PyObject* handle) {
    return guarded([&]() -> PyObject* {
        py::list all;
        for (script_outcome& each : std::exchange(pending_of(handle)->outcomes, {})) {
            if (!each.output.empty()) this_script("this").print(each.output);
            all.append(py::make_tuple(index_to_python(each.index), from_value(each.result),
                                      text_to_python(each.error_type), text_to_python(each.error),
                                      text_to_python(each.traceback)));
        }
        return all.release().ptr();
    });
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
