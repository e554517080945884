# SPDX-License-Identifier: BSL-1.0
"""Cells: what prompts and notebooks have the program itself run. This file is uploaded into its `main`, as the module
`motet_cells`, and needs Python's standard library alone.

A session has a name, and variables that stay until the program ends, whoever comes and goes meanwhile: a prompt that
was closed, or a notebook whose server has died, finds them and what its last cell printed again."""
import ast
import builtins
import inspect
import keyword
import linecache
import pprint
import re
import sys
import threading
import traceback

sessions = {}
_here = threading.local()  # .session: whose cell runs on this thread; each has one of its own

_methods = {"_repr_html_": "text/html", "_repr_markdown_": "text/markdown", "_repr_svg_": "image/svg+xml",
            "_repr_png_": "image/png", "_repr_jpeg_": "image/jpeg", "_repr_latex_": "text/latex",
            "_repr_json_": "application/json"}


def session(name):
    if name not in sessions:
        sessions[name] = Session(name)
    return sessions[name]


def plain(value):
    """The text of a result, as a prompt shows it."""
    text = repr(value)
    if len(text) > 88 and isinstance(value, (dict, list, tuple, set, frozenset)) and len(text) < 100000:
        text = pprint.pformat(value, width=88, sort_dicts=False)
    return text


def picture(figure):
    import io
    bytes_of = io.BytesIO()
    figure.savefig(bytes_of, format="png", bbox_inches="tight")
    return bytes_of.getvalue()


def bundle(value):
    """The representations of a value, by MIME type."""
    try:
        data = {"text/plain": plain(value)}
    except Exception as problem:
        data = {"text/plain": f"<{type(value).__name__}: its repr raises {type(problem).__name__}: {problem}>"}
    if isinstance(value, type):
        return data
    if type(value).__module__ == "matplotlib.figure":
        data["image/png"] = picture(value)
    for name, mime in {"_repr_mimebundle_": None, **_methods}.items():
        try:
            method = getattr(value, name, None)
            made = method() if callable(method) else None
        except Exception:
            continue
        made = made[0] if isinstance(made, tuple) else made  # with metadata
        if mime is None:
            data.update(made if isinstance(made, dict) else {})
        elif made is not None:
            data[mime] = made
    return data


def display(*values):
    """Shows values to the client of this cell, with pictures and all."""
    session = getattr(_here, "session", None)
    if session is None:
        raise RuntimeError("display belongs to a cell of a prompt or a notebook")
    session.displays.extend(map(bundle, values))


class _Instead:
    """Stands for a function that would do harm in a running program."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    def __call__(self, *_):
        raise RuntimeError(self.text)


_instead = {"input": _Instead("a cell runs inside of the program and cannot ask anything: write the value into it"),
            "exit": _Instead("the prompt ends with Ctrl-D, and the program goes on")}
_instead["quit"] = _instead["exit"]


class Session:
    def __init__(self, name):
        self.name = name
        self.handle = 0  # of the interpreter in which its cells run
        self.count = 0
        self.displays = []
        self.variables = {"__name__": "__script__", "__builtins__": builtins, "display": display,
                          **_instead}

    def run(self, code, around):
        """Runs a cell. `around`: the variables of the script that does it, which has the modules and what is served."""
        self.count += 1
        self.variables["__builtins__"] = around["__builtins__"]  # what is served is among them
        for name, value in around.items():
            if name not in self.variables and not name.startswith("_") and name not in ("self", "motet_cells"):
                self.variables[name] = value
        file = f"<cell {self.count} of {self.name}>"
        linecache.cache[file] = (len(code), None, code.splitlines(True), file)
        linecache.cache.pop(f"<cell {self.count - 1000} of {self.name}>", None)
        self.displays = []
        answer = {"count": self.count, "data": None, "displays": [], "error": None}
        _here.session = self
        try:
            if "matplotlib" in code and "matplotlib.pyplot" not in sys.modules:
                _choose_agg()
            tree = ast.parse(code, file)
            last = None
            if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
                last = compile(ast.Expression(tree.body.pop().value), file, "eval")
            exec(compile(tree, file, "exec"), self.variables)
            if last is not None:
                value = eval(last, self.variables)
                if value is not None:
                    self.variables["_"] = value
                    answer["data"] = bundle(value)
            self._show_figures()
        except BaseException as problem:  # SystemExit, too: it ends the cell
            answer["error"] = self._told(problem)
        finally:
            _here.session = None
        answer["displays"] = self.displays
        return answer

    def _told(self, problem):
        trace = problem.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<cell "):
            trace = trace.tb_next
        try:
            text = str(problem)
            told = one = traceback.TracebackException(type(problem), problem, trace)
            while one is not None:  # what is Motet's own has no lines to show
                one.stack[:] = [frame for frame in one.stack if frame.filename not in ("<motet>", "<motet_cells>")]
                one = one.__cause__ or one.__context__
            lines = list(told.format())
        except Exception:
            text, lines = "<its text raises>", [f"{type(problem).__name__}\n"]
        return {"type": type(problem).__name__, "text": text, "traceback": "".join(lines).rstrip("\n").split("\n")}

    def _show_figures(self):
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            display(pyplot.figure(number))
        pyplot.close("all")

    def complete(self, code, cursor):
        """What could stand at the cursor: (completions, the place where they begin)."""
        begun = re.search(r"(?:[^\W\d]\w*(?:\[[^\[\]()]*\])*\.)*\w*$", code[:cursor]).group()
        owner, _, start = begun.rpartition(".")
        if not owner:
            known = self.variables["__builtins__"]
            names = {*self.variables, *(known if isinstance(known, dict) else dir(known)), *keyword.kwlist}
        else:
            found = self._look_up(owner)
            names = dir(found[0]) if found else []
        fitting = [name for name in names if name.startswith(start) and (start.startswith("_") or name[:1] != "_")]
        return sorted(fitting), cursor - len(start)

    def inspect(self, code, cursor, source=False):
        """What there is to say of the name at the cursor: text, or None."""
        end = cursor + len(re.match(r"\w*", code[cursor:]).group())
        name = re.search(r"(?:[^\W\d]\w*(?:\[[^\[\]()]*\])*\.)*[^\W\d]?\w*$", code[:end].rstrip("( ")).group()
        found = self._look_up(name) if name else None
        if not found:
            return None
        value = found[0]
        lines = [f"Type: {type(value).__name__}"]
        try:
            lines.append(f"Signature: {name.rpartition('.')[2]}{inspect.signature(value)}")
        except (TypeError, ValueError):
            text = bundle(value)["text/plain"]
            lines.append(f"Value: {text if len(text) < 500 else text[:500] + ' …'}")
        document = inspect.getdoc(value)
        if document:
            lines.append(f"\n{document}")
        if source:
            try:
                lines.append(f"\n{inspect.getsource(value)}")
            except (TypeError, OSError):
                pass
        return "\n".join(lines)

    def _look_up(self, text):
        """The value of names, attributes and places, without calling anything; (value,), or None."""
        try:
            tree = ast.parse(text, mode="eval")
            allowed = (ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.Slice,
                       ast.UnaryOp, ast.USub, ast.Load)
            if not all(isinstance(each, allowed) for each in ast.walk(tree)):
                return None
            return (eval(compile(tree, "<look>", "eval"), self.variables),)
        except Exception:
            return None


def _choose_agg():
    """Pictures are made in memory: a program has no windows."""
    try:
        import matplotlib
        matplotlib.use("Agg")
    except ImportError:
        pass
