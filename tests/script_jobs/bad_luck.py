#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""bad_luck.py PROGRAM [LAUNCHER…]: what clients and scripts should not do; the program goes on through all of it."""
import contextlib
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from job import Gate, motet, port_in, raises, until, until_open

FIRST, LAST = (0, 0), (1, 1)  # chares in the first process, and in the last one
GO = "self.go = True"


class Connection:
    """Of a client that, once it is out of luck, sends no more than that of a frame and dies; or takes no answers."""

    def __init__(self, dies=True, most=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.path.join(motet.folder(), motet.programs()[0]))
        self.dies, self.most, self.unlucky, self.sent = dies, most, False, b""

    def sendall(self, frame):
        self.sent = frame
        self.socket.sendall(frame[:self.most] if self.unlucky else frame)
        if self.unlucky:
            if self.dies:
                self.socket.close()
            raise ConnectionError("bad luck")

    def recv(self, most):
        return self.socket.recv(most)

    def close(self):
        self.socket.close()


def unlucky(request, dies=True, most=None):
    """The client whose request that was."""
    client = motet.Program("unlucky", Connection(dies, most))
    client._socket.unlucky = True
    raises(motet.Error, "bad luck", lambda: request(client))
    return client


def is_well(p, busy=()):
    until(lambda: not p.events(wait=False)["frozen"])
    until(lambda: p.run("boxes", "self.number") == [5] * 4)  # not 6: a transaction of somebody who has died is over
    until(lambda: [each.handle for each in p.running()] == list(busy))
    until(lambda: p.inspect("hooks") == [])
    assert p.run("boxes", "charm.twice(2)", LAST, high_level=True) == 4


def clients_die(p):
    slow = p.execute("boxes", "print('x')\ncharm.when_told()", LAST, high_level=True, wait=False).handle
    for request in (
            lambda c: c.names(), lambda c: c.running(), lambda c: c.print(slow), lambda c: c.print(slow, kill=True),
            lambda c: c.finished(slow), lambda c: c.interrupt(), lambda c: c.read("boxes", "number"),
            lambda c: c.write("boxes", "number", 5), lambda c: c.execute("boxes", "1"),
            lambda c: c.execute("boxes", "charm.when_told()", high_level=True, limit=0.1),
            lambda c: c.execute("boxes", "while True: print('x')", LAST, limit=0.1, on_part=print),
            lambda c: c.execute("boxes", "self.number = 6\n1 / 0", atomic=True, limit=0.1),
            lambda c: c.execute("boxes", "def f(p): p.mass *= 1", iterate="f", over="particles", wait=False),
            lambda c: c.execute("main", "charm.sleep(0.01)", high_level=True),
            lambda c: c.hook("box", "1"), lambda c: c.unhook(99), lambda c: c.freeze(),
            lambda c: c.step(), lambda c: c.go(), lambda c: c.events(), lambda c: c.inspect("fibers")):
        for most in None, 9, 3:
            unlucky(request, most=most)
    # After an answer: it has frozen the program, or its hook has.
    with motet.connect() as client:
        assert client.freeze()["frozen"]
    with motet.connect() as client:
        client.hook("box", "self.number", entries=["greeted"])
        unlucky(lambda c: c.execute("boxes", "charm.greet()", LAST, high_level=True))
        until(lambda: client.events(wait=False)["frozen"])
    is_well(p, [slow])
    assert p.finished(slow, wait=False) is None
    p.run("boxes", GO, LAST)
    assert p.finished(slow)[0].result == 5
    p.run("boxes", "self.go = False", LAST)


def output_stays(p):
    """What a script prints, and its client, gone before anybody has noticed, cannot take."""
    for part in None, lambda answer: None:
        gate = Gate(os.environ["XDG_RUNTIME_DIR"])
        handle = p.execute("main", "", persistent=True, high_level=True).handle
        client = motet.connect()
        script = threading.Thread(target=lambda: raises(
            motet.Error, "closed the connection",
            lambda: client.execute("main", gate.code + "print('for whom')", persistent=True, high_level=True, handle=handle,
                                   on_part=part)))
        script.start()
        gate.until_it_runs()
        client._socket.shutdown(socket.SHUT_RD)
        script.join()
        gate.open()
        until(lambda: p.print(handle, wait=False) == "for whom\n")
        gate.close()
        client.close()
        p.finished(handle)
        p.execute("main", "", handle=handle)


def frames(p):
    """Noise, and frames of which something is wrong: huge, short and nested ones, too."""
    client = motet.Program("one", Connection())
    client.run("boxes", "self.number = 5" + " " * 20, FIRST)
    good = client._socket.sent
    client.write("boxes", "number", 5, index=FIRST)
    nested = client._socket.sent[8:] + b"\x07\x01" * 100000
    client.close()
    tries = [b"\xff" * 8, b"", b"\x01", bytes(8), struct.pack("<Q", 1 << 26) + b"x", good[:-1], good[:-1] + b"\x77",
             struct.pack("<Q", len(nested)) + nested]
    generator = random.Random(1)
    for i in range(100):
        bad = bytearray(good)
        for _ in range(generator.randrange(1, 5)):
            bad[generator.randrange(8, len(bad))] = generator.randrange(256)
        tries += [bytes(bad), generator.randbytes(generator.randrange(60))]
    for each in tries:
        with motet.Program("noise", Connection()) as client, contextlib.suppress(ConnectionError):
            client._socket.socket.sendall(each)
    p.run("boxes", "self.number = 5")  # what has become a good script
    is_well(p)


def long_requests(p):
    """What is under way is bounded in bytes, too: until the scripts have ended."""
    long = "#" * (60 << 20) + "\ncharm.sleep(1e6)"
    with motet.connect() as client, motet.connect() as other:
        scripts = [client.execute("main", long, high_level=True, wait=False).handle for _ in range(2)]
        problem = raises(motet.Error, "of this client are under way, and with this one of ",
                         lambda: client.execute("main", long, high_level=True))
        assert "they would be more than 134217728" in str(problem), problem
        assert client.run("main", "1") == 1 and other.run("main", "#" * (20 << 20) + "\n2") == 2
        for each in scripts:
            p.interrupt(each)
        assert client.run("main", "#" * (20 << 20) + "\n3") == 3
    is_well(p)


def signed(p):
    """Frames over TCP: sent again, in another order, altered, with another client's key or none."""
    with motet.connect(port, key=keys["me"]) as client:
        assert client.run("boxes", "self.number", LAST) == 5
    for by in -1, 1, 0:
        with motet.connect(port, key=keys["me"]) as client:
            client.names()
            client._socket._sent += by
            if by == 0:
                client._socket._key = bytes(32)
            raises(motet.Error, "closed the connection", client.names)
    with motet.connect(port, key=keys["viewer"]) as client:
        raises(motet.Error, "it needs run, and has look", lambda: client.run("boxes", "1"))
    raises(motet.Error, "", lambda: motet.connect(port, key=keys["wrong"]))
    with socket.create_connection(("127.0.0.1", int(port))) as other:
        other.sendall(b"GET / HTTP/1.1\r\n\r\n")
    is_well(p)


def many_clients(p):
    clients = [unlucky(lambda c: c.execute("boxes", f"ck.myindex(), {i}", (i % 2, i // 2 % 2), high_level=i % 5 == 0),
                       dies=False) for i in range(500)]
    for i, each in enumerate(clients):
        assert each._receive()[2].outcomes[0].result == ((i % 2, i // 2 % 2), i)
        each.close()
    is_well(p)


def prints(p):
    """Two that wait, one that is told to go home, and one of a script that ends silently (Charm++'s manual, 26.5)."""
    for index in FIRST, LAST:
        handle = p.execute("boxes", "ck.printclient('begun')\ncharm.when_told()\nck.printclient('told')\nself.go = False\n"
                           "charm.when_told()", index, high_level=True, wait=False).handle
        assert p.print(handle) == "begun" and p.print(handle, wait=False) == ""
        earlier = unlucky(lambda c: c.print(handle), dies=False)
        p.run("main", "charm.sleep(0.01)", high_level=True)
        later = unlucky(lambda c: c.print(handle), dies=False)
        assert earlier._receive()[2].output == ""
        assert p.print(handle, kill=True) == "" and later._receive()[2].output == ""
        waits = unlucky(lambda c: c.print(handle), dies=False)
        p.run("boxes", GO, index)
        assert waits._receive()[2].output == "told"
        waits = unlucky(lambda c: c.print(handle), dies=False)
        p.run("boxes", GO, index)
        assert waits._receive()[2].output == "" and p.finished(handle)[0].result == 5
        p.run("boxes", "self.go = False", index)
        # Its output outlives it.
        handle = p.execute("boxes", "print('left')", index, wait=False).handle
        p.finished(handle)
        assert p.print(handle) == "left\n" and p.print(handle) == ""
    is_well(p)


def no_end(p):
    """Recursion, and native code that does not come back: with Python's lock and without."""
    pipe = os.path.join(os.environ["XDG_RUNTIME_DIR"], "pipe")
    os.mkfifo(pipe)
    for index in FIRST, LAST:
        for high in False, True:
            for code in ("def f(): f()\nf()", "class a:\n    def __repr__(self): return repr(self)\nrepr(a())",
                         "f = lambda: 0\nfor _ in range(10**4): f = lambda f=f: f() + 1\nf()"):
                outcome = p.execute("boxes", code, index, high_level=high).outcomes[0]
                assert outcome.error_type == "RecursionError", (code, outcome)
            outcome = p.execute("boxes", "x = []\nfor _ in range(10**4): x = [x]\nx", index, high_level=high).outcomes[0]
            assert outcome.error_type == "ValueError" and "lie in each other" in outcome.error, outcome
        for code in f"os.open({pipe!r}, os.O_RDONLY)", f"ctypes.PyDLL(None).open({pipe.encode()!r}, 0)":
            told = []

            def begun(part):
                if not part.output:
                    return
                with motet.connect() as other:
                    try:
                        other.interrupt(part.handle)
                    except motet.Error as why:
                        told.append(str(why))
                        assert [each.handle for each in other.running()] == [part.handle]
                        with open(pipe, "w") as end:
                            end.write("go on")
            while not told:  # else it was stopped before
                outcome = p.execute("boxes", f"import ctypes, os\nprint('begun')\n{code}", index, on_part=begun).outcomes[0]
                assert outcome.error_type == "KeyboardInterrupt", outcome
            where = f"could not be stopped yet: it is in box[{index[0]}, {index[1]}] on PE "
            assert where in told[0] and (code[0] == "c" or "at line 3 of <script" in told[0]), told
    is_well(p)


def flood(p):
    """100 MB of output to a client that reads nothing, from each process."""
    memory = "import resource\nresource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
    before = p.run("boxes", memory)
    for index in FIRST, LAST:
        with unlucky(lambda c: c.execute("boxes", "for i in range(1000): print('x' * 99999)", index, on_part=print),
                     dies=False):
            until(lambda: p.running() == [])
    grown = max(now - then for now, then in zip(p.run("boxes", memory), before))
    assert grown < 30000 or "SANITIZED" in os.environ, f"{grown} kB"  # sanitizers keep what is freed
    is_well(p)


def chares_leave(p):
    """A script whose chare moves, to another process where there is one; and one that forks."""
    far = p.run("main", "ck.numpes()") // 2
    for index in FIRST, LAST:
        here = p.run("boxes", f"here = ck.mype()\ncharm.move((here + {far}) % ck.numpes())\nself.number = 6\nhere", index,
                     high_level=True)
        assert p.run("boxes", "ck.mype(), self.number", index) == ((here + far) % (2 * far), 6)
        assert p.run("boxes", "import os\nif os.fork() == 0: self.number = 0; ck.mype()\nos.wait()[1]", index) == 0
        p.run("boxes", "self.number -= 1", index)
    is_well(p)


def files_of_keys():
    """Of the program, and of its clients: each a file that nobody else can read."""
    one, other = "a1" * 32, "b2" * 32
    made = {}
    for name, text in ("keys", f"me all {one}\nviewer look {other}\n"), ("me", f"me - {one}\n"), \
            ("viewer", f"viewer - {other}\n"), ("wrong", f"me - {other}\n"):
        made[name] = os.path.join(os.environ["XDG_RUNTIME_DIR"], name)
        with open(os.open(made[name], os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
    return made


@contextlib.contextmanager
def running():
    global port
    said = tempfile.TemporaryFile()
    program = subprocess.Popen([*sys.argv[2:], sys.argv[1], "--motet-script-tcp", "0", "--motet-script-key", keys["keys"],
                                "--motet-pes", "2"], stderr=said)
    try:
        until_open(program, served=2, why=lambda: os.pread(said.fileno(), 10000, 0))
        port = port_in(lambda: os.pread(said.fileno(), 10000, 0).decode())
        with motet.connect() as p:
            yield p, program
    finally:
        program.kill()
        program.wait()


with tempfile.TemporaryDirectory() as sockets:
    os.environ["XDG_RUNTIME_DIR"] = os.environ["XDG_STATE_HOME"] = sockets
    keys = files_of_keys()
    with running() as (p, program):
        for test in clients_die, output_stays, frames, signed, many_clients, prints, no_end, flood, chares_leave, \
                long_requests:
            print(test.__name__, flush=True)
            test(p)
        p.execute("keeper", "charm.exit(4)", high_level=True, wait=False)
        raises(motet.Error, "the program has ended", lambda: [p.run("boxes", "1") for _ in range(10000)])
        assert program.wait(60) == 4
    with running() as (p, program):
        raises(motet.Error, "the program has ended", lambda: p.run("boxes", "import os\nos._exit(3)", LAST))
        assert program.wait(60) != 0
print("all right")
