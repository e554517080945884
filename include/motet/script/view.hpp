// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/keyed_types.hpp>

#if MOTET_BODIES

#include <string>
#include <unordered_map>

/// Rows of numbers, and of structs made of numbers, as NumPy arrays without a copy (scope.hpp, step 3).
namespace motet::inline MOTET_VARIANT::script {

/// Whether a NumPy array can show elements of this type: numbers, and structs of nothing but open fields of such types.
inline bool numbers_in_a_row(const type_description& type) {
    if (!type.access->trivial) return false;
    switch (type.kind) {
    case kind::boolean: return true;
    case kind::integer:
    case kind::real: return type.size <= 8;
    case kind::enumeration: return numbers_in_a_row(*type.parts[0]);
    case kind::opaque: return type.access->numbers == 2 && (type.size == 8 || type.size == 16);
    case kind::sequence:
        return type.access->resize == nullptr && type.numbers.size() == 1 && numbers_in_a_row(*type.parts[0]);
    case kind::structure:
        if (type.access->policy != nullptr || type.access->own != nullptr || type.fields.empty()) return false;
        for (const auto& field : type.fields)
            if (!numbers_in_a_row(*field.type)) return false;
        return true;
    default: return false;
    }
}

inline py::object dtype_code(const type_description& type) {
    switch (type.kind) {
    case kind::boolean: return py::str("?");
    case kind::integer: return py::str((type.is_signed ? "i" : "u") + std::to_string(type.size));
    case kind::real: return py::str("f" + std::to_string(type.size));
    case kind::enumeration: return dtype_code(*type.parts[0]);
    case kind::opaque: return py::str("c" + std::to_string(type.size));
    case kind::sequence: return py::make_tuple(dtype_code(*type.parts[0]), py::make_tuple(type.numbers[0]));
    default: return dtype_of(type);
    }
}

/// The numpy.dtype of elements of this type; the items of a structured one have the fields as attributes.
inline py::dtype dtype_of(const type_description& type) {
    static auto* const all = new std::unordered_map<const type_description*, py::dtype>(); // Python is never ended
    if (const auto found = all->find(&type); found != all->end()) return found->second;
    const py::module_ numpy = py::module_::import("numpy");
    py::object made;
    if (type.kind == kind::structure) {
        py::list names;
        py::list formats;
        py::list offsets;
        std::vector<std::max_align_t> somewhere(type.size / sizeof(std::max_align_t) + 1);
        for (const auto& field : type.fields) {
            names.append(py::str(std::string(field.name)));
            formats.append(dtype_code(*field.type));
            offsets.append(static_cast<std::byte*>(field.address(somewhere.data())) -
                           reinterpret_cast<std::byte*>(somewhere.data()));
        }
        py::dict description;
        description["names"] = names;
        description["formats"] = formats;
        description["offsets"] = offsets;
        description["itemsize"] = type.size;
        made = numpy.attr("dtype")(py::make_tuple(numpy.attr("record"), numpy.attr("dtype")(description)));
    } else {
        made = numpy.attr("dtype")(dtype_code(type));
    }
    const auto result = py::reinterpret_borrow<py::dtype>(made);
    all->emplace(&type, result);
    return result;
}

/// The Python classes of views: arrays that know the list they show, so that it can grow and shrink. Made by
/// prepare_views.
inline py::dict*& view_classes() {
    static py::dict* names = nullptr; // Python is never ended
    return names;
}

inline void prepare_views() {
    auto* const names = new py::dict();
    (*names)["numpy"] = py::module_::import("numpy");
    run_own_python(R"(
class array(numpy.ndarray):
    """Numbers of the running program: changes change the program. append, extend, insert, pop and clear change how
    many there are; arrays read before that are snapshots from then on."""
    __module__ = "motet"
    __array_finalize__ = None
    _list = None
    def __array_wrap__(self, out, context=None):
        if out is self: return out
        return out[()] if out.ndim == 0 else out.view(numpy.ndarray)
    def _changeable(self):
        if self._list is None:
            raise TypeError("this array is made from one of the program's, and cannot grow or shrink")
        return self._list
    def append(self, value): self._changeable().append(value)
    def extend(self, values): self._changeable().extend(values)
    def insert(self, place, value): self._changeable().insert(place, value)
    def pop(self, place=-1): return self._changeable().pop(place)
    def clear(self): self._changeable().clear()
    def __delitem__(self, place): del self._changeable()[place]

class records(array, numpy.recarray):
    """Structs of the running program, their fields as attributes: a.mass *= 2 changes all of them."""
    __module__ = "motet"
)",
                   *names);
    view_classes() = names;
}

inline py::object view_of(const type_description& type, void* container, const std::shared_ptr<scope>& within,
                          py::object through, bool frozen) {
    const type_description& element = *type.parts[0];
    view_base* base = nullptr;
    for (view_base* known : within->views)
        if (known->container == container) base = known;
    if (base == nullptr) {
        PyTypeObject* const of = view_base_type();
        base = reinterpret_cast<view_base*>(of->tp_alloc(of, 0));
        check(base != nullptr);
        base->type = &type;
        base->container = container;
        within->views.push_back(base);
    }
    const py::object of = (*view_classes())[element.kind == kind::structure ? "records" : "array"];
    const auto count = static_cast<py::ssize_t>(type.access->size(container));
    const auto stride = static_cast<py::ssize_t>(element.size);
    const auto& numpy = py::detail::npy_api::get(); // py::array would be of NumPy's own class
    auto made = py::reinterpret_steal<py::object>(numpy.PyArray_NewFromDescr_(
        reinterpret_cast<PyTypeObject*>(of.ptr()), dtype_of(element).release().ptr(), 1, &count, &stride,
        type.access->data(container), frozen ? 0 : py::detail::npy_api::NPY_ARRAY_WRITEABLE_, nullptr));
    check(static_cast<bool>(made));
    Py_INCREF(base);
    check(numpy.PyArray_SetBaseObject_(made.ptr(), reinterpret_cast<PyObject*>(base)) == 0);
    static PyObject* const list = PyUnicode_InternFromString("_list");    // Python is never ended
    check(PyObject_GenericSetAttr(made.ptr(), list, through.ptr()) == 0); // a recarray's own would look for a field
    return made;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
