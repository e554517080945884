// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/from_python.hpp>

#if MOTET_BODIES

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

/// The program's values in Python: numbers and texts become Python's own, structs and containers become references,
/// rows of numbers NumPy arrays (scope.hpp says how long each counts).
namespace motet::inline MOTET_VARIANT::script {

enum class step : std::uint8_t { root, field, element, key, mapped, held, part };

/// A Python object that stands for a struct or a container of the program.
struct reference {
    PyObject_HEAD const type_description* type;
    void* address; ///< if the generation is the scope's
    std::uint64_t generation;
    std::shared_ptr<scope> within;
    PyObject* parent; ///< the reference to what it lies in; null: it is the scope's object
    PyObject* key;    ///< of a map
    std::size_t place;
    step how;
    bool frozen; ///< scripts may not change it: it lies in a field that is read-only, or is a key
};

/// How a value is reached from a reference.
struct origin {
    PyObject* parent = nullptr; ///< borrowed
    step how = step::root;
    std::size_t place = 0;
    PyObject* key = nullptr; ///< borrowed
    bool frozen = false;     ///< may not be changed
};

inline reference& ref(PyObject* object) { return *reinterpret_cast<reference*>(object); }

[[noreturn]] inline void raise(PyObject* type, const std::string& what) {
    PyErr_SetString(type, what.c_str());
    throw py::error_already_set();
}

/// Calls `f`; what it throws becomes the Python exception that is set, and the result null (or `failed`).
template <class F, class R = decltype(std::declval<F&>()())>
R guarded(F&& f, R failed = R{}) noexcept {
    try {
        return f();
    } catch (py::error_already_set& problem) {
        problem.restore();
    } catch (const does_not_fit& problem) {
        PyErr_SetString(problem.type, problem.what.c_str());
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& problem) {
        PyErr_SetString(PyExc_RuntimeError, problem.what());
    } catch (...) { // of the program's own code
        PyErr_SetString(PyExc_RuntimeError, "something was thrown that is no std::exception");
    }
    return failed;
}
inline int status(auto&& f) noexcept {
    return guarded([&] { return f(), 0; }, -1);
}

inline void* locate(reference& r);

/// Where the value lies now. Raises ReferenceError when the scope is closed, IndexError and KeyError when it is gone.
inline void* address_of(reference& r) {
    if (r.generation == r.within->generation) [[likely]]
        return r.address;
    r.address = locate(r);
    r.generation = r.within->generation;
    return r.address;
}

inline void* element_at(const type_description& type, void* container, std::size_t place) {
    if (type.access->at != nullptr) return type.access->at(container, place);
    struct search {
        std::size_t left;
        void* found;
    } state{place, nullptr};
    type.access->visit(container, &state, [](void* pointer, void* element, void*) {
        auto& s = *static_cast<search*>(pointer);
        s.found = element;
        return s.left-- != 0;
    });
    return state.found;
}

inline void* locate(reference& r) {
    if (r.within->object == nullptr)
        raise(PyExc_ReferenceError, r.within->name + " is not at hand any more: this belongs to a script that has "
                                                     "ended, or the chare has moved or been erased");
    if (r.how == step::root) return r.within->object;
    reference& parent = ref(r.parent);
    void* const at = address_of(parent);
    switch (r.how) {
    case step::field: return parent.type->fields[r.place].address(at);
    case step::element:
    case step::key:
        if (r.place >= parent.type->access->size(at)) raise(PyExc_IndexError, "this element is not there any more");
        return element_at(*parent.type, at, r.place);
    case step::mapped: {
        const converted key(*parent.type->parts[0], r.key, {});
        void* const found = parent.type->access->find(at, key.get());
        if (found == nullptr) {
            PyErr_SetObject(PyExc_KeyError, r.key);
            throw py::error_already_set();
        }
        return found;
    }
    case step::held: {
        const access& can = *parent.type->access;
        void* const found = can.held(at);
        if (found == nullptr || (parent.type->kind == kind::variant && can.which(at) != r.place))
            raise(PyExc_ReferenceError, "what this pointed to is not there any more");
        return found;
    }
    default: return parent.type->access->part(at, r.place);
    }
}

inline PyTypeObject* struct_type(const type_description& type, void* object);
inline PyTypeObject* sequence_type();
inline PyTypeObject* set_type();
inline PyTypeObject* map_type();
inline PyTypeObject* box_type();

inline py::object make_reference(PyTypeObject* of, const type_description& type, void* address,
                                 const std::shared_ptr<scope>& within, const origin& from) {
    auto made = py::reinterpret_steal<py::object>(of->tp_alloc(of, 0));
    check(static_cast<bool>(made));
    reference& r = ref(made.ptr());
    new (&r.within) std::shared_ptr<scope>(within);
    r.type = &type;
    r.address = address;
    r.generation = within->generation;
    r.parent = Py_XNewRef(from.parent);
    r.key = Py_XNewRef(from.key);
    r.place = from.place;
    r.how = from.how;
    r.frozen = from.frozen;
    return made;
}

inline void free_reference(PyObject* self) {
    reference& r = ref(self);
    PyTypeObject* const type = Py_TYPE(self);
    Py_XDECREF(r.parent);
    Py_XDECREF(r.key);
    r.within.~shared_ptr();
    type->tp_free(self);
    Py_DECREF(type);
}

/// Whether a sequence appears as an array without a copy: its numbers lie in a row, and it can be given another buffer.
inline bool has_view(const type_description& type) {
    const access& can = *type.access;
    return type.kind == kind::sequence && can.resize != nullptr && can.data != nullptr && can.make != nullptr &&
           can.take != nullptr && numbers_in_a_row(*type.parts[0]);
}

inline py::object view_of(const type_description& type, void* container, const std::shared_ptr<scope>& within,
                          py::object through, bool frozen);
inline py::object from_value(const value& from);

// Of memory that must stay where it is (program_array.hpp).
/// The list as an array.
inline py::object program_array_of(py::object list);
inline bool is_program_array(PyObject* object);
/// A value that is to be put into one.
inline py::object as_array(PyObject* value);
/// Puts it there. False where it has another shape.
inline bool fill_in_place(const type_description& type, void* container, const py::object& given);
/// Whether this is such memory.
inline bool stays(const scope& within, const type_description& type) {
    return type.kind == kind::sequence && (within.steady || type.access->shape != nullptr) &&
           type.access->data != nullptr && numbers_in_a_row(*type.parts[0]);
}

/// The Python object for the value of that type at `address`. `within`: the scope it lies in, `from` how it is reached.
inline py::object to_python(const type_description& type, void* address, const std::shared_ptr<scope>& within,
                            const origin& from);

inline py::object integer_to_python(const type_description& type, const void* address) {
    std::int64_t wide = 0;
    std::uint64_t unsigned_wide = 0;
    const auto get = [&]<class Signed, class Unsigned>(Signed s, Unsigned u) {
        if (type.is_signed) {
            std::memcpy(&s, address, sizeof s);
            wide = s;
        } else {
            std::memcpy(&u, address, sizeof u);
            unsigned_wide = u;
        }
    };
    switch (type.size) {
    case 1: get(std::int8_t{}, std::uint8_t{}); break;
    case 2: get(std::int16_t{}, std::uint16_t{}); break;
    case 4: get(std::int32_t{}, std::uint32_t{}); break;
    case 8: get(std::int64_t{}, std::uint64_t{}); break;
    default: return py::str(type.text(address, 200));
    }
    return py::reinterpret_steal<py::object>(type.is_signed ? PyLong_FromLongLong(wide)
                                                            : PyLong_FromUnsignedLongLong(unsigned_wide));
}

inline py::object real_to_python(const type_description& type, const void* address) {
    double n = 0;
    if (type.size == sizeof(float)) {
        float narrow = 0;
        std::memcpy(&narrow, address, sizeof narrow);
        n = static_cast<double>(narrow);
    } else if (type.size == sizeof(double)) {
        std::memcpy(&n, address, sizeof n);
    } else {
        long double wide = 0;
        std::memcpy(&wide, address, sizeof wide);
        n = static_cast<double>(wide);
    }
    return py::reinterpret_steal<py::object>(PyFloat_FromDouble(n));
}

inline py::object text_to_python(std::string_view text) {
    auto made = py::reinterpret_steal<py::object>(
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
    check(static_cast<bool>(made));
    return made;
}

inline py::object to_python(const type_description& type, void* address, const std::shared_ptr<scope>& within,
                            const origin& from) {
    const access& can = *type.access;
    switch (type.kind) {
    case kind::boolean: return py::bool_(*static_cast<const bool*>(address));
    case kind::character: {
        Py_UCS4 code = 0;
        std::memcpy(&code, address, std::min(type.size, sizeof code));
        return py::reinterpret_steal<py::object>(PyUnicode_FromOrdinal(static_cast<int>(code)));
    }
    case kind::integer: return integer_to_python(type, address);
    case kind::enumeration: return integer_to_python(*type.parts[0], address);
    case kind::real: return real_to_python(type, address);
    case kind::text: return text_to_python(can.text(address));
    case kind::structure:
        if (&type == &reflect::describe<value>()) return from_value(*static_cast<const value*>(address));
        return make_reference(struct_type(type, address), type, address, within, from);
    case kind::map: return make_reference(map_type(), type, address, within, from);
    case kind::sequence: {
        auto made = make_reference(can.find != nullptr ? set_type() : sequence_type(), type, address, within, from);
        if (stays(*within, type)) return program_array_of(std::move(made));
        if (has_view(type)) return view_of(type, address, within, std::move(made), from.frozen);
        return made;
    }
    case kind::tuple: {
        const auto box = make_reference(box_type(), type, address, within, from);
        py::tuple all(type.parts.size());
        for (std::size_t i = 0; i < type.parts.size(); ++i)
            all[i] = to_python(*type.parts[i], can.part(address, i), within,
                               {box.ptr(), step::part, i, nullptr, from.frozen});
        return all;
    }
    case kind::optional:
    case kind::pointer:
    case kind::variant: {
        void* const held = can.held(address);
        if (held == nullptr) return py::none();
        const std::size_t which = type.kind == kind::variant ? can.which(address) : 0;
        const auto box = make_reference(box_type(), type, address, within, from);
        return to_python(*type.parts[which], held, within, {box.ptr(), step::held, which, nullptr, from.frozen});
    }
    case kind::opaque: break;
    }
    if (can.get_numbers != nullptr) {
        double two[2] = {0, 0};
        can.get_numbers(address, two);
        if (can.numbers == 1) return py::float_(two[0]);
        return py::reinterpret_steal<py::object>(PyComplex_FromDoubles(two[0], two[1]));
    }
    return text_to_python(type.text != nullptr ? type.text(address, 200) : std::string(type.name));
}

/// Puts a Python value where `find()` says. Reading the value may run Python code that changes containers: only then is
/// the place asked for.
template <class Find>
void put(const std::shared_ptr<scope>& within, const type_description& type, PyObject* value, const path& where,
         Find&& find) {
    alignas(16) std::byte small[16] = {};
    switch (type.kind) {
    case kind::boolean:
    case kind::character:
    case kind::integer:
    case kind::enumeration:
    case kind::real:
        from_python(type, small, value, where);
        std::memcpy(find(), small, type.size);
        return;
    default: break;
    }
    if (stays(*within, type) && type.parts[0]->kind != kind::structure) {
        const py::object given = as_array(value);
        if (fill_in_place(type, find(), given)) return;
        if (type.access->resize == nullptr)
            raise(PyExc_ValueError,
                  where.text() + ": the shape is another one, " + py::str(given.attr("shape")).cast<std::string>());
    }
    if (type.access->make == nullptr || type.access->take == nullptr) {
        within->move_on();
        return from_python(type, find(), value, where);
    }
    const converted made(type, value, where);
    within->move_on();
    type.access->take(find(), made.get());
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
