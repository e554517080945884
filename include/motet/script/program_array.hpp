// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/keyed_types.hpp>

#if MOTET_BODIES

#include <cstdint>
#include <utility>

/// Rows of numbers that must stay where they are, because the program keeps their address (a plain MPI program), as
/// arrays that read and change the program's memory without a copy and that cannot dangle.
///
/// 1. A NumPy array holds an address for as long as it lives, so no script gets one that lies in such memory. What it
///    gets knows the list by its name, and which part of it is meant: offset, shape and strides, but no address.
/// 2. Each operation makes a NumPy array of it for as long as the operation lasts. What the operation returns is a
/// NumPy
///    array of its own; if it lies in the program's memory too (a slice, a transpose), it becomes an array of step 1.
/// 3. A function that is given a function of the script's works on a copy: the script might keep what it sees.
/// 4. What asks for a NumPy array (numpy.asarray, Matplotlib) gets a copy.
namespace motet::inline MOTET_VARIANT::script {

/// What there is now in a list: its bytes as an array, the type of its elements, and the shape. Step 2.
inline py::tuple memory_of(const type_description& type, void* container, py::handle holder, bool frozen) {
    const access& can = *type.access;
    const type_description& element = *type.parts[0];
    const std::size_t count = can.size(container);
    const py::array bytes(py::dtype("u1"), {static_cast<py::ssize_t>(count * element.size)}, {py::ssize_t{1}},
                          can.data(container), holder);
    if (frozen || can.constant) bytes.attr("setflags")(py::arg("write") = false);
    py::list shape;
    if (can.shape != nullptr)
        for (const std::int64_t n : can.shape(container)) shape.append(n);
    else
        shape.append(count);
    return py::make_tuple(bytes, dtype_of(element), py::tuple(shape));
}

inline PyObject* program_memory(PyObject*, PyObject* list) {
    return guarded([&]() -> PyObject* {
        reference& r = ref(list);
        return memory_of(*r.type, address_of(r), list, r.frozen).release().ptr();
    });
}

/// The names of what is made here: `program_array` is the class.
inline py::dict*& program_array_names() {
    static py::dict* names = nullptr; // Python is never ended
    return names;
}

inline void prepare_program_arrays() {
    static PyMethodDef memory{"_memory", &program_memory, METH_O, nullptr};
    auto* const names = new py::dict();
    (*names)["_memory"] = py::reinterpret_steal<py::object>(PyCFunction_New(&memory, nullptr));
    run_own_python(R"(
import numpy

_methods = frozenset("""all any argmax argmin argpartition argsort astype choose clip compress conj conjugate copy
    cumprod cumsum diagonal dot fill flatten item max mean min nonzero partition prod ptp put ravel repeat reshape round
    searchsorted sort squeeze std sum swapaxes take tobytes tofile tolist trace transpose var view""".split())
_values = frozenset("T dtype imag itemsize nbytes ndim real shape size strides".split())

def _inside(given, copy):
    """The arguments of a NumPy function, with NumPy arrays in them."""
    if isinstance(given, program_array): return given._now().copy() if copy else given._now()
    if isinstance(given, (list, tuple)) and any(isinstance(each, (program_array, list, tuple)) for each in given):
        return type(given)([_inside(each, copy) for each in given])
    if isinstance(given, dict): return {name: _inside(each, copy) for name, each in given.items()}
    return given

def _arrays_in(given):
    if isinstance(given, program_array): yield given
    elif isinstance(given, (list, tuple)):
        for each in given: yield from _arrays_in(each)
    elif isinstance(given, dict): yield from _arrays_in(list(given.values()))

def _outside(result, arrays):
    """What a NumPy function returned: what lies in the program's memory becomes an array that knows its place."""
    if isinstance(result, numpy.ndarray):
        for each in arrays:
            whole = _memory(each._list)[0]
            if numpy.may_share_memory(result, whole): return each._part(result, whole)
        return result
    if type(result) in (list, tuple): return type(result)(_outside(each, arrays) for each in result)
    return result

def _without_frames(problem):
    return problem.with_traceback(None)

class program_array(numpy.lib.mixins.NDArrayOperatorsMixin):
    """Numbers in the running program's own memory: changes change the program. Works as a NumPy array does;
    numpy.array(a) is a copy that stays."""
    __module__ = "motet"
    __slots__ = ("_list", "_place")
    __hash__ = None
    def __init__(self, list, place=None):
        object.__setattr__(self, "_list", list)
        object.__setattr__(self, "_place", place)
    def _now(self):
        whole, dtype, shape = _memory(self._list)
        if self._place is None: return whole.view(dtype).reshape(shape)
        size, offset, shape, strides, dtype = self._place
        if size != whole.nbytes: raise ReferenceError("this is a part of an array that has another size by now")
        return numpy.ndarray(shape, dtype, whole, offset, strides)
    def _part(self, array, whole):
        offset = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
        return program_array(self._list, (whole.nbytes, offset, array.shape, array.strides, array.dtype))
    def _call(self, function, *given, **named):
        copy = any(callable(each) and not isinstance(each, (type, numpy.dtype)) for each in (*given, *named.values()))
        arrays = [self, *_arrays_in(given), *_arrays_in(named)]
        try:
            return _outside(function(_inside(self, copy), *_inside(given, copy), **_inside(named, copy)), arrays)
        except Exception as problem:
            raise _without_frames(problem) from None
    def __getitem__(self, place):
        place = _inside(place, False)
        if self._now().dtype.names is not None and not isinstance(place, str) and not (
                isinstance(place, list) and place and isinstance(place[0], str)):
            place = (*place, Ellipsis) if isinstance(place, tuple) else (place, Ellipsis)
        return self._call(_get, _index(place))
    def __setitem__(self, place, given): self._call(_set, _index(place), given)
    def __len__(self): return len(self._now())
    def __iter__(self):
        for i in range(len(self)): yield self[i]
    def __contains__(self, given): return given in self._now()
    def __bool__(self): return bool(self._now())
    def __int__(self): return int(self._now())
    def __float__(self): return float(self._now())
    def __complex__(self): return complex(self._now())
    def __index__(self): return self._now().__index__()
    def __repr__(self): return repr(self._now())
    def __str__(self): return str(self._now())
    def __format__(self, how): return format(self._now(), how)
    def __array__(self, dtype=None): return numpy.array(self._now(), dtype)
    def __copy__(self): return self._now().copy()
    def __deepcopy__(self, _): return self._now().copy()
    def __reduce__(self): return (numpy.array, (self._now().copy(),))
    def __array_ufunc__(self, ufunc, method, *given, out=None, **named):
        arrays = [*_arrays_in(given), *_arrays_in(out), *_arrays_in(named)]
        if out is not None: named["out"] = _inside(out, False)
        try:
            result = getattr(ufunc, method)(*_inside(given, False), **_inside(named, False))
        except Exception as problem:
            raise _without_frames(problem) from None
        if out is not None: return out[0] if len(out) == 1 else out
        return _outside(result, arrays)
    def __array_function__(self, function, types, given, named):
        copy = any(callable(each) and not isinstance(each, (type, numpy.dtype)) for each in (*given, *named.values()))
        arrays = [*_arrays_in(given), *_arrays_in(named)]
        try:
            return _outside(function(*_inside(given, copy), **_inside(named, copy)), arrays)
        except Exception as problem:
            raise _without_frames(problem) from None
    def __getattr__(self, name):
        if name in _values: return _outside(getattr(self._now(), name), [self])
        if name in _methods: return _method(self, name)
        now = self._now()
        if now.dtype.names is not None and name in now.dtype.names: return self[name]
        if name in ("append", "extend", "insert", "pop", "clear") and self._place is None:
            return getattr(self._list, name)
        raise AttributeError(f"an array of the program has no attribute {name!r}; numpy.array(it) is a NumPy array, "
                             "and a copy")
    def __setattr__(self, name, given):
        names = self._now().dtype.names
        if names is None or name not in names:
            raise AttributeError(f"an array of the program has no field {name!r}")
        field = self[name]
        if given is not field: field[...] = given
    def __dir__(self): return sorted({*_methods, *_values, *(self._now().dtype.names or ())})
    def __delitem__(self, place):
        if self._place is not None: raise TypeError("a part of an array cannot shrink")
        del self._list[place]

class _index:
    """Stands for an index, so that no index is taken for a function."""
    __slots__ = ("place",)
    def __init__(self, place): self.place = place
def _get(array, at): return array[_inside(at.place, False)]
def _set(array, at, given): array[_inside(at.place, False)] = given

class _method:
    __slots__ = ("_array", "_name")
    def __init__(self, array, name): self._array, self._name = array, name
    def __call__(self, *given, **named):
        name = self._name
        return self._array._call(lambda array, *g, **n: getattr(array, name)(*g, **n), *given, **named)
    def __repr__(self): return f"<method {self._name} of an array of the program>"

def plain(given):
    """What is to be put into an array, as a NumPy array."""
    return numpy.asarray(_inside(given, True))
def fill(memory, given):
    """Puts values where an array of the program is; False if there are more or fewer."""
    whole, dtype, shape = memory
    if given.shape != shape: return False
    if given.size != 0: numpy.copyto(whole.view(dtype).reshape(shape), given)
    return True
)",
                   *names);
    program_array_names() = names;
}

inline py::object program_array_of(py::object list) { return (*program_array_names())["program_array"](list); }
inline bool is_program_array(PyObject* object) {
    return PyDict_GetItemString(program_array_names()->ptr(), "program_array") ==
           reinterpret_cast<PyObject*>(Py_TYPE(object));
}
inline py::object as_array(PyObject* value) { return (*program_array_names())["plain"](py::handle(value)); }
inline bool fill_in_place(const type_description& type, void* container, const py::object& given) {
    return (*program_array_names())["fill"](memory_of(type, container, py::none(), false), given).cast<bool>();
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
