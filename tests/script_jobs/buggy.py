#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""buggy.py PROGRAM [LAUNCHER…]: check.py finds the mistake in the example buggy; the commands for hooks and freezing."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from job import command, motet, root, until_open


def tool(*arguments):
    done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (arguments, done)
    return done.stdout


def begin(steps):
    program = subprocess.Popen([*sys.argv[2:], sys.argv[1], "8", "16", str(steps), "--motet-pes", "2", "--motet-script-wait"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until_open(program)
    return program


def end(program):
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0 and out == "hottest 5.000000 in tile 0\n", (program.returncode, out, err)


def check_finds():
    program = begin(40)
    found = subprocess.run([sys.executable, str(root / "examples" / "buggy" / "check.py")], capture_output=True, text=True,
                           timeout=60, env={**os.environ, "PYTHONPATH": str(root / "tools" / "python")})
    lines = found.stdout.splitlines()
    assert found.returncode == 0, found
    assert re.fullmatch(r"after Tile::border of Tile\[5\] on PE \d: data\[3\] is out of range", lines[0]), found
    assert lines[1] == "Error: value  3  =  -16.0", found
    assert lines[2] == "its run waits for a condition", found
    assert re.fullmatch(r"\d+ messages wait in line", lines[3]), found
    end(program)


def check_commands():
    program = begin(10 ** 9)
    with motet.connect() as p:
        p.freeze(hold=600)  # main has not begun
        assert "the program stands still, for" in tool("inspect")
        breaker = subprocess.Popen([command, "break", "Tile", "border", "--if", "self.step == 100"], stdout=subprocess.PIPE,
                                   text=True)
        lines = [breaker.stdout.readline() for _ in range(2)]
        assert lines[0].startswith("hook "), lines
        assert tool("go") == "the program runs\n"
        lines = [breaker.stdout.readline() for _ in range(3)]
        assert lines[:2] == ["the program goes on\n", "the program stands still\n"], lines
        assert re.fullmatch(r"frozen before Tile::border of Tile\[\d\] on PE \d by hook \d+: True\n", lines[2]), lines
        pe = p.events(wait=False)["pe"]
        assert pe == int(re.search(r"on PE (\d)", lines[2])[1])
        steps = {line["index"]: line for line in p.inspect("fibers") if line["chare"] == "Tile"}
        assert len(steps) == 8, steps  # each has a run that waits; one has a message before a hook, too
        assert sum("hook has stopped it" in line["waits"] for line in p.inspect("fibers")) >= 1
        assert "Tile::border of Tile" in tool("queue") and "waits for a condition" in tool("queue", "--pe", str(pe))
        assert "before border of Tile if self.step == 100" in tool("inspect", "hooks")
        assert "process" in tool("top", "--count", "1")
        before = p.inspect("queue")
        assert before == p.inspect("queue"), "the program moves while it is frozen"
        assert "Tile::border of Tile" in tool("step")
        breaker.send_signal(signal.SIGINT)  # its hook and its freeze go with it
        breaker.wait(60)
        while p.events(wait=False)["frozen"] or p.inspect("hooks"):
            time.sleep(0.01)
        assert "there are no hooks" in tool("inspect", "hooks")
        hook = p.hook("Tile", "self.step if self.step >= 200 else None", entries=["border"], hold=600)
        last = 0
        while not (state := p.events(last))["frozen"]:
            last = state["last"]
    assert "PE" in tool("queue")  # it stands still without that client
    tool("unhook", str(hook))
    assert tool("go") == "the program runs\n"
    program.terminate()
    program.communicate()


def check_counting():
    """Entries are counted while a client looks, and from the beginning for the next one."""
    program = begin(10 ** 9)

    def borders(p):
        return sum(each["calls"] for each in p.inspect("entries") if each["name"] == "Tile::border")
    with motet.connect() as p:
        assert borders(p) == 0
        while borders(p) < 100:
            time.sleep(0.01)
        pes = p.inspect("pes")
        assert [each["pe"] for each in pes] == list(range(p.run("main", "ck.numpes()"))), pes
        assert sum(each["methods"] for each in pes) > 100 and sum(each["chares"] for each in pes) >= 8, pes
    for _ in range(1000):
        with motet.connect() as p:
            if borders(p) == 0:
                break
        time.sleep(0.01)
    else:
        raise AssertionError("they are counted, and nobody looks")
    assert "Tile::border" in tool("top", "--count", "2", "--every", "0.1")
    program.terminate()
    program.communicate()


sockets = tempfile.TemporaryDirectory()
os.environ["XDG_RUNTIME_DIR"] = sockets.name
check_finds()
check_commands()
check_counting()
sockets.cleanup()
print("all right")
