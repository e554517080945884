// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/python.hpp>

#if MOTET_BODIES

/// Functions of a script on their way to other processes: all processes run one program, so a function's code means the
/// same everywhere.
namespace motet::inline MOTET_VARIANT::script {

inline void make_packed_functions(py::dict& names) {
    run_own_python(R"py(
import builtins, dis, importlib, marshal, operator, pickle, sys, types
import numpy

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
    if not isinstance(function, types.FunctionType):
        raise TypeError(f"{function!r} cannot be sent to other chares: give a function")
    used = {}
    def code_of(f):
        cells = [_sendable(c.cell_contents, f"what {f.__name__} uses") for c in f.__closure__ or ()]
        made = ["code", marshal.dumps(f.__code__), f.__name__, list(map(_sendable, f.__defaults__ or ())),
                f.__kwdefaults__ or {}, cells]
        for name in _names_in(f.__code__):
            if name in used or name not in f.__globals__ or name in ("self", "charm"): continue
            value = f.__globals__[name]
            used[name] = None
            if isinstance(value, types.ModuleType): used[name] = ["module", value.__name__]
            elif isinstance(value, types.FunctionType) and value.__globals__ is f.__globals__:
                used[name] = code_of(value)
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
)py",
                   names);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
