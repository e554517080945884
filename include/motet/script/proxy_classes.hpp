// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/packed_functions.hpp>
#include <motet/script/part_classes.hpp>

#if MOTET_BODIES

/// What scripts see of collections: classes in Python over the functions of proxies.hpp. Each served collection gets
/// two of its own, for itself and for its elements, with the fields and methods of the struct as attributes: `dir`,
/// `help` and completion need nothing else.
namespace motet::inline MOTET_VARIANT::script {

inline void make_proxy_classes(py::dict& names) {
    make_future_classes(names);
    make_part_classes(names);
    make_packed_functions(names);
    run_own_python(R"py(
import inspect, math, operator, sys, types
import numpy

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
    """One chare, wherever it is: fields are read and assigned, listed methods called; all of that waits for the
    answer."""
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
    def _key(self):
        if isinstance(self._index, tuple): return self._index
        return () if self._index is None else (self._index,)
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
    """Chares under one name. An index gives one of them; slices, or a list of indices, give some, as where() does.
    Methods are called on every one, with the results by index; fields are one array of those of all."""
    __module__ = "motet"
    def __init__(self, chosen=None, text=""):
        self.__dict__["_chosen"], self.__dict__["_text"] = chosen, text
    def keys(self):
        """The indices of the elements there are. Waits."""
        def there(outcomes): return _by_index([each for each in outcomes if each[2] != "LookupError"]).indices
        return collection._all(self, "one", (), there).get()
    def values(self):
        """The elements there are, as tiles[index] gives them: for tile in tiles.values(). Waits."""
        return [collection._element(self, index) for index in collection.keys(self)]
    def items(self):
        """(index, element) of each. Waits."""
        return [(index, collection._element(self, index)) for index in collection.keys(self)]
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
        """One result of a method, a field (by name), or a function of `self`, of all elements; put together along a
        tree, in any order, by sum, min, max, any, all, numpy.add and the like, "product", "count", "mean", "set", or a
        function of two results."""
        return collection.start_reduce(self, what, how, *arguments).get()
    def start_reduce(self, what, how, *arguments):
        """A future of what reduce() gives."""
        how = _reducer_of(how)
        if isinstance(what, (method, _method_of)): what = what.__name__
        if not isinstance(what, str): deed, given = "apply", (packed(what), *map(_sent, arguments))
        elif what in self._methods: deed, given = "call", (what, *map(_sent, arguments))
        elif self._own[0] or what.split(".")[0] in self._field_names: deed, given = "field", tuple(what.split("."))
        else: raise AttributeError(f"{self!r} has no field or method '{what}'; it has {', '.join(self._all_names)}")
        return collection._all(self, deed, given, lambda outcomes: _reduced(how, outcomes), how)
    def insert(self, index, fields=None):
        """A new element: as the prototype of the array is, with these fields. Waits until it exists."""
        future([_insert(self._served, _index_of(index), _sent(fields or {}))], f"{self!r}.insert()", _one).get()
    def erase(self, index):
        """Ends an element, as del does."""
        _erase(collection._element(self, index))
    def _element(self, index):
        return self._element_class(self, index[0] if isinstance(index, tuple) and len(index) == 1 else index)
    def _all(self, deed, arguments, finish, how=None):
        if self._chosen is not None and self._chosen.get("indices") == []:
            return future([], repr(self), finish)
        return future([_start(self._served, self._chosen, deed, arguments, how)], f"{self!r}: {deed}", finish)
    def _call(self, name, arguments):
        return collection._all(self, "call", (name, *map(_sent, arguments)),
                               lambda outcomes: _typed_results(self._served, name, _by_index(outcomes)))
    def _read(self, path):
        found = collection._all(self, "field", path, _by_index).get()
        extent = _extent(self._served) if self._chosen is None else None
        return _copy(_stacked(found, extent), (self, path), found.indices)
    def _write(self, path, value):
        indices = getattr(value, "indices", None)
        if indices is None: return collection._all(self, "set", (_sent(value), *path), _by_index).get()
        value = numpy.asarray(value)
        extent = _extent(self._served)
        shaped = extent and math.prod(extent) == len(indices) and value.shape[:len(extent)] == tuple(extent)
        leads = len(extent) if shaped else 1
        if math.prod(value.shape[:leads]) != len(indices):
            raise ValueError(f"these are {value.shape[0] if value.ndim else 1} values for {len(indices)} elements")
        parts = value.reshape((len(indices),) + value.shape[leads:])
        def plain(each): return each.item() if isinstance(each, numpy.generic) and not each.dtype.names else each
        pendings = [_start(self._served, _index_of(index), "set", (plain(each), *path), None)
                    for index, each in zip(indices, parts)]
        future(pendings, f"{self!r}.{path[0]}", _by_index).get()
    def __getitem__(self, index):
        if isinstance(index, list):
            chosen = {**(self._chosen or {}), "indices": list(map(_index_of, index))}
            return type(self)(chosen, f"{self._text}[{index}]")
        key = index if isinstance(index, tuple) else (index,)
        if any(isinstance(each, slice) or each is Ellipsis for each in key):
            slices = _slices_of(key, _dimensions(self._served), _extent(self._served))
            return type(self)({**(self._chosen or {}), "slices": slices},
                              f"{self._text}[{', '.join(_slice_text(each) for each in key)}]")
        return collection._element(self, _checked(self._served, key, repr(self)))
    def __delitem__(self, index):
        collection.erase(self, _checked(self._served, index if isinstance(index, tuple) else (index,), repr(self)))
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
def _index_of(index):
    return tuple(map(operator.index, index)) if isinstance(index, (tuple, list)) else (operator.index(index),)

def _checked(served, key, text):
    """An index of an element there may be; in a dense array negative numbers count from the end."""
    dimensions, extent = _dimensions(served), _extent(served)
    if len(key) != dimensions:
        raise IndexError(f"{text} has indices of {dimensions} numbers, and these are {len(key)}")
    key = tuple(map(operator.index, key))
    if extent is None: return key
    for n, size in zip(key, extent):
        if not -size <= n < size:
            raise IndexError(f"there is no {text}[{', '.join(map(str, key))}]: it has the extent "
                             f"{', '.join(map(str, extent))}")
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
    """The values of all elements as one array; in the shape of a dense array, and as objects where they do not fit
    together."""
    shape = tuple(extent) if extent and math.prod(extent) == len(values) else (len(values),)
    arrays = [_as_array(each) for each in values]
    if values and all(each is not None and each.shape == arrays[0].shape for each in arrays):
        try: return numpy.stack(arrays).reshape(shape + arrays[0].shape)
        except (TypeError, ValueError): pass
    made = numpy.empty(len(values), object)
    for place, each in enumerate(values): made[place] = each
    return made.reshape(shape)

_by_function = {sum: "sum", min: "min", max: "max", any: "any", all: "all", len: "count", set: "set",
                math.prod: "product", operator.add: "sum", operator.mul: "product", numpy.sum: "sum",
                numpy.prod: "product", numpy.min: "min", numpy.max: "max", numpy.any: "any", numpy.all: "all",
                numpy.mean: "mean", numpy.count_nonzero: "count"}
_by_ufunc = ((numpy.add, "sum"), (numpy.multiply, "product"), (numpy.minimum, "min"), (numpy.maximum, "max"))
_of_nothing = {"sum": 0, "product": 1, "count": 0, "any": False, "all": True, "set": []}

def _reducer_of(how):
    if isinstance(how, str): return how
    for ufunc, name in _by_ufunc:
        if how is ufunc: return name
    return _by_function.get(how) or packed(how)

def _reduced(how, outcomes):
    failed = {place if each[0] is None else each[0]: _exception(each)
              for place, each in enumerate(outcomes) if each[2]}
    good = [each[1] for each in outcomes if not each[2]]
    if failed and not good and len(failed) == 1 and outcomes[0][0] is None:
        raise _exception(outcomes[0]) # of the reducer
    if failed: raise Errors(failed, {None: good[0]} if good else {})
    value = good[0] if good else None
    if value is None and how in ("min", "max", "mean"): raise ValueError(f"there are no elements to take the {how} of")
    if value is None and isinstance(how, str): value = _of_nothing.get(how)
    return set(value) if how == "set" else value

def _typed_results(served, name, found): return results([_typed(served, name, each) for each in found], found.indices)

def _erase(of):
    if _is_own(of._served, element._key(of)): return _erase_own()
    future([_start(of._served, element._key(of), "erase", (), None)], f"{of!r}.erase()", _one).get()

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
        own = {"__module__": "motet", "__doc__": doc, "_served": served, "_name": name, "_reads": base._read,
               "_writes": base._write, "_own": (reads, writes),
               "_field_names": [each[0] for each in fields], "_methods": [each[0] for each in methods],
               "_all_names": [each[0] for each in fields + methods]}
        for field, text, open in fields:
            if not field.startswith("_"): own[field] = _property(field, text, open)
        for method_name, signature, text in methods: own[method_name] = _method_of(method_name, signature, text)
        return type(base)(f"{'element' if base is element else 'collection'}_of_{type_name}", (base,), own)
    one = made(element, f"A {type_name} of the running program, wherever it is.\n\n{about}\n"
                        f"{inspect.cleandoc(element.__doc__)}")
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
        raise RuntimeError(f"{self._lent_name!r} belongs to a plain MPI program, whose ranks wait for nobody but each "
                           "other: run the script in it, where `self` is what this rank has of it; values of other "
                           "ranks come by MPI")
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        self._refuse()
    __setattr__ = __getitem__ = __setitem__ = __delitem__ = __call__ = __iter__ = __len__ = _refuse
    def __bool__(self): return True
    def __repr__(self): return f"<{self._lent_name}, of a plain MPI program>"

_module = types.ModuleType("motet", "The running program: what it serves, by name, and what scripts wait with.")
for _each in (wait, wait_any, future, results, Errors, RemoteError, collection, element):
    setattr(_module, _each.__name__, _each)
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
