# SPDX-License-Identifier: BSL-1.0
"""How hot the atoms of the running melt are; then its thermostat is turned on, and they are looked at again:

    tools/motet run molecules examples/molecules/temperature.py
"""
import numpy

BINS, HOTTEST = 10, 5.0


def temperatures(self):
    """In every cell, where the atoms are: how many of them are how hot; then their number, and the sum."""
    v = self.atoms.velocities
    each = (v.x**2 + v.y**2 + v.z**2) / 3  # lj units, and a mass of 1
    return numpy.append(numpy.histogram(each, BINS, (0, HOTTEST))[0], [len(each), each.sum()])


def show():
    *counts, atoms, total = cells.reduce(temperatures, numpy.add)
    print(f"step {cells[0, 0, 0].step}: temperature {total / atoms:.3f}, of single atoms:")
    for place, count in enumerate(counts):
        print(f"  {place * HOTTEST / BINS:3.1f} {'#' * round(60 * count / atoms)}")


show()
print("the thermostat is set to 1.5")
cells.bath = {"temperature": 1.5, "damping": 0.2}
until = cells[0, 0, 0].step + 400
while cells[0, 0, 0].step < until:
    charm.sleep(0.01)
show()
