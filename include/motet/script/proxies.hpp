// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/deeds.hpp>
#include <motet/script/proxy_classes.hpp>

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
            script_broadcast::issue(s.p, of.type_of_chares(), of.collection, to, std::move(job));
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

/// A chare by default, for what only an object tells: its policies.
class example_of {
public:
    explicit example_of(const served& of) : type(of.type_of_chares().describe()), object(type.access->make()) {}
    example_of(const example_of&) = delete;
    example_of& operator=(const example_of&) = delete;
    ~example_of() { type.access->destroy(object); }

    const type_description& type;
    void* object;
};

inline std::string method_about(const script_method& method) {
    std::string text = method.result != nullptr ? std::string(method.result->name) : "void";
    text += " " + std::string(method.name) + "(";
    for (std::size_t i = 0; i < method.arguments->parts.size(); ++i)
        text += (i == 0 ? "" : ", ") + std::string(method.arguments->parts[i]->name);
    return text + ")";
}

/// _facts(served): name, kind, type, fields (name, doc, whether it can be assigned), methods (name, signature, doc),
/// text
inline PyObject* facts_of(PyObject*, PyObject* handle) {
    return guarded([&] {
        const served& of = served_of(handle);
        const example_of example(of);
        py::list fields;
        py::list methods;
        std::string about = "Fields:\n";
        for (const auto& field : example.type.fields) {
            if (find_field(example.type, example.object, field.name) == nullptr) continue;
            const bool open = may_be_changed(example.type, example.object, field.index);
            const std::string text = field_about(example.type, example.object, field);
            about += "  " + std::string(field.name) + ": " + text + "\n";
            fields.append(py::make_tuple(std::string(field.name), text, open));
        }
        const auto all = runtime::registry::get<opened_type>(of.opened).methods();
        if (!all.empty()) about += "Methods:\n";
        for (const script_method& method : all) {
            about += "  " + signature(method) + "\n";
            methods.append(py::make_tuple(std::string(method.name), signature(method),
                                          signature(method) + "\n\nC++: " + method_about(method)));
        }
        const auto* const own = example.type.access->own;
        if (own != nullptr && own->read != nullptr) about += "It may say itself what else can be read.\n";
        return py::make_tuple(text_to_python(of.name), of.kind_text(), of.type, fields, methods, about,
                              own != nullptr && own->read != nullptr, own != nullptr && own->write != nullptr)
            .release()
            .ptr();
    });
}

/// _dimensions(served): numbers of an index
inline PyObject* dimensions_of(PyObject*, PyObject* handle) {
    return guarded([&] { return number(served_of(handle).type_of_chares().coordinates({}).size()); });
}

/// _extent(served): of a dense array or a group, as far as this PE knows; else None
inline PyObject* extent_of(PyObject*, PyObject* handle) {
    return guarded([&]() -> PyObject* {
        const served& of = served_of(handle);
        running_script& s = this_script("this");
        if (of.kind == runtime::collection_kind::group) return py::make_tuple(s.p.job.pe_total()).release().ptr();
        if (of.kind == runtime::collection_kind::node_group)
            return py::make_tuple(s.p.job.process_total()).release().ptr();
        const runtime::part* const c = runtime::local_chares::of(s.p).find(s.p, of.collection);
        if (c == nullptr || !c->info->dense) return none();
        const auto numbers = c->type->coordinates(c->info->extent);
        py::tuple all(numbers.size());
        for (std::size_t i = 0; i < numbers.size(); ++i) all[i] = numbers[i];
        return all.release().ptr();
    });
}

/// What stands at a path in the chares, going by their type; null where only the value tells.
inline const type_description* type_at(const type_description& of, PyObject* steps) {
    const type_description* at = &of;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(steps); ++i) {
        PyObject* const each = PyTuple_GET_ITEM(steps, i);
        const type_description* next = nullptr;
        if (at->kind == kind::structure && PyUnicode_Check(each)) {
            const std::string name = text_argument(each);
            for (const auto& field : at->fields)
                if (field.name == name) next = field.type;
        } else if (at->kind == kind::sequence) {
            next = at->parts[0];
        } else if (at->kind == kind::map) {
            next = at->parts[1];
        }
        if (next == nullptr) return nullptr;
        at = next;
    }
    return at;
}

/// _kind_of(served, path): "struct", "list", "set" or "dict", of which a proxy reads parts; "value" what it fetches
inline PyObject* kind_at(PyObject*, PyObject* arguments) {
    return guarded([&] {
        PyObject* handle = nullptr;
        PyObject* steps = nullptr;
        check(PyArg_ParseTuple(arguments, "OO!", &handle, &PyTuple_Type, &steps) != 0);
        const type_description* const type = type_at(served_of(handle).type_of_chares().describe(), steps);
        const char* what = "value";
        if (type != nullptr && type->kind == kind::structure) what = "struct";
        if (type != nullptr && type->kind == kind::map) what = "dict";
        if (type != nullptr && type->kind == kind::sequence && !has_view(*type))
            what = type->access->find != nullptr ? "set" : "list";
        return PyUnicode_FromString(what);
    });
}

/// _fields_at(served, path): the names of the fields of a struct
inline PyObject* fields_at(PyObject*, PyObject* arguments) {
    return guarded([&] {
        PyObject* handle = nullptr;
        PyObject* steps = nullptr;
        check(PyArg_ParseTuple(arguments, "OO!", &handle, &PyTuple_Type, &steps) != 0);
        py::list all;
        if (const auto* type = type_at(served_of(handle).type_of_chares().describe(), steps);
            type != nullptr && type->kind == kind::structure && type->access->make != nullptr) {
            void* const object = type->access->make();
            for (const auto& field : type->fields)
                if (find_field(*type, object, field.name) != nullptr) all.append(text_to_python(field.name));
            type->access->destroy(object);
        }
        return all.release().ptr();
    });
}

/// _typed(served, method, result): a struct as what it is, with its fields as attributes
inline PyObject* typed_result(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* handle = nullptr;
        const char* name = nullptr;
        PyObject* result = nullptr;
        check(PyArg_ParseTuple(arguments, "OsO", &handle, &name, &result) != 0);
        for (const script_method& method : runtime::registry::get<opened_type>(served_of(handle).opened).methods()) {
            if (method.name != name || method.result == nullptr || method.result->kind != kind::structure) continue;
            void* const made = method.result->access->make != nullptr ? method.result->access->make() : nullptr;
            if (made == nullptr) break;
            try {
                from_python(*method.result, made, result, {});
            } catch (const does_not_fit&) { // of a read-only field: as it came
                method.result->access->destroy(made);
                break;
            }
            return own(*method.result, made, "the result of " + std::string(name)).release().ptr();
        }
        return Py_NewRef(result);
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
    const py::dict pythons = py::module_::import("builtins").attr("__dict__");
    if (!host.prepared) {
        py::dict copy = pythons.attr("copy")();
        if (!std::exchange(host.prepared, true)) host.builtins = std::move(copy);
    }
    const shared_names names = pe_scripting::of(p).names;
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
