// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/value.hpp>
#include <motet/script/view.hpp>

#if MOTET_BODIES

#include <complex>
#include <cstring>
#include <string>
#include <vector>

/// Python's values as motet::value and back: what travels between processes and to clients.
namespace motet::inline MOTET_VARIANT::script {

inline std::vector<value> items_to_values(PyObject* sequence, int depth) {
    const auto items = py::reinterpret_steal<py::object>(PySequence_List(sequence));
    check(static_cast<bool>(items));
    std::vector<value> all;
    all.reserve(static_cast<std::size_t>(PyList_GET_SIZE(items.ptr())));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.ptr()); ++i)
        all.push_back(to_value(PyList_GET_ITEM(items.ptr(), i), depth));
    return all;
}

inline value::dict dict_to_value(PyObject* mapping, int depth) {
    const auto items = py::reinterpret_steal<py::object>(PyMapping_Items(mapping));
    check(static_cast<bool>(items));
    value::dict all;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.ptr()); ++i) {
        PyObject* const pair = PyList_GET_ITEM(items.ptr(), i);
        all.items.push_back({to_value(PyTuple_GET_ITEM(pair, 0), depth), to_value(PyTuple_GET_ITEM(pair, 1), depth)});
    }
    return all;
}

inline value object_to_value(PyObject* from) {
    auto text = py::reinterpret_steal<py::object>(PyObject_Repr(from));
    if (!text) PyErr_Clear();
    return {value::object{Py_TYPE(from)->tp_name, text ? text.cast<std::string>() : "<its repr raises>"}};
}

inline value array_to_value(const py::array& from, int depth) {
    if (from.dtype().attr("hasobject").cast<bool>()) // as lists
        return from.dtype().attr("names").is_none() ? to_value(from.attr("tolist")().ptr(), depth)
                                                    : object_to_value(from.ptr());
    auto row = py::array::ensure(from, py::array::c_style);
    check(static_cast<bool>(row));
    value::array made;
    const py::object fields = row.dtype().attr("names");
    if (!fields.is_none()) // without the gaps between fields
        row = py::array::ensure(py::module_::import("numpy.lib.recfunctions").attr("repack_fields")(row),
                                py::array::c_style);
    check(static_cast<bool>(row));
    made.type = fields.is_none() ? row.dtype().attr("str").cast<std::string>()
                                 : py::repr(row.dtype().attr("descr")).cast<std::string>();
    for (py::ssize_t i = 0; i < row.ndim(); ++i) made.shape.push_back(row.shape(i));
    const auto* const bytes = static_cast<const std::byte*>(row.data());
    made.content.assign(bytes, bytes + row.nbytes());
    return {std::move(made)};
}

inline value struct_to_value(reference& r, int depth) {
    value::dict all;
    if (r.type->access->own != nullptr) {
        if (r.type->access->own->reads_all) return object_to_value(reinterpret_cast<PyObject*>(&r));
        for (const auto& field : r.type->fields) {
            if (find_field(*r.type, address_of(r), field.name) == nullptr) continue;
            const auto each = py::reinterpret_steal<py::object>(
                PyObject_GetAttrString(reinterpret_cast<PyObject*>(&r), std::string(field.name).c_str()));
            check(static_cast<bool>(each));
            all.items.push_back({value{std::string(field.name)}, to_value(each.ptr(), depth)});
        }
        return {std::move(all)};
    }
    for (const auto& field : r.type->fields) {
        void* const at = address_of(r);
        if (find_field(*r.type, at, field.name) == nullptr) continue;
        const py::object each = to_python(*field.type, field.address(at), r.within,
                                          {reinterpret_cast<PyObject*>(&r), step::field, field.index, nullptr});
        all.items.push_back({value{std::string(field.name)}, to_value(each.ptr(), depth)});
    }
    return {std::move(all)};
}

inline bool is_reference(PyObject* object) { return Py_TYPE(object)->tp_dealloc == &free_reference; }

/// As deep as values may lie in each other: far less than the serialization takes, which nobody asks again.
inline constexpr int most_nested = 100;

inline value to_value(PyObject* from, int depth) {
    if (from == Py_None) return {};
    if (PyBool_Check(from)) return {from == Py_True};
    if (PyLong_CheckExact(from)) {
        int overflow = 0;
        const std::int64_t n = PyLong_AsLongLongAndOverflow(from, &overflow);
        if (overflow == 0) return {n};
        const auto digits = py::reinterpret_steal<py::object>(PyNumber_ToBase(from, 10));
        if (!digits) { // more than Python turns into digits
            PyErr_Clear();
            return {value::object{"int", "<a very long integer>"}};
        }
        return {value::long_integer{digits.cast<std::string>()}};
    }
    if (PyFloat_CheckExact(from)) return {PyFloat_AS_DOUBLE(from)};
    if (PyComplex_CheckExact(from))
        return {std::complex<double>(PyComplex_RealAsDouble(from), PyComplex_ImagAsDouble(from))};
    if (PyUnicode_CheckExact(from)) {
        const auto bytes =
            py::reinterpret_steal<py::object>(PyUnicode_AsEncodedString(from, "utf-8", "surrogateescape"));
        if (bytes)
            return {
                std::string(PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr())))};
        PyErr_Clear();
        return object_to_value(from);
    }
    if (PyBytes_CheckExact(from)) {
        const auto* const begin = reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(from));
        return {value::bytes{{begin, begin + PyBytes_GET_SIZE(from)}}};
    }
    if (++depth > most_nested)
        raise(PyExc_ValueError, "more than " + std::to_string(most_nested) +
                                    " lists or dicts that lie in each other cannot be sent: does it contain itself?");
    if (PyList_Check(from)) return {value::list{items_to_values(from, depth)}};
    if (PyTuple_Check(from)) return {value::tuple{items_to_values(from, depth)}};
    if (PyDict_Check(from)) return {dict_to_value(from, depth)};
    if (is_reference(from)) {
        reference& r = ref(from);
        if (r.type->kind == kind::structure) return struct_to_value(r, depth);
        if (r.type->kind == kind::map) return {dict_to_value(from, depth)};
        return {value::list{items_to_values(from, depth)}};
    }
    if (is_program_array(from)) return array_to_value(as_array(from), depth);
    if (py::isinstance<py::array>(from)) return array_to_value(py::reinterpret_borrow<py::array>(from), depth);
    // NumPy's scalars, and a record of a structured array.
    if (PyObject_HasAttrString(from, "dtype") != 0 && PyObject_HasAttrString(from, "item") != 0) {
        const py::object names = py::reinterpret_borrow<py::object>(from).attr("dtype").attr("names");
        if (names.is_none()) {
            const py::object plain = py::reinterpret_borrow<py::object>(from).attr("item")();
            if (Py_TYPE(plain.ptr()) != Py_TYPE(from)) return to_value(plain.ptr());
        } else {
            value::dict all;
            for (const py::handle name : names)
                all.items.push_back(
                    {to_value(name.ptr()),
                     to_value(py::object(py::reinterpret_borrow<py::object>(from)[name]).ptr(), depth)});
            return {std::move(all)};
        }
    }
    if (PyAnySet_Check(from)) return {value::list{items_to_values(from, depth)}};
    if (PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(from)), "_motet_value") != 0) // of a proxy: fetched
        return to_value(py::reinterpret_borrow<py::object>(from).attr("_motet_value")().ptr(), depth);
    return object_to_value(from);
}

inline py::object values_to_list(const std::vector<value>& items) {
    py::list all(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) all[i] = from_value(items[i]);
    return all;
}

struct to_python_visitor {
    py::object operator()(std::monostate) const { return py::none(); }
    py::object operator()(bool b) const { return py::bool_(b); }
    py::object operator()(std::int64_t n) const { return py::int_(n); }
    py::object operator()(double n) const { return py::float_(n); }
    py::object operator()(const std::complex<double>& n) const {
        return py::reinterpret_steal<py::object>(PyComplex_FromDoubles(n.real(), n.imag()));
    }
    py::object operator()(const std::string& text) const { return text_to_python(text); }
    py::object operator()(const value::bytes& b) const {
        return py::bytes(reinterpret_cast<const char*>(b.content.data()), b.content.size());
    }
    py::object operator()(const value::list& all) const { return values_to_list(all.items); }
    py::object operator()(const value::tuple& all) const { return py::tuple(values_to_list(all.items)); }
    py::object operator()(const value::dict& all) const {
        py::dict made;
        for (const auto& [key, each] : all.items) made[from_value(key)] = from_value(each);
        return made;
    }
    py::object operator()(const value::array& a) const {
        const py::module_ numpy = py::module_::import("numpy");
        const py::object description =
            a.type.starts_with("[") ? py::module_::import("ast").attr("literal_eval")(a.type) : py::str(a.type);
        const py::object flat =
            numpy.attr("frombuffer")(py::bytearray(reinterpret_cast<const char*>(a.content.data()), a.content.size()),
                                     py::arg("dtype") = numpy.attr("dtype")(description));
        py::tuple shape(a.shape.size());
        for (std::size_t i = 0; i < a.shape.size(); ++i) shape[i] = a.shape[i];
        return flat.attr("reshape")(shape);
    }
    py::object operator()(const value::long_integer& n) const {
        return py::reinterpret_steal<py::object>(PyLong_FromString(n.digits.c_str(), nullptr, 10));
    }
    py::object operator()(const value::object& o) const { return text_to_python(o.text); }
};

inline py::object from_value(const value& from) {
    py::object made = std::visit(to_python_visitor{}, from.data);
    check(static_cast<bool>(made));
    return made;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
