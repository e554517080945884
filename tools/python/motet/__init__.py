# SPDX-License-Identifier: BSL-1.0
"""Reaches running Motet programs: lists what they serve, runs Python in their chares.

>>> import motet
>>> program = motet.connect("heat")
>>> program.names()
[Served(name='tiles', type='Tile', kind='array')]
>>> program.run("tiles", "self.cells.sum()", index=(3, 4))
12.5
"""
import collections
import os
import shlex
import socket
import stat
import struct
import sys

from . import transport
from .debug import Debugging
from .transport import Keyed, Refused, Via, programs_via
from .wire import Array, Object, ProtocolError, Reader, Writer

__all__ = ["connect", "programs", "Program", "Served", "Outcome", "Answer", "Running", "Error", "ScriptError", "Array",
           "Object", "ProtocolError"]

PROTOCOL = 2
Running = collections.namedtuple("Running", "handle name client seconds where")
Served = collections.namedtuple("Served", "name type kind")
Answer = collections.namedtuple("Answer", "handle outcomes output more dropped found")


class Error(Exception):
    """The program refuses, has ended, or is not there."""


class ScriptError(Error):
    """A script raised: `outcome` has type, text and traceback."""

    def __init__(self, outcome):
        super().__init__(f"{outcome.error_type}: {outcome.error}")
        self.outcome = outcome


class Outcome:
    """What a script did in one chare."""

    def __init__(self, index, result, output, error_type, error, traceback, pe=0, messages=0, _=0):
        self.index, self.result, self.output = tuple(index), result, output
        self.error_type, self.error, self.traceback = error_type, error, traceback
        self.pe, self.messages = pe, messages

    @property
    def failed(self):
        return self.error_type != ""

    def __repr__(self):
        return f"Outcome({self.index}, {self.error_type + ': ' + self.error if self.failed else repr(self.result)})"


def folder():
    """Where the sockets of this user's programs are. Nobody else may be able to enter. That of a login manager goes with
    the last login, and programs stay; so only one of the user's own counts (include/motet/service/place.hpp)."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    path = os.path.join(runtime, "motet") if runtime and not runtime.startswith("/run/user/") else f"/tmp/motet-{os.geteuid()}"
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return path
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Error(f"{path} is not a folder of this user alone (mode 0700)")
    return path


def way():
    """What MOTET_VIA says: ["ssh", host]; [] for this machine."""
    return shlex.split(os.environ.get("MOTET_VIA", ""))


def programs(via=None):
    """The running programs of this user that take scripts, as NAME.NUMBER; on another host by way of ("ssh", host)."""
    via = via or way()
    if via:
        try:
            return programs_via(via)
        except Refused as problem:
            raise Error(str(problem)) from None
    path = folder()
    found = []
    for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
        if name.startswith("."):
            continue
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                if stat.S_ISSOCK(os.lstat(os.path.join(path, name)).st_mode):
                    probe.connect(os.path.join(path, name))
                    found.append(name)
            except ConnectionRefusedError:  # left by a program that was killed
                os.unlink(os.path.join(path, name))
            except OSError:
                pass
    return found


def connect(name=None, key=None, via=None):
    """The program of that name; the number may be left out, and the name where only one runs. With `via`, such as
    ("ssh", host), on another host. With `key`, a file, over TCP: `name` is HOST:PORT or PORT then. The environment
    variables MOTET_VIA ("ssh HOST") and MOTET_KEY stand for them."""
    key = key or os.environ.get("MOTET_KEY")
    via = via or way()
    try:
        if key:
            host, _, port = (name or "").rpartition(":")
            if not port.isdigit():
                raise Error("over TCP a program is called HOST:PORT")
            return Program(name, Keyed(host.strip("[]") or "127.0.0.1", int(port), key))
        if via:
            connection = Via(via, name)
            return Program(connection.name, connection)
    except (Refused, OSError) as problem:
        raise Error(str(problem)) from None
    running = programs()
    fitting = [each for each in running if name in (None, each, each.rpartition(".")[0])]
    if not fitting:
        raise Error(f"no program {name + ' ' if name else ''}of this user runs with --motet-script; running: "
                    f"{', '.join(running) or 'none'}")
    if len(fitting) > 1:
        raise Error(f"{len(fitting)} programs fit: {', '.join(fitting)}; say which one (--program NAME)")
    return Program(fitting[0])


def chosen(elements):
    """Which elements of a collection: as requests have it."""
    if elements is None or isinstance(elements, dict):
        return elements
    if isinstance(elements, str):
        return {"where": elements}
    if isinstance(elements, list):
        return {"indices": [index if isinstance(index, tuple) else (index,) for index in elements]}
    parts = elements if isinstance(elements, tuple) else (elements,)
    return {"slices": [part if isinstance(part, slice) else slice(part, part + 1) for part in parts]}


class Program(Debugging):
    """A connection to a running program. Its calls wait for the answer."""

    def __init__(self, name, connection=None):
        self.name = name
        self._socket = connection or socket.socket(socket.AF_UNIX)
        if connection is None:
            self._socket.connect(os.path.join(folder(), name))
        self._last = 0
        self._buffer = bytearray()
        request = self._request(0)
        request.put("I", PROTOCOL)
        try:
            self._socket.sendall(request.frame())
            answer = self._frame()  # its beginning is the same in all versions of the protocol
        except (OSError, Refused) as problem:
            raise Error(f"the program has ended, or closed the connection: {problem}") from None
        answer.get("Q")
        error = answer.text()
        if error:
            self.close()
            raise Error(error)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def names(self):
        """What is served."""
        request = self._request(1)
        request.put("B", 0)
        return self._ask(request)[1]

    def execute(self, name, code, index=(), wait=True, persistent=False, high_level=False, iterate=None, over="",
                vectorized=False, keep_print=True, handle=0, select=None, parameters=None, reduce="",
                limit=0, on_part=None, atomic=False, elements=None, across=""):
        """Runs code in the chare of that index, or in every one. The answer has the outcomes if it waits, else the
        handle alone.

        `iterate` names a function that is called for each element of the range `over`, a path such as "particles" or
        "cells.particles"; or, if `vectorized`, once with all of them as one array. `select` says which elements: a list
        of places, a slice, or a condition ("p.mass > 1", or the name of a function that the script defines).
        `parameters` are for a struct that has a `range` of its own. `reduce` says what becomes of what the function
        returns: a list of it, or its "sum", "product", "min", "max", "any", "all", "count", or what a function of two
        values that the script defines makes of it; "store" puts each in the place of its element.

        If `atomic` it is all or nothing: where it raises the chare becomes what it was before, all chares if it runs in
        all. It begins when nothing else stands in the chare, and nothing in it may wait.

        `elements` chooses some of a collection: a list of indices, a slice or a tuple of slices and numbers, as of an
        array, or an expression of `self` and `index`. Without `iterate`, `reduce` puts the results of all elements
        together along a tree, by those names, "mean", "set", or an expression that is a function of two results; with
        it, `across` does.

        After `limit` seconds it is interrupted, waits included. `on_part` is called with an answer for what is printed,
        and for each chare's outcome, as it comes; it gets the handle first. The last answer has all outcomes, and what
        was printed since. An interruption (Ctrl-C) interrupts the script, a second one this call."""
        request = self._request(2)
        request.text(name)
        request.numbers(index if isinstance(index, (tuple, list)) else (index,))
        request.put("?", wait)
        request.text(code)
        request.put("?????I", persistent, high_level, iterate is not None, vectorized, keep_print, handle)
        request.text(iterate or "")
        request.text(over)
        if isinstance(select, (tuple, range)):  # on the wire a tuple is a slice
            select = list(select)
        given = {"select": select, "parameters": parameters, "reduce": reduce or None,
                 "limit": float(limit) or None, "stream": True if on_part and wait else None,
                 "atomic": True if atomic else None, "elements": chosen(elements), "across": across or None}
        options = {name: value for name, value in given.items() if value is not None}
        if options:  # by name, what came after the first version of the protocol
            request.size(len(options))
            for name, value in options.items():
                request.text(name)
                request.value(value)
        try:
            return self._ask(request, on_part)[0]
        except KeyboardInterrupt:
            return self._go_on(on_part)

    def _go_on(self, on_part):
        """Interrupts what this client has begun, and waits for its answer."""
        waiting = self._last
        stop = self._request(5)
        stop.put("I", 0)
        self._talk(self._socket.sendall, stop.frame())
        while True:
            to, error, answer, _ = self._talk(self._receive)
            if to == self._last and error:
                print("motet:", error, file=sys.stderr)
            if to != waiting:
                continue
            if error:
                raise Error(error)
            if not answer.more:
                return answer
            if on_part is not None:
                on_part(answer)

    def interrupt(self, handle=0):
        """Ends the script of the handle, or all that this connection has begun, as Ctrl-C would. Raises Error where it
        could not be stopped within two seconds, with where it is."""
        request = self._request(5)
        request.put("I", handle)
        self._ask(request)

    def read(self, name, *path, index=()):
        """The value at a path of field names, places and keys in a chare, or a list of all. Runs no code: a key that
        allows `read` is enough."""
        return self._by_path(7, name, path, index)

    def write(self, name, *path_and_value, index=()):
        """Puts a value there, the last argument. A key that allows `write` is enough."""
        self._by_path(8, name, path_and_value[:-1], index, path_and_value[-1:])

    def _by_path(self, kind, name, path, index, values=()):
        request = self._request(kind)
        request.text(name)
        request.numbers(index if isinstance(index, (tuple, list)) else (index,))
        request.size(len(path))
        for each in (*path, *values):
            request.value(each)
        return self._results(self._ask(request)[0], index)

    def stubs(self, *names):
        """Declarations of what is served under these names, or of all, for editors: a .pyi file. A key that allows
        `look` is enough."""
        request = self._request(16)
        request.size(len(names))
        for name in names:
            request.text(name)
        return self._results(self._ask(request)[0], ())

    def running(self):
        """Which scripts run, and for whom. Answered also while every PE is busy with them."""
        request = self._request(6)
        request.put("B", 0)
        return self._ask(request)[1]

    def run(self, name, code, index=(), **options):
        """The same, and gives the result: a value with an index, else one for each element. Raises ScriptError."""
        return self._results(self.execute(name, code, index, **options), index)

    @staticmethod
    def _results(answer, index):
        failed = [outcome for outcome in answer.outcomes if outcome.failed]
        if failed:  # "Undone" is what it did where it did not fail itself, being atomic
            raise ScriptError(next((each for each in failed if each.error_type != "Undone"), failed[0]))
        results = [outcome.result for outcome in answer.outcomes]
        return results[0] if index != () or (len(results) == 1 and answer.outcomes[0].index == ()) else results

    def print(self, handle, wait=True, kill=False):
        """What the script of the handle has printed since the last time."""
        request = self._request(3)
        request.put("I??", handle, wait, kill)
        return self._ask(request)[0].output

    def finished(self, handle, wait=True):
        """Whether the script has ended: the outcomes, or None while it runs."""
        request = self._request(4)
        request.put("I?", handle, wait)
        answer = self._ask(request)[0]
        return answer.outcomes if answer.handle else None

    def _request(self, kind):
        self._last += 1
        request = Writer()
        request.put("Q", self._last)
        request.size(kind)
        return request

    def _frame(self):
        """The content of the next frame."""
        while len(self._buffer) < 8 or len(self._buffer) - 8 < struct.unpack("<Q", self._buffer[:8])[0]:
            part = self._socket.recv(1 << 20)
            if not part:
                raise Error("the program has ended, or closed the connection")
            self._buffer += part
        end = 8 + struct.unpack("<Q", self._buffer[:8])[0]
        frame = Reader(bytes(self._buffer[8:end]))
        del self._buffer[:end]
        return frame

    def _receive(self):
        """The next answer: the number of its request, its error, itself and its lists."""
        answer = self._frame()
        number, error, handle, _ = answer.get("Q"), answer.text(), answer.get("I"), answer.get("?")
        outcomes = answer.many(lambda: Outcome(answer.numbers(), answer.value(), answer.text(), answer.text(),
                                               answer.text(), answer.text(), answer.get("I"), answer.get("Q"),
                                               answer.get("Q")))
        output = answer.text()
        names = answer.many(lambda: Served(answer.text(), answer.text(), answer.text()))
        running = answer.many(lambda: Running(answer.get("I"), answer.text(), answer.text(), answer.get("d"),
                                              answer.text()))
        return number, error, Answer(handle, outcomes, output, answer.get("?"), answer.get("Q"),
                                             answer.value()), names or running

    def _talk(self, do, *what):
        try:
            return do(*what)
        except (OSError, Refused) as problem:
            raise Error(f"the program has ended, or closed the connection: {problem}") from None

    def _ask(self, request, on_part=None):
        number = self._last
        self._talk(self._socket.sendall, request.frame())
        while True:
            to, error, answer, lists = self._talk(self._receive)
            if to not in (number, 0):
                continue  # to a request that nobody waits for any more
            if error:
                raise Error(error)
            if not answer.more:
                return answer, lists
            if on_part is not None:
                on_part(answer)
