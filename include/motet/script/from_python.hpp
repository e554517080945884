// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/own_access.hpp>
#include <motet/script/scope.hpp>

#if MOTET_BODIES

#include <cstring>
#include <limits>
#include <string>
#include <string_view>

/// Python's values into the program's.
namespace motet::inline MOTET_VARIANT::script {

/// A Python value that does not fit where it was to go. Becomes an exception of that type.
struct does_not_fit {
    PyObject* type; ///< of the exception
    std::string what;
};

/// The way from an object to a value in it, for errors: "particles[3].velocity".
struct path {
    const path* up = nullptr;
    std::string_view field;
    std::size_t element = 0;
    bool is_field = false;

    std::string text() const {
        if (up == nullptr) return is_field ? std::string(field) : std::string();
        const std::string before = up->text();
        if (!is_field) return before + "[" + std::to_string(element) + "]";
        return before.empty() ? std::string(field) : before + "." + std::string(field);
    }
};

/// What a type is called where scripts are told of it: "float64", "list of particle".
inline std::string type_text(const type_description& type) {
    switch (type.kind) {
    case kind::boolean: return "bool";
    case kind::character: return "character";
    case kind::integer: return (type.is_signed ? "int" : "uint") + std::to_string(8 * type.size);
    case kind::real: return "float" + std::to_string(8 * type.size);
    case kind::text: return "str";
    case kind::sequence:
        return (type.access->find != nullptr                              ? "set of "
                : type.access->resize == nullptr && !type.numbers.empty() ? std::to_string(type.numbers[0]) + " times "
                                                                          : "list of ") +
               type_text(*type.parts[0]);
    case kind::map: return "dict of " + type_text(*type.parts[0]) + " to " + type_text(*type.parts[1]);
    case kind::optional:
    case kind::pointer: return type_text(*type.parts[0]) + " or None";
    case kind::tuple:
    case kind::variant: {
        std::string all = type.kind == kind::tuple ? "tuple of " : "one of ";
        for (std::size_t i = 0; i < type.parts.size(); ++i) all += (i == 0 ? "" : ", ") + type_text(*type.parts[i]);
        return all;
    }
    default: return &type == &reflect::describe<value>() ? "anything" : std::string(type.short_name);
    }
}

[[noreturn]] inline void misfit(const type_description& wanted, PyObject* given, const path& where,
                                const std::string& why = {}) {
    PyErr_Clear();
    const std::string at = where.text();
    throw does_not_fit{PyExc_TypeError, (at.empty() ? "" : at + ": ") + "expected " + type_text(wanted) + ", got " +
                                            Py_TYPE(given)->tp_name + (why.empty() ? "" : " (" + why + ")")};
}

[[noreturn]] inline void out_of_range(const type_description& wanted, PyObject* given, const path& where) {
    PyErr_Clear();
    const std::string at = where.text();
    const py::object text = py::reinterpret_steal<py::object>(PyObject_Repr(given));
    throw does_not_fit{PyExc_OverflowError, (at.empty() ? "" : at + ": ") +
                                                (text ? text.cast<std::string>() : "the value") + " does not fit in " +
                                                type_text(wanted)};
}

inline void read_integer(const type_description& type, void* to, PyObject* from, const path& where) {
    const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(from));
    if (!index) misfit(type, from, where);
    PyObject* const number = index.ptr(); // pybind11's types are hidden: no closure may hold one
    const auto put = [&]<class Signed, class Unsigned>(Signed, Unsigned) {
        if (type.is_signed) {
            const long long n = PyLong_AsLongLong(number);
            if (n == -1 && PyErr_Occurred() != nullptr) out_of_range(type, from, where);
            if (n < std::numeric_limits<Signed>::min() || n > std::numeric_limits<Signed>::max())
                out_of_range(type, from, where);
            const auto fitting = static_cast<Signed>(n);
            std::memcpy(to, &fitting, sizeof fitting);
        } else {
            const unsigned long long n = PyLong_AsUnsignedLongLong(number);
            if (n == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr)
                out_of_range(type, from, where);
            if (n > std::numeric_limits<Unsigned>::max()) out_of_range(type, from, where);
            const auto fitting = static_cast<Unsigned>(n);
            std::memcpy(to, &fitting, sizeof fitting);
        }
    };
    switch (type.size) {
    case 1: return put(std::int8_t{}, std::uint8_t{});
    case 2: return put(std::int16_t{}, std::uint16_t{});
    case 4: return put(std::int32_t{}, std::uint32_t{});
    case 8: return put(std::int64_t{}, std::uint64_t{});
    default: misfit(type, from, where, "integers of this size are not supported");
    }
}

inline void read_real(const type_description& type, void* to, PyObject* from, const path& where) {
    const double n = PyFloat_AsDouble(from);
    if (n == -1 && PyErr_Occurred() != nullptr) misfit(type, from, where);
    if (type.size == sizeof(float)) {
        const auto fitting = static_cast<float>(n);
        std::memcpy(to, &fitting, sizeof fitting);
    } else if (type.size == sizeof(double)) {
        std::memcpy(to, &n, sizeof n);
    } else {
        const auto fitting = static_cast<long double>(n);
        std::memcpy(to, &fitting, sizeof fitting);
    }
}

inline void read_text(const type_description& type, void* to, PyObject* from, const path& where) {
    if (type.access->set_text == nullptr) misfit(type, from, where, "it is a view of a text and cannot be changed");
    if (PyBytes_Check(from))
        return type.access->set_text(to, {PyBytes_AS_STRING(from), static_cast<std::size_t>(PyBytes_GET_SIZE(from))});
    if (!PyUnicode_Check(from)) misfit(type, from, where);
    const auto bytes = py::reinterpret_steal<py::object>(PyUnicode_AsEncodedString(from, "utf-8", "surrogateescape"));
    if (!bytes) misfit(type, from, where, "it has lone surrogates");
    type.access->set_text(to,
                          {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))});
}

inline void read_character(const type_description& type, void* to, PyObject* from, const path& where) {
    if (!PyUnicode_Check(from) || PyUnicode_GET_LENGTH(from) != 1) misfit(type, from, where, "one character is wanted");
    const Py_UCS4 code = PyUnicode_READ_CHAR(from, 0);
    if (type.size < 4 && code >> (8 * type.size) != 0) out_of_range(type, from, where);
    std::memcpy(to, &code, std::min(type.size, sizeof code)); // little endian, as both platforms are
}

/// A value of its own that becomes the element of a container.
class fresh {
public:
    explicit fresh(const type_description& of, PyObject* given, const path& where) : type(of) {
        if (type.access->make == nullptr)
            misfit(type, given, where, std::string(type.short_name) + " has no default constructor");
        place = type.access->make();
    }
    fresh(const fresh&) = delete;
    fresh& operator=(const fresh&) = delete;
    ~fresh() { type.access->destroy(place); }
    void* get() const { return place; }

private:
    const type_description& type;
    void* place;
};

/// Makes the value at `to`, which may have any value before, what the Python object is. Throws does_not_fit, and may
/// leave `to` half changed then: see `put`.
inline void from_python(const type_description& type, void* to, PyObject* from, const path& where);

/// A value of its own, made of a Python object.
class converted : public fresh {
public:
    converted(const type_description& of, PyObject* given, const path& where) : fresh(of, given, where) {
        from_python(of, get(), given, where);
    }
};

inline std::string field_names(const type_description& type, void* object) {
    std::string all;
    for (const auto& field : type.fields) {
        if (type.access->policy != nullptr && type.access->policy(object, field.index) == reflect::field_policy::hidden)
            continue;
        all += (all.empty() ? "" : ", ") + std::string(field.name);
    }
    return all;
}

inline const reflect::field_description* find_field(const type_description& type, void* object, std::string_view name) {
    for (const auto& field : type.fields)
        if (field.name == name) {
            if (type.access->policy != nullptr &&
                type.access->policy(object, field.index) == reflect::field_policy::hidden)
                return nullptr;
            return &field;
        }
    return nullptr;
}

inline bool may_be_changed(const type_description& type, void* object, std::size_t field) {
    return type.access->policy == nullptr || type.access->policy(object, field) == reflect::field_policy::open;
}

/// Whether the struct's own `write` takes a value for the name.
inline bool own_write_takes(const type_description& type, void* object, std::string_view name, PyObject* given);
/// `depth`: how many others it lies in.
inline value to_value(PyObject* from, int depth = 0);

/// From a dict, or from any object that has all the fields as attributes.
inline void read_structure(const type_description& type, void* to, PyObject* from, const path& where) {
    if (&type == &reflect::describe<value>()) {
        *static_cast<value*>(to) = to_value(from);
        return;
    }
    const auto read = [&](const reflect::field_description& field, PyObject* given) {
        const path here{&where, field.name, 0, true};
        if (!may_be_changed(type, to, field.index))
            throw does_not_fit{PyExc_AttributeError, here.text() + " is read-only"};
        from_python(*field.type, field.address(to), given, here);
    };
    if (PyDict_Check(from)) {
        const auto kept = py::reinterpret_steal<py::object>(PyDict_Copy(from)); // reading a value may run Python
        check(static_cast<bool>(kept));
        PyObject* key = nullptr;
        PyObject* given = nullptr;
        Py_ssize_t position = 0;
        while (PyDict_Next(kept.ptr(), &position, &key, &given)) {
            if (!PyUnicode_Check(key)) misfit(type, from, where, "its keys are to be the names of fields");
            const char* const name = PyUnicode_AsUTF8(key);
            check(name != nullptr);
            if (own_write_takes(type, to, name, given)) continue;
            const auto* field = find_field(type, to, name);
            if (field == nullptr) {
                const std::string at = where.text();
                throw does_not_fit{PyExc_AttributeError, (at.empty() ? "" : at + ": ") + std::string(type.short_name) +
                                                             " has no field '" + name + "'; it has " +
                                                             field_names(type, to)};
            }
            read(*field, given);
        }
        return;
    }
    const bool is_record = PyObject_HasAttrString(from, "dtype") != 0 && PyMapping_Check(from) != 0; // of a NumPy array
    for (const auto& field : type.fields) {
        if (!may_be_changed(type, to, field.index)) continue;
        const std::string name(field.name);
        const auto given = py::reinterpret_steal<py::object>(is_record ? PyMapping_GetItemString(from, name.c_str())
                                                                       : PyObject_GetAttrString(from, name.c_str()));
        if (!given) misfit(type, from, where, "it has no " + name);
        if (!own_write_takes(type, to, name, given.ptr())) read(field, given.ptr());
    }
}

inline bool numbers_in_a_row(const type_description& type);
inline py::dtype dtype_of(const type_description& type);

inline void read_sequence(const type_description& type, void* to, PyObject* from, const path& where) {
    const access& can = *type.access;
    const type_description& element = *type.parts[0];
    if (PyUnicode_Check(from) || PyBytes_Check(from) || PyDict_Check(from)) misfit(type, from, where);
    if (can.data != nullptr && numbers_in_a_row(element) && PyObject_HasAttrString(from, "__array_interface__") != 0) {
        const auto wanted = dtype_of(element);
        const auto given =
            py::array::ensure(py::reinterpret_borrow<py::object>(from), py::array::c_style | py::array::forcecast);
        if (!given) misfit(type, from, where);
        if (given.ndim() != 1) misfit(type, from, where, "an array of one dimension is wanted");
        if (!py::module_::import("numpy").attr("can_cast")(given.dtype(), wanted, "same_kind").cast<bool>())
            misfit(type, from, where, "its elements are " + py::str(given.dtype()).cast<std::string>());
        const auto converted = py::array(given.attr("astype")(wanted, py::arg("copy") = false));
        const auto count = static_cast<std::size_t>(converted.shape(0));
        if (can.resize != nullptr)
            can.resize(to, count);
        else if (can.size(to) != count)
            misfit(type, from, where, std::to_string(count) + " elements");
        if (count != 0) std::memcpy(can.data(to), converted.data(), count * element.size);
        return;
    }
    const auto items = py::reinterpret_steal<py::object>(PySequence_Tuple(from)); // reading one may run Python
    if (!items) misfit(type, from, where);
    const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(items.ptr()));
    PyObject** const item = PySequence_Fast_ITEMS(items.ptr());
    if (can.append == nullptr) { // std::array
        if (can.at == nullptr) misfit(type, from, where, "it cannot be changed");
        if (can.size(to) != count) misfit(type, from, where, std::to_string(count) + " elements");
        for (std::size_t i = 0; i < count; ++i)
            from_python(element, can.at(to, i), item[i], path{&where, {}, i, false});
        return;
    }
    can.clear(to);
    for (std::size_t i = 0; i < count; ++i) {
        const path here{&where, {}, i, false};
        const converted made(element, item[i], here);
        can.append(to, made.get());
    }
}

inline void read_map(const type_description& type, void* to, PyObject* from, const path& where) {
    const access& can = *type.access;
    if (can.put == nullptr) misfit(type, from, where, "it cannot be changed");
    const auto items = py::reinterpret_steal<py::object>(PyMapping_Check(from) != 0 ? PyMapping_Items(from) : nullptr);
    if (!items) misfit(type, from, where);
    can.clear(to);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.ptr()); ++i) {
        PyObject* const pair = PyList_GET_ITEM(items.ptr(), i);
        const path here{&where, {}, static_cast<std::size_t>(i), false};
        const converted key(*type.parts[0], PyTuple_GET_ITEM(pair, 0), here);
        from_python(*type.parts[1], can.put(to, key.get()), PyTuple_GET_ITEM(pair, 1), here);
    }
}

/// Whether the Python object is what this alternative of a variant is made for, rather than what converts to it.
inline bool made_for(const type_description& type, PyObject* from) {
    switch (type.kind) {
    case kind::boolean: return PyBool_Check(from);
    case kind::integer: return PyLong_Check(from) && !PyBool_Check(from);
    case kind::real: return PyFloat_Check(from);
    case kind::text: return PyUnicode_Check(from);
    case kind::map: return PyDict_Check(from);
    case kind::sequence: return PyList_Check(from);
    case kind::tuple: return PyTuple_Check(from);
    default: return false;
    }
}

inline void read_variant(const type_description& type, void* to, PyObject* from, const path& where) {
    for (const bool exactly : {true, false})
        for (std::size_t which = 0; which < type.parts.size(); ++which) {
            if (exactly && !made_for(*type.parts[which], from)) continue;
            void* const place = type.access->emplace(to, which);
            if (place == nullptr) continue;
            try {
                return from_python(*type.parts[which], place, from, where);
            } catch (const does_not_fit&) {
                continue;
            }
        }
    misfit(type, from, where);
}

inline void from_python(const type_description& type, void* to, PyObject* from, const path& where) {
    const access& can = *type.access;
    switch (type.kind) {
    case kind::boolean: {
        if (!PyBool_Check(from) && std::strcmp(Py_TYPE(from)->tp_name, "numpy.bool_") != 0) misfit(type, from, where);
        const bool yes = PyObject_IsTrue(from) == 1;
        std::memcpy(to, &yes, sizeof yes);
        return;
    }
    case kind::character: return read_character(type, to, from, where);
    case kind::integer: return read_integer(type, to, from, where);
    case kind::enumeration: return from_python(*type.parts[0], to, from, where);
    case kind::real: return read_real(type, to, from, where);
    case kind::text: return read_text(type, to, from, where);
    case kind::structure: return read_structure(type, to, from, where);
    case kind::sequence: return read_sequence(type, to, from, where);
    case kind::map: return read_map(type, to, from, where);
    case kind::variant: return read_variant(type, to, from, where);
    case kind::optional:
    case kind::pointer: {
        if (from == Py_None) return can.reset(to);
        void* const place = can.emplace != nullptr ? can.emplace(to, 0) : nullptr;
        if (place == nullptr) misfit(type, from, where, "what it points to cannot be made from outside");
        return from_python(*type.parts[0], place, from, where);
    }
    case kind::tuple: {
        const auto items = py::reinterpret_steal<py::object>(PyUnicode_Check(from) ? nullptr : PySequence_Tuple(from));
        if (!items) misfit(type, from, where);
        const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(items.ptr()));
        if (count != type.parts.size()) misfit(type, from, where, std::to_string(count) + " values");
        for (std::size_t i = 0; i < count; ++i)
            from_python(*type.parts[i], can.part(to, i), PyTuple_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(i)),
                        path{&where, {}, i, false});
        return;
    }
    case kind::opaque: break;
    }
    if (can.set_numbers == nullptr) misfit(type, from, where, "scripts cannot make values of this type");
    double two[2] = {0, 0};
    if (can.numbers == 2) {
        const Py_complex given = PyComplex_AsCComplex(from);
        if (given.real == -1 && PyErr_Occurred() != nullptr) misfit(type, from, where, "a complex number is wanted");
        two[0] = given.real;
        two[1] = given.imag;
    } else {
        two[0] = PyFloat_AsDouble(from);
        if (two[0] == -1 && PyErr_Occurred() != nullptr) misfit(type, from, where, "a time in seconds is wanted");
    }
    can.set_numbers(to, two);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
