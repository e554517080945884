// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/describe.hpp>
#include <motet/script/python.hpp>

#if MOTET_BODIES

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// How scripts hold what lies in a chare.
///
/// 1. A *scope* stands for an object that scripts look into, as long as it stays where it is. Python never holds an
///    address: it holds *references*, which say how to get from the object to a value (field `particles`, element 3,
///    field `mass`) and remember the address for as long as nothing has moved.
/// 2. Before C++ of the program runs (a call, a wait, the script's end) and before a container is changed, the scope
///    `moves_on`: remembered addresses count no longer and are looked up again.
/// 3. Numbers that lie in a row outside of the struct itself (a std::vector's) appear as NumPy arrays without a copy:
///    *views*. When the scope moves on, a view that somebody still holds keeps the old buffer, and the chare gets a
///    copy: the view has become a snapshot.
///    Memory that the program keeps addresses of is shown in another way (program_array.hpp).
/// 4. A scope that is closed has no object any more: references into it raise ReferenceError.
/// 5. A scope may lie *in* another one: an element that the chare's own range gives, wherever it lies. It is closed
///    when the outer one moves on, for nobody knows then whether the element is still there; when it moves on itself,
///    what was seen through the outer one counts no longer either.
namespace motet::inline MOTET_VARIANT::script {

using reflect::access;
using reflect::kind;
using reflect::type_description;

struct reference;

/// What keeps the memory of a view alive: the container in the chare, then one of its own.
struct view_base {
    PyObject_HEAD const type_description* type; ///< of the container
    void* container;                            ///< in the chare; null: it has become a snapshot
    void* own;                                  ///< made by access::make; null: it is still in the chare
};

struct scope {
    scope(void* at, const type_description& of, std::string called) : object(at), type(&of), name(std::move(called)) {}
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { close(); }

    /// Nothing that was seen before counts any more.
    void move_on();
    /// The same, but elements in it stay where they are.
    void look_again();
    /// The object goes, or what stands in its place may be another one.
    void close() {
        move_on();
        object = nullptr;
        if (outer != nullptr) outer->element = nullptr;
        outer = nullptr;
    }
    /// It is the element at `at`, in another scope.
    void open_in(scope& around, void* at) {
        reopen(at);
        outer = &around;
        around.element = this;
    }
    /// It is here (again).
    void reopen(void* at) {
        move_on();
        object = at;
    }

    void* object; ///< null: closed
    const type_description* type;
    std::string name;    ///< for errors: "Tile[3]"
    bool steady = false; ///< the program keeps addresses of what lies in it (program_array.hpp)
    std::uint64_t generation = 1;
    std::vector<view_base*> views; ///< each with a reference count of this list
    std::uint64_t moves = 0;       ///< how often it has moved on
    scope* element = nullptr;      ///< the scope in this one, while there is one (step 5)
    scope* outer = nullptr;        ///< the scope that this one is in
};

// NOLINTNEXTLINE(misc-definitions-in-headers)
inline void free_view_base(PyObject* self) {
    auto& base = *reinterpret_cast<view_base*>(self);
    if (base.own != nullptr) base.type->access->destroy(base.own);
    PyTypeObject* const type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

inline PyTypeObject* make_type(const char* name, std::size_t size, unsigned long flags, std::vector<PyType_Slot> slots,
                               PyObject* base = nullptr) {
    slots.push_back({0, nullptr});
    PyType_Spec spec{name, static_cast<int>(size), 0, static_cast<unsigned>(Py_TPFLAGS_DEFAULT | flags), slots.data()};
    PyObject* const made = PyType_FromSpecWithBases(&spec, base);
    check(made != nullptr);
    return reinterpret_cast<PyTypeObject*>(made);
}

inline PyTypeObject* view_base_type() {
    static PyTypeObject* const type = make_type("motet.view_base", sizeof(view_base), Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                                {{Py_tp_dealloc, reinterpret_cast<void*>(&free_view_base)}});
    return type;
}

/// Step 3.
inline void detach(view_base& base) {
    const access& can = *base.type->access;
    void* const own = can.make();
    can.take(own, base.container);
    const std::size_t count = can.size(own);
    can.resize(base.container, count);
    std::memcpy(can.data(base.container), can.data(own), count * base.type->parts[0]->size);
    base.own = own;
    base.container = nullptr;
}

inline void scope::move_on() {
    look_again();
    ++moves;
    if (element != nullptr) element->close();
    if (outer != nullptr) outer->look_again();
}

inline void scope::look_again() {
    ++generation;
    if (views.empty()) return;
    for (view_base* base : std::exchange(views, {})) {
        if (Py_REFCNT(reinterpret_cast<PyObject*>(base)) > 1) detach(*base);
        Py_DECREF(reinterpret_cast<PyObject*>(base));
    }
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
