# SPDX-License-Identifier: BSL-1.0
"""What the tests of clients share: the client, the command, and a program that they wait for."""
import os
import pathlib
import re
import sys
import time

root = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(root / "tools" / "python"))
import motet  # noqa: E402

command = str(root / "tools" / "motet")


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def until_open(program, served=0, why=lambda: "the program does not listen"):
    """Waits until the only program that runs listens, and serves so many."""
    end = time.monotonic() + 60
    while not motet.programs():
        assert program.poll() is None and time.monotonic() < end, why()
        time.sleep(0.01)
    if served:
        with motet.connect() as p:
            until(lambda: len(p.names()) >= served)


def until_main_is_idle(name=None):
    """Waits until no script runs in the main of the program."""
    with motet.connect(name) as p:
        until(lambda: all(each.name != "main" for each in p.running()))


def port_in(read):
    """The TCP port that a program says it listens at, in the text that `read` gives."""
    found = []
    until(lambda: found.extend(re.findall(r" port (\d+) with the keys", read())) or found)
    return found[0]


class Gate:
    """Code that says it runs, in a file, and waits for leave to go on: what comes behind it waits for no length of time."""

    def __init__(self, folder):
        self._runs, self._open = (os.path.join(folder, name) for name in ("runs", "open"))
        self.code = (f"import os, time\nopen({self._runs!r}, 'w').close()\n"
                     f"while not os.path.exists({self._open!r}): time.sleep(0.01)\n")

    def until_it_runs(self):
        until(lambda: os.path.exists(self._runs))
        os.unlink(self._runs)

    def open(self):
        open(self._open, "w").close()

    def close(self):
        os.unlink(self._open)


def raises(kind, text, action):
    try:
        action()
    except kind as problem:
        assert text in str(problem), (text, str(problem))
        return problem
    raise AssertionError(f"no {kind.__name__}: {text}")
