#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""make_snapshot.py FILE [--native] [--scale N]: two disk galaxies about to merge, as a Tipsy snapshot.

The model, in units with G = 1 in which a galaxy has the mass 1 and its disk the scale length 1. Each galaxy has

- a dark halo, a Plummer sphere of mass 0.8 and scale radius 3: radii by inverting M(r), velocities by von Neumann's
  rejection from its distribution function (Aarseth, Henon and Wielen 1974, Astron. Astrophys. 37, 183), cut at 10 radii;
- a disk of stars (mass 0.15), surface density exp(-R), vertical density sech^2(z / 0.1), on circular orbits in the
  spherically averaged mass of halo, disk and black hole, with a Gaussian dispersion of a tenth of that speed;
- a disk of gas (mass 0.04), scale length 1.5, cold, on the same circular orbits; its temperature is 10^4 K near the
  centre and falls as exp(-R / 4), its density is that of the disk;
- a black hole of mass 0.01 at rest in its centre. As simulations with Gasoline have it, that is a star whose formation
  time is negative: minus the time at which it was made.

The galaxies come towards each other on a parabola with the pericentre 2, at the distance 12, the second inclined by 60
degrees. Stars were formed evenly over time, metals fall with the radius. The potential is that of the halos and of the
black holes, softened by eps.

The same numbers come out everywhere: Python's random.Random(seed).random() is the same in all versions, and all that is
written is rounded to multiples of 2^-16 (masses: of 2^-32), which hides the last bits in which mathematical libraries
differ.
"""
import argparse
import math
import random
import struct

SEED = 20081115  # the year of the paper that Salsa is described in
HALO, DISK, GAS, HOLE = 0.8, 0.15, 0.04, 0.01
HALO_RADIUS, STAR_SCALE, GAS_SCALE, HEIGHT = 3.0, 1.0, 1.5, 0.1
TIME = 9.5
EPS = 0.0625


def rounded(x, digits=16):
    return math.floor(x * 2 ** digits + 0.5) / 2 ** digits


class Model:
    def __init__(self, scale):
        self.random = random.Random(SEED).random
        self.gas, self.dark, self.stars = [], [], []
        self.counts = (int(300 * scale), int(800 * scale), int(600 * scale))

    def normal(self):
        """Box and Muller's, one of the two."""
        return math.sqrt(-2 * math.log(1 - self.random())) * math.cos(2 * math.pi * self.random())

    def direction(self):
        z = 2 * self.random() - 1
        phi = 2 * math.pi * self.random()
        across = math.sqrt(1 - z * z)
        return across * math.cos(phi), across * math.sin(phi), z

    @staticmethod
    def enclosed(r):
        halo = HALO * r ** 3 / (r * r + HALO_RADIUS ** 2) ** 1.5
        disks = sum(mass * (1 - math.exp(-r / length) * (1 + r / length))
                    for mass, length in ((DISK, STAR_SCALE), (GAS, GAS_SCALE)))
        return halo + disks + HOLE

    def halo(self):
        while True:
            r = HALO_RADIUS / math.sqrt((1 - self.random()) ** (-2 / 3) - 1 + 1e-12)
            if r < 10 * HALO_RADIUS:
                break
        while True:  # q: the speed over that of escape
            q, height = self.random(), 0.1 * self.random()
            if height < q * q * (1 - q * q) ** 3.5:
                break
        # The halo feels its own mass only a little more than that of all: one factor for both.
        speed = q * math.sqrt(2 * (HALO + DISK + GAS + HOLE)) * (r * r + HALO_RADIUS ** 2) ** -0.25
        return [r * each for each in self.direction()], [speed * each for each in self.direction()]

    def disk(self, length, dispersion):
        """A radius from R exp(-R / length) is the sum of two exponential ones."""
        radius = -length * (math.log(1 - self.random()) + math.log(1 - self.random()))
        phi = 2 * math.pi * self.random()
        z = HEIGHT * math.atanh(max(-0.999, min(0.999, 2 * self.random() - 1)))
        speed = math.sqrt(self.enclosed(radius) / radius)
        across = dispersion * speed
        radial, around, up = across * self.normal(), speed + across * self.normal(), across * self.normal()
        c, s = math.cos(phi), math.sin(phi)
        return radius, z, [radius * c, radius * s, z], [radial * c - around * s, radial * s + around * c, up]

    def galaxy(self, centre, motion, inclination):
        c, s = math.cos(inclination), math.sin(inclination)

        def placed(position, velocity):
            def turned(v):
                return [v[0], c * v[1] - s * v[2], s * v[1] + c * v[2]]
            return ([a + b for a, b in zip(turned(position), centre)], [a + b for a, b in zip(turned(velocity), motion)])

        gas, dark, stars = self.counts
        for _ in range(gas):
            radius, z, *where = self.disk(GAS_SCALE, 0.02)
            density = GAS / (4 * math.pi * GAS_SCALE ** 2 * HEIGHT) * math.exp(-radius / GAS_SCALE) / math.cosh(z / HEIGHT) ** 2
            self.gas.append((GAS / gas, *placed(*where), density, 1e4 * math.exp(-radius / 4), 0.02 * math.exp(-radius / 5)))
        for _ in range(dark):
            self.dark.append((HALO / dark, *placed(*self.halo())))
        for _ in range(stars):
            radius, z, *where = self.disk(STAR_SCALE, 0.1)
            self.stars.append((DISK / stars, *placed(*where), 0.02 * math.exp(-radius / 5), TIME * self.random()))
        self.stars.append((HOLE, *placed([0, 0, 0], [0, 0, 0]), 0, -TIME * (0.25 + 0.5 * self.random())))
        self.centres.append(centre)

    def build(self):
        # Two masses of 1 on a parabola, p = 2 * pericentre, seen from their centre of mass.
        pericentre, distance, mass = 2.0, 12.0, 2.0
        cosine = 2 * pericentre / distance - 1
        sine = -math.sqrt(1 - cosine * cosine)
        factor = math.sqrt(mass / (2 * pericentre))
        position = [distance * cosine, distance * sine, 0]
        velocity = [-factor * sine, factor * (1 + cosine), 0]
        self.centres = []
        self.galaxy([x / 2 for x in position], [v / 2 for v in velocity], 0)
        self.galaxy([-x / 2 for x in position], [-v / 2 for v in velocity], math.pi / 3)

    def potential(self, at):
        return -sum(HALO / math.sqrt(r2 + HALO_RADIUS ** 2) + HOLE / math.sqrt(r2 + EPS ** 2)
                    for r2 in (sum((a - b) ** 2 for a, b in zip(at, centre)) for centre in self.centres))

    def bytes(self, order):
        out = [struct.pack(order + "diiiiii", TIME, len(self.gas) + len(self.dark) + len(self.stars), 3, len(self.gas),
                           len(self.dark), len(self.stars), 0)]

        def put(mass, *numbers):
            out.append(struct.pack(f"{order}{1 + len(numbers)}f", rounded(mass, 32), *map(rounded, numbers)))

        for mass, at, v, density, temperature, metals in self.gas:
            put(mass, *at, *v, density, temperature, EPS, metals, self.potential(at))
        for mass, at, v in self.dark:
            put(mass, *at, *v, EPS, self.potential(at))
        for mass, at, v, metals, formed in self.stars:
            put(mass, *at, *v, metals, formed, EPS, self.potential(at))
        return b"".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--native", action="store_true", help="in this machine's byte order, not in the standard one")
    parser.add_argument("--scale", type=float, default=1, help="so many times the particles")
    arguments = parser.parse_args()
    model = Model(arguments.scale)
    model.build()
    with open(arguments.file, "wb") as file:
        file.write(model.bytes("=" if arguments.native else ">"))


if __name__ == "__main__":
    main()
