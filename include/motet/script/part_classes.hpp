// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/future_classes.hpp>

#if MOTET_BODIES

/// What a script reads of another chare: methods to be called, arrays that are copies, and parts that stay there.
namespace motet::inline MOTET_VARIANT::script {

inline void make_part_classes(py::dict& names) {
    run_own_python(R"py(
import operator
import numpy

class method:
    """A method of other chares: a call waits for the answer, start() gives a future of it."""
    __module__ = "motet"
    def __init__(self, of, name, signature, doc):
        self._of, self.__name__, self._signature, self.__doc__ = of, name, signature, doc
    def start(self, *arguments):
        """Calls it and does not wait: a future of what it gives."""
        return self._of._call(self.__name__, arguments)
    def __call__(self, *arguments): return self.start(*arguments).get()
    def __repr__(self): return f"<method {self._of!r}.{self._signature}>"

class _method_of:
    def __init__(self, name, signature, doc):
        self.__name__, self._signature, self.__doc__ = name, signature, doc
    def __get__(self, of, kind=None):
        return self if of is None else method(of, self.__name__, self._signature, self.__doc__)
    def __repr__(self): return f"<method {self._signature}>"

class copied(numpy.ndarray):
    """Numbers of other chares: a copy. Where it comes straight from a field, assigning to its items, and to a field of
    its structs, changes the program too; so does assigning it to the field: tiles[3].cells *= 2. append, extend,
    insert, pop, clear and del change how many there are in the program. Of a field of many elements `indices` says
    whose part each is."""
    __module__ = "motet"
    _at = None
    indices = None
    def __array_finalize__(self, other): pass
    def __repr__(self): return numpy.array_repr(self.view(numpy.ndarray))
    def __array_wrap__(self, out, context=None):
        if out.ndim == 0: return out[()]
        out = out.view(type(self))
        if out.shape == self.shape: out.indices = self.indices
        return out
    def __setitem__(self, key, value):
        if self._at is None: return numpy.ndarray.__setitem__(self, key, value)
        of, path = self._at
        if self.indices is not None:
            raise TypeError("this is a field of several elements: assign to that of one, as "
                            f"{of!r}[...].{path[-1]}[...], or the whole of it")
        element._ask(of, "set_item", _keyed(key), _sent(value), *path).get()
        self.flags.writeable = True
        try: numpy.ndarray.__setitem__(self, key, value)
        finally: self.flags.writeable = False
    def _list(self):
        if self._at is None or self.indices is not None:
            raise TypeError("this array is made from those of the program, and cannot grow or shrink")
        return part(*self._at, "list")
    def append(self, value): self._list().append(value)
    def extend(self, values): self._list().extend(values)
    def insert(self, place, value): self._list().insert(place, value)
    def pop(self, place=-1): return self._list().pop(place)
    def clear(self): self._list().clear()
    def __delitem__(self, place): del self._list()[place]
    def _changed(self, how, other):
        made = how(numpy.array(self), other).view(type(self))
        made.indices = self.indices
        return made
    def __iadd__(self, other): return self._changed(operator.iadd, other)
    def __isub__(self, other): return self._changed(operator.isub, other)
    def __imul__(self, other): return self._changed(operator.imul, other)
    def __itruediv__(self, other): return self._changed(operator.itruediv, other)
    def __ifloordiv__(self, other): return self._changed(operator.ifloordiv, other)
    def __imod__(self, other): return self._changed(operator.imod, other)
    def __ipow__(self, other): return self._changed(operator.ipow, other)
    def __iand__(self, other): return self._changed(operator.iand, other)
    def __ior__(self, other): return self._changed(operator.ior, other)
    def __ixor__(self, other): return self._changed(operator.ixor, other)

class copied_records(copied, numpy.recarray):
    __module__ = "motet"
    __doc__ = copied.__doc__
    def __array_finalize__(self, other): pass
    def __setattr__(self, name, value):
        if name in ("_at", "indices"): return object.__setattr__(self, name, value)
        if self._at is None or self.indices is not None or name not in (self.dtype.names or ()):
            return numpy.recarray.__setattr__(self, name, value)
        of, path = self._at
        whole = numpy.array(self)
        whole[name] = value
        of._write(path, whole)
        self.flags.writeable = True
        try: numpy.recarray.__setattr__(self, name, value)
        finally: self.flags.writeable = False

def _copy(array, at=None, indices=None):
    made = array.view(copied_records if array.dtype.names else copied)
    made._at, made.indices = at, indices
    if at is not None: made.flags.writeable = False
    return made

def _sent(value):
    """What can be sent to another chare for a Python value."""
    if isinstance(value, element): return element.copy(value)
    if isinstance(value, part): return part.copy(value)
    if type(value) in (list, tuple): return type(value)(map(_sent, value))
    if isinstance(value, list): return list(map(_sent, value))
    return value

class part:
    """A struct or a container within another chare. Nothing of it is here: what is read is asked for, what is assigned
    is sent. copy() fetches all of it."""
    __module__ = "motet"
    __slots__ = ("_of", "_path", "_kind")
    def __init__(self, of, path, kind):
        for name, value in (("_of", of), ("_path", path), ("_kind", kind)): object.__setattr__(self, name, value)
    def copy(self):
        """The whole value: dicts, lists, numbers."""
        return element._ask(self._of, "get", *self._path).get()
    def _motet_value(self): return part.copy(self)
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        if self._kind == "struct": return self._of._read(self._path + (name,))
        def invoke(*arguments):
            return element._ask(self._of, "invoke", name, tuple(map(_sent, arguments)), *self._path).get()
        invoke.__name__ = name
        known = _container_methods[self._kind]
        if name not in known:
            raise AttributeError(f"a {self._kind} of the program has no {name}; it has {', '.join(known)}")
        return invoke
    def __setattr__(self, name, value):
        if self._kind != "struct": raise AttributeError(f"a {self._kind} has no attributes that could be set")
        self._of._write(self._path + (name,), value)
    def __dir__(self):
        own = ["copy"]
        if self._kind == "struct": return own + _fields_at(self._of._served, self._path)
        return own + list(_container_methods[self._kind])
    def __getitem__(self, key):
        if isinstance(key, slice): return element._ask(self._of, "item", _keyed(key), *self._path).get()
        return self._of._read(self._path + (key,))
    def __setitem__(self, key, value):
        element._ask(self._of, "set_item", _keyed(key), _sent(value), *self._path).get()
    def __delitem__(self, key): element._ask(self._of, "delete_item", _keyed(key), *self._path).get()
    def __len__(self): return element._ask(self._of, "length", *self._path).get()
    def __bool__(self): return True if self._kind == "struct" else len(self) > 0
    def __contains__(self, value): return element._ask(self._of, "contains", _sent(value), *self._path).get()
    def __iter__(self): return iter(self.copy())
    def __eq__(self, other): return self.copy() == _sent(other)
    __hash__ = None
    def __repr__(self):
        steps = (f".{each}" if isinstance(each, str) else f"[{each!r}]" for each in self._path)
        return f"<{self._kind} {self._of!r}{''.join(steps)}>"

_container_methods = {"list": ("append", "extend", "insert", "pop", "remove", "clear", "index", "count", "reverse",
                               "sort"),
                      "set": ("add", "discard", "remove", "clear"),
                      "dict": ("keys", "values", "items", "get", "pop", "setdefault", "update", "clear")}
)py",
                   names);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
