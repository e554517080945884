// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/own_calls.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

/// The Python types of references: one for each struct of the program, one for lists, sets and dicts each.
namespace motet::inline MOTET_VARIANT::script {

/// The text of what a reference stands for.
inline PyObject* reference_text(PyObject* self) {
    return guarded([&] {
        reference& r = ref(self);
        if (r.type->access->own != nullptr && r.type->access->own->reads_all)
            return text_to_python("<" + std::string(Py_TYPE(self)->tp_name) + ">").release().ptr();
        return text_to_python(r.type->text(address_of(r), 10000)).release().ptr();
    });
}

/// A Python type of references.
inline PyTypeObject* reference_type(const char* name, const char* doc, unsigned long flags,
                                    std::vector<PyType_Slot> slots) {
    slots.insert(slots.end(), {{Py_tp_dealloc, reinterpret_cast<void*>(&free_reference)},
                               {Py_tp_repr, reinterpret_cast<void*>(&reference_text)},
                               {Py_tp_doc, const_cast<char*>(doc)}});
    return make_type(name, sizeof(reference), Py_TPFLAGS_DISALLOW_INSTANTIATION | flags, std::move(slots));
}

// Structs.

/// What a Python attribute needs to know of its field.
struct attribute {
    const reflect::field_description* field;
    std::size_t offset;
    std::string name;
    std::string doc;
    bool open;
    bool scattered;
    void* place(void* object) const {
        return scattered ? field->address(object) : static_cast<std::byte*>(object) + offset;
    }
};

struct struct_info {
    const type_description* type;
    PyTypeObject* made = nullptr;
    std::string name;
    std::string doc;
    std::vector<std::unique_ptr<attribute>> attributes;
    std::vector<PyGetSetDef> definitions;
};

inline PyObject* get_field(PyObject* self, void* closure) {
    return guarded([&] {
        const auto& a = *static_cast<const attribute*>(closure);
        reference& r = ref(self);
        return to_python(*a.field->type, a.place(address_of(r)), r.within,
                         {self, step::field, a.field->index, nullptr, r.frozen || !a.open})
            .release()
            .ptr();
    });
}

inline int set_field(PyObject* self, PyObject* value, void* closure) {
    return status([&] {
        const auto& a = *static_cast<const attribute*>(closure);
        if (value == nullptr) raise(PyExc_AttributeError, a.name + " is a field of a C++ struct and cannot be deleted");
        reference& r = ref(self);
        if (!a.open || r.frozen) raise(PyExc_AttributeError, a.name + " is read-only");
        put(r.within, *a.field->type, value, {nullptr, a.name, 0, true}, [&] { return a.place(address_of(r)); });
    });
}

/// What there is, where an attribute is asked for that is not.
inline void name_the_fields(PyObject* self, PyObject* name) {
    if (PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return;
    PyObject* type = nullptr;
    PyObject* value = nullptr;
    PyObject* traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback); // the question below would lose it
    const bool is_there = PyObject_HasAttr(reinterpret_cast<PyObject*>(Py_TYPE(self)), name) != 0;
    PyErr_Restore(type, value, traceback);
    if (is_there) return;
    const reference& r = ref(self);
    PyErr_Format(PyExc_AttributeError, "%s has no field or method '%U'; it has %s", Py_TYPE(self)->tp_name, name,
                 field_names(*r.type, r.address).c_str());
}
inline PyObject* get_attribute(PyObject* self, PyObject* name) {
    PyObject* const found = PyObject_GenericGetAttr(self, name);
    if (found == nullptr) [[unlikely]]
        name_the_fields(self, name);
    return found;
}
inline int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
    const int done = PyObject_GenericSetAttr(self, name, value);
    if (done != 0) [[unlikely]]
        name_the_fields(self, name);
    return done;
}

/// Attributes of a struct that says itself what they are.
inline PyObject* get_own_attribute(PyObject* self, PyObject* name) {
    PyObject* const found = guarded([&] { return own_read(ref(self), name, PyExc_AttributeError).release().ptr(); });
    return found != nullptr || PyErr_Occurred() != nullptr ? found : get_attribute(self, name);
}
inline int set_own_attribute(PyObject* self, PyObject* name, PyObject* value) {
    const int taken = guarded(
        [&] { return value != nullptr && own_write(ref(self), name, value, PyExc_AttributeError) ? 1 : 0; }, -1);
    return taken == 0 ? set_attribute(self, name, value) : std::min(taken, 0);
}

/// What is said of a field of a struct, of which `object` is one: its type as scripts see it, its unit, and whether it
/// can be changed.
inline std::string field_text(const type_description& type, void* object, const reflect::field_description& field) {
    std::string_view unit;
    if (type.access->unit != nullptr) unit = type.access->unit(object, field.index);
    if (unit.empty() && field.type->access->numbers == 1) unit = "s"; // of a time
    return type_text(*field.type) + (unit.empty() ? "" : " in ") + std::string(unit) +
           (may_be_changed(type, object, field.index) ? "" : " (read-only)");
}
/// The same with its type in C++.
inline std::string field_about(const type_description& type, void* object, const reflect::field_description& field) {
    return field_text(type, object, field) + "; C++: " + std::string(field.type->name);
}

inline std::string field_list_text(const type_description& type, void* object) {
    std::string text = "A " + std::string(type.name) + " of the running program. ";
    if (type.access->own != nullptr && type.access->own->reads_all) return text + "It says itself what can be read.";
    text += "Fields:\n";
    for (const auto& field : type.fields) {
        if (find_field(type, object, field.name) == nullptr) continue;
        text += "  " + std::string(field.name) + ": " + field_text(type, object, field) + "\n";
    }
    return text;
}

/// The Python type for a struct of the program. `object`: one of them.
inline PyTypeObject* struct_type(const type_description& type, void* object) {
    static std::unordered_map<const type_description*, std::unique_ptr<struct_info>> all;
    if (const auto known = all.find(&type); known != all.end()) return known->second->made;
    auto info = std::make_unique<struct_info>();
    info->type = &type;
    info->name = "motet." + std::string(type.short_name);
    info->doc = field_list_text(type, object);
    const auto* const own = type.access->own;
    for (const auto& field : type.fields) {
        if ((own != nullptr && own->reads_all) || find_field(type, object, field.name) == nullptr) continue;
        const bool open = may_be_changed(type, object, field.index);
        auto a = std::make_unique<attribute>(attribute{
            &field,
            static_cast<std::size_t>(static_cast<std::byte*>(field.address(object)) - static_cast<std::byte*>(object)),
            std::string(field.name), field_text(type, object, field), open, type.access->scattered});
        info->definitions.push_back({a->name.c_str(), &get_field, &set_field, a->doc.c_str(), a.get()});
        info->attributes.push_back(std::move(a));
    }
    info->definitions.push_back({nullptr, nullptr, nullptr, nullptr, nullptr});
    auto* const get = own != nullptr && own->read != nullptr ? &get_own_attribute : &get_attribute;
    auto* const set = own != nullptr && (own->write != nullptr || own->reads_all) ? &set_own_attribute : &set_attribute;
    info->made = reference_type(info->name.c_str(), info->doc.c_str(), 0,
                                {{Py_tp_getset, info->definitions.data()},
                                 {Py_tp_getattro, reinterpret_cast<void*>(get)},
                                 {Py_tp_setattro, reinterpret_cast<void*>(set)}});
    auto& again = all[&type]; // Python's lock may have been away meanwhile
    if (again)
        static_cast<void>(info.release()); // Python keeps the type, and what it points to
    else
        again = std::move(info);
    return again->made;
}

// Lists.

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

// Sets and dicts.

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

/// Of what lies between a reference and what an optional, a pointer, a variant or a tuple holds; never seen by scripts.
inline PyTypeObject* box_type() {
    static PyTypeObject* const type = make_type("motet.box", sizeof(reference), Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                                {{Py_tp_dealloc, reinterpret_cast<void*>(&free_reference)}});
    return type;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
