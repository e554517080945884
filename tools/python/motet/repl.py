# SPDX-License-Identifier: BSL-1.0
"""motet repl: a prompt in a running program."""
import os
import pathlib
import sys

from . import Error
from .session import Session, is_complete

try:
    import readline
except ImportError:  # no history, no completion
    readline = None

END = ("exit", "quit", "exit()", "quit()")


class Colours:
    """For terminals; nothing elsewhere, or where NO_COLOR is set."""

    def __init__(self, out):
        on = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.prompt, self.problem, self.result, self.end = (
            ("\x01\x1b[1;32m\x02", "\x1b[31m", "\x1b[36m", "\x1b[0m") if on else ("", "", "", ""))
        self.prompt_end = "\x01\x1b[0m\x02" if on else ""


def history_file():
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return pathlib.Path(state) / "motet" / "history"


def begin_readline(session, each):
    if readline is None:
        return
    found = []

    def complete(_, number):
        if number == 0:
            line, end = readline.get_line_buffer(), readline.get_endidx()
            try:
                names, begin = session.complete(line, end)
            except Error:
                names, begin = [], end
            cut = readline.get_begidx() - begin  # readline's word may begin later
            found[:] = [name[cut:] if cut > 0 else line[readline.get_begidx():begin] + name for name in names]
            if not found and not line.strip():
                found.append("    ")
        return found[number] if number < len(found) else None

    readline.set_completer_delims(" \t\n`~!@#$%^&*()-=+{}\\|;:'\",<>/?")
    readline.parse_and_bind("tab: complete")
    if not each:
        readline.set_completer(complete)
    try:
        readline.read_history_file(history_file())
    except OSError:
        pass
    readline.set_history_length(5000)


def end_readline():
    if readline is None or not sys.stdin.isatty():
        return
    try:
        history_file().parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(history_file())
    except OSError:
        pass


def read_cell(colours):
    """The lines of one cell. Raises EOFError at the end."""
    lines = []
    indent = ""
    while True:
        if readline is not None and indent and sys.stdin.isatty():
            readline.set_startup_hook(lambda text=indent: readline.insert_text(text))
        try:
            lines.append(input(f"{colours.prompt}{'... ' if lines else '>>> '}{colours.prompt_end}"))
        finally:
            if readline is not None:
                readline.set_startup_hook(None)
        if len(lines) == 1 and lines[0].startswith("%%"):
            continue
        if lines[-1].strip() == "" and len(lines) > 1:  # an empty line ends a block, and a cell for elements
            return "\n".join(lines[:-1])
        how, indent = is_complete("\n".join(lines))
        if how != "incomplete" and not lines[0].startswith("%%"):
            return "\n".join(lines)


def show(result, colours):
    for each in [*result.displays, *([result.data] if result.data else [])]:
        others = [mime for mime in each if mime not in ("text/plain", "text/html", "text/markdown", "text/latex")]
        text = each.get("text/plain", "") + "".join(f"  ({mime})" for mime in others)
        print(f"{colours.result}{text}{colours.end}")
    if result.error:
        print(colours.problem + "\n".join(result.error["traceback"]) + colours.end, file=sys.stderr)
    sys.stdout.flush()


def prompt(program, each="", session="prompt"):
    """Reads cells and has them run, until Ctrl-D. `each`: on the elements of what is served under that name."""
    colours = Colours(sys.stdout)
    with Session(program, session) as cells:
        where = f", each of {each}" if each else ""
        names = [served.name for served in cells.program.names()]
        served = ", ".join(names) or "nothing"
        if each and each.partition("[")[0] not in names:
            raise Error(f"{each} is no running program, and {cells.program.name} serves {served}")
        print(f"{cells.program.name}{where}. It serves {served}. End with Ctrl-D.")
        output, still = cells.left()
        if output:
            print("While nobody was here it printed:\n" + output, end="")
        if still:
            print(f"The last cell {cells.still_runs()}.")
        begin_readline(cells, each)

        try:
            while True:
                try:
                    code = read_cell(colours)
                except EOFError:
                    print()
                    return 0
                except KeyboardInterrupt:
                    print()
                    continue
                if not code.strip():
                    continue
                if code.strip() in END:
                    return 0
                if each and not code.startswith("%%"):
                    code = f"%%each {each}\n{code}"
                try:
                    show(cells.run(code, lambda text: print(text, end="", flush=True)), colours)
                except Error as problem:
                    if "has ended" in str(problem):
                        raise
                    print(f"{colours.problem}motet: {problem}{colours.end}", file=sys.stderr)
        finally:
            end_readline()
