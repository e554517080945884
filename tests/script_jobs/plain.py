#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""plain.py RANKS FOLDER_OF_EXAMPLES FOLDER_OF_TESTS LAUNCHER…: scripts in MPI programs that have no chares."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time

from job import motet, raises, until, until_open

ranks = int(sys.argv[1])
examples, tests, launcher = sys.argv[2], sys.argv[3], sys.argv[4:]


@contextlib.contextmanager
def running(path, *arguments, **environment):
    program = subprocess.Popen([*launcher, str(ranks), path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, "MOTET_SCRIPT": "1", **environment})
    try:
        until_open(program, why=program.stderr.read)
        with motet.connect(os.path.basename(path)) as p:
            yield p, program
    finally:
        program.terminate()  # mpirun ends the ranks
        program.communicate(timeout=60)
        while motet.programs():
            time.sleep(0.01)


def heat(name):
    """Both examples look the same from outside, but for the shape of u."""
    with running(f"{examples}/{name}", "1000000000", str(16 * ranks), "16") as (p, program):
        assert [(n.name, n.kind) for n in p.names()] == [("heat", "group")], p.names()
        # The same poll on every rank, and that is the time step.
        first = last = 0
        for _ in range(20):
            seen = p.run("heat", "(ck.poll(), self.step, ck.mype(), ck.numpes())")
            assert [each[2:] for each in seen] == [(rank, ranks) for rank in range(ranks)], seen
            assert len({each[:2] for each in seen}) == 1 and seen[0][0] == seen[0][1] >= last, seen
            first, last = first or seen[0][0], seen[0][0]
            time.sleep(0.005)
        assert last > first
        # It stands still at a poll, the same on every rank, and steps to a later one.
        at = "(ck.poll(), self.step)"
        assert p.freeze()["frozen"]
        seen = p.run("heat", at)
        time.sleep(0.02)
        assert p.run("heat", at) == seen and len(set(seen)) == 1 and p.run("heat", at, (1,)) == seen[0], seen
        ran = p.step(count=3)["ran"]
        now = p.run("heat", at)
        assert len(set(now)) == 1 and now[0][0] == now[0][1] and seen[0][0] + 3 <= now[0][0] <= seen[0][0] + 32, (seen, now)
        assert ran == [{"pe": 0, "entry": f"poll {now[0][0]}"}] and p.events(wait=False)["frozen"], ran
        raises(motet.Error, "step together", lambda: p.step(pe=1))
        raises(motet.Error, "a plain MPI program has no messages", lambda: p.hook("heat", "1"))
        assert not p.go()["frozen"]
        while p.run("heat", "ck.poll()")[0] == now[0][0]:
            time.sleep(0.005)
        # One rank alone; what is printed, and errors, by rank.
        assert p.run("heat", "ck.mype()", (1,)) == 1
        answer = p.execute("heat", "print('rank', ck.mype())\n1 // ck.mype()")
        assert sorted(answer.output.splitlines()) == [f"rank {rank}" for rank in range(ranks)], answer.output
        assert [o.error_type for o in answer.outcomes] == ["ZeroDivisionError"] + [""] * (ranks - 1), answer.outcomes
        raises(motet.Error, f"this run has PEs 0 to {ranks - 1}", lambda: p.run("heat", "1", (ranks,)))
        # A method that is collective in MPI.
        total = 16.0 * 16 * ranks
        assert all(abs(each - total) < 1e-6 for each in p.run("heat", "charm.total()", high_level=True))
        # What is written is where the program goes on from.
        p.run("heat", "self.diffusion = 0.0")
        at = "self.u.reshape(-1, 16)[3, 5]"
        p.run("heat", "self.u.reshape(-1, 16)[3, 5] += 10 * (1 + ck.mype())")
        assert p.run("heat", at) == [1.0 + 10 * (1 + rank) for rank in range(ranks)]
        p.run("heat", "self.diffusion = 0.2")
        until(lambda: max(p.run("heat", at)) < 2)
        total += sum(10.0 * (1 + rank) for rank in range(ranks))
        assert all(abs(each - total) < 1e-6 for each in p.run("heat", "charm.total()", high_level=True))
        # A part of an array that is kept shows what is there now; a copy what was there.
        first = p.execute("heat", "part = self.u.reshape(-1, 16)[1:-1]\ncopy = part.copy()", persistent=True)
        p.run("heat", "self.u *= 2")
        seen = p.run("heat", "(part / copy).mean().item()", persistent=True, handle=first.handle)
        assert all(abs(each - 2) < 0.1 for each in seen), seen
        raises(motet.ScriptError, "no field or method 'nothing'", lambda: p.run("heat", "self.nothing"))
        assert [each["process"] for each in p.inspect("pes")] == list(range(ranks))  # motet top
        assert isinstance(p.inspect("entries"), list)
        # Output comes while scripts run, and they can be interrupted, on every rank.
        seen = []

        def take(part):
            seen.append(part.output)
            if part.output and "".join(seen).count("begins") == ranks:
                with motet.connect(name) as other:
                    other.interrupt(part.handle)
        answer = p.execute("heat", "print('begins', ck.mype())\nwhile True: pass", on_part=take)
        assert [o.error_type for o in answer.outcomes] == ["KeyboardInterrupt"] * ranks, answer
        p.run("heat", "self.steps = self.step")
        out, err = program.communicate(timeout=60)
        assert program.returncode == 0, err
        steps = int(out.split()[0])
        assert out == f"{steps} steps, heat {2 * total:.6f}\n", out
        raises(motet.Error, "the program has ended", lambda: [p.names() for _ in range(3)])
    done = [json.loads(line) for line in open(os.environ["MOTET_SCRIPT_LOG"])]
    os.unlink(os.environ["MOTET_SCRIPT_LOG"])
    polls = [each["poll"] for each in done if each["does"] == "execute"]
    assert len(polls) > 20 and polls == sorted(polls) and polls[-1] == steps, polls  # who did what when
    assert motet.programs() == []


def off():
    """Without MOTET_SCRIPT nothing listens, and the program does what it did."""
    done = subprocess.run([*launcher, str(ranks), f"{examples}/mpi_state", "10", str(4 * ranks), "4"],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout == f"10 steps, heat {16 * ranks:.6f}\n" and "motet" not in done.stderr, done


def rules():
    with running(f"{tests}/plain", MOTET_SCRIPT_WAIT="1") as (p, program):
        assert p.run("state", "ck.poll()") == [1] * ranks  # it has waited for us
        # Vectors stay where they are; what is kept of them never dangles.
        handle = p.execute("state", "import numpy\nrow = self.row\nrow[0] = 5\nself.row = [6, row[1], 7]\n"
                                    "mass = self.particles.mass\nself.particles[1].mass *= 4", persistent=True).handle
        assert p.run("state", "(row.tolist(), mass.tolist(), self.particles[1].mass.item())",
                     persistent=True, handle=handle) == [([6, 2, 7], [1, 8], 8)] * ranks
        assert p.run("state", "type(numpy.asarray(row)).__name__, numpy.sum(row), numpy.dot(row, row)",
                     persistent=True, handle=handle) == [("ndarray", 15, 89)] * ranks
        raises(motet.ScriptError, "no attribute 'ctypes'", lambda: p.run("state", "self.row.ctypes"))
        # What a NumPy function hands to the script's own is a copy.
        assert p.run("state", "import numpy\nkept = []\nnumpy.apply_along_axis(lambda a: kept.append(a) or 1, 0, self.row)"
                              "\nkept[0][0] = -1\nself.row[0].item()") == [6] * ranks
        # Arrays told by name.
        assert p.run("arrays", "(self.numbers.shape, self.numbers.sum(axis=0).tolist(), self.numbers.T[2].tolist())",
                     (0,)) == ((2, 3), [5, 7, 9], [3, 6])
        p.run("arrays", "self.numbers[1, :2] *= 10\nself.numbers[0] = [7, 8, 9]")
        assert p.run("arrays", "self.numbers.tolist()") == [[[7, 8, 9], [40, 50, 6]]] * ranks
        array = p.run("arrays", "self.numbers[:, 1]", (1,))
        assert list(getattr(array, "shape", ())) == [2], array
        raises(motet.ScriptError, "read-only", lambda: p.run("arrays", "self.constants[0] = 1"))
        raises(motet.ScriptError, "the shape is another one", lambda: p.run("arrays", "self.numbers = [1, 2]"))
        assert p.run("arrays", "def f(n):\n    return n + 1", (0,), iterate="f", over="constants") == [3.5, 4.5]
        # What only chares have is refused by a sentence.
        for code in ("state.row", "state[0]", "import motet\nmotet.state.row = 1"):
            raises(motet.ScriptError, "'state' belongs to a plain MPI program", lambda: p.run("arrays", code))
        raises(motet.Error, "no script is atomic there", lambda: p.run("state", "1", atomic=True))
        raises(motet.ScriptError, "takes 0 arguments", lambda: p.run("state", "charm.grow(1)", high_level=True))
        p.run("state", "self.ended = True")
        out, err = program.communicate(timeout=60)
        assert (program.returncode, out) == (0, "the row has stayed\n"), (out, err)
        assert "warning" not in err, err
    # A method of the program may move it: what was kept then shows what is there now, or says that it is gone.
    with running(f"{tests}/plain") as (p, program):
        handle = p.execute("state", "row = self.row\npart = row[1:]\ncharm.grow()", high_level=True,
                           persistent=True).handle
        assert p.run("state", "row.tolist()", persistent=True, handle=handle) == [[1, 2, 3, 4]] * ranks
        raises(motet.ScriptError, "another size", lambda: p.run("state", "part[0]", persistent=True, handle=handle))
    with running(f"{tests}/plain", "other_names") as (p, program):
        raises(motet.Error, "rank 1 state", lambda: p.run("state", "1"))
    with running(f"{tests}/plain", "uneven") as (p, program):
        p.run("state", "self.ended = True")
        out, err = program.communicate(timeout=60)
        assert program.returncode == 0 and "all are to do so equally often" in err, (out, err)


with tempfile.TemporaryDirectory() as sockets:
    os.environ["XDG_RUNTIME_DIR"] = sockets
    os.environ["MOTET_SCRIPT_LOG"] = sockets + "/log"
    heat("mpi_state")
    heat("mpi_class")
    off()
    rules()
print("all right")
