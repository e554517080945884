// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/charm.hpp>
#include <motet/script/inspect.hpp>
#include <motet/script/program_array.hpp>

#if MOTET_BODIES

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

/// The module `ck` (Charm++ manual, section 26.3) and what `print` does.
namespace motet::inline MOTET_VARIANT::script {

/// Whether a step of a path names a field there; else it is a place or a key. What Python itself has is no field.
inline bool is_field_name(const py::object& of, PyObject* step) {
    if (!PyUnicode_Check(step) || !is_reference(of.ptr()) || ref(of.ptr()).type->kind != kind::structure) return false;
    if (is_pythons_own(path_of(step)))
        raise(PyExc_AttributeError, "'" + py::str(step).cast<std::string>() + "' is no field");
    return true;
}

/// Goes from an object along a path, as ck.read and ck.write give it: names of fields, places and keys. In a tuple, or
/// one after the other.
inline py::object follow(py::object at, PyObject* steps, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; ++i) {
        // A struct that reads itself is asked for the whole way before the first step of it.
        if (is_reference(at.ptr()) && i + 1 < count)
            if (py::object found = own_read(ref(at.ptr()), steps, PyExc_LookupError, i)) return found;
        PyObject* const each = PyTuple_GET_ITEM(steps, i);
        at = py::reinterpret_steal<py::object>(is_field_name(at, each) ? PyObject_GetAttr(at.ptr(), each)
                                                                       : PyObject_GetItem(at.ptr(), each));
        check(static_cast<bool>(at));
    }
    return at;
}

/// The chare itself, as scripts see it.
inline py::object self_of(space& s) { return to_python(*s.chare->type, s.chare->object, s.chare, {}); }

/// ck.read("a", 3, "b"), ck.read(("a", 3, "b")) and ck.read("a") as steps.
inline py::object as_steps(PyObject* given) {
    if (PyTuple_Check(given)) return py::reinterpret_borrow<py::object>(given);
    return py::make_tuple(py::reinterpret_borrow<py::object>(given));
}

inline PyObject* ck_read(PyObject*, PyObject* arguments) {
    return guarded([&] {
        running_script& s = this_script("ck.read");
        const Py_ssize_t given = PyTuple_GET_SIZE(arguments);
        if (given == 0) raise(PyExc_TypeError, "ck.read takes a path: ck.read(\"particles\", 3, \"mass\")");
        const py::object steps =
            given == 1 ? as_steps(PyTuple_GET_ITEM(arguments, 0)) : py::reinterpret_borrow<py::object>(arguments);
        return follow(self_of(s.variables), steps.ptr(), PyTuple_GET_SIZE(steps.ptr())).release().ptr();
    });
}

inline PyObject* ck_write(PyObject*, PyObject* arguments) {
    return guarded([&] {
        running_script& s = this_script("ck.write");
        const Py_ssize_t given = PyTuple_GET_SIZE(arguments);
        if (given < 2)
            raise(PyExc_TypeError, "ck.write takes a path and a value: ck.write((\"particles\", 3, \"mass\"), 2.0)");
        PyObject* const value = PyTuple_GET_ITEM(arguments, given - 1);
        const auto front = py::reinterpret_steal<py::object>(PyTuple_GetSlice(arguments, 0, given - 1));
        check(static_cast<bool>(front));
        const py::object steps = given == 2 ? as_steps(PyTuple_GET_ITEM(arguments, 0)) : front;
        const Py_ssize_t count = PyTuple_GET_SIZE(steps.ptr());
        if (count == 0) raise(PyExc_TypeError, "ck.write: the path is empty");
        py::object at = self_of(s.variables);
        for (Py_ssize_t i = 0; i + 1 < count; ++i) { // a struct that writes itself gets the whole way
            if (is_reference(at.ptr()) && own_write(ref(at.ptr()), steps.ptr(), value, PyExc_LookupError, i))
                return none();
            const py::object next =
                py::make_tuple(py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(steps.ptr(), i)));
            at = follow(at, next.ptr(), 1);
        }
        PyObject* const last = PyTuple_GET_ITEM(steps.ptr(), count - 1);
        check((is_field_name(at, last) ? PyObject_SetAttr(at.ptr(), last, value)
                                       : PyObject_SetItem(at.ptr(), last, value)) == 0);
        return none();
    });
}

inline std::string text_argument(PyObject* given) {
    const auto text = py::reinterpret_steal<py::object>(PyObject_Str(given));
    check(static_cast<bool>(text));
    return text.cast<std::string>();
}

/// The bytes of a text, while this lives.
class [[gnu::visibility("hidden")]] utf8 {
public:
    explicit utf8(PyObject* text)
        : bytes(py::reinterpret_steal<py::object>(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"))) {
        check(static_cast<bool>(bytes));
    }
    std::string_view view() const {
        return {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
    }

private:
    py::object bytes;
};

inline PyObject* ck_printstr(PyObject*, PyObject* text) {
    return guarded([&] {
        const std::string line = text_argument(text);
        if (running_script* const s = running_script::current(); s != nullptr && s->atomic) {
            held_lines(s->p) += line;
            return none();
        }
        std::fwrite(line.data(), 1, line.size(), stdout);
        std::fflush(stdout);
        return none();
    });
}

inline PyObject* ck_printclient(PyObject*, PyObject* text) {
    return guarded([&] {
        this_script("ck.printclient").print(text_argument(text));
        return none();
    });
}

inline PyObject* number(std::uint64_t n) { return PyLong_FromUnsignedLongLong(n); }

inline PyObject* ck_mype(PyObject*, PyObject*) {
    return guarded([] { return number(this_script("ck.mype").p.number); });
}
inline PyObject* ck_numpes(PyObject*, PyObject*) {
    return guarded([] { return number(this_script("ck.numpes").p.job.pe_total()); });
}
inline PyObject* ck_mynode(PyObject*, PyObject*) {
    return guarded([] { return number(this_script("ck.mynode").p.home.number); });
}
inline PyObject* ck_numnodes(PyObject*, PyObject*) {
    return guarded([] { return number(this_script("ck.numnodes").p.job.process_total()); });
}
inline PyObject* ck_poll(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        const running_script& s = this_script("ck.poll");
        return s.p.job.options.embedded ? number(s.p.job.polls) : none();
    });
}
inline PyObject* ck_myindex(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        const running_script& s = this_script("ck.myindex");
        if (s.c.info->kind != runtime::collection_kind::array) return none();
        const std::vector<std::int64_t> index = s.c.type->coordinates(s.e.index);
        py::tuple all(index.size());
        for (std::size_t i = 0; i < index.size(); ++i) all[i] = index[i];
        return all.release().ptr();
    });
}

inline PyObject* make_ck() {
    static PyMethodDef methods[] = {
        {"read", &ck_read, METH_VARARGS, "read(path...): the value there, as ck.read(\"particles\", 3, \"mass\")"},
        {"write", &ck_write, METH_VARARGS, "write(path..., value): puts a value there"},
        {"printstr", &ck_printstr, METH_O, "printstr(text): writes to the program's own output"},
        {"printclient", &ck_printclient, METH_O, "printclient(text): writes to the client of this script"},
        {"mype", &ck_mype, METH_NOARGS, "mype(): the number of the PE that this runs on"},
        {"numpes", &ck_numpes, METH_NOARGS, "numpes(): how many PEs there are"},
        {"mynode", &ck_mynode, METH_NOARGS, "mynode(): the number of the process that this runs in"},
        {"numnodes", &ck_numnodes, METH_NOARGS, "numnodes(): how many processes there are"},
        {"poll", &ck_poll, METH_NOARGS,
         "poll(): the number of the poll that this runs at, the same on every rank of a plain MPI program; else None"},
        {"myindex", &ck_myindex, METH_NOARGS,
         "myindex(): the index of this element, a tuple; None in a single chare or a group"},
        {"queue", &ck_queue, METH_NOARGS, "queue(): the messages of this PE that have not run, a list of dicts"},
        {"fibers", &ck_fibers, METH_NOARGS, "fibers(): what waits on this PE, a list of dicts"},
        {"entry", &ck_entry, METH_NOARGS, "entry(): in a hook, the name of the method that the message calls"},
        {"arguments", &ck_arguments, METH_NOARGS,
         "arguments(): in a hook, a tuple of what the message brings; after it, of what the method has left of that"},
        {nullptr, nullptr, 0, nullptr}};
    static PyModuleDef definition;
    return make_module(definition, "ck", "The chare that this script runs in, and where it is.", methods);
}

/// What sys.stdout and sys.stderr write, in the script that runs on this thread; True if there is one.
inline PyObject* write_output(PyObject*, PyObject* text) {
    return guarded([&]() -> PyObject* {
        running_script* const s = running_script::current();
        if (s == nullptr) Py_RETURN_FALSE;
        s->print(utf8(text).view());
        Py_RETURN_TRUE;
    });
}

/// Where a thread prints that a script has started: to the client of the script, for as long as the run lasts; in other
/// processes than the first, where output goes on with the script's outcome, until the script has ended.
struct output_of_thread {
    std::weak_ptr<script_control> control;
    std::uint32_t handle;
    std::uint64_t until_end_of; ///< a run; 0: to the end of all

    static void end(PyObject* capsule) {
        delete static_cast<output_of_thread*>(PyCapsule_GetPointer(capsule, nullptr));
    }
};
/// That of the script that runs on this thread; None where it has none.
inline PyObject* output_here(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        const running_script* const s = running_script::current();
        if (s == nullptr || s->handle == 0) return none();
        const bool elsewhere = s->p.job.remote && s->p.job.remote->process_number() != 0;
        auto made = std::make_unique<output_of_thread>(output_of_thread{
            script_control::of(s->p.job).alive(), s->keep_print ? s->handle : 0, elsewhere ? s->watched.run : 0});
        PyObject* const capsule = PyCapsule_New(made.get(), nullptr, &output_of_thread::end);
        check(capsule != nullptr);
        static_cast<void>(made.release());
        return capsule;
    });
}
/// Writes there. False if that is over.
inline PyObject* write_there(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* capsule = nullptr;
        PyObject* text = nullptr;
        check(PyArg_ParseTuple(arguments, "OU", &capsule, &text) != 0);
        const auto* const to = static_cast<output_of_thread*>(PyCapsule_GetPointer(capsule, nullptr));
        check(to != nullptr);
        const auto control = to->control.lock();
        if (!control || (to->until_end_of != 0 && !control->runs_here(to->until_end_of))) Py_RETURN_FALSE;
        if (to->handle != 0) control->output.add(to->handle, utf8(text).view());
        Py_RETURN_TRUE;
    });
}

/// In a child that a script has forked: it is in no chare.
inline PyObject* leave_script(PyObject*, PyObject*) {
    running_script::current() = nullptr;
    return none();
}

/// Functions in Python that scripts are run with. Made by prepare_python.
inline py::dict*& helpers() {
    static py::dict* names = nullptr; // Python is never ended
    return names;
}

inline void prepare_reducers(py::dict& names);
inline void prepare_proxies(py::dict& names);
inline void prepare_stubs(py::dict& names);

MOTET_INLINE void prepare_python() {
    view_base_type(), sequence_type(), set_type(), map_type(), box_type(), method_type(); // python.hpp, step 4
    prepare_views();
    prepare_program_arrays();
    const auto modules = py::module_::import("sys").attr("modules");
    static PyMethodDef write{"_write", &write_output, METH_O, nullptr};
    static PyMethodDef here{"_output_here", &output_here, METH_NOARGS, nullptr};
    static PyMethodDef there{"_write_there", &write_there, METH_VARARGS, nullptr};
    auto* const kept = new py::dict();
    helpers() = kept;
    py::dict& names = *kept;
    const auto ck = py::reinterpret_steal<py::object>(make_ck());
    const auto charm = py::reinterpret_steal<py::object>(make_charm());
    modules["ck"] = ck;
    modules["charm"] = charm;
    names["_ck"] = ck; // where scripts find it: an import takes a microsecond
    names["_charm"] = charm;
    for (PyMethodDef* each : {&write, &here, &there})
        names[each->ml_name] = py::reinterpret_steal<py::object>(PyCFunction_New(each, nullptr));
    static PyMethodDef forked{"_forked", &leave_script, METH_NOARGS, nullptr};
    names["_forked"] = py::reinterpret_steal<py::object>(PyCFunction_New(&forked, nullptr));
    py::exec(R"py(
import ast, collections, io, itertools, linecache, numpy, operator, os, sys, threading, traceback

def traced(kind, value, trace):
    """The traceback as text, without what runs the script."""
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<script"): trace = trace.tb_next
    told = one = traceback.TracebackException(kind, value, trace)
    while one is not None:
        one.stack[:] = [frame for frame in one.stack if frame.filename != "<motet>"]
        one = one.__cause__ or one.__context__
    return "".join(told.format())

_compiled = {}
_numbers = itertools.count(1)  # no two threads get the same one
_sources = collections.deque()
_keeps = threading.Lock()
def keep_lines(name, code):
    """For tracebacks, of functions too that were uploaded long ago: of the newest scripts, 16 MiB of them in all."""
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    size = len(code) + 1000  # and what keeps it
    with _keeps:
        _sources.append((name, size))
        keep_lines.bytes += size
        while keep_lines.bytes > 16 << 20 and len(_sources) > 1:
            oldest, size = _sources.popleft()
            keep_lines.bytes -= size
            linecache.cache.pop(oldest, None)
keep_lines.bytes = 0

def compiled(code):
    """The code without its last statement, and that one if it is an expression. Tracebacks find its lines."""
    found = _compiled.get(code)
    if found is not None: return found
    name = f"<script {next(_numbers)}>"
    keep_lines(name, code)
    tree = ast.parse(code, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), name, "eval")
    made = (compile(tree, name, "exec") if tree.body else None, last)
    with _keeps:
        if code not in _compiled: compiled.characters += len(code)
        _compiled[code] = made
        while len(_compiled) > 256 or (compiled.characters > 4 << 20 and len(_compiled) > 1):
            oldest = next(iter(_compiled))
            del _compiled[oldest]
            compiled.characters -= len(oldest)
    return made
compiled.characters = 0

def condition(text, function, names):
    """What says whether an element is selected: a function of the script, or an expression of the parameter of its
    function."""
    if text.isidentifier() and callable(names.get(text)): return names[text]
    code = getattr(function, "__code__", None)
    parameter = code.co_varnames[0] if code is not None and code.co_argcount else "p"
    return eval(compile(f"lambda {parameter}: ({text}\n)", "<script: select>", "eval"), names)

reducers = {"sum": operator.add, "product": operator.mul, "min": min, "max": max}

def vectorized(function, arrays, element, select, condition, store):
    """Calls the function with one array of the elements that are selected, and puts back what it has changed. arrays():
    those that they lie in, as they are now."""
    parts = arrays()
    if len(parts) == 1:
        whole = parts[0]
    else:
        whole = numpy.empty(sum(map(len, parts)), element)
        if parts: numpy.concatenate(parts, out=whole)
        if element.names: whole = whole.view(numpy.recarray)
    if condition is not None:
        select = numpy.asarray(condition(whole))
        if select.dtype != bool or select.shape != whole.shape:
            raise TypeError("the condition of a vectorized request gives one bool for each element")
    elif isinstance(select, (list, numpy.ndarray)):
        select = numpy.asarray(select)
        if select.size == 0: select = select.astype(int)
    chosen = whole if select is None else whole[select]
    open = all(part.flags.writeable for part in parts)
    if not open: chosen.flags.writeable = False
    result = function(chosen)
    if store and result is not None:
        chosen[...] = result
        result = None
    if open:
        now = arrays()
        if list(map(len, now)) != list(map(len, parts)):
            raise RuntimeError("the function changed how many elements there are: what it has changed in them is lost")
        if len(now) == 1:
            if select is not None: now[0][select] = chosen
        else:
            if select is not None: whole[select] = chosen
            at = 0
            for part in now:
                part[...] = whole[at:at + len(part)]
                at += len(part)
    return result

_start_thread = threading.Thread.start
def start(thread):
    """What a thread prints goes where whoever started it prints."""
    here = _output_here()
    thread._motet_output = here or getattr(threading.current_thread(), "_motet_output", None)
    _start_thread(thread)
start.__doc__ = _start_thread.__doc__
threading.Thread.start = start

class _Output(io.TextIOBase):
    """Goes to the client of the script that runs here, or has started this thread; else where it always went."""
    def __init__(self, otherwise): self._otherwise = otherwise
    def write(self, text):
        if not isinstance(text, str): raise TypeError(f"write() takes a str, not {type(text).__name__}")
        if _write(text): return len(text)
        there = getattr(threading.current_thread(), "_motet_output", None)
        if there is None or not _write_there(there, text):
            self._otherwise.write(text)
            self._otherwise.flush()
        return len(text)
    def writable(self): return True
    def flush(self): self._otherwise.flush()
    def fileno(self): return self._otherwise.fileno()
    @property
    def encoding(self): return "utf-8"
class TimeLimit(BaseException):
    """The script has used up its time (--motet-script-limit, or the limit of its request)."""
TimeLimit.__module__ = "motet"
def _in_child():
    _forked()
    vars(threading.current_thread()).pop("_motet_output", None)
os.register_at_fork(after_in_child=_in_child)
sys.stdin = io.StringIO()  # the program's own is not the script's: exit() would close it
_streams = _Output(sys.__stdout__), _Output(sys.__stderr__)
sys.stdout, sys.stderr = _streams
)py",
             names);
    prepare_reducers(names);
    prepare_proxies(names);
    prepare_stubs(names);
    const py::tuple streams = names["_streams"];
    own_streams() = {streams[0].ptr(), streams[1].ptr()};
    time_limit_type() = py::object(names["TimeLimit"]).release().ptr();
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
