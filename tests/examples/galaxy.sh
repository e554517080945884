#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# galaxy.sh PROGRAM [OPTION…]: the scripts of the example against a computation of its own, and snapshots that are wrong.
set -euo pipefail
program=$1
shift
examples=$(cd "$(dirname "$0")/../../examples/galaxy" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

snapshot=$examples/data/bhmerger2.3.00006
python3 "$examples/make_snapshot.py" "$folder/made"
cmp "$folder/made" "$snapshot"
[[ $(stat -c %s "$snapshot") -lt 200000 ]]
[[ $("$program" --data "$examples/data" "$examples/figure9.py" "$@") == 2 ]]

# The session, computed without Motet and without NumPy.
cat >"$folder/expect.py" <<'EOF'
import math, struct, sys
content = open(sys.argv[1], "rb").read()
time, total, _, *counts, _ = struct.unpack(">diiiiii", content[:32])
at, families = 32, {}
for family, count, width in zip(("gas", "dark", "star"), counts, (12, 9, 11)):
    families[family] = [struct.unpack(f">{width}f", content[at + 4 * width * i:][:4 * width]) for i in range(count)]
    at += 4 * width * count
assert at == len(content)
print(total, "particles at time", time)
for family, all in families.items():
    print(f"{family:4} {len(all):5} particles, mass {sum(p[0] for p in all):.4f}")
left = [p for p in families["dark"] if p[1] <= 0]
mass = sum(p[0] for p in left)
print("centre of the left one: {:.3f} {:.3f} {:.3f}".format(*(sum(p[0] * p[k] for p in left) / mass for k in (1, 2, 3))))
speeds = [math.sqrt(sum(v * v for v in p[4:7])) for p in families["star"]]
least, most = min(speeds), max(speeds)
print(f"stars go with {least:.4f} to {most:.4f}")
bins = [0] * 8
for speed in speeds:
    bins[min(7, math.floor((speed - least) / (most - least) * 8))] += 1
for count in bins:
    print("#" * (count // 10), count)
gas = [p for p in families["gas"] if p[1] <= 0]
print(sum(p[8] >= 7000 for p in gas), "of", len(gas), "gas particles are warm")
EOF
python3 "$folder/expect.py" "$snapshot" >"$folder/expected"
"$program" --data "$examples/data" --pieces 5 "$examples/session.py" "$@" >"$folder/out"
diff "$folder/expected" "$folder/out"

# The other byte order, and the header without its padding, say the same.
python3 "$examples/make_snapshot.py" "$folder/bhmerger2.3.00006" --native
"$program" --data "$folder" --pieces 1 "$examples/session.py" "$@" | diff "$folder/expected" -
{ head -c 28 "$folder/made" && tail -c +33 "$folder/made"; } >"$folder/bhmerger2.3.00006"
"$program" --data "$folder" --pieces 7 "$examples/session.py" "$@" | diff "$folder/expected" -

# What is wrong is said, with the byte; then the next file is loaded.
patch() { # FILE OFFSET BYTES
    cp "$folder/made" "$folder/$1"
    printf "$3" | dd of="$folder/$1" bs=1 seek="$2" conv=notrunc status=none
}
: >"$folder/empty"
head -c 17 "$folder/made" >"$folder/short_header"
head -c 70000 "$folder/made" >"$folder/cut"
{ cat "$folder/made" && printf 'more'; } >"$folder/long"
cp "$folder/expect.py" "$folder/text"
patch mismatch 10 '\xff'
patch negative 16 '\xff'
patch nan $((32 + 600 * 48 + 1600 * 36 + 17 * 44 + 4)) '\x7f\xc0\x00\x00'
cat >"$folder/wrong.py" <<'EOF'
import os
folder = os.environ["SNAPSHOTS"] + "/"
def fails(name, *texts):
    try: charm.loadSimulation(folder + name)
    except RuntimeError as e:
        for text in texts: assert text in str(e), (text, str(e))
        return
    assert False, name
fails("nothing", "nothing cannot be read: No such file or directory")
fails("empty", "cut off at byte 0: a Tipsy header has 28")
fails("short_header", "cut off at byte 17: a Tipsy header has 28")
fails("cut", "cut off at byte 70000, in dark particle 1143: 3402 particles need 139320 bytes")
fails("long", "4 bytes more than its 3402 particles have, from byte 139320 on")
fails("text", "no Tipsy file: the number of dimensions at byte 12 is 0x")
fails("mismatch", "at byte 8 that there are 65354 particles", "which are 3402")
fails("negative", "gas particles, says the header at byte 16")
fails("nan", "star particle 17 has the position nan, at byte 87184")
try: charm.getNumParticles("All", "star")
except RuntimeError as e: assert "no simulation is loaded" in str(e), e
def refuses(text, call, *arguments):
    try: call(*arguments)
    except RuntimeError as e: assert text in str(e), (text, str(e))
    else: assert False, text
assert charm.loadSimulation(folder + "made") == 3402
refuses("there is no group stars; there is All", charm.getNumParticles, "stars", "star")
refuses("there is no family sun", charm.getNumParticles, "All", "sun")
refuses("dark particles have no metals; they have mass, position", charm.getAttributeSum, "All", "dark", "metals")
refuses("'a b' is no name", charm.createGroup_AttributeRange, "a b", "All", "mass", 0, 1)
refuses("star particles have a mass already", charm.createAttribute, "mass", "star", "1")
refuses("AttributeError", charm.createAttribute, "w", "star", "wrong + 1")
refuses("SyntaxError", charm.createAttribute, "w", "star", "1 +")
refuses("particles, and 3 values of w", charm.createAttribute, "w", "star", "array([1, 2, 3])")
refuses("goes from a number to a greater one", charm.getHistogram, "All", "star", "mass", 3, 1, 1)
refuses("the group All stays", charm.deleteGroup, "All")
charm.createAttribute("w", "all", "arange(len(mass)) * 0 + 2.5")
assert charm.getAttributeSum("All", "all", "w") == 2.5 * 3402
charm.createGroup_AttributeRange("heavy", "All", "mass", 0.005, 1)
assert charm.getGroups() == ["All", "heavy"] and charm.getNumParticles("heavy", "all") == 2
charm.deleteGroup("heavy")
assert charm.getGroups() == ["All"] and "w" in charm.getAttributes("gas")
print("refused")
EOF
[[ $(SNAPSHOTS=$folder "$program" "$folder/wrong.py" "$@") == refused ]]

refuses() { # SENTENCE ARGUMENT…
    local message
    if message=$("$program" "${@:2}" 2>&1 >/dev/null); then exit 1; fi
    [[ $message == *"$1"* ]] || { echo "no \"$1\" in: $message" && exit 1; }
}
refuses 'usage: galaxy' --datum 3
refuses '--pieces is "0"' --pieces 0
refuses 'nowhere.py cannot be read' nowhere.py
