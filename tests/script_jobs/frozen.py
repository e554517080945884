#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""frozen.py PROGRAM [LAUNCHER…]: a program that stands still in place of its end, in all processes; what becomes of it when
clients die, ask for checkpoints, let it go on; and hooks that do not come to an end, in any process."""
import os
import signal
import subprocess
import sys
import tempfile
import time

from job import Gate, command, motet, until, until_open


def begin(*options):
    program = subprocess.Popen([*sys.argv[2:], sys.argv[1], "--motet-pes", "2", "--motet-script", *options],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until_open(program, served=2)
    return program


def stopped_by(p, kind):
    """Waits until the program stands still for that reason: the event."""
    last = 0
    while True:
        state = p.events(last)
        last = state["last"]
        for event in state["events"]:
            if event["kind"] == kind and "hook" not in event:
                return event


def error_freezes_all():
    program = begin("--motet-freeze-on", "error")
    with motet.connect() as p:
        last_pe = p.run("boxes", "ck.mype()", (1, 1))
        p.execute("boxes", "charm.fail_later()", (1, 1), high_level=True)
        event = stopped_by(p, "error")
        assert "it is all over" in event["text"] and event["pe"] == last_pe, event
        assert p.events(wait=False)["frozen"] and 0 < p.events(wait=False)["seconds"] <= 600
        assert p.run("boxes", "self.number") == [5, 5, 5, -1]  # every chare in every process
        p.run("boxes", "self.number = 7", (0, 0))
        assert p.run("boxes", "self.number", (0, 0)) == 7
        p.go()
    out, err = program.communicate(timeout=60)
    assert program.returncode != 0 and out == "" and "it is all over" in err, (program.returncode, out, err)


def deadlock_waits_for_help():
    for helped in True, False:
        program = begin("--motet-freeze-on", "deadlock")
        with motet.connect() as p:
            event = stopped_by(p, "deadlock")
            assert "main, on PE 0 waits for a future" in event["text"], event
            if helped:
                p.execute("keeper", "charm.end()", high_level=True)
            p.go()
        out, err = program.communicate(timeout=60)
        if helped:
            assert program.returncode == 0 and out == "ended\n", (program.returncode, out, err)
        else:
            assert program.returncode != 0 and "nothing can move any more" in err, (program.returncode, out, err)


def leases_and_checkpoints(folder):
    program = begin()
    holder = subprocess.Popen([sys.executable, command, "freeze"], stdout=subprocess.PIPE, text=True)
    assert "the program stands still" in holder.stdout.readline()
    with motet.connect() as p:
        assert p.events(wait=False)["frozen"]
        forgotten = p.execute("main", "charm.sleep(1e6)", high_level=True, wait=False).handle  # no checkpoint waits for it
        p.execute("boxes", f"charm.save({folder!r})", (0, 0), high_level=True)
        time.sleep(0.3)
        assert p.events(wait=False)["frozen"] and not os.path.exists(f"{folder}/newest")
        os.kill(holder.pid, signal.SIGKILL)  # who cannot say that it goes on
        holder.wait()
        until(lambda: os.path.exists(f"{folder}/newest"))
        assert p.finished(forgotten, wait=False) is None
        p.interrupt(forgotten)
        assert not p.events(wait=False)["frozen"]
        holder = subprocess.Popen([sys.executable, command, "freeze"], stdout=subprocess.PIPE, text=True)
        assert "the program stands still" in holder.stdout.readline()
        p.go(all=True)  # the command sees it
        assert holder.communicate(timeout=60)[0].endswith("somebody else has let it\n") and holder.returncode == 0
        with motet.connect() as q:
            q.freeze(hold=0.2)  # it ends without anybody
        until(lambda: not p.events(wait=False)["frozen"])
        hooks(p, folder)
        p.execute("keeper", "charm.end()", high_level=True, wait=False)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0 and out == "ended\n", (program.returncode, out, err)


def hooks(p, folder):
    """A hook that loops in the last process, while that of its client waits."""
    last = p.events(wait=False)["last"]
    gate = Gate(folder)
    hook = p.hook("boxes", gate.code, entries=["nothing"], index=(1, 1))
    with motet.connect() as q:
        p.execute("boxes", "charm.nothing_later()", (1, 1), high_level=True)
        gate.until_it_runs()
        done = subprocess.run([sys.executable, command, "interrupt", str(hook)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done
        event = next(e for e in q.events(last)["events"] if e["kind"] == "error")
        assert (event["hook"], event["type"], event["index"], event["when"]) == (hook, "KeyboardInterrupt", (1, 1), "after"), event
        assert q.inspect("hooks")[0]["removed"]
        p.unhook(hook)
        assert q.inspect("hooks") == []


sockets = tempfile.TemporaryDirectory()
os.environ["XDG_RUNTIME_DIR"] = os.environ["XDG_STATE_HOME"] = sockets.name
error_freezes_all()
deadlock_waits_for_help()
with tempfile.TemporaryDirectory() as checkpoint:
    leases_and_checkpoints(f"{checkpoint}/saved")
sockets.cleanup()
print("all right")
