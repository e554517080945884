#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""molecules.py PROGRAM: what the README and the manual do with the running melt: scripts from examples/molecules, and its
notebook cell by cell."""
import ast
import json
import os
import re
import subprocess
import sys
import tempfile

from job import command, motet, raises, root, until, until_open

example = root / "examples" / "molecules"


def run(*command):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(root / "tools" / "python")})
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def check_steered(out):
    before, after = (float(each) for each in re.findall(r"temperature (\d+\.\d+)[,;] of single atoms:", out))
    assert 0.5 < before < 1.7 and abs(after - 1.5) < 0.15, out
    assert out.count("#\n") > 10 and "the thermostat is set to 1.5" in out, out


def check_scripts():
    check_steered(run(example / "steer.py"))
    check_steered(run(command, "run", "molecules", example / "temperature.py"))


def check_injection():
    with motet.connect("molecules") as program:
        count = 'cells.reduce(lambda self: len(self.atoms.ids) + len(self.injected), "sum")'
        before = program.run("main", count, high_level=True)
        run(command, "run", "molecules/cells", example / "inject.py", "--elements", "0,0,0")
        later = max(program.run("cells", "self.step")) + 100
        until(lambda: min(program.run("cells", "self.step")) >= later)
        assert program.run("main", 'cells.reduce(lambda self: len(self.injected), "sum")', high_level=True) == 0
        assert program.run("main", count, high_level=True) == before + 1
        raises(motet.ScriptError, "outside of the cell",
               lambda: program.run("cells", "charm.inject({'x': -5, 'y': 0, 'z': 0}, {}, 0)", index=(0, 0, 0),
                                   high_level=True))


def check_notebook(folder):
    try:
        from notebook_client import Cells, install, kernel
    except ImportError as problem:
        return print(f"The notebook is not tested: {problem} (cmake/setup.sh check installs it)")
    install("motet", folder)
    manager = kernel("motet")
    cells = Cells(manager)
    values = []
    for cell in json.loads((example / "molecules.ipynb").read_text())["cells"]:
        if cell["cell_type"] == "code":
            content, texts = cells.run("".join(cell["source"]))
            assert content["status"] == "ok", (cell["source"], texts["error"])
            values.append(texts["execute_result"])
    assert values[0] == "cells", values
    least, most, count = ast.literal_eval(values[1])
    assert 0 <= least <= most and count >= 8, values
    before, after = ast.literal_eval(values[5])
    assert abs(before - 1.5) < 0.2 and abs(after - 2) < 0.2, values
    assert len(values[6].splitlines()) == count, values
    cells.client.stop_channels()
    manager.shutdown_kernel()


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        program = subprocess.Popen([sys.argv[1], "--lattice", "8", "--steps", "100000000", "--thermo", "1000000",
                                    "--motet-script", "--motet-pes", "2"], stdout=subprocess.DEVNULL)
        try:
            until_open(program, served=1)
            with motet.connect("molecules") as running:  # the crystal melts
                until(lambda: min(running.run("cells", "self.step")) > 200)
            check_scripts()
            check_injection()
            check_notebook(folder)
            assert program.poll() is None
        finally:
            program.kill()
            program.wait()
    print("all right")


main()
