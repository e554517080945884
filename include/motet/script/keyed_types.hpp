// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/list_types.hpp>

#if MOTET_BODIES

#include <string>

/// The Python types of references to sets and dicts.
namespace motet::inline MOTET_VARIANT::script {

/// All elements of a set, or all keys of a dict, as a list.
inline py::list keys_of(reference& r) {
    py::list all;
    struct visitor {
        py::list& all;
        reference& r;
    } state{all, r};
    r.type->access->visit(address_of(r), &state, [](void* pointer, void* key, void*) {
        auto& s = *static_cast<visitor*>(pointer);
        s.all.append(to_python(*s.r.type->parts[0], key, s.r.within,
                               {reinterpret_cast<PyObject*>(&s.r), step::key, s.all.size(), nullptr, true}));
        return true;
    });
    return all;
}

inline PyObject* iterate_keys(PyObject* self) {
    return guarded([&] { return PyObject_GetIter(keys_of(ref(self)).ptr()); });
}

/// The address of the value under a key (of a set: of the element); null if there is none.
inline void* find_key(reference& r, PyObject* key) {
    const converted wanted(*r.type->parts[0], key, {});
    return r.type->access->find(address_of(r), wanted.get());
}

inline int contains_key(PyObject* self, PyObject* key) {
    return guarded(
        [&]() -> int {
            try {
                return find_key(ref(self), key) != nullptr ? 1 : 0;
            } catch (const does_not_fit&) { // what cannot be a key is none
                return 0;
            }
        },
        -1);
}

inline bool remove_key(reference& r, PyObject* key) {
    check_open(r);
    const converted wanted(*r.type->parts[0], key, {});
    r.within->move_on();
    return r.type->access->remove(address_of(r), wanted.get());
}

inline PyObject* set_add(PyObject* self, PyObject* value) {
    return guarded([&] {
        reference& r = ref(self);
        check_open(r);
        const converted made(*r.type->parts[0], value, {});
        r.within->move_on();
        r.type->access->append(address_of(r), made.get());
        return none();
    });
}
inline PyObject* set_discard(PyObject* self, PyObject* value) {
    return guarded([&] {
        remove_key(ref(self), value);
        return none();
    });
}
inline PyObject* set_remove(PyObject* self, PyObject* value) {
    return guarded([&]() -> PyObject* {
        if (remove_key(ref(self), value)) return none();
        PyErr_SetObject(PyExc_KeyError, value);
        return nullptr;
    });
}
inline PyObject* set_compare(PyObject* self, PyObject* other, int how) {
    return compare_as(self, other, how, &PySet_New);
}

inline PyTypeObject* set_type() {
    static PyMethodDef methods[] = {
        {"add", &set_add, METH_O, "add(value)"},
        {"discard", &set_discard, METH_O, "discard(value): takes it out if it is there"},
        {"remove", &set_remove, METH_O, "remove(value): takes it out; KeyError if it is not there"},
        {"clear", &container_clear, METH_NOARGS, "clear(): takes all elements out"},
        {nullptr, nullptr, 0, nullptr}};
    static PyTypeObject* const type =
        reference_type("motet.set", "A set of the running program: changes change the program.", 0,
                       {{Py_tp_methods, methods},
                        {Py_tp_iter, reinterpret_cast<void*>(&iterate_keys)},
                        {Py_tp_richcompare, reinterpret_cast<void*>(&set_compare)},
                        {Py_tp_hash, reinterpret_cast<void*>(&PyObject_HashNotImplemented)},
                        {Py_sq_length, reinterpret_cast<void*>(&container_length)},
                        {Py_sq_contains, reinterpret_cast<void*>(&contains_key)}});
    return type;
}

inline PyObject* map_get(PyObject* self, PyObject* key) {
    return guarded([&]() -> PyObject* {
        reference& r = ref(self);
        void* const found = find_key(r, key);
        if (found == nullptr) {
            PyErr_SetObject(PyExc_KeyError, key);
            return nullptr;
        }
        return to_python(*r.type->parts[1], found, r.within, {self, step::mapped, 0, key, r.frozen}).release().ptr();
    });
}
inline int map_set(PyObject* self, PyObject* key, PyObject* value) {
    return status([&] {
        reference& r = ref(self);
        check_open(r);
        if (value == nullptr) {
            if (remove_key(r, key)) return;
            PyErr_SetObject(PyExc_KeyError, key);
            throw py::error_already_set();
        }
        if (r.type->access->put == nullptr) impossible(r, "take values from outside");
        const std::string name = place_text(r);
        const path where{nullptr, name, 0, true};
        const converted wanted(*r.type->parts[0], key, where);
        const converted made(*r.type->parts[1], value, where);
        r.within->move_on();
        r.type->parts[1]->access->take(r.type->access->put(address_of(r), wanted.get()), made.get());
    });
}
inline PyObject* map_keys(PyObject* self, PyObject*) {
    return guarded([&] { return keys_of(ref(self)).release().ptr(); });
}
inline PyObject* map_items(PyObject* self, PyObject*) {
    return guarded([&] {
        py::list all;
        for (const auto key : keys_of(ref(self)))
            all.append(py::make_tuple(key, py::reinterpret_steal<py::object>(map_get(self, key.ptr()))));
        return all.release().ptr();
    });
}
inline PyObject* map_values(PyObject* self, PyObject*) {
    return guarded([&] {
        py::list all;
        for (const auto key : keys_of(ref(self)))
            all.append(py::reinterpret_steal<py::object>(map_get(self, key.ptr())));
        return all.release().ptr();
    });
}
inline PyObject* map_get_or(PyObject* self, PyObject* arguments) {
    PyObject* key = nullptr;
    PyObject* other = Py_None;
    if (PyArg_ParseTuple(arguments, "O|O", &key, &other) == 0) return nullptr;
    const int there = contains_key(self, key);
    return there == 1 ? map_get(self, key) : there == 0 ? Py_NewRef(other) : nullptr;
}
/// A reference, or any mapping, as a dict.
inline PyObject* as_dict(PyObject* object) {
    PyObject* const all = PyDict_New();
    if (all != nullptr && PyMapping_Check(object) != 0 && PyDict_Merge(all, object, 1) == 0) return all;
    Py_XDECREF(all);
    return nullptr;
}
inline PyObject* map_compare(PyObject* self, PyObject* other, int how) {
    return compare_as(self, other, how, &as_dict);
}

inline PyTypeObject* map_type() {
    static PyMethodDef methods[] = {{"keys", &map_keys, METH_NOARGS, "keys(): a list"},
                                    {"values", &map_values, METH_NOARGS, "values(): a list"},
                                    {"items", &map_items, METH_NOARGS, "items(): a list of pairs"},
                                    {"get", &map_get_or, METH_VARARGS, "get(key[, otherwise])"},
                                    {"clear", &container_clear, METH_NOARGS, "clear(): takes all out"},
                                    {nullptr, nullptr, 0, nullptr}};
    static PyTypeObject* const type =
        reference_type("motet.dict", "A map of the running program: changes change the program.", Py_TPFLAGS_MAPPING,
                       {{Py_tp_methods, methods},
                        {Py_tp_iter, reinterpret_cast<void*>(&iterate_keys)},
                        {Py_tp_richcompare, reinterpret_cast<void*>(&map_compare)},
                        {Py_tp_hash, reinterpret_cast<void*>(&PyObject_HashNotImplemented)},
                        {Py_sq_contains, reinterpret_cast<void*>(&contains_key)},
                        {Py_mp_length, reinterpret_cast<void*>(&container_length)},
                        {Py_mp_subscript, reinterpret_cast<void*>(&map_get)},
                        {Py_mp_ass_subscript, reinterpret_cast<void*>(&map_set)}});
    return type;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
