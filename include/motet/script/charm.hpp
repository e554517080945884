// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/frame.hpp>
#include <motet/script/stop.hpp>

#if MOTET_BODIES

#include <exception>
#include <memory>
#include <string>

/// The module `charm` (Charm++ manual, section 26.11): the methods of the chare that scripts may call. They may wait;
/// other messages go on meanwhile, also to the same chare.
namespace motet::inline MOTET_VARIANT::script {

/// A value that belongs to Python alone, such as what a method has returned.
struct owned_scope : scope {
    owned_scope(void* value, const type_description& of, std::string called) : scope(value, of, std::move(called)) {}
    ~owned_scope() {
        void* const value = object;
        close();
        type->access->destroy(value);
    }
};

/// A value made with new becomes Python's.
inline py::object own(const type_description& type, void* value, std::string called) {
    const std::shared_ptr<scope> within = std::make_shared<owned_scope>(value, type, std::move(called));
    return to_python(type, value, within, {});
}

/// What a method call came to, without Python's lock.
struct called {
    void* result = nullptr;
    bool unwound = false;
    std::string error;
};

/// Runs a method as the chare's own call of it would. It may wait, where the PE is lent to the calling thread.
inline called call_in_frame(running_script& s, const script_method& method, void* arguments) noexcept {
    called outcome;
    runtime::frame f{.element = &s.e, .part = &s.c, .type = method.entry(), .counted = false};
    const runtime::frame_scope scope(s.p, f);
    try {
        outcome.result = method.call(s.c.type->object(s.e), arguments);
    } catch (const fiber::unwind&) {
        outcome.unwound = true;
    } catch (...) {
        const auto e = runtime::exception_text::current();
        outcome.error = e.text + " (" + e.type + ", in " + std::string(method.name) + ")";
    }
    return outcome;
}

inline std::string signature(const script_method& method) {
    std::string text = std::string(method.name) + "(";
    for (std::size_t i = 0; i < method.arguments->parts.size(); ++i)
        text += (i == 0 ? "" : ", ") + type_text(*method.arguments->parts[i]);
    return text + ")" + (method.result != nullptr ? " -> " + type_text(*method.result) : "");
}

inline PyObject* call_method(const script_method& method, PyObject* const* given, std::size_t count) {
    running_script& s = this_script("charm");
    if (!s.high_level)
        raise(PyExc_RuntimeError,
              "methods can be called by scripts that run with high_level=True: the others never wait");
    if (s.ending) raise(PyExc_SystemExit, "the program has ended");
    const type_description& wanted = *method.arguments;
    if (count != wanted.parts.size())
        raise(PyExc_TypeError, signature(method) + " takes " + std::to_string(wanted.parts.size()) +
                                   " arguments, and " + std::to_string(count) + " are given");
    const fresh arguments(wanted, Py_None, {});
    const std::string name(method.name);
    static constexpr const char* argument_names[] = {"1st argument", "2nd argument", "3rd argument", "4th argument",
                                                     "5th argument", "6th argument", "an argument"};
    const path call{nullptr, name, 0, true};
    for (std::size_t i = 0; i < count; ++i)
        from_python(*wanted.parts[i], wanted.access->part(arguments.get(), i), given[i],
                    path{&call, argument_names[std::min(i, std::size(argument_names) - 1)], 0, true});
    s.variables.chare->move_on();
    called outcome;
    {
        const outside_python away(s);
        outcome = call_in_frame(s, method, arguments.get());
    }
    s.variables.chare->move_on(); // what was read while this waited, by others in the same variables
    after_outside(s, outcome.unwound);
    if (!outcome.error.empty()) raise(PyExc_RuntimeError, outcome.error);
    if (method.result == nullptr) return none();
    return own(*method.result, outcome.result, "the result of " + name).release().ptr();
}

/// A method as a Python callable.
struct method_object {
    PyObject_HEAD vectorcallfunc call;
    const script_method* method;
};

inline PyObject* call_method_object(PyObject* self, PyObject* const* arguments, std::size_t flags, PyObject* names) {
    return guarded([&] {
        const script_method& method = *reinterpret_cast<method_object*>(self)->method;
        if (names != nullptr && PyTuple_GET_SIZE(names) != 0)
            raise(PyExc_TypeError, std::string(method.name) + " takes no keyword arguments");
        return call_method(method, arguments, static_cast<std::size_t>(PyVectorcall_NARGS(flags)));
    });
}

inline PyObject* method_text(PyObject* self) {
    return guarded([&] {
        return text_to_python("<method " + signature(*reinterpret_cast<method_object*>(self)->method) + ">")
            .release()
            .ptr();
    });
}
inline PyObject* method_doc(PyObject* self, void*) {
    return guarded(
        [&] { return text_to_python(signature(*reinterpret_cast<method_object*>(self)->method)).release().ptr(); });
}

inline PyTypeObject* method_type() {
    static PyMemberDef members[] = {
        {"__vectorcalloffset__", T_PYSSIZET, offsetof(method_object, call), READONLY, nullptr},
        {nullptr, 0, 0, 0, nullptr}};
    static PyGetSetDef attributes[] = {{"__doc__", &method_doc, nullptr, nullptr, nullptr},
                                       {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyTypeObject* const type =
        make_type("motet.method", sizeof(method_object), Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL,
                  {{Py_tp_repr, reinterpret_cast<void*>(&method_text)},
                   {Py_tp_call, reinterpret_cast<void*>(&PyVectorcall_Call)},
                   {Py_tp_members, members},
                   {Py_tp_getset, attributes}});
    return type;
}

/// The method of that name, as a callable; null if there is none.
inline py::object find_method(const opened_type& type, std::string_view name) {
    static auto* const all = new std::unordered_map<const script_method*, py::object>(); // Python is never ended
    for (const script_method& method : type.methods()) {
        if (method.name != name) continue;
        auto& known = (*all)[&method];
        if (!known) {
            PyTypeObject* const of = method_type();
            known = py::reinterpret_steal<py::object>(of->tp_alloc(of, 0));
            auto& made = *reinterpret_cast<method_object*>(known.ptr());
            made.call = &call_method_object;
            made.method = &method;
        }
        return known;
    }
    return {};
}

inline std::string method_names(const opened_type& type) {
    std::string all;
    for (const script_method& method : type.methods()) all += (all.empty() ? "" : ", ") + std::string(method.name);
    return all.empty() ? "none" : all;
}

/// charm.NAME
inline PyObject* charm_attribute(PyObject*, PyObject* name) {
    return guarded([&]() -> PyObject* {
        const char* const text = PyUnicode_AsUTF8(name);
        check(text != nullptr);
        if (std::string_view(text).substr(0, 2) == "__") raise(PyExc_AttributeError, text);
        const running_script& s = this_script("charm");
        if (!s.high_level) raise(PyExc_AttributeError, "the module charm is for scripts that run with high_level=True");
        py::object found = find_method(*s.opened, text);
        if (!found)
            raise(PyExc_AttributeError, s.variables.chare->name + " has no method '" + text +
                                            "' for scripts; it has: " + method_names(*s.opened));
        return found.release().ptr();
    });
}

inline PyObject* charm_names(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        py::list all;
        for (const script_method& method : this_script("charm").opened->methods())
            all.append(text_to_python(method.name));
        return all.release().ptr();
    });
}

inline PyObject* make_charm() {
    static PyMethodDef methods[] = {{"__getattr__", &charm_attribute, METH_O, nullptr},
                                    {"__dir__", &charm_names, METH_NOARGS, nullptr},
                                    {nullptr, nullptr, 0, nullptr}};
    static PyModuleDef definition;
    return make_module(definition, "charm", "The methods of the chare that this script runs in. They may wait.",
                       methods);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
