# SPDX-License-Identifier: BSL-1.0
"""The command motet: what runs and what it serves; scripts, a prompt, plots and Jupyter in running programs."""
import argparse
import os
import pathlib
import re
import sys

import motet
from motet import debug
from motet.arguments import count_of, index_of, literal, number_of, selection, some_elements

MAIN = "main"  # where scripts run that belong to no chare


def place(arguments):
    """The program, and the name in it, that NAME and --program mean: a running program (then it is its main), or what
    the only one, or that of --program, serves."""
    name = arguments.name
    if name is None:
        return arguments.program, MAIN
    if os.environ.get("MOTET_KEY"):  # HOST:PORT, or what the program there serves
        return (name, MAIN) if name.rpartition(":")[2].isdigit() else (arguments.program, name)
    if arguments.program is None and "/" in name:
        program, _, served = name.partition("/")
        return program, served
    if arguments.program is None and name in {part for each in motet.programs() for part in (each, each.rpartition(".")[0])}:
        return name, MAIN
    if arguments.program is None:
        return serving(name), name
    return arguments.program, name


def serving(name):
    """The only running program that serves something under that name; None where connect() knows what to do, or say."""
    running = motet.programs()
    if len(running) < 2 or name == MAIN:
        return None
    found = []
    for each in running:
        with motet.connect(each) as program:
            if any(served.name == name for served in program.names()):
                found.append(each)
    if not found:
        raise motet.Error(f"nothing is served under the name '{name}' by {', '.join(running)}")
    if len(found) > 1:
        raise motet.Error(f"{' and '.join(found)} serve '{name}': say which one, as {found[0]}/{name}")
    return found[0]


def show(answer, out=sys.stdout):
    """Prints what was printed, results and errors; what several elements have met alike once, with the first of them.
    False if there was an error."""
    if answer.output:
        print(answer.output, end="", file=out)
    errors = {}
    for outcome in answer.outcomes:
        where = f"[{', '.join(map(str, outcome.index))}] " if len(answer.outcomes) > 1 else ""
        if outcome.failed:
            lines = outcome.traceback.rstrip() or outcome.error_type
            if outcome.error and lines.endswith(outcome.error_type):  # why it was stopped
                lines += f": {outcome.error}"
            errors.setdefault(re.sub(r"<script \d+>", "<script>", lines), []).append(where)
        elif outcome.result is not None:
            print(where + repr(outcome.result), file=out)
    for lines, places in errors.items():
        also = ", ".join(place.strip() for place in places[1:9]) + (f" and {len(places) - 9} more" if len(places) > 9 else "")
        print(places[0] + lines + (f"\n(and so in {also})" if also else ""), file=sys.stderr)
    return not errors


def list_programs(arguments):
    names = [arguments.program] if arguments.program else motet.programs()
    if not names:
        print("motet: no program of this user runs with --motet-script", file=sys.stderr)
    for name in names:
        with motet.connect(name) as program:
            print(program.name)
            for served in program.names():
                print(f"  {served.name}: {served.kind} of {served.type}")
    return 0


def run(arguments):
    text = sys.stdin.read() if arguments.file == "-" else open(arguments.file, encoding="utf-8").read()
    program_name, name = place(arguments)
    iterate = {}
    if arguments.iterate:
        iterate = {"iterate": arguments.iterate, "over": arguments.over, "select": arguments.select,
                   "vectorized": arguments.vectorized, "reduce": arguments.reduce,
                   "parameters": arguments.parameters}
    across = arguments.across or ("" if arguments.iterate else arguments.reduce)

    def part(answer):  # as it comes
        if answer.dropped:
            print(f"[{answer.dropped} bytes of output dropped]", file=sys.stderr)
        print(answer.output, end="", flush=True)

    with motet.connect(program_name) as program:
        good = show(program.execute(name, text, arguments.index, high_level=not arguments.low,
                                    limit=arguments.limit, atomic=arguments.atomic, on_part=part, across=across,
                                    elements=arguments.elements, **iterate))
    return 0 if good else 1


def stubs(arguments):
    with motet.connect(arguments.program) as program:
        print(program.stubs(*arguments.names), end="")
    return 0


def list_running(arguments):
    with motet.connect(arguments.program) as program:
        running = program.running()
    for each in running:
        print(f"{each.handle}: {each.name}, for {each.client}, since {each.seconds:.1f} s {each.where}".rstrip())
    if not running:
        print("no script runs")
    return 0


def interrupt(arguments):
    with motet.connect(arguments.program) as program:
        if all(each.handle != arguments.handle for each in program.running()):
            raise motet.Error(f"no script of the number {arguments.handle} runs (motet ps shows which do)")
        program.interrupt(arguments.handle)
    return 0


def show_log(arguments):
    from . import log
    via = motet.way()
    if via:
        source = pathlib.Path(log.__file__).read_text(encoding="utf-8") + "\nshow(*sys.argv[1:])\n"
        names = [arguments.program] if arguments.program else []
        print(motet.transport.output_via(via, source, *names), end="")
    else:
        log.show(arguments.program)
    return 0


def prompt(arguments):
    from . import repl
    program, name = place(arguments)
    index = ", ".join(map(str, arguments.index))
    each = "" if name == MAIN else f"{name}[{index}]" if index else name
    return repl.prompt(program, each, arguments.session)


def watch(arguments):
    from . import watch as watching
    program, name = place(arguments)
    return watching.watch(program, name, arguments.index, arguments.expression, arguments.every, arguments.count)


def top(arguments):
    from . import watch as watching
    return watching.top(arguments.program, arguments.every, arguments.count)


def install_kernel(arguments):
    from . import kernel
    folder = kernel.install(arguments.as_name, arguments.program, arguments.prefix, arguments.session)
    print(f"{folder} is there: jupyter console --kernel {arguments.as_name}, or a notebook with that kernel")
    return 0


def run_kernel(arguments):
    from . import kernel
    return kernel.serve(arguments.connection_file, arguments.program, arguments.session)


def parser():
    whole = argparse.ArgumentParser(prog="motet", description=__doc__)
    whole.add_argument("--via", nargs=2, metavar=("ssh", "HOST"),
                       help="programs on that host (or set MOTET_VIA: 'ssh HOST')")
    whole.add_argument("--key", metavar="FILE",
                       help="over TCP with this key: the program is called HOST:PORT then (or set MOTET_KEY)")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name, do, text, within=commands):
        made = within.add_parser(name, help=text, description=text)
        made.set_defaults(do=do)
        return made

    def with_name(made, optional=False):
        made.add_argument("name", nargs="?" if optional else None,
                          help="a running program: once, in its main; or what it serves: in every element; or "
                               "PROGRAM/SERVED")
        made.add_argument("--index", default=(), type=index_of, help="of one element, such as 3,4; else every one")
        made.add_argument("--program", help="NAME or NAME.NUMBER, where several run")

    def repeated(made):
        made.add_argument("--every", type=float, default=1, metavar="SECONDS", help="(1)")
        made.add_argument("--count", type=count_of, default=0, help="end after so many; else with Ctrl-C")

    made = command("ls", list_programs, "the running programs, and what they serve")
    made.add_argument("program", nargs="?")
    made = command("run", run, "runs a script")
    with_name(made)
    made.add_argument("file", help="the script; - for standard input")
    made.add_argument("--low", action="store_true", help="without the module charm")
    made.add_argument("--atomic", action="store_true", help="all or nothing: where it fails everything is as before")
    made.add_argument("--elements", metavar="WHICH", type=some_elements, help="some elements: indices (3,4 5,6), slices (1:3,:) or a condition "
                                                          "(self.step > 3)")
    made.add_argument("--iterate", metavar="FUNCTION", help="calls this function of the script for each element of a range")
    made.add_argument("--over", default="", metavar="RANGE", help="with --iterate: particles, or cells.particles")
    made.add_argument("--select", metavar="WHICH", type=selection, help="with --iterate: places (0,3,-1), a slice (2:10) or a condition "
                                                        "(p.mass > 1)")
    made.add_argument("--reduce", default="", metavar="HOW", help="one result of all elements: sum, product, min, max, any, "
                                                                  "all, count, mean, set, or a function of two (lambda a, b: ...);"
                                                                  " with --iterate of each range, also by a function of the script, or store")
    made.add_argument("--across", default="", metavar="HOW", help="with --iterate: one result of all elements")
    made.add_argument("--vectorized", action="store_true", help="with --iterate: one call, with all of them in an array")
    made.add_argument("--parameters", metavar="LITERAL", type=literal, help="with --iterate: for a range of the struct's own")
    made.add_argument("--limit", type=float, default=0, metavar="SECONDS", help="interrupt it after so long")
    made = command("stubs", stubs, "declarations of what is served, for editors: a .pyi file (as __builtins__.pyi pyright finds it)")
    made.add_argument("names", nargs="*", metavar="NAME", help="what is served; else all of it")
    made.add_argument("--program", help="NAME or NAME.NUMBER, where several run")
    made = command("repl", prompt, "a prompt; what is defined stays in the program")
    with_name(made, optional=True)
    made.add_argument("--session", default="prompt", help="whose variables these are (prompt)")
    made = command("watch", watch, "draws the value of an expression, again and again")
    with_name(made)
    made.add_argument("expression", help="a number, or several: a sequence or a dict; of every element, if an index is "
                                         "not given")
    repeated(made)
    made = command("ps", list_running, "the scripts that run, and where")
    made.add_argument("program", nargs="?")
    made = command("interrupt", interrupt, "stops a script, as Ctrl-C would")
    made.add_argument("handle", type=number_of, help="as ps shows it")
    made.add_argument("program", nargs="?")
    made = command("log", show_log, "what was done to programs from outside")
    made.add_argument("program", nargs="?", help="a name, with or without its number, or a file; else all")
    made = command("top", top, "what each PE and each entry does")
    made.add_argument("program", nargs="?")
    repeated(made)
    debug.add_commands(command)
    kernel = commands.add_parser("kernel", help="Jupyter").add_subparsers(required=True, metavar="COMMAND")
    made = command("install", install_kernel, "makes running programs a kernel of Jupyter", kernel)
    made.add_argument("--program", help="NAME; else the only one that runs, or %%program NAME in a cell")
    made.add_argument("--as", dest="as_name", default="motet", metavar="KERNEL", help="its name in Jupyter (motet)")
    made.add_argument("--prefix", help="a folder like sys.prefix; else for this user")
    made.add_argument("--session", default="notebook", help="whose variables these are (notebook)")
    made = command("run", run_kernel, "what Jupyter calls", kernel)
    made.add_argument("-f", dest="connection_file", required=True)
    made.add_argument("--program")
    made.add_argument("--session", default="notebook")
    return whole


def main():
    arguments = parser().parse_args()
    if arguments.via:
        os.environ["MOTET_VIA"] = " ".join(arguments.via)
    if arguments.key:
        os.environ["MOTET_KEY"] = arguments.key
    try:
        done = arguments.do(arguments)
        sys.stdout.flush()
        return done
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # nobody reads on: motet log | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (motet.Error, motet.ProtocolError, motet.transport.Refused, OSError) as problem:
        print(f"motet: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
