#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""kernel.py PROGRAM [LAUNCHER…]: a running program as a Jupyter kernel, driven by jupyter_client as notebooks do it."""
import os
import subprocess
import sys
import tempfile

from job import Gate, motet, until, until_main_is_idle, until_open
try:
    from notebook_client import SECONDS, Cells, install, kernel, until_deaf
except ImportError as problem:
    print(f"The Jupyter kernel is not tested: {problem} (cmake/setup.sh check installs it)")
    sys.exit(77)


def check(program, folder):
    gate = Gate(folder)
    private = {"transport": "ipc", "ip": f"{folder}/kernel"}  # nobody else can take such ports; molecules.py has TCP
    manager = kernel("motet-test", **private)
    cells = Cells(manager)
    # Cells run once, and their variables stay.
    content, texts = cells.run("print('hello')\nx = 20\nx + 1")
    assert content["status"] == "ok" and content["execution_count"] == 1, content
    assert texts["stream"] == "hello\n" and texts["execute_result"] == "21", texts
    assert cells.value("x + ck.mype()") == "20"
    assert cells.value("len(charm.counters()) == ck.numpes() >= 2") == "True"
    assert cells.value("x;") == ""
    # On every element, and on one; a shown value with representations of its own.
    assert cells.value("%%each boxes\nself.number") == "[0, 0] 5\n[0, 1] 5\n[1, 0] 5\n[1, 1] 5"
    assert cells.value("%%each boxes[1, 0]\ncharm.twice(self.number)") == "10.0"
    cells.run("class shown:\n    def _repr_html_(self): return '<b>bold</b>'\n    def __repr__(self): return 'plain'")
    assert cells.run("display(shown())")[1]["display_data"] == "plain" and cells.data["text/html"] == "<b>bold</b>"
    # Errors: with the lines of the cell, and the program goes on.
    content, texts = cells.run("def f(n):\n    return 1 / n\nf(0)")
    assert content["ename"] == "ZeroDivisionError" and "return 1 / n" in texts["error"], (content, texts)
    assert "<cell" in texts["error"] and "motet_cells" not in texts["error"], texts
    assert cells.run("%%each boxes\n1 // ck.myindex()[0]")[0]["ename"] == "ZeroDivisionError"
    assert cells.run("input()")[0]["ename"] == "RuntimeError"
    assert cells.run("y = (")[0]["ename"] == "SyntaxError"
    content = cells.run("%%each nothing\n1")[0]
    assert "there is boxes, keeper" in content["evalue"], content
    # Completion, documentation, and whether a cell is whole.
    client = cells.client
    cells.run("import math\nlongish_name = {'a': [1]}")
    assert cells.reply(client.complete("1 + longis"))["matches"] == ["longish_name"]
    found = cells.reply(client.complete("math.sq + 1", 7))
    assert found["matches"] == ["sqrt"] and found["cursor_start"] == 5, found
    assert "keys" in cells.reply(client.complete("longish_name.ke"))["matches"]
    assert cells.reply(client.complete("charm.coun"))["matches"] == ["counters"]
    assert cells.reply(client.complete("%%each ke"))["matches"] == ["keeper"]
    text = cells.reply(client.inspect("math.sqrt", 9))["data"]["text/plain"]
    assert "Return the square root" in text, text
    assert not cells.reply(client.inspect("nothing_such"))["found"]
    for code, status in (("1 + 1", "complete"), ("for i in x:", "incomplete"), ("1 +* 1", "invalid"),
                         ("%%each boxes", "incomplete")):
        assert cells.reply(client.is_complete(code))["status"] == status, code
    # A picture, where Matplotlib is there.
    if cells.value("import importlib.util\nimportlib.util.find_spec('matplotlib') is not None") == "True":
        number = client.execute("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')")
        shown = [each for kind, each in cells.published(number) if kind == "display_data"]
        assert shown and shown[0]["data"]["image/png"].startswith("iVBOR"), shown
    else:
        print("Pictures are not tested: Matplotlib is missing (cmake/setup.sh check installs it)")
    # What is printed while nobody is there, of two who were, is there on return.
    other = Cells(manager, another=True)
    client.execute(gate.code + "print('while you were away')\n41 + 1")
    gate.until_it_runs()
    client.stop_channels()
    other.client.stop_channels()
    until_deaf(manager)
    gate.open()
    until_main_is_idle()
    cells = Cells(manager, wait=False)
    texts = ""
    while "42" not in texts:
        message = cells.client.get_iopub_msg(timeout=SECONDS)
        texts += str(message["content"].get("text", "")) + str(message["content"].get("data", ""))
    assert "while you were away" in texts, texts
    # Nor does the end of the kernel cost anything: the variables stay in the program.
    gate.close()
    cells.client.execute(gate.code + "print('end of it')")
    gate.until_it_runs()
    cells.client.stop_channels()
    manager.provisioner.process.kill()
    manager.provisioner.process.wait()
    gate.open()
    until_main_is_idle()
    manager.shutdown_kernel(now=True)  # it interrupts first
    manager = kernel("motet-test", **private)
    cells = Cells(manager)
    content, texts = cells.run("x")
    assert texts["execute_result"] == "20" and "end of it" in texts["stream"], texts
    # A restart gives fresh variables, to the same program.
    cells.client.stop_channels()
    manager.restart_kernel(now=False)
    cells = Cells(manager)
    assert cells.run("x")[0]["ename"] == "NameError"
    assert cells.value("1 + 1") == "2"
    for _ in range(20):  # at any moment after it has been asked for
        number = cells.client.execute("while True: pass")
        cells.until_busy(number)
        manager.interrupt_kernel()
        assert cells.reply(number)["ename"] == "KeyboardInterrupt"
    assert cells.value("1 + 2") == "3"
    # The program ends: a sentence says so, and the kernel finds the next one.
    with motet.connect(program) as p:
        p.execute("keeper", "charm.end()", high_level=True, wait=False)
    until(lambda: not motet.programs())
    content, texts = cells.run("1")
    assert content["ename"] == "motet.Error" and "the program has ended" in content["evalue"], content
    content, texts = cells.run("1")
    assert "of this user runs with --motet-script" in content["evalue"], content
    assert "running: none" in cells.run("%program")[1]["stream"]
    cells.client.stop_channels()
    manager.shutdown_kernel()


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = os.environ["XDG_STATE_HOME"] = folder
        install("motet-test", folder)
        program = subprocess.Popen([*sys.argv[2:], sys.argv[1], "--motet-script", "--motet-pes", "2"])
        try:
            until_open(program, served=2)
            check("scripted", folder)
            assert program.wait(SECONDS) == 0
        finally:
            program.kill()
            program.wait()
    print("all right")


main()
