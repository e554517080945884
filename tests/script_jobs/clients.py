#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""clients.py PROGRAM [LAUNCHER…]: the Python client and the command motet against a running program."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

from job import Gate, command, motet, port_in, raises, root, until_main_is_idle, until_open


def tool(*arguments, text=""):
    done = subprocess.run([sys.executable, command, *arguments], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(program):
    with motet.connect(program) as p:
        assert [tuple(n) for n in p.names()] == [("boxes", "box", "array"), ("keeper", "keeper", "chare")], p.names()
        # Every kind of value, there and back.
        for code in ("None", "True", "-5", "2**63", "-2**70", "1.5", "1+2j", "'Grüße'", "b'\\x00\\xff'", "[1, [2]]",
                     "(1, ('a',))", "{'a': 1, 2: [3]}", "'x' * 300", "'x' * 70000", "list(range(300))"):
            assert p.run("boxes", code, (0, 1)) == eval(code), code
        assert repr(p.run("boxes", "print", (0, 0))).startswith("<built-in")
        assert p.run("boxes", "self.phase", (0, 0)) == 1 + 2j
        array = p.run("boxes", "self.particles", (1, 1))
        mass = array["mass"].tolist() if not isinstance(array, motet.Array) else [1.0, 2.0]
        assert mass == [1.0, 2.0], array
        assert p.run("boxes", "ck.myindex()") == [(0, 0), (0, 1), (1, 0), (1, 1)]
        assert p.run("keeper", "self.ended") is False
        # Chosen elements; results put together along a tree.
        assert p.run("boxes", "ck.myindex()", elements=[(0, 1), (1, 0)]) == [(0, 1), (1, 0)]
        assert p.run("boxes", "ck.myindex()", elements=(1, slice(None))) == [(1, 0), (1, 1)]
        assert p.run("boxes", "ck.myindex()", elements="index[0] == index[1]") == [(0, 0), (1, 1)]
        assert p.run("boxes", "ck.myindex()[1]", elements=(slice(0, 2), 1), reduce="sum") == 2
        assert p.run("boxes", "ck.myindex()[0]", reduce="lambda a, b: max(a, b)") == 1
        raises(motet.ScriptError, "'most' is no reducer", lambda: p.run("boxes", "1", reduce="most"))
        answer = p.execute("boxes", "print(ck.myindex())", (1, 0))
        assert answer.output == "(1, 0)\n" and answer.outcomes[0].result is None
        p.run("boxes", "ck.printstr('to the program\\n')", (1, 1))
        answer = p.execute("boxes", "import threading\nt = threading.Thread(target=print, args=(ck.mynode(),))\n"
                           "t.start()\nt.join()", (1, 1))
        assert answer.output == f"{p.run('boxes', 'ck.mynode()', (1, 1))}\n", answer
        # Errors.
        problem = raises(motet.ScriptError, "ZeroDivisionError: division by zero",
                         lambda: p.run("boxes", "def f():\n    1/0\nf()", (0, 0)))
        assert "line 2, in f" in problem.outcome.traceback
        raises(motet.Error, "nothing is served under the name 'nobody'; there is boxes, keeper",
               lambda: p.run("nobody", "1"))
        raises(motet.Error, "an index of 2 numbers", lambda: p.run("boxes", "1", (1, 2, 3)))
        raises(motet.ScriptError, "there is no element", lambda: p.run("boxes", "1", (7, 7)))
        raises(motet.Error, "there is no interpreter 99", lambda: p.print(99))
        # All or nothing.
        raises(motet.ScriptError, "ZeroDivisionError",
               lambda: p.run("boxes", "self.number = 9\nprint('no')\n1 // (1 - ck.myindex()[0])", atomic=True))
        assert p.run("boxes", "self.number") == [5, 5, 5, 5]
        answer = p.execute("boxes", "print(self.number)\nself.number", (1, 1), atomic=True)
        assert (answer.output, answer.outcomes[0].result) == ("5\n", 5), answer
        # Ways of running.
        handle = p.execute("boxes", "x = 1", (0, 0), persistent=True).handle
        assert p.run("boxes", "x + 1", (0, 0), persistent=True, handle=handle) == 2
        assert p.run("boxes", "def f(p):\n    p.mass *= 2\n    return p.mass", (0, 0), iterate="f",
                     over="particles") == [2, 4]
        mass = {"code": "def f(p): return p.mass", "index": (0, 0), "iterate": "f", "over": "particles"}
        assert p.run("boxes", **mass, select=(-1,)) == [4] and p.run("boxes", **mass, select=slice(0, 1)) == [2]
        assert p.run("boxes", **mass, select="p.mass > 3") == [4] and p.run("boxes", **mass, reduce="sum") == 6
        assert p.run("boxes", "charm.twice(4)", (0, 0), high_level=True) == 8
        # What this program does not know of a later client's request it names.
        later = p._request(2)
        later.text("boxes")
        later.numbers((0, 0))
        later.put("?", True)
        later.text("1")
        later.put("?????I", False, False, False, False, True, 0)
        later.text("")
        later.text("")
        later.size(2)
        for name in ("select", "colour"):
            later.text(name)
            later.value([1, (None, -2**70, "x"), {"a": 1.5}])
        raises(motet.Error, "option 'colour': this program does not know it", lambda: p._ask(later))
        # A script that runs away, in the first and in the last process: what it prints comes meanwhile, and another
        # client stops it.
        with motet.connect(program) as other:
            for index in (0, 0), (1, 1):
                for high in False, True:
                    seen = []

                    def part(answer):
                        seen.append(answer.output)
                        if "".join(seen) == "begun\n":
                            other.interrupt(answer.handle)
                    outcome = p.execute("boxes", "print('begun')\nwhile True: pass", index, high_level=high,
                                        on_part=part).outcomes[0]
                    assert (outcome.error_type, outcome.error) == ("KeyboardInterrupt", "interrupted by a client")
                    seen.clear()
                    outcome = p.execute("boxes", "i = 0\nwhile True:\n    i += 1\n    if i % 10000 == 0: print(i)", index,
                                        high_level=high, limit=0.3, on_part=lambda a: seen.append(a)).outcomes[0]
                    assert outcome.error_type == "TimeLimit", outcome
                    text = "".join(a.output for a in seen)
                    text = text[:text.rfind("\n") + 1]  # it may strike between a number and its line's end
                    assert text == "".join(f"{10000 * (i + 1)}\n" for i in range(text.count("\n"))) != "", text[:200]
            assert other.running() == []
        slow = p.execute("boxes", "print('before')\ncharm.when_told()", (0, 1), high_level=True, wait=False).handle
        assert p.finished(slow, wait=False) is None
        with motet.connect(program) as other:
            other.run("boxes", "self.go = True", (0, 1))
        assert p.print(slow) == "before\n"
        assert p.finished(slow)[0].result == 5

    code, out, err = tool("ls")
    assert code == 0 and "boxes: array of box" in out and "keeper: chare of keeper" in out, (out, err)
    code, out, err = tool("run", "boxes", "-", "--index", "0,1", text="print('hi')\nself.number")
    assert (code, out, err) == (0, "hi\n5\n", ""), (code, out, err)
    for select, found in (("1", "[4.0]"), ("0:1", "[2.0]"), ("p.mass > 3", "[4.0]"), ("0,-1", "[2.0, 4.0]")):
        code, out, err = tool("run", "boxes", "-", "--index", "0,0", "--iterate", "f", "--over", "particles", "--select",
                              select, text="def f(p): return p.mass")
        assert (code, out, err) == (0, found + "\n", ""), (select, code, out, err)
    code, out, err = tool("run", "boxes", "-", "--index", "0,0", "--iterate", "f", "--over", "particles", "--reduce", "sum",
                          text="def f(p): return p.mass")
    assert (code, out, err) == (0, "6.0\n", ""), (code, out, err)
    code, out, err = tool("run", "boxes", "-", text="1 // ck.myindex()[0]")
    assert code == 1 and "[1, 0] 1" in out, (code, out, err)
    assert "[0, 0] Traceback" in err and "(and so in [0, 1])" in err and err.count("ZeroDivisionError") == 1, err
    code, out, err = tool("run", "boxes", "-", "--atomic", text="self.number = 6\n1 // ck.myindex()[0]")
    assert code == 1 and "[0, 0] Traceback" in err and "[1, 0] Undone" in err, (code, out, err)
    for option, text in (("--index", "a"), ("--index", "1,"), ("--elements", "1:2,"), ("--select", "1,,2")):
        code, out, err = tool("run", "boxes", "-", "--iterate", "f", option, text, text="1")
        assert code == 2 and "no whole number" in err and "Traceback" not in err, (option, code, out, err)
    code, out, err = tool("hook", "boxes", "-", "--hold", "3x", text="1")
    assert code == 2 and "'3x' is no time" in err, (code, out, err)
    code, out, err = tool("step", "--count", "-1")
    assert code == 2 and "'-1' is no number of times" in err, (code, out, err)
    code, out, err = tool("run", program, "-", "--limit", "0.1", text="while True: pass")
    assert code == 1 and err.endswith("TimeLimit: it has run for longer than the 0.1 s of its request\n"), (code, out, err)
    code, out, err = tool("interrupt", "999")
    assert code == 2 and "no script of the number 999 runs" in err, (code, out, err)
    code, out, err = tool("ps")
    assert (code, out) == (0, "no script runs\n"), (code, out, err)
    # Who reads what a command prints may go away; what a caller's own function raises is his.
    done = subprocess.run(f"{sys.executable} {command} run boxes - --index 0,0 | head -n 1", shell=True, text=True,
                          input="for i in range(100000): print(i)", capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", ""), done
    with motet.connect(program) as p:
        def fail(_):
            raise OSError("of the caller")
        raises(OSError, "of the caller", lambda: p.execute("boxes", "print(1)", (0, 0), on_part=fail))
    code, out, err = tool("run", "boxes", "-", text="self.number")
    assert out.split() == ["[0,", "0]", "5", "[0,", "1]", "5", "[1,", "0]", "5", "[1,", "1]", "5"], out
    code, out, err = tool("run", "boxes", "-", "--elements", "1:2,:", "--reduce", "sum", text="ck.myindex()[1]")
    assert (code, out) == (0, "1\n"), (code, out, err)
    code, out, err = tool("stubs", "boxes")
    assert code == 0 and "boxes: collection_of_box" in out, (code, out, err)
    code, out, err = tool("run", "nobody", "-", text="1")
    assert code == 2 and "nothing is served" in err, (code, out, err)
    code, out, err = tool("repl", "boxes", "--index", "0,0",
                          text="y = 4\ny + 1\ndef f():\n    return y * 2\n\nf()\ny +\n1/0\n")
    assert code == 0 and "5\n" in out and "8\n" in out, (code, out, err)
    assert "SyntaxError" in err and "ZeroDivisionError" in err, err
    code, out, err = tool("ls", "nothing")
    assert code == 2 and "no program nothing" in err, (code, out, err)
    check_main(program)
    check_watching(program)


def check_main(program):
    """Scripts and cells that run once."""
    code, out, err = tool("run", program, "-", text="print(ck.mype(), len(charm.counters()))\nck.numpes()")
    pes = out.split()[-1]
    assert (code, out, err) == (0, f"0 {pes}\n{pes}\n", ""), (code, out, err)
    code, out, err = tool("run", f"{program}/boxes", "-", "--index", "0,1", text="self.number")
    assert (code, out) == (0, "5\n"), (code, out, err)
    code, out, err = tool("repl", program, text="y = 4\ny + 1\ndef f():\n    return y * 2\n\nf()\n%%each boxes\n"
                          "self.number\n\n%%each boxes[0, 0]\nck.myindex()\n\n1/0\n%what\nquit()\n70\n")
    for text in ("5\n", "8\n", "[0, 0] 5\n[0, 1] 5\n", "(0, 0)\n"):
        assert text in out, (text, out, err)
    assert "ZeroDivisionError" in err and "there is no %what" in err and "70\n" not in out, (out, err)
    code, out, err = tool("repl", "nothing", text="1\n")
    assert code == 2 and "nothing is no running program, and scripted" in err and "serves boxes, keeper" in err, err
    code, out, err = tool("repl", text="y\n")  # it was left there
    assert "4\n" in out, (out, err)
    # What a cell of a client that has died has printed is there for the next one.
    child = subprocess.Popen([sys.executable, command, "repl"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(folder)
        child.stdin.write(f"def slow():\n    exec({gate.code!r}, globals())\n    print('done alone')\n\nslow()\n")
        child.stdin.flush()
        gate.until_it_runs()
        child.kill()
        child.wait()
        child.stdin.close()
        gate.open()
        until_main_is_idle(program)
    code, out, err = tool("repl", text="y\n")
    assert "While nobody was here it printed:\ndone alone\n" in out and "4\n" in out, (out, err)
    # Two sessions have variables of their own.
    from motet.session import Session, is_complete
    with Session(program, "one") as one, Session(program, "two") as two:
        one.run("x = 1")
        assert two.run("x").error["type"] == "NameError"
        assert one.run("x").data["text/plain"] == "1" and one.complete("x", 1)[0] == ["x"]
        problem = two.run("def f():\n    raise SystemExit(3)\nf()").error
        assert problem["type"] == "SystemExit" and "motet_cells" not in "".join(problem["traceback"]), problem
        handle = one.program.execute("main", "while True: charm.sleep(0.001)", high_level=True, persistent=True,
                                     handle=one.handle, wait=False).handle
        problem = one.run("x").error
        assert problem["type"] == "Busy" and f"`motet interrupt {handle}` ends it" in problem["text"], problem
        one.program.interrupt(handle)
        one.program.finished(handle)
        one.forget()
        assert one.run("x").error["type"] == "NameError"
    for cell, status in (("1", "complete"), ("if x:", "incomplete"), ("if x:\n  y", "incomplete"),
                         ("if x:\n  y\n", "complete"), ("a b", "invalid"), ("x = [", "incomplete")):
        assert is_complete(cell)[0] == status, (cell, is_complete(cell))


def check_watching(program):
    with motet.connect(program) as p:
        before = p.execute("main", "").handle
        watcher = subprocess.Popen([sys.executable, command, "watch", "boxes", "self.number", "--every", "0.01"],
                                   stdout=subprocess.PIPE, text=True)
        assert watcher.stdout.readline().split()[1:] == ["[0]=5.0", "[1]=5.0", "[2]=5.0", "[3]=5.0"]
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()
        after = p.execute("main", "").handle
        for each in range(before + 1, after):  # it leaves nothing behind
            raises(motet.Error, "was not persistent", lambda: p.execute("boxes", "", persistent=True, handle=each))
    code, out, err = tool("watch", program, "ck.mynode()", "--count", "3", "--every", "0.05")
    assert code == 0 and [line.split()[1] for line in out.splitlines()] == ["0.0"] * 3, (out, err)
    code, out, err = tool("watch", "boxes", "self.number", "--count", "1")
    assert code == 0 and out.split()[1:] == ["[0]=5.0", "[1]=5.0", "[2]=5.0", "[3]=5.0"], (out, err)
    code, out, err = tool("watch", "boxes", "'text'", "--count", "1")
    assert code != 0 and "gives no number" in err, (out, err)
    code, out, err = tool("top", program, "--count", "2", "--every", "0.1")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0 and sum(row[:1] == ["entry"] for row in rows) == 2, (out, err)
    with motet.connect(program) as p:
        pes = [str(i) for i in range(p.run("main", "ck.numpes()"))]
    assert [row[0] for row in rows if len(row) == 10 and row[0].isdigit()] == pes * 2, out
    from motet.watch import numbers_of, plot
    assert numbers_of([[1, 2], [3]]) == {"[0]": 1.0, "[1]": 2.0, "[2]": 3.0} and numbers_of("a") == {}
    assert numbers_of(list(range(100))) == {"least": 0.0, "mean": 49.5, "most": 99.0}
    lines = plot({"a": [0, 1, 2]}, 20, 9, [0, 1, 2])
    assert lines[0].startswith("2 |  *") and lines[5].startswith("0 |*") and "the last 2 s" in lines[7], lines


def started(*options, **more):
    """The program without a launcher, once it listens."""
    program = subprocess.Popen([sys.argv[1], "--motet-pes", "2", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, **more)
    end = time.monotonic() + 60
    while not any(name.endswith(f".{program.pid}") for name in motet.programs()):
        assert program.poll() is None and time.monotonic() < end, program.stderr.read()
        time.sleep(0.01)
    return program, next(name for name in motet.programs() if name.endswith(f".{program.pid}"))


def check_guarded(folder):
    """TCP and ssh, keys, the log, a script at the start, and scripts that end the program."""
    def write(name, text):
        with open(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return f"{folder}/{name}"

    key, other = "a1" * 32, "b2" * 32
    keys = write("keys", f"me all {key}\nviewer look,read {other}\n")
    viewer, wrong = write("viewer", f"viewer - {other}\n"), write("wrong", f"me - {other}\n")
    start = write("start.py", "# motet: boxes[0, 1]\nprint('from the start')\nself.number = 8\n")
    log = write("log", "")
    os.truncate(log, 65 << 20)  # so long that it is put aside
    program, name = started("--motet-script-tcp", "0", "--motet-script-key", keys, "--motet-script-log", log,
                            "--motet-script-run", start)
    try:
        assert program.stdout.readline() == "from the start\n"
        port = port_in(program.stderr.readline)
        with motet.connect(port, key=keys) as p, motet.connect(f"127.0.0.1:{port}", key=viewer) as v:
            assert p.run("boxes", "self.number", (0, 1)) == 8
            assert p.run("boxes", "'x' * 3000000", (0, 0)) == "x" * 3000000
            assert v.read("boxes", "particles", 1, "mass", index=(0, 0)) == 2
            assert v.read("boxes", "number") == [5, 8, 5, 5]
            p.write("boxes", "particles", 0, "mass", 7.5, index=(0, 0))
            assert v.read("boxes", "particles", 0, "mass", index=(0, 0)) == 7.5
            raises(motet.Error, "it needs run, and has look,read", lambda: v.run("boxes", "1"))
            raises(motet.Error, "it needs write", lambda: v.write("boxes", "number", 1))
            raises(motet.Error, "", lambda: motet.connect(port, key=wrong))
            os.chmod(wrong, 0o644)
            raises(motet.Error, "chmod 600", lambda: motet.connect(port, key=wrong))
        code, out, err = tool("--key", keys, "run", "boxes", "-", "--program", port, "--index", "0,1", text="self.number")
        assert (code, out, err) == (0, "8\n", ""), (code, out, err)
        # Another host, by a command that is called as ssh is: with a host and one text for a shell there.
        ssh = write("ssh", f'#!/bin/sh\n[ "$1" = far ] && cd {folder} && exec sh -c "$2"\n')
        os.chmod(ssh, 0o700)
        assert motet.programs(via=(ssh, "far")) == motet.programs()
        with motet.connect(name, via=(ssh, "far")) as p:
            assert p.name == name and p.run("boxes", "self.number", (0, 1)) == 8
            assert p.run("boxes", "'x' * 3000000", (0, 0)) == "x" * 3000000
        raises(motet.Error, "no such program runs", lambda: motet.connect("nobody", via=(ssh, "far")))
        code, out, err = tool("--via", ssh, "far", "run", "boxes", "-", "--index", "0,1", "--program", name,
                              text="self.number")
        assert (code, out, err) == (0, "8\n", ""), (code, out, err)
        code, out, err = tool("--via", ssh, "far", "log", "log")  # the one there
        assert code == 0 and "--motet-script-run" in out, (code, out, err)
        # Another user: the folder keeps him out, and the kernel says who he is where it does not.
        if os.geteuid() == 0:
            path = os.path.join(motet.folder(), name)
            stranger = [sys.executable, "-c", "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                        "try: print(s.recv(1))\nexcept ConnectionError: print(b'')", path]
            done = subprocess.run(stranger, user=65534, capture_output=True, text=True, timeout=60, cwd="/")
            assert "PermissionError" in done.stderr, done
            above = os.environ["XDG_RUNTIME_DIR"]
            os.chmod(above, 0o755), os.chmod(motet.folder(), 0o755), os.chmod(path, 0o777)
            done = subprocess.run(stranger, user=65534, capture_output=True, text=True, timeout=60, cwd="/")
            os.chmod(path, 0o700), os.chmod(os.path.dirname(path), 0o700), os.chmod(above, 0o700)
            assert done.stdout == "b''\n", done
            assert "it is another user" in tool("log", log)[1]
        # What runs, and its end.
        with motet.connect(name) as p:
            handle = p.execute("boxes", "while True: pass", (1, 1), wait=False).handle
            while "box" not in tool("ps", name)[1]:
                pass
            assert tool("interrupt", str(handle), name)[0] == 0
            assert p.finished(handle)[0].error_type == "KeyboardInterrupt"
            raises(motet.Error, "the program has ended", lambda: p.run("boxes", "import os\nos._exit(3)", (0, 0)))
        assert program.wait(60) == 3
        assert os.path.getsize(f"{log}.1") == 65 << 20 and os.path.getsize(log) < 1 << 20
        os.unlink(f"{log}.1")
        code, out, err = tool("log", log)
        assert code == 0 and "os._exit(3)" in out and "client: key me, 127.0.0.1 port " in out, (out, err)
        assert "--motet-script-run" in out and "does: interrupt" not in out and " interrupt  client: user " in out, out
        assert "a request needs write" in out and "it has no right key" in out, out
        assert key not in out and other not in out
    finally:
        program.kill()
        program.communicate()
    # A script at the start that fails, and one for what is not served.
    write("start.py", "1/0")
    done = subprocess.run([sys.argv[1], "--motet-script-run", start], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "start.py: Traceback" in done.stderr and "ZeroDivisionError" in done.stderr, done
    write("start.py", "# motet: nothing\n1")
    program, name = started("--motet-script", "--motet-script-run", start)
    with motet.connect(name) as p:
        p.execute("keeper", "charm.end()", high_level=True, wait=False)
    _, said = program.communicate(timeout=60)
    assert "nothing was served under the name 'nothing'" in said and program.returncode == 0, said


def check_two():
    """A name goes to the program that serves it."""
    program, second = started("--motet-script")
    code, out, err = tool("run", "boxes", "-", text="1")
    assert code == 2 and " serve 'boxes': say which one, as " in err and second in err, (code, out, err)
    code, out, err = tool("run", "nobody", "-", text="1")
    assert code == 2 and "nothing is served under the name 'nobody' by " in err, (code, out, err)
    code, out, err = tool("run", f"{second}/keeper", "-", text="self.ended")
    assert (code, out) == (0, "False\n"), (code, out, err)
    with motet.connect(second) as p:  # which of them has stopped serving it
        p.execute("keeper", "charm.withdraw_boxes()", high_level=True)
    code, out, err = tool("run", "boxes", "-", "--index", "0,0", text="self.number")
    assert (code, out) == (0, "5\n"), (code, out, err)
    with motet.connect(second) as p:
        p.execute("keeper", "charm.end()", high_level=True, wait=False)
    program.communicate(timeout=60)


def check_folder():
    """A login manager's folder goes with the last login, and programs stay: their sockets are elsewhere."""
    own = os.environ["XDG_RUNTIME_DIR"]
    os.environ["XDG_RUNTIME_DIR"] = f"/run/user/{os.geteuid()}"
    try:
        program, name = started("--motet-script")
        assert motet.folder() == f"/tmp/motet-{os.geteuid()}"
        with motet.connect(name) as p:
            p.execute("keeper", "charm.end()", high_level=True, wait=False)
        program.communicate(timeout=60)
    finally:
        os.environ["XDG_RUNTIME_DIR"] = own


def check_installed():
    """pip installs the command from the repository, without a compiler and without a network."""
    done = subprocess.run([sys.executable, "-S", command, "kernel", "install"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "does not find jupyter_client and zmq" in done.stderr, done  # -S: no packages
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        return print("The installation is not tested: pip is missing (cmake/setup.sh check installs it)")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(root / "tools" / "python", f"{folder}/source")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--target", f"{folder}/there",
                        f"{folder}/source"], check=True, timeout=120)
        shutil.rmtree(f"{folder}/source")
        done = subprocess.run([f"{folder}/there/bin/motet", "run", "main", "-"], input="6 * 7", capture_output=True,
                              text=True, timeout=60, env={**os.environ, "PYTHONPATH": f"{folder}/there"})
        assert done.stdout == "42\n", done


def main():
    sockets = tempfile.TemporaryDirectory()
    os.environ["XDG_RUNTIME_DIR"] = os.environ["XDG_STATE_HOME"] = sockets.name
    program = subprocess.Popen([*sys.argv[2:], sys.argv[1], "--motet-script", "--motet-pes", "2"],
                               stdout=subprocess.PIPE, text=True)
    try:
        until_open(program, served=2)
        check("scripted")
        if not sys.argv[2:]:
            check_installed()
            check_two()
            check_folder()
            with tempfile.TemporaryDirectory() as folder:
                check_guarded(folder)
        with motet.connect("scripted") as p:
            p.execute("keeper", "charm.end()", high_level=True, wait=False)
            assert program.wait(60) == 0
            raises(motet.Error, "the program has ended", lambda: [p.names() for _ in range(3)])
        assert program.stdout.read() == "to the program\nended\n"
        assert motet.programs() == []
        raises(motet.Error, "runs with --motet-script", motet.connect)
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
        sockets.cleanup()
    print("all right")


main()
