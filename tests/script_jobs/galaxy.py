#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""galaxy.py PROGRAM [LAUNCHER…]: the example galaxy, asked by clients: the paper's Figure 9 as it is shipped, and
iteration over groups and attributes that are made while it runs."""
import os
import subprocess
import sys
import tempfile

from job import command, motet, raises, root, until_open

example = root / "examples" / "galaxy"


def check(name):
    def tool(*arguments):
        done = subprocess.run([sys.executable, command, *arguments], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0 and done.stderr == "", (arguments, done.stdout, done.stderr)
        return done.stdout

    # Figure 9.
    assert tool("run", "salsa", str(example / "figure9.py")) == "2\n"

    with motet.connect(name) as program:
        def salsa(code):
            return program.run("salsa", code, high_level=True)

        def each(code, over, **options):
            """What the pieces say, those left out that have no such particle."""
            said = program.run("pieces", code, iterate="f", over=over, **options)
            return [one for one in said if one is not None]

        assert salsa("charm.getNumParticles('All', 'star')") == 1202
        # A group that a script has made, particle by particle.
        holes = sum(each("def f(p): return p.mass, p.formationtime, p.family, list(p.position)", "blackholes"), [])
        assert len(holes) == 2 and all(abs(mass - 0.01) < 1e-8 and formed < 0 for mass, formed, *_ in holes), holes
        assert {family for _, _, family, _ in holes} == {"star"}
        centre = salsa("charm.getCenterOfMass('blackholes', 'star')")
        assert all(abs(sum(hole[3][k] for hole in holes) / 2 - centre[k]) < 1e-6 for k in range(3)), (holes, centre)
        # A new attribute, filled by iterating, one by one and all at once, and then used to make a group.
        salsa("charm.createAttribute('age', 'star', 'zeros(len(mass))')")
        each("def f(p): p.age = 9.5 - abs(p.formationtime)", "All.star", select="p.metals > 0.01")
        each("def f(p): p.age += 1", "All.star", vectorized=True)
        salsa("charm.createGroup_AttributeRange('old', 'All', 'age', 6, 1e38)")
        young = sum(each("def f(p): return p.age", "All.star", select="p.age < 6", reduce="count"))
        old = salsa("charm.getNumParticles('old', 'star')")
        assert 0 < old < 1202 and old + young == 1202, (old, young)
        ages = sum(each("def f(p): return p.age", "old", reduce="sum"))
        assert abs(ages - salsa("charm.getAttributeSum('old', 'star', 'age')")) < 1e-6 * ages
        assert abs(ages - sum(each("def f(p): return float(p.age.sum())", "old", vectorized=True))) < 1e-6 * ages
        # What is not there is named.
        for over, text in (("none", "there is no group none; there is All, blackholes, old"),
                           ("old.sun", "there is no family sun")):
            raises(motet.ScriptError, text, lambda over=over: each("def f(p): return 1", over))
        raises(motet.ScriptError, "AttributeError: star particles have no colour",
               lambda: each("def f(p): return p.colour", "blackholes"))
        salsa("charm.quit()")


def main():
    program, launcher = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        server = subprocess.Popen([*launcher, program, "--data", str(example / "data"), "--motet-script",
                                   *([] if launcher else ["--motet-pes", "2"])])
        try:
            until_open(server, served=2)
            check("galaxy")
            assert server.wait(60) == 0
        finally:
            server.kill()
    print("all right")


if __name__ == "__main__":
    main()
