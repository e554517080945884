// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/struct_types.hpp>

#if MOTET_BODIES

#include <string>

/// The Python type of references to lists.
namespace motet::inline MOTET_VARIANT::script {

inline std::size_t size_of(reference& r) { return r.type->access->size(address_of(r)); }

inline Py_ssize_t container_length(PyObject* self) {
    return guarded([&] { return static_cast<Py_ssize_t>(size_of(ref(self))); }, Py_ssize_t{-1});
}

inline py::object item_at(reference& r, std::size_t place) {
    const type_description& element = *r.type->parts[0];
    void* const container = address_of(r);
    const origin from{reinterpret_cast<PyObject*>(&r), step::element, place, nullptr, r.frozen};
    if (r.type->access->at != nullptr) return to_python(element, r.type->access->at(container, place), r.within, from);
    // Of elements without an address of their own a copy is shown (std::vector<bool>).
    struct search {
        std::size_t left;
        PyObject* found;
        const type_description& element;
        reference& r;
        const origin& from;
    } state{place, nullptr, element, r, from};
    r.type->access->visit(container, &state, [](void* pointer, void* at, void*) {
        auto& s = *static_cast<search*>(pointer);
        if (s.left-- != 0) return true;
        s.found = to_python(s.element, at, s.r.within, s.from).release().ptr();
        return false;
    });
    return py::reinterpret_steal<py::object>(state.found);
}

/// A Python index as a place in the container; negative ones count from the end.
inline std::size_t place_of(reference& r, PyObject* index) {
    const Py_ssize_t given = PyNumber_AsSsize_t(index, PyExc_IndexError);
    if (given == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
    const auto size = static_cast<Py_ssize_t>(size_of(r));
    const Py_ssize_t place = given < 0 ? given + size : given;
    if (place < 0 || place >= size)
        raise(PyExc_IndexError, "index " + std::to_string(given) + ", and there are " + std::to_string(size));
    return static_cast<std::size_t>(place);
}

inline PyObject* sequence_item(PyObject* self, Py_ssize_t place) {
    return guarded([&]() -> PyObject* {
        reference& r = ref(self);
        if (place < 0 || static_cast<std::size_t>(place) >= size_of(r)) raise(PyExc_IndexError, "out of range");
        return item_at(r, static_cast<std::size_t>(place)).release().ptr();
    });
}

inline PyObject* sequence_get(PyObject* self, PyObject* index) {
    return guarded([&]() -> PyObject* {
        reference& r = ref(self);
        if (!PySlice_Check(index)) return item_at(r, place_of(r, index)).release().ptr();
        Py_ssize_t start = 0;
        Py_ssize_t stop = 0;
        Py_ssize_t stride = 0;
        check(PySlice_Unpack(index, &start, &stop, &stride) == 0);
        const Py_ssize_t count = PySlice_AdjustIndices(static_cast<Py_ssize_t>(size_of(r)), &start, &stop, stride);
        py::list all;
        for (Py_ssize_t i = 0; i < count; ++i) all.append(item_at(r, static_cast<std::size_t>(start + i * stride)));
        return all.release().ptr();
    });
}

inline std::string place_text(const reference& r) {
    return r.how == step::field && r.parent != nullptr ? std::string(ref(r.parent).type->fields[r.place].name)
                                                       : std::string();
}

/// Raises AttributeError for a container that scripts may not change.
inline void check_open(const reference& r) {
    if (!r.frozen) return;
    const std::string name = place_text(r);
    raise(PyExc_AttributeError, (name.empty() ? "what this lies in" : name) + " is read-only");
}

/// A container that this is not possible with.
[[noreturn]] inline void impossible(const reference& r, const char* what) {
    raise(PyExc_TypeError, type_text(*r.type) + " cannot " + what);
}

inline void set_item(reference& r, std::size_t place, PyObject* value) {
    check_open(r);
    const type_description& element = *r.type->parts[0];
    const std::string name = place_text(r);
    const path up{nullptr, name, 0, true};
    const path where{&up, {}, place, false};
    if (r.type->access->at != nullptr)
        return put(r.within, element, value, where, [&] {
            if (place >= size_of(r)) raise(PyExc_IndexError, "this element is not there any more");
            return r.type->access->at(address_of(r), place);
        });
    if (r.type->access->insert == nullptr || r.type->access->erase == nullptr)
        impossible(r, "have an element replaced");
    const converted made(element, value, where);
    r.within->move_on();
    if (place >= size_of(r)) raise(PyExc_IndexError, "this element is not there any more");
    r.type->access->insert(address_of(r), place, made.get());
    r.type->access->erase(address_of(r), place + 1, 1);
}

inline void erase_items(reference& r, std::size_t first, std::size_t count) {
    check_open(r);
    if (r.type->access->erase == nullptr) impossible(r, "lose elements");
    r.within->move_on();
    r.type->access->erase(address_of(r), first, count);
}

inline void insert_item(reference& r, std::size_t place, PyObject* value) {
    check_open(r);
    if (r.type->access->insert == nullptr && r.type->access->append == nullptr) impossible(r, "grow");
    const type_description& element = *r.type->parts[0];
    const std::string name = place_text(r);
    const path up{nullptr, name, 0, true};
    const path where{&up, {}, place, false};
    const converted made(element, value, where);
    r.within->move_on();
    const std::size_t size = size_of(r);
    if (place >= size && r.type->access->append != nullptr) return r.type->access->append(address_of(r), made.get());
    if (r.type->access->insert == nullptr) impossible(r, "have elements inserted");
    r.type->access->insert(address_of(r), std::min(place, size), made.get());
}

inline int sequence_set(PyObject* self, PyObject* index, PyObject* value) {
    return status([&] {
        reference& r = ref(self);
        if (!PySlice_Check(index)) {
            const std::size_t place = place_of(r, index);
            return value != nullptr ? set_item(r, place, value) : erase_items(r, place, 1);
        }
        Py_ssize_t start = 0;
        Py_ssize_t stop = 0;
        Py_ssize_t stride = 0;
        check(PySlice_Unpack(index, &start, &stop, &stride) == 0);
        const Py_ssize_t count = PySlice_AdjustIndices(static_cast<Py_ssize_t>(size_of(r)), &start, &stop, stride);
        if (value == nullptr) {
            if (stride == 1) return erase_items(r, static_cast<std::size_t>(start), static_cast<std::size_t>(count));
            for (Py_ssize_t i = 0; i < count; ++i) { // from the highest on
                const Py_ssize_t nth = stride > 0 ? count - 1 - i : i;
                erase_items(r, static_cast<std::size_t>(start + nth * stride), 1);
            }
            return;
        }
        const auto items = py::reinterpret_steal<py::object>(PySequence_Tuple(value)); // reading one may run Python
        check(static_cast<bool>(items));
        if (PyTuple_GET_SIZE(items.ptr()) != count)
            raise(PyExc_ValueError, "a slice of " + std::to_string(count) + " elements takes as many values");
        for (Py_ssize_t i = 0; i < count; ++i)
            set_item(r, static_cast<std::size_t>(start + i * stride), PyTuple_GET_ITEM(items.ptr(), i));
    });
}

inline PyObject* none() { return Py_NewRef(Py_None); }

inline PyObject* sequence_append(PyObject* self, PyObject* value) {
    return guarded([&] {
        reference& r = ref(self);
        insert_item(r, size_of(r), value);
        return none();
    });
}
inline PyObject* sequence_extend(PyObject* self, PyObject* values) {
    return guarded([&] {
        const auto items = py::reinterpret_steal<py::object>(PySequence_List(values)); // also of itself
        check(static_cast<bool>(items));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.ptr()); ++i)
            insert_item(ref(self), size_of(ref(self)), PyList_GET_ITEM(items.ptr(), i));
        return none();
    });
}
inline PyObject* sequence_insert(PyObject* self, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        Py_ssize_t place = 0;
        PyObject* value = nullptr;
        check(PyArg_ParseTuple(arguments, "nO", &place, &value) != 0);
        reference& r = ref(self);
        const auto size = static_cast<Py_ssize_t>(size_of(r));
        if (place < 0) place = std::max(Py_ssize_t{0}, place + size);
        insert_item(r, static_cast<std::size_t>(std::min(place, size)), value);
        return none();
    });
}
inline PyObject* sequence_pop(PyObject* self, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* index = nullptr;
        check(PyArg_ParseTuple(arguments, "|O", &index) != 0);
        reference& r = ref(self);
        const py::object last = py::int_(-1);
        const std::size_t place = place_of(r, index != nullptr ? index : last.ptr());
        py::object taken = item_at(r, place);
        if (PyObject_TypeCheck(taken.ptr(), &PyBaseObject_Type) != 0 &&
            std::string_view(Py_TYPE(taken.ptr())->tp_name).substr(0, 6) == "motet.")
            taken = py::none(); // a struct goes with its element
        erase_items(r, place, 1);
        return taken.release().ptr();
    });
}
inline PyObject* container_clear(PyObject* self, PyObject*) {
    return guarded([&] {
        reference& r = ref(self);
        check_open(r);
        if (r.type->access->clear == nullptr) impossible(r, "be emptied");
        r.within->move_on();
        r.type->access->clear(address_of(r));
        return none();
    });
}

inline PyObject* compare_as(PyObject* self, PyObject* other, int how, PyObject* (*convert)(PyObject*)) {
    if (how != Py_EQ && how != Py_NE) return Py_NewRef(Py_NotImplemented);
    return guarded([&] {
        const auto mine = py::reinterpret_steal<py::object>(convert(self));
        check(static_cast<bool>(mine));
        const auto others = py::reinterpret_steal<py::object>(convert(other));
        if (!others) {
            PyErr_Clear();
            return Py_NewRef(Py_NotImplemented);
        }
        return PyObject_RichCompare(mine.ptr(), others.ptr(), how);
    });
}
inline PyObject* sequence_compare(PyObject* self, PyObject* other, int how) {
    return compare_as(self, other, how, &PySequence_List);
}

inline PyTypeObject* sequence_type() {
    static PyMethodDef methods[] = {
        {"append", &sequence_append, METH_O, "append(value): the value comes to the end"},
        {"extend", &sequence_extend, METH_O, "extend(values): all of them come to the end"},
        {"insert", &sequence_insert, METH_VARARGS, "insert(place, value): the value comes before that place"},
        {"pop", &sequence_pop, METH_VARARGS, "pop([place]): takes an element out, the last one if no place is given"},
        {"clear", &container_clear, METH_NOARGS, "clear(): takes all elements out"},
        {nullptr, nullptr, 0, nullptr}};
    static PyTypeObject* const type =
        reference_type("motet.list", "A list of the running program: changes change the program.", Py_TPFLAGS_SEQUENCE,
                       {{Py_tp_methods, methods},
                        {Py_tp_richcompare, reinterpret_cast<void*>(&sequence_compare)},
                        {Py_tp_hash, reinterpret_cast<void*>(&PyObject_HashNotImplemented)},
                        {Py_sq_length, reinterpret_cast<void*>(&container_length)},
                        {Py_sq_item, reinterpret_cast<void*>(&sequence_item)},
                        {Py_mp_length, reinterpret_cast<void*>(&container_length)},
                        {Py_mp_subscript, reinterpret_cast<void*>(&sequence_get)},
                        {Py_mp_ass_subscript, reinterpret_cast<void*>(&sequence_set)}});
    return type;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
