# SPDX-License-Identifier: BSL-1.0
"""The command motet: what runs, what it serves, scripts and a prompt."""
import argparse
import code
import sys

import motet


def index_of(text):
    return tuple(int(part) for part in text.split(",")) if text else ()


def show(answer, out=sys.stdout):
    """Prints what was printed, results and errors. False if there was an error."""
    if answer.output:
        print(answer.output, end="", file=out)
    good = True
    for outcome in answer.outcomes:
        where = f"[{', '.join(map(str, outcome.index))}] " if len(answer.outcomes) > 1 else ""
        if outcome.failed:
            good = False
            print(where + (outcome.traceback or f"{outcome.error_type}: {outcome.error}").rstrip(), file=sys.stderr)
        elif outcome.result is not None:
            print(where + repr(outcome.result), file=out)
    return good


def list_programs(arguments):
    for name in [arguments.program] if arguments.program else motet.programs():
        with motet.connect(name) as program:
            print(program.name)
            for served in program.names():
                print(f"  {served.name}: {served.kind} of {served.type}")
    return 0


def run(arguments):
    text = sys.stdin.read() if arguments.file == "-" else open(arguments.file, encoding="utf-8").read()
    with motet.connect(arguments.program) as program:
        good = show(program.execute(arguments.name, text, index_of(arguments.index), high_level=not arguments.low))
    return 0 if good else 1


def prompt(arguments):
    try:
        import readline  # noqa: F401 (history and editing)
    except ImportError:
        pass
    index = index_of(arguments.index)
    with motet.connect(arguments.program) as program:
        print(f"{program.name}, {arguments.name}{list(index) if index else ''}. End with Ctrl-D.")
        handle = 0
        lines = []
        while True:
            try:
                lines.append(input("... " if lines else ">>> "))
                if code.compile_command("\n".join(lines), symbol="single") is None:
                    continue
            except EOFError:
                print()
                return 0
            except KeyboardInterrupt:
                print()
                lines = []
                continue
            except (SyntaxError, ValueError, OverflowError):
                pass  # the program says what is wrong
            text, lines = "\n".join(lines), []
            if text.strip():
                answer = program.execute(arguments.name, text, index, persistent=True, high_level=True, handle=handle)
                handle = answer.handle
                show(answer)


def main():
    parser = argparse.ArgumentParser(prog="motet", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("ls", help="the running programs, and what they serve")
    command.add_argument("program", nargs="?")
    command.set_defaults(do=list_programs)
    for name, do, text in (("run", run, "runs a script"), ("repl", prompt, "a prompt")):
        command = commands.add_parser(name, help=text)
        command.add_argument("name", help="what the program serves")
        if do is run:
            command.add_argument("file", help="the script; - for standard input")
            command.add_argument("--low", action="store_true", help="without the module charm")
        command.add_argument("--index", default="", help="of one element, such as 3,4; else every one")
        command.add_argument("--program", help="NAME or NAME.NUMBER, where several run")
        command.set_defaults(do=do)
    arguments = parser.parse_args()
    try:
        return arguments.do(arguments)
    except (motet.Error, motet.ProtocolError, OSError) as problem:
        print(f"motet: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
