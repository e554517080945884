// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/proxy_classes.hpp>
#include <motet/script/proxy_facts.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Collections in scripts, by name: `tiles[3, 4].total()`. The classes are in Python (proxy_classes.hpp); here is what
/// they cannot do themselves.
///
/// 1. What a proxy is asked becomes a message to the chare, or a broadcast, as any call does (call.hpp): a deed with
///    arguments that travel. What comes back is an outcome, as of a script.
/// 2. The answer comes to the PE of the script (pending.hpp). The script waits for it where it may: the lock of Python
///    is given back first, and views become snapshots.
namespace motet::inline MOTET_VARIANT::script {

/// _start(served, index | dict of the chosen | None, deed, arguments, reducer): an answer that will come
inline PyObject* start_deed(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* handle = nullptr;
        PyObject* target = nullptr;
        const char* deed = nullptr;
        PyObject* given = nullptr;
        PyObject* across = nullptr;
        check(PyArg_ParseTuple(arguments, "OOsO!O", &handle, &target, &deed, &PyTuple_Type, &given, &across) != 0);
        const served& of = served_of(handle);
        running_script& s = this_script("this");
        script_job job{.opened = of.opened, .deed = deed};
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); ++i)
            job.arguments.push_back(to_be_sent(PyTuple_GET_ITEM(given, i)));
        job.names = pe_scripting::of(s.p).names;
        job.request.run = s.watched.run; // it ends with the script that asks
        if (!PyTuple_Check(target)) {
            if (target != Py_None) job.elements = chosen_elements::from_value(to_value(target));
            if (across != Py_None) job.across = std::make_shared<const value>(to_be_sent(across));
            auto [made, to] = pending_delivery::make(s.p, pending_delivery::many());
            issue_to_many(s.p, of.type_of_chares(), of.collection, to, std::move(job));
            return handle_of(std::move(made));
        }
        const runtime::index_bits index = bits_of(of, target);
        const auto where = runtime::where(s.p, of.collection, index);
        auto [made, to] = pending_delivery::make(s.p, pending_delivery::one());
        if (job.deed == "erase") {
            made->missing = 2;
            job.told = to;
            job.told.how = pending_delivery::done();
        }
        runtime::submit(
            s.p, where,
            script_call::make(s.p, of.collection, index, to, std::make_shared<const script_job>(std::move(job))));
        return handle_of(std::move(made));
    });
}

/// At the caller's own PE, where the collection is known.
inline void insert_for_script(runtime::pe& p, runtime::part& c, runtime::index_bits index, value fields,
                              runtime::address told) {
    struct making {
        runtime::part& c;
        const value& fields;
        runtime::boxed made = {};
        script_outcome problem = {};
        void run() noexcept {
            try {
                made = c.info->prototype ? c.info->prototype.copy() : c.type->blank();
                const gil lock;
                try {
                    from_python(c.type->describe(), made.pointer(), from_value(fields).ptr(), {});
                } catch (const does_not_fit& why) {
                    problem.error_type = why.type == PyExc_AttributeError  ? "AttributeError"
                                         : why.type == PyExc_OverflowError ? "OverflowError"
                                                                           : "TypeError";
                    problem.error = why.what;
                } catch (py::error_already_set& why) {
                    take_error(problem, why);
                }
            } catch (const std::exception& why) {
                problem.error_type = "RuntimeError";
                problem.error = why.what();
            }
        }
    } m{c, fields};
    if (c.fixed()) {
        m.problem.error_type = "TypeError";
        m.problem.error =
            c.type->name() + " cannot be inserted: this is a group, which has one chare on each PE or process";
    } else {
        p.fibers->call_on_thread([](void* pointer) { static_cast<making*>(pointer)->run(); }, &m);
    }
    if (!m.problem.failed()) {
        try {
            return runtime::insert_from(p, c, index, std::move(m.made), runtime::no_pe, told);
        } catch (const error& why) {
            m.problem.error_type = "IndexError";
            m.problem.error = why.what();
        }
    }
    std::vector<script_outcome> all;
    all.push_back(std::move(m.problem));
    pending_delivery::give(p, told, std::move(all));
}

/// _insert(served, index, fields)
inline PyObject* start_insertion(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* handle = nullptr;
        PyObject* index = nullptr;
        PyObject* fields = nullptr;
        check(PyArg_ParseTuple(arguments, "OOO", &handle, &index, &fields) != 0);
        const served& of = served_of(handle);
        running_script& s = this_script("this");
        const runtime::index_bits bits = bits_of(of, index);
        value given = to_be_sent(fields);
        auto [made, to] = pending_delivery::make(s.p, pending_delivery::done());
        runtime::post_part<&insert_for_script>(s.p, s.p.number, of.collection, bits, std::move(given), to);
        return handle_of(std::move(made));
    });
}

/// _is_own(served, index): whether it is the chare that the script runs in
inline PyObject* is_own_chare(PyObject*, PyObject* arguments) {
    return guarded([&] {
        PyObject* handle = nullptr;
        PyObject* index = nullptr;
        check(PyArg_ParseTuple(arguments, "OO", &handle, &index) != 0);
        const served& of = served_of(handle);
        const running_script& s = this_script("this");
        return PyBool_FromLong(s.c.info->id == of.collection && s.e.index == bits_of(of, index));
    });
}
inline PyObject* erase_own_chare(PyObject*, PyObject*) {
    return guarded([&] {
        const running_script& s = this_script("this");
        runtime::request_erasure(s.p, s.c, s.e, {});
        return none();
    });
}

inline PyObject* same_served(PyObject*, PyObject* arguments) {
    return guarded([&] {
        PyObject* a = nullptr;
        PyObject* b = nullptr;
        check(PyArg_ParseTuple(arguments, "OO", &a, &b) != 0);
        return PyBool_FromLong(served_of(a).collection == served_of(b).collection &&
                               served_of(a).single == served_of(b).single);
    });
}

/// _record(value): a struct of numbers as an array without dimensions, anything else as it is
inline PyObject* as_record(PyObject*, PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (!is_reference(object) || ref(object).type->kind != kind::structure || !numbers_in_a_row(*ref(object).type))
            return Py_NewRef(object);
        const type_description& type = *ref(object).type;
        return py::array(dtype_of(type), std::vector<py::ssize_t>{}, address_of(ref(object))).release().ptr();
    });
}

/// _sendable(value[, what]): the value, if it can be sent
inline PyObject* checked_sendable(PyObject*, PyObject* arguments) {
    return guarded([&] {
        PyObject* object = nullptr;
        const char* what = "this";
        check(PyArg_ParseTuple(arguments, "O|s", &object, &what) != 0);
        if (!travels(to_value(object)))
            raise(PyExc_TypeError,
                  std::string(what) + " is a " + Py_TYPE(object)->tp_name + ", which cannot be sent to another chare");
        return Py_NewRef(object);
    });
}

inline py::dict names_in_scripts(runtime::pe& p) {
    script_host& host = script_host::of(p.home);
    const shared_names names = pe_scripting::of(p).names;
    if (host.prepared && names->version <= host.version) return host.builtins;
    const py::dict pythons =
        py::module_::import("builtins").attr("__dict__"); // takes longer than all of a small script
    if (!host.prepared) {
        py::dict copy = pythons.attr("copy")();
        if (!std::exchange(host.prepared, true)) host.builtins = std::move(copy);
    }
    if (names->version <= host.version) return host.builtins;
    py::dict made; // while it is made other PEs of the process may run: they find what was there before, or all of it
    for (const auto& [name, each] : names->all)
        made[text_to_python(name)] =
            (*helpers())[each.opened == opened_lent() ? "_lent" : "_proxy_of"](handle_of(each));
    if (names->version <= host.version) return host.builtins;
    host.version = names->version;
    for (const auto& [name, proxy] : host.served)
        if (!made.contains(name) && !pythons.contains(name)) PyDict_DelItem(host.builtins.ptr(), name.ptr());
    for (const auto& [name, proxy] : made)
        if (!pythons.contains(name)) host.builtins[name] = proxy;
    PyDict_Clear(host.served.ptr());
    check(PyDict_Update(host.served.ptr(), made.ptr()) == 0);
    return host.builtins;
}

inline py::object find_served(const running_script& s, PyObject* name) {
    names_in_scripts(s.p);
    return py::reinterpret_borrow<py::object>(PyDict_GetItem(script_host::of(s.p.home).served.ptr(), name));
}

/// _served(): what is served, by name
inline PyObject* served_in_scripts(PyObject*, PyObject*) {
    return guarded([&] {
        const running_script& s = this_script("motet");
        names_in_scripts(s.p);
        return Py_NewRef(script_host::of(s.p.home).served.ptr());
    });
}

inline void prepare_proxies(py::dict& names) {
    static PyMethodDef functions[] = {{"_start", &start_deed, METH_VARARGS, nullptr},
                                      {"_insert", &start_insertion, METH_VARARGS, nullptr},
                                      {"_wait", &wait_for_answers, METH_VARARGS, nullptr},
                                      {"_ready", &answer_is_ready, METH_O, nullptr},
                                      {"_taken", &take_answer, METH_O, nullptr},
                                      {"_facts", &facts_of, METH_O, nullptr},
                                      {"_dimensions", &dimensions_of, METH_O, nullptr},
                                      {"_extent", &extent_of, METH_O, nullptr},
                                      {"_kind_of", &kind_at, METH_VARARGS, nullptr},
                                      {"_fields_at", &fields_at, METH_VARARGS, nullptr},
                                      {"_typed", &typed_result, METH_VARARGS, nullptr},
                                      {"_is_own", &is_own_chare, METH_VARARGS, nullptr},
                                      {"_erase_own", &erase_own_chare, METH_NOARGS, nullptr},
                                      {"_same_chares", &same_served, METH_VARARGS, nullptr},
                                      {"_record", &as_record, METH_O, nullptr},
                                      {"_sendable", &checked_sendable, METH_VARARGS, nullptr},
                                      {"_served", &served_in_scripts, METH_NOARGS, nullptr}};
    for (PyMethodDef& each : functions)
        names[each.ml_name] = py::reinterpret_steal<py::object>(PyCFunction_New(&each, nullptr));
    prepare_deeds(names);
    make_proxy_classes(names);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
