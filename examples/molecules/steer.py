#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""steer.py: goes into the running melt from outside: how hot its atoms are; then its thermostat is turned on, and they are
looked at again."""
import time

import motet

HISTOGRAM = """
import numpy
v = self.atoms.velocities
counts = numpy.histogram((v.x**2 + v.y**2 + v.z**2) / 3, 10, (0, 5))[0]  # lj units, and a mass of 1
self.step, len(v), charm.temperature(), counts.tolist()
"""


def show(program):
    cells = program.run("cells", HISTOGRAM, high_level=True)  # in each of them, where the atoms are
    atoms = sum(count for _, count, _, _ in cells)
    mean = sum(count * temperature for _, count, temperature, _ in cells) / atoms
    print(f"step {cells[0][0]}: temperature {mean:.3f}; of single atoms:")
    for place, counts in enumerate(zip(*(counts for _, _, _, counts in cells))):
        print(f"  {place / 2:3.1f} {'#' * round(60 * sum(counts) / atoms)}")


with motet.connect("molecules") as program:
    show(program)
    print("the thermostat is set to 1.5")
    program.run("cells", "self.bath.temperature, self.bath.damping = 1.5, 0.2")
    until = max(program.run("cells", "self.step")) + 400
    while min(program.run("cells", "self.step")) < until:
        time.sleep(0.05)
    show(program)
