// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/python.hpp>

#if MOTET_BODIES

/// What scripts see of collections: classes in Python over the functions of proxies.hpp. Each served collection gets
/// two of its own, for itself and for its elements, with the fields and methods of the struct as attributes: `dir`,
/// `help` and completion need nothing else.
namespace motet::inline MOTET_VARIANT::script {

inline void make_proxy_classes(py::dict& names) {

    run_own_python(R"py(
import builtins, dis, importlib, inspect, marshal, math, operator, pickle, sys, types
import numpy

class RemoteError(RuntimeError):
    """What a call of another chare raised, where it is no exception of Python's own. `traceback` is that of Python there."""
    __module__ = "motet"

class Errors(RuntimeError):
    """Some elements failed: `errors` has the exceptions by index, `results` what the others gave."""
    __module__ = "motet"
    def __init__(self, errors, results):
        first = next(iter(errors))
        super().__init__(f"{len(errors)} of {len(errors) + len(results)} elements failed; the first, {first}: "
                         f"{type(errors[first]).__name__}: {errors[first]}")
        self.errors, self.results = errors, results

def _exception(outcome):
    index, _, kind, text, trace = outcome
    made = getattr(builtins, kind, RemoteError)
    if not (isinstance(made, type) and issubclass(made, Exception)): made = RemoteError
    try: made = made(text)
    except TypeError: made = RemoteError(f"{kind}: {text}")
    made.traceback = trace
    return made

def _one(outcomes):
    for each in outcomes:
        if each[2]: raise _exception(each)
    return outcomes[0][1] if outcomes else None

class results(list):
    """What the elements gave, in the order of `indices`."""
    __module__ = "motet"
    def __init__(self, values, indices):
        super().__init__(values)
        self.indices = indices
    def items(self): return list(zip(self.indices, self))

def _by_index(outcomes):
    failed = {each[0]: _exception(each) for each in outcomes if each[2]}
    good = [each for each in outcomes if not each[2]]
    if failed: raise Errors(failed, {each[0]: each[1] for each in good})
    return results([each[1] for each in good], [each[0] for each in good])

class future:
    """An answer that will come. get() waits for it and gives it, or raises what the call raised."""
    __module__ = "motet"
    def __init__(self, pendings, what, finish):
        self._pendings, self._what, self._finish, self._made = pendings, what, finish, None
    @property
    def ready(self):
        """Whether get() would not wait."""
        return self._made is not None or all(map(_ready, self._pendings))
    def wait(self):
        """Returns when it is ready."""
        if not self.ready: _wait(self._pendings, False, self._what)
    def get(self):
        """The answer; waits for it."""
        if self._made is None:
            outcomes = self._outcomes()
            try: self._made = (self._finish(outcomes), None)
            except Exception as problem: self._made = (None, problem)
            self._finish = None
        value, problem = self._made
        if problem is not None: raise problem
        return value
    def _outcomes(self):
        self.wait()
        return [each for one in self._pendings for each in _taken(one)]
    def __repr__(self): return f"<future of {self._what}, {'ready' if self.ready else 'not ready'}>"

def wait(*futures):
    """Waits for all of the futures, given one by one or as one list, and gives their answers as a list."""
    if len(futures) == 1 and not isinstance(futures[0], future): futures = tuple(futures[0])
    for each in futures: each.wait()
    return [each.get() for each in futures]

def wait_any(futures):
    """Waits until one of the futures is ready, and gives its place among them."""
    futures = list(futures)
    if not futures: raise ValueError("wait_any waits for one of no futures: that would be for ever")
    while True:
        for place, each in enumerate(futures):
            if each.ready: return place
        _wait([one for each in futures for one in each._pendings if not _ready(one)], True, "one of several answers")

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
    """Numbers of other chares: a copy. Where it comes straight from a field, assigning to its items, and to a field of its
    structs, changes the program too; so does assigning it to the field: tiles[3].cells *= 2. append, extend, insert, pop,
    clear and del change how many there are in the program. Of a field of many elements `indices` says whose part each
    is."""
    __module__ = "motet"
    _at = None
    indices = None
    def __array_finalize__(self, other): pass
    def __array_wrap__(self, out, context=None):
        if out.ndim == 0: return out[()]
        out = out.view(type(self))
        if out.shape == self.shape: out.indices = self.indices
        return out
    def __setitem__(self, key, value):
        if self._at is None: return numpy.ndarray.__setitem__(self, key, value)
        of, path = self._at
        if self.indices is not None:
            raise TypeError(f"this is a field of several elements: assign to that of one, as {of!r}[...].{path[-1]}[...], or "
                            "the whole of it")
        element._ask(of, "set_item", _keyed(key), _sent(value), *path).get()
        self.flags.writeable = True
        try: numpy.ndarray.__setitem__(self, key, value)
        finally: self.flags.writeable = False
    def _list(self):
        if self._at is None or self.indices is not None: raise TypeError("this array is made from those of the program, and cannot grow or shrink")
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
    """A struct or a container within another chare. Nothing of it is here: what is read is asked for, what is assigned is
    sent. copy() fetches all of it."""
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
        def invoke(*arguments): return element._ask(self._of, "invoke", name, tuple(map(_sent, arguments)), *self._path).get()
        invoke.__name__ = name
        if name not in _container_methods[self._kind]:
            raise AttributeError(f"a {self._kind} of the program has no {name}; it has {', '.join(_container_methods[self._kind])}")
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
    def __repr__(self): return f"<{self._kind} {self._of!r}{''.join(f'.{s}' if isinstance(s, str) else f'[{s!r}]' for s in self._path)}>"

_container_methods = {"list": ("append", "extend", "insert", "pop", "remove", "clear", "index", "count", "reverse", "sort"),
                      "set": ("add", "discard", "remove", "clear"),
                      "dict": ("keys", "values", "items", "get", "pop", "setdefault", "update", "clear")}

class _proxy:
    """What a struct has besides its fields, where it says so itself; else the names that there are."""
    def __setattr__(self, name, value):
        if isinstance(getattr(type(self), name, None), property): return object.__setattr__(self, name, value)
        if self._own[1] and not name.startswith("__"): return type(self)._writes(self, (name,), value)
        raise AttributeError(f"{self!r} has no field '{name}'; it has {', '.join(self._field_names)}")
    def __getattr__(self, name):
        if self._own[0] and not name.startswith("__"): return type(self)._reads(self, (name,))
        raise AttributeError(f"{self!r} has no field or method '{name}'; it has {', '.join(self._all_names)}")

class element(_proxy):
    """One chare, wherever it is: fields are read and assigned, listed methods called; all of that waits for the answer."""
    __module__ = "motet"
    def __init__(self, of, index):
        self.__dict__["_of"], self.__dict__["_index"] = of, index
    @property
    def index(self):
        """Its index: an int, or a tuple of several; None of a single chare."""
        return self._index
    def copy(self):
        """All its fields, as a dict."""
        return element._ask(self, "get").get()
    def erase(self):
        """Ends the chare, as soon as nothing runs in it. Waits until it is gone; the script's own chare goes when the
        script has ended."""
        _erase(self)
    def _key(self): return self._index if isinstance(self._index, tuple) else () if self._index is None else (self._index,)
    def _ask(self, deed, *arguments):
        return future([_start(self._served, element._key(self), deed, arguments, None)], repr(self), _one)
    def _call(self, name, arguments):
        pending = _start(self._served, element._key(self), "call", (name, *map(_sent, arguments)), None)
        return future([pending], f"{self!r}.{name}()", lambda outcomes: _typed(self._served, name, _one(outcomes)))
    def _read(self, path):
        kind = _kind_of(self._served, path)
        if kind != "value": return part(self, path, kind)
        value = element._ask(self, "get", *path).get()
        return _copy(value, (self, path)) if isinstance(value, numpy.ndarray) else value
    def _write(self, path, value): element._ask(self, "set", _sent(value), *path).get()
    def __eq__(self, other):
        return isinstance(other, element) and other._index == self._index and _same_chares(self._served, other._served)
    def __hash__(self): return hash(self._index)
    def __repr__(self):
        if self._index is None: return self._of._name
        return f"{self._of._name}[{', '.join(map(str, element._key(self)))}]"

class collection(_proxy):
    """Chares under one name. An index gives one of them; slices, or a list of indices, give some, as where() does. Methods
    are called on every one, with the results by index; fields are one array of those of all."""
    __module__ = "motet"
    def __init__(self, chosen=None, text=""):
        self.__dict__["_chosen"], self.__dict__["_text"] = chosen, text
    def keys(self):
        """The indices of the elements there are. Waits."""
        return collection._all(self, "one", (), lambda outcomes: _by_index([each for each in outcomes if each[2] != "LookupError"]).indices).get()
    def where(self, condition):
        """The elements for which an expression of `self` and `index` is true: tiles.where("self.step > 3")."""
        chosen = dict(self._chosen or {})
        if "where" in chosen: condition = f"({chosen['where']}) and ({condition})"
        chosen["where"] = condition
        return type(self)(chosen, f"{self._text}.where({condition!r})")
    def map(self, function, *arguments):
        """function(self, *arguments) in every element, with the results by index. It must not wait."""
        return collection._all(self, "apply", (packed(function), *map(_sent, arguments)), _by_index).get()
    def reduce(self, what, how, *arguments):
        """One result of a method, a field (by name), or a function of `self`, of all elements; put together along a tree,
        in any order, by sum, min, max, any, all, numpy.add and the like, "product", "count", "mean", "set", or a function
        of two results."""
        return collection.start_reduce(self, what, how, *arguments).get()
    def start_reduce(self, what, how, *arguments):
        """A future of what reduce() gives."""
        how = _reducer_of(how)
        if isinstance(what, (method, _method_of)): what = what.__name__
        if not isinstance(what, str): deed, given = "apply", (packed(what), *map(_sent, arguments))
        elif what in self._methods: deed, given = "call", (what, *map(_sent, arguments))
        else: deed, given = "field", tuple(what.split("."))
        return collection._all(self, deed, given, lambda outcomes: _reduced(how, outcomes), how)
    def insert(self, index, fields=None):
        """A new element: as the prototype of the array is, with these fields. Waits until it exists."""
        future([_insert(self._served, _index_of(index), _sent(fields or {}))], f"{self!r}.insert()", _one).get()
    def erase(self, index):
        """Ends an element, as del does."""
        _erase(collection._element(self, index))
    def _element(self, index): return self._element_class(self, index[0] if isinstance(index, tuple) and len(index) == 1 else index)
    def _all(self, deed, arguments, finish, how=None):
        if self._chosen is not None and self._chosen.get("indices") == []:
            return future([], repr(self), finish)
        return future([_start(self._served, self._chosen, deed, arguments, how)], f"{self!r}: {deed}", finish)
    def _call(self, name, arguments):
        return collection._all(self, "call", (name, *map(_sent, arguments)),
                               lambda outcomes: _typed_results(self._served, name, _by_index(outcomes)))
    def _read(self, path):
        found = collection._all(self, "field", path, _by_index).get()
        return _copy(_stacked(found, _extent(self._served) if self._chosen is None else None), (self, path), found.indices)
    def _write(self, path, value):
        indices = getattr(value, "indices", None)
        if indices is None: return collection._all(self, "set", (_sent(value), *path), _by_index).get()
        value = numpy.asarray(value)
        extent = _extent(self._served)
        leads = len(extent) if extent and math.prod(extent) == len(indices) and value.shape[:len(extent)] == tuple(extent) else 1
        if math.prod(value.shape[:leads]) != len(indices):
            raise ValueError(f"these are {value.shape[0] if value.ndim else 1} values for {len(indices)} elements")
        parts = value.reshape((len(indices),) + value.shape[leads:])
        pendings = [_start(self._served, _index_of(index), "set", (each.item() if isinstance(each, numpy.generic) and not each.dtype.names else each, *path), None)
                    for index, each in zip(indices, parts)]
        future(pendings, f"{self!r}.{path[0]}", _by_index).get()
    def __getitem__(self, index):
        if isinstance(index, list):
            return type(self)({**(self._chosen or {}), "indices": list(map(_index_of, index))}, f"{self._text}[{index}]")
        key = index if isinstance(index, tuple) else (index,)
        if any(isinstance(each, slice) or each is Ellipsis for each in key):
            slices = _slices_of(key, _dimensions(self._served), _extent(self._served))
            return type(self)({**(self._chosen or {}), "slices": slices},
                              f"{self._text}[{', '.join(_slice_text(each) for each in key)}]")
        return collection._element(self, _checked(self._served, key, repr(self)))
    def __delitem__(self, index): collection.erase(self, _checked(self._served, index if isinstance(index, tuple) else (index,), repr(self)))
    def __contains__(self, index):
        outcomes = future([_start(self._served, _index_of(index), "one", (), None)], repr(self), _one)._outcomes()
        return not outcomes[0][2]
    def __iter__(self): return iter(collection.keys(self))
    def __len__(self):
        return collection._all(self, "one", (), lambda outcomes: _reduced("sum", outcomes), "sum").get()
    def __bool__(self): return True
    def __repr__(self): return self._name + self._text
)py",
                   names);
    run_own_python(R"py(
def _index_of(index): return tuple(map(operator.index, index)) if isinstance(index, (tuple, list)) else (operator.index(index),)

def _checked(served, key, text):
    """An index of an element there may be; in a dense array negative numbers count from the end."""
    dimensions, extent = _dimensions(served), _extent(served)
    if len(key) != dimensions:
        raise IndexError(f"{text} has indices of {dimensions} numbers, and these are {len(key)}")
    key = tuple(map(operator.index, key))
    if extent is None: return key
    for n, size in zip(key, extent):
        if not -size <= n < size:
            raise IndexError(f"there is no {text}[{', '.join(map(str, key))}]: it has the extent {', '.join(map(str, extent))}")
    return tuple(n + size if n < 0 else n for n, size in zip(key, extent))

def _slices_of(key, dimensions, extent):
    if Ellipsis in key:
        at = key.index(Ellipsis)
        key = key[:at] + (slice(None),) * (dimensions - len(key) + 1) + key[at + 1:]
    if len(key) > dimensions: raise IndexError(f"an index has {dimensions} numbers, and these are {len(key)}")
    key += (slice(None),) * (dimensions - len(key))
    made = []
    for place, each in enumerate(key):
        size = extent[place] if extent else None
        if not isinstance(each, slice):
            each = operator.index(each)
            if size is not None and each < 0: each += size
            each = slice(each, each + 1)
        if each.step is not None and each.step < 1: raise ValueError("slices of elements have steps of at least 1")
        made.append(each.indices(size) if size is not None else (each.start, each.stop, each.step))
    return made

def _slice_text(each):
    if not isinstance(each, slice): return "..." if each is Ellipsis else str(each)
    text = f"{'' if each.start is None else each.start}:{'' if each.stop is None else each.stop}"
    return text if each.step is None else f"{text}:{each.step}"

def _as_array(value):
    """What can be part of a larger array of numbers; None for what cannot."""
    if isinstance(value, numpy.ndarray): return value
    if not isinstance(value, (bool, int, float, complex, list, tuple)): return None
    try: made = numpy.asarray(value)
    except ValueError: return None # rows of different lengths
    return made if made.dtype.kind in "biufc" else None

def _stacked(values, extent):
    """The values of all elements as one array; in the shape of a dense array, and as objects where they do not fit together."""
    shape = tuple(extent) if extent and math.prod(extent) == len(values) else (len(values),)
    arrays = [_as_array(each) for each in values]
    if values and all(each is not None and each.shape == arrays[0].shape for each in arrays):
        try: return numpy.stack(arrays).reshape(shape + arrays[0].shape)
        except (TypeError, ValueError): pass
    made = numpy.empty(len(values), object)
    for place, each in enumerate(values): made[place] = each
    return made.reshape(shape)

_by_function = {sum: "sum", min: "min", max: "max", any: "any", all: "all", len: "count", set: "set", math.prod: "product",
                operator.add: "sum", operator.mul: "product", numpy.sum: "sum", numpy.prod: "product", numpy.min: "min",
                numpy.max: "max", numpy.any: "any", numpy.all: "all", numpy.mean: "mean", numpy.count_nonzero: "count"}
_of_nothing = {"sum": 0, "product": 1, "count": 0, "any": False, "all": True, "set": []}

def _reducer_of(how):
    if isinstance(how, str): return how
    for ufunc, name in ((numpy.add, "sum"), (numpy.multiply, "product"), (numpy.minimum, "min"), (numpy.maximum, "max")):
        if how is ufunc: return name
    return _by_function.get(how) or packed(how)

def _reduced(how, outcomes):
    failed = {(place if each[0] is None else each[0]): _exception(each) for place, each in enumerate(outcomes) if each[2]}
    good = [each[1] for each in outcomes if not each[2]]
    if failed and not good and len(failed) == 1 and outcomes[0][0] is None: raise _exception(outcomes[0]) # of the reducer
    if failed: raise Errors(failed, {None: good[0]} if good else {})
    value = good[0] if good else None
    if value is None and how in ("min", "max", "mean"): raise ValueError(f"there are no elements to take the {how} of")
    if value is None and isinstance(how, str): value = _of_nothing.get(how)
    return set(value) if how == "set" else value

def _typed_results(served, name, found): return results([_typed(served, name, each) for each in found], found.indices)

def _erase(of):
    if _is_own(of._served, element._key(of)): return _erase_own()
    future([_start(of._served, element._key(of), "erase", (), None)], f"{of!r}.erase()", _one).get()

def _names_in(code):
    """The names of the script's that code uses: those of attributes are no such names."""
    for each in dis.get_instructions(code):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME"): yield each.argval
    for each in code.co_consts:
        if isinstance(each, types.CodeType): yield from _names_in(each)

def packed(function):
    """A function as what can be sent to other processes: its code, with the modules, values and functions of the script
    that it uses; or its name, if it belongs to a module."""
    if not callable(function): raise TypeError(f"a function is wanted, got {type(function).__name__}")
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    module = "numpy" if isinstance(function, numpy.ufunc) else getattr(function, "__module__", None)
    if module in sys.modules:
        try: found = operator.attrgetter(name)(sys.modules[module])
        except AttributeError: found = None
        if found is function: return ("named", module, name)
    if not isinstance(function, types.FunctionType): raise TypeError(f"{function!r} cannot be sent to other chares: give a function")
    used = {}
    def code_of(f):
        cells = [_sendable(c.cell_contents, f"what {f.__name__} uses") for c in f.__closure__ or ()]
        made = ["code", marshal.dumps(f.__code__), f.__name__, list(map(_sendable, f.__defaults__ or ())), f.__kwdefaults__ or {}, cells]
        for name in _names_in(f.__code__):
            if name in used or name not in f.__globals__ or name in ("self", "charm"): continue
            value = f.__globals__[name]
            used[name] = None
            if isinstance(value, types.ModuleType): used[name] = ["module", value.__name__]
            elif isinstance(value, types.FunctionType) and value.__globals__ is f.__globals__: used[name] = code_of(value)
            elif callable(value) and not isinstance(value, (element, collection)): used[name] = list(packed(value))
            else: used[name] = ["value", _sendable(value, f"{name}, which {f.__name__} uses,")]
        return made
    return ("script", code_of(function), used)

_unpacked = {}
def unpacked(what):
    if what[0] == "named": return operator.attrgetter(what[2])(importlib.import_module(what[1]))
    key = pickle.dumps(what) # all of it: of a large array repr shows the ends
    found = _unpacked.get(key)
    if found is not None: return found
    names = {"__name__": "__script__", "__builtins__": builtins}
    def made(entry):
        kind = entry[0]
        if kind == "module": return importlib.import_module(entry[1])
        if kind == "value": return entry[1]
        if kind != "code": return unpacked(entry)
        _, code, name, defaults, keywords, cells = entry
        function = types.FunctionType(marshal.loads(code), names, name, tuple(defaults) or None,
                                      tuple(map(types.CellType, cells)) or None)
        function.__kwdefaults__ = keywords or None
        return function
    for name, entry in what[2].items(): names[name] = made(entry)
    found = made(what[1])
    if len(key) < 1 << 16: # what is larger costs more to bring here than to make again
        if len(_unpacked) >= 256: _unpacked.clear()
        _unpacked[key] = found
    return found

def _property(name, doc, open):
    def get(self): return type(self)._reads(self, (name,))
    def set(self, value):
        if not open: raise AttributeError(f"{name} is read-only")
        type(self)._writes(self, (name,), value)
    return property(get, set, None, doc)

def _proxy_of(served):
    """What stands for a served collection, or chare, in scripts."""
    name, kind, type_name, fields, methods, about, reads, writes = _facts(served)
    def made(base, doc):
        own = {"__module__": "motet", "__doc__": doc, "_served": served, "_name": name, "_reads": base._read, "_writes": base._write, "_own": (reads, writes),
               "_field_names": [each[0] for each in fields], "_methods": [each[0] for each in methods],
               "_all_names": [each[0] for each in fields + methods]}
        for field, text, open in fields:
            if not field.startswith("_"): own[field] = _property(field, text, open)
        for method_name, signature, text in methods: own[method_name] = _method_of(method_name, signature, text)
        return type(base)(f"{'element' if base is element else 'collection'}_of_{type_name}", (base,), own)
    one = made(element, f"A {type_name} of the running program, wherever it is.\n\n{about}\n{inspect.cleandoc(element.__doc__)}")
    if kind == "chare":
        of = types.SimpleNamespace(_name=name)
        return one(of, None)
    many = made(collection, f"'{name}': {kind} of {type_name}.\n\n{about}\n{inspect.cleandoc(collection.__doc__)}")
    many._element_class = one
    return many()

class _lent:
    """Stands for what a plain MPI program has opened, where a script wants it as scripts of chares have it."""
    __slots__ = ("_lent_name",)
    def __init__(self, served): object.__setattr__(self, "_lent_name", _facts(served)[0])
    def _refuse(self, *_):
        raise RuntimeError(f"{self._lent_name!r} belongs to a plain MPI program, whose ranks wait for nobody but each other: "
                           "run the script in it, where `self` is what this rank has of it; values of other ranks come by MPI")
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        self._refuse()
    __setattr__ = __getitem__ = __setitem__ = __delitem__ = __call__ = __iter__ = __len__ = _refuse
    def __bool__(self): return True
    def __repr__(self): return f"<{self._lent_name}, of a plain MPI program>"

_module = types.ModuleType("motet", "The running program: what it serves, by name, and what scripts wait with.")
for _each in (wait, wait_any, future, results, Errors, RemoteError, collection, element): setattr(_module, _each.__name__, _each)
def _of_program(name):
    found = _served()
    if name in found: return found[name]
    raise AttributeError(f"nothing is served under the name '{name}'; there is {', '.join(found) or 'nothing'}")
_module.__getattr__ = _of_program
_module.__dir__ = lambda: sorted({*vars(_module), *_served()})
sys.modules["motet"] = _module
)py",
                   names);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
