#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""record.py TIMES: writes how the temperature of the running melt goes on, from outside, as a table."""
import sys
import time

import motet

with motet.connect("molecules") as program:
    print("step,temperature")
    for _ in range(int(sys.argv[1])):
        cells = program.run("cells", "(self.step, len(self.atoms.ids), charm.temperature())", high_level=True)
        atoms = sum(count for _, count, _ in cells)
        mean = sum(count * temperature for _, count, temperature in cells) / atoms
        print(f"{cells[0][0]},{mean:.4f}", flush=True)
        time.sleep(0.1)
    hottest = program.run("main", "cells.reduce('temperature', max)", high_level=True)
    velocities = program.run("cells", "self.atoms.velocities", index=(0, 0, 0))  # a NumPy array
    print(f"# hottest cell {hottest:.4f}; fastest atom of the first one {abs(velocities['x']).max():.4f}")
