// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/own_calls.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

/// The Python types of references to structs: one for each struct of the program.
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

/// Of what lies between a reference and what an optional, a pointer, a variant or a tuple holds; never seen by scripts.
inline PyTypeObject* box_type() {
    static PyTypeObject* const type = make_type("motet.box", sizeof(reference), Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                                {{Py_tp_dealloc, reinterpret_cast<void*>(&free_reference)}});
    return type;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
