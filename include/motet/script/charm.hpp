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

inline void run_program_code(void (*code)(void* state), void* state) {
    running_script& s = this_script("the program's own code");
    runtime::frame f{.element = &s.e, .part = &s.c, .counted = false, .may_wait = false};
    const runtime::frame_scope scope(s.p, f);
    code(state);
}

/// What a method call came to, without Python's lock.
struct called {
    void* result = nullptr;
    bool unwound = false;
    std::string error;
};

/// Runs a method as the chare's own call of it would. It may wait, where the PE is lent to the calling thread.
inline called call_in_frame(running_script& s, const script_method& method, void* arguments, void* room) noexcept {
    called outcome;
    runtime::frame f{.element = &s.e,
                     .part = &s.c,
                     .type = method.entry(),
                     .counted = false,
                     .may_wait = !s.p.job.options.embedded && !s.atomic};
    const runtime::frame_scope scope(s.p, f);
    try {
        outcome.result = method.call(s.c.type->object(s.e), arguments, room);
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

inline void check_count(const script_method& method, std::size_t count) {
    if (const std::size_t wanted = method.arguments->parts.size(); count != wanted)
        raise(PyExc_TypeError, signature(method) + " takes " + std::to_string(wanted) + " arguments, and " +
                                   std::to_string(count) + " are given");
}

/// One of the arguments, from Python's.
inline void read_argument(const script_method& method, void* arguments, std::size_t place, PyObject* given) {
    static constexpr const char* names[] = {"1st argument", "2nd argument", "3rd argument", "4th argument",
                                            "5th argument", "6th argument", "an argument"};
    const std::string called(method.name);
    const path call{nullptr, called, 0, true};
    from_python(*method.arguments->parts[place], method.arguments->access->part(arguments, place), given,
                path{&call, names[std::min(place, std::size(names) - 1)], 0, true});
}

/// Whether values of this type are numbers: they need no memory of their own, and every bit of them is written anew.
inline bool is_number(const type_description& type) {
    switch (type.kind) {
    case kind::boolean:
    case kind::character:
    case kind::integer:
    case kind::enumeration:
    case kind::real: return true;
    default: return false;
    }
}

/// A method as a Python callable.
struct method_object {
    PyObject_HEAD vectorcallfunc call;
    const script_method* method;
    void* spare;       ///< arguments that nobody uses now, where all of them are numbers
    bool reusable;     ///< all of them are numbers
    bool plain_result; ///< it returns a number
};

/// The arguments of one call; those that are numbers are used again by the next.
class call_arguments {
public:
    explicit call_arguments(method_object& of) : owner(of), place(std::exchange(of.spare, nullptr)) {
        if (place != nullptr) return;
        const access& can = *owner.method->arguments->access;
        if (can.make == nullptr)
            misfit(*owner.method->arguments, Py_None, {}, "an argument of this method cannot be made from outside");
        place = can.make();
    }
    call_arguments(const call_arguments&) = delete;
    ~call_arguments() {
        if (owner.reusable && owner.spare == nullptr)
            owner.spare = place;
        else
            owner.method->arguments->access->destroy(place);
    }
    void* get() const { return place; }

private:
    method_object& owner;
    void* place;
};

inline PyObject* call_method(method_object& callable, PyObject* const* given, std::size_t count) {
    const script_method& method = *callable.method;
    running_script& s = this_script("charm");
    if (!s.high_level)
        raise(PyExc_RuntimeError,
              "methods can be called by scripts that run with high_level=True: the others never wait");
    if (s.ending) raise(PyExc_SystemExit, "the program has ended");
    check_count(method, count);
    const call_arguments arguments(callable);
    for (std::size_t i = 0; i < count; ++i) read_argument(method, arguments.get(), i, given[i]);
    s.variables.chare->move_on();
    alignas(16) std::byte number[16];
    called outcome;
    {
        const outside_python away(s);
        outcome =
            call_in_frame(s, method, arguments.get(), callable.plain_result ? static_cast<void*>(number) : nullptr);
    }
    s.variables.chare->move_on();   // what was read while this waited, by others in the same variables
    py::object result = py::none(); // Python's, whatever is raised below
    if (outcome.result == number)
        result = to_python(*method.result, number, {}, {});
    else if (outcome.result != nullptr)
        result = own(*method.result, outcome.result, "the result of " + std::string(method.name));
    after_outside(s, outcome.unwound);
    if (!outcome.error.empty()) raise(PyExc_RuntimeError, outcome.error);
    return result.release().ptr();
}

inline PyObject* call_method_object(PyObject* self, PyObject* const* arguments, std::size_t flags, PyObject* names) {
    return guarded([&] {
        auto& callable = *reinterpret_cast<method_object*>(self);
        if (names != nullptr && PyTuple_GET_SIZE(names) != 0)
            raise(PyExc_TypeError, std::string(callable.method->name) + " takes no keyword arguments");
        return call_method(callable, arguments, static_cast<std::size_t>(PyVectorcall_NARGS(flags)));
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

/// The methods of a type as callables, by name; made for the first who asks.
inline py::dict& callables(std::span<const script_method> methods) {
    static auto* const all = new std::unordered_map<const script_method*, py::dict>(); // Python is never ended
    const auto found = all->find(methods.data());
    if (found != all->end()) [[likely]]
        return found->second;
    py::dict made;
    for (const script_method& method : methods) {
        PyTypeObject* const of = method_type();
        const auto each = py::reinterpret_steal<py::object>(of->tp_alloc(of, 0));
        check(static_cast<bool>(each));
        auto& callable = *reinterpret_cast<method_object*>(each.ptr());
        callable.call = &call_method_object;
        callable.method = &method;
        callable.spare = nullptr;
        callable.reusable =
            std::ranges::all_of(method.arguments->parts, [](const auto* part) { return is_number(*part); });
        callable.plain_result = method.result != nullptr && is_number(*method.result) && method.result->size <= 16;
        made[text_to_python(method.name)] = each;
    }
    return all->emplace(methods.data(), std::move(made)).first->second;
}

inline std::string method_names(std::span<const script_method> methods) {
    std::string all;
    for (const script_method& method : methods) all += (all.empty() ? "" : ", ") + std::string(method.name);
    return all.empty() ? "none" : all;
}

/// What is served under a name, for scripts; null if nothing is.
inline py::object find_served(const running_script& s, PyObject* name);

/// charm.NAME
inline PyObject* charm_attribute(PyObject* self, PyObject* name) {
    return guarded([&]() -> PyObject* {
        running_script* const s = running_script::current();
        if (s != nullptr && s->high_level) [[likely]] {
            PyObject* const found = PyDict_GetItemWithError(callables(s->methods).ptr(), name);
            if (found != nullptr) return Py_NewRef(found);
            check(PyErr_Occurred() == nullptr);
        }
        PyObject* const own = PyObject_GenericGetAttr(self, name); // __name__, __dir__
        if (own != nullptr) return own;
        check(PyErr_ExceptionMatches(PyExc_AttributeError) != 0);
        PyErr_Clear();
        const char* const text = PyUnicode_AsUTF8(name);
        check(text != nullptr);
        if (std::string_view(text).substr(0, 2) == "__") raise(PyExc_AttributeError, text);
        const running_script& here = this_script("charm");
        if (!here.high_level)
            raise(PyExc_AttributeError, "the module charm is for scripts that run with high_level=True");
        if (py::object found = find_served(here, name)) return found.release().ptr();
        raise(PyExc_AttributeError, here.variables.chare->name + " has no method '" + text +
                                        "' for scripts; it has: " + method_names(here.methods));
    });
}

inline PyObject* charm_names(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        py::list all;
        for (const script_method& method : this_script("charm").methods) all.append(text_to_python(method.name));
        return all.release().ptr();
    });
}

/// A module whose attributes are those of the script that asks: a type of its own, because the `__getattr__` of modules
/// is asked last and costs more than the call.
inline PyObject* make_charm() {
    static PyMethodDef methods[] = {{"__dir__", &charm_names, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
    static PyTypeObject* const type = make_type(
        "motet.charm", 0, 0, {{Py_tp_getattro, reinterpret_cast<void*>(&charm_attribute)}, {Py_tp_methods, methods}},
        reinterpret_cast<PyObject*>(&PyModule_Type));
    return PyObject_CallFunction(reinterpret_cast<PyObject*>(type), "ss", "charm",
                                 "The methods of the chare that this script runs in. They may wait.");
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
