# SPDX-License-Identifier: BSL-1.0
"""One atom more in each cell that it runs in, where there is most room:

    tools/motet run molecules/cells examples/molecules/inject.py --elements 0,0,0
"""
import numpy

p = self.atoms.positions
atoms = numpy.column_stack((p.x, p.y, p.z))
low, high = numpy.quantile(atoms, (0.2, 0.8), axis=0)  # well inside of the cell
tried = low + (high - low) * numpy.random.default_rng(1).random((1000, 3))
room = ((tried[:, None] - atoms) ** 2).sum(axis=2).min(axis=1)
charm.inject(dict(zip("xyz", tried[room.argmax()].tolist())), dict(x=0, y=0, z=0), 0)
