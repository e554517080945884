# SPDX-License-Identifier: BSL-1.0
"""Cells in a running program: what the prompt and the Jupyter kernel do is here once, for both."""
import codeop
import hashlib
import pathlib
import re

import motet

_source = (pathlib.Path(__file__).with_name("inside.py")).read_text(encoding="utf-8")
_digest = hashlib.sha256(_source.encode()).hexdigest()[:16]
_upload = f"""
import sys, types
module = sys.modules.get("motet_cells")
if getattr(module, "digest", None) != {_digest!r}:
    before, module = module, types.ModuleType("motet_cells")
    module.digest = {_digest!r}
    exec(compile({_source!r}, "<motet_cells>", "exec"), module.__dict__)
    for name, each in getattr(before, "sessions", {{}}).items():  # of a client of another version
        module.session(name).__dict__.update(each.__dict__)
    sys.modules["motet_cells"] = module
"""


class Result:
    """What a cell did. `data`: the representations of its last expression, by MIME type, or None; `displays`: of what
    it displayed besides; `error`: a dict of type, text and traceback (lines), or None; `count`: its number."""

    def __init__(self, count, data=None, displays=(), error=None):
        self.count, self.data, self.displays, self.error = count, data, list(displays), error


def is_complete(code):
    """Whether a cell can be run: "complete", "invalid", or "incomplete"; and the indentation of the next line."""
    if code.startswith("%%"):
        return ("complete", "") if code.endswith("\n") or "\n\n" in code else ("incomplete", "")
    if code.startswith("%"):
        return "complete", ""
    lines = code.rstrip(" \t").split("\n")
    last = lines[-1] if lines[-1].strip() or len(lines) == 1 else lines[-2]
    indent = re.match(r"\s*", last).group() + ("    " if last.rstrip().endswith(":") else "")
    try:
        made = codeop.compile_command(code, "<cell>", "exec")
    except (SyntaxError, ValueError, OverflowError):
        return "invalid", ""
    if made is None or (len(lines) > 1 and lines[-1][:1] in (" ", "\t") and lines[-1].strip()):
        return "incomplete", indent  # a block ends with an empty line
    return "complete", ""


class Session:
    """A connection to a program whose cells share variables. They stay in the program under the session's name: who
    connects with that name later finds them."""

    def __init__(self, program=None, name="prompt"):
        self.name = name
        self.program = motet.connect(program)
        self.control = motet.connect(self.program.name)  # while a cell runs
        self.each = {}  # handles of %%each, by what comes after it
        self.each_count = 0
        self.program.run("main", _upload)
        self._mine = f"import motet_cells\nmine = motet_cells.session({name!r})\n"
        self.running = 0  # the handle of the cell that runs
        self._find()

    def _find(self):
        self.handle = self.program.run("main", self._mine + "mine.handle")
        try:
            self.program.finished(self.handle, wait=False)
        except motet.Error:  # there is none yet
            self.handle = self.program.execute("main", "", persistent=True, high_level=True).handle
            self.program.run("main", self._mine + f"mine.handle = {self.handle}")

    def close(self):
        self.program.close()
        self.control.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def left(self):
        """What the last cell printed and nobody has taken, and whether it still runs: a session that was found."""
        return self.program.print(self.handle, wait=False), self.busy()

    def busy(self):
        """Whether a cell of this session runs, of whichever client."""
        return self.control.finished(self.handle, wait=False) is None

    def still_runs(self):
        return (f"of the session {self.name!r} still runs; `motet interrupt {self.handle}` ends it, and another session "
                "(--session NAME) has variables of its own")

    def run(self, code, output=None):
        """Runs a cell once, in the program's main, or with %%each NAME[INDEX] in the first line on elements of what is
        served under that name. `output` is called with what it prints, as it comes."""
        each = re.match(r"%%each[ \t]+(\w+)(?:\[([^\]\n]*)\])?[ \t]*(?:\n|$)", code)
        if each:
            return self._run_each(each.group(1), each.group(2) or "", code[each.end():], output)
        if re.match(r"%%each\b", code):
            return Result(0, error=_problem("UsageError", "%%each NAME or %%each NAME[INDEX], and the cell below it"))
        if code.startswith("%"):
            return Result(0, error=_problem("UsageError", f"there is no {code.split()[0]}; there is %%each NAME"))
        try:
            outcome = self._run("main", (), f"import motet_cells\nmotet_cells.session({self.name!r}).run({code!r}, globals())",
                                self.handle, output)
        except motet.Error:
            if not self.busy():
                raise
            return Result(0, error=_problem("Busy", f"another cell {self.still_runs()}"))
        if outcome[0].failed:  # not the cell, but what runs it
            return Result(0, error=_of_outcome(outcome[0]))
        return Result(**outcome[0].result)

    def _run(self, name, index, code, handle, output):
        """Runs a script to its end, and hands on what it prints meanwhile."""
        def take(part):
            self.running = part.handle
            if part.output and output:
                output(f"[{part.dropped} bytes of output dropped]\n{part.output}" if part.dropped else part.output)
        try:
            last = self.program.execute(name, code, index, persistent=True, high_level=True, handle=handle, on_part=take)
        finally:
            self.running = 0
        if last.output and output:
            output(last.output)
        return last.outcomes

    def _run_each(self, name, index_text, code, output):
        try:
            index = tuple(int(part) for part in index_text.split(",")) if index_text.strip() else ()
        except ValueError:
            return Result(0, error=_problem("UsageError", f"[{index_text}] is no index: whole numbers are, as in [3, 4]"))
        key = name, index
        if key not in self.each:
            self.each[key] = self.program.execute(name, "", index, persistent=True).handle
        outcomes = self._run(name, index, code, self.each[key], output)
        self.each_count += 1
        failed = [outcome for outcome in outcomes if outcome.failed]
        several = len(outcomes) > 1
        lines = [(f"[{', '.join(map(str, o.index))}] " if several else "") + repr(o.result)
                 for o in outcomes if not o.failed and o.result is not None]
        shown = lines if len(lines) <= 40 else lines[:20] + [f"… {len(lines) - 40} more …"] + lines[-20:]
        data = {"text/plain": "\n".join(shown)} if shown else None
        error = None
        if failed:
            error = _of_outcome(failed[0])
            if several:
                error["text"] += f" (in [{', '.join(map(str, failed[0].index))}]"
                error["text"] += f", and {len(failed) - 1} others)" if len(failed) > 1 else ")"
                error["traceback"].append(f"in element [{', '.join(map(str, failed[0].index))}], one of {len(failed)} "
                                          f"that failed, of {len(outcomes)}")
        return Result(0, data, error=error)

    def interrupt(self):
        """Stops the cell that runs: KeyboardInterrupt is raised in it. For another thread, or a signal. Gives whether
        the program knows of one."""
        if not self.running:
            return False
        self.control.interrupt(self.running)
        return True

    def complete(self, code, cursor):
        """(completions, the place where they begin)."""
        each = re.match(r"%%each[ \t]+(\w*)$", code[:cursor])
        if each:
            names = [served.name for served in self.control.names()]
            return [name for name in names if name.startswith(each.group(1))], each.start(1)
        return self.control.run("main", self._mine + f"mine.complete({code!r}, {cursor})")

    def inspect(self, code, cursor, source=False):
        return self.control.run("main", self._mine + f"mine.inspect({code!r}, {cursor}, {source})")

    def forget(self):
        """Throws the variables away."""
        self.program.run("main", self._mine + "motet_cells.sessions.pop(mine.name)")
        self.program.execute("main", "", handle=self.handle)  # not persistent: that is its end
        self._find()


def _problem(kind, text):
    return {"type": kind, "text": text, "traceback": [f"{kind}: {text}"]}


def _of_outcome(outcome):
    lines = (outcome.traceback or f"{outcome.error_type}: {outcome.error}").rstrip().split("\n")
    return {"type": outcome.error_type, "text": outcome.error, "traceback": lines}
