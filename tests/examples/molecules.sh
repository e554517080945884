#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# molecules against LAMMPS: the shipped log of its melt, and, where it is installed, lmp itself; then what it refuses.
set -uo pipefail
program=$1
shift
options=("$@") # of a simulated run, or none
source "$(dirname "$0")/lammps.inc"

molecules() { "$program" "$@" ${options[@]+"${options[@]}"}; }
drift() { thermo "$1" | awk 'NR == 1 {first = $5} {d = $5 - first; d = d < 0 ? -d : d; if (d > most) most = d} END {print most}'; }
no_worse() { awk -v ours="$1" -v lammps="$2" 'BEGIN {exit !(ours <= 1.001 * lammps)}'; } # beyond that it is chaos

# The shipped melt.
molecules "$data/melt.data" --steps 1000 --thermo 50 --digits 10 >melt.log 2>progress
check "the run ends well" test $? = 0
check "step 0 is LAMMPS's in every digit" same "$(state melt.log 0)" "$(state "$data/melt.log" 0)"
check "step 100 is LAMMPS's to five digits" five_digits "$(state melt.log 100)" "$(state "$data/melt.log" 100)"
check "the energy drifts no more than LAMMPS's" no_worse "$(drift melt.log)" "$(drift "$data/melt.log")"
check "one line for each 50 steps" same "$(thermo melt.log | wc -l)" 21
check "the header is LAMMPS's" same "$(grep ^Step melt.log)" "$(grep ^Step "$data/melt.log" | head -1)"
check "progress is told" same "$(grep '^progress' progress | tail -1)" "progress: step 1000 of 1000, 0.0 s left"
check "ten lines of progress" same "$(grep -c '^progress' progress)" 10

# The columns of thermo_style one; the last step is printed too.
molecules "$data/melt.data" --steps 5 --thermo 2 >columns.log 2>/dev/null
check "columns" same "$(thermo columns.log | head -1)" \
    "       0         1.44   -6.7733681            0   -4.6139081   -5.0199732 "
check "steps printed" same "$(thermo columns.log | awk '{printf "%s ", $1}')" "0 2 4 5 "

# With the same cells a run gives the same digits on any number of PEs, whatever order messages come in.
same_cells() { "$program" --lattice 6,7,8 --cell-atoms 200 --steps 60 --thermo 20 --digits 12 "$@" >same.log 2>/dev/null && thermo same.log; }
one=$(same_cells --motet-pes 1)
check "two PEs" same "$(same_cells --motet-pes 2)" "$one"
check "simulated, with moves and delays" \
    same "$(same_cells --motet-sim 4x2 --motet-seed 3 --motet-sim-migrate 0.2 --motet-sim-delay 10us)" "$one"

# lmp itself, on a mixture in a box with unlike edges.
if command -v lmp >/dev/null; then
    cat >in.other <<'END'
units lj
atom_style atomic
lattice fcc 0.8
region box block 0 7 0 5 -3 3
create_box 2 box
create_atoms 1 box
set group all type/fraction 2 0.3 4711
mass 1 1.0
mass 2 2.0
velocity all create 2.0 12345 loop geom
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
pair_coeff 2 2 0.7 0.9
fix 1 all nve
run 250
write_data other.data
clear
log other.log
units lj
atom_style atomic
pair_style lj/cut 2.5
read_data other.data
neighbor 0.3 bin
neigh_modify delay 0 every 20 check no
fix 1 all nve
thermo 50
thermo_modify format float %.10g
run 100
END
    OMP_NUM_THREADS=1 lmp -in in.other -log none -screen none >/dev/null
    molecules other.data --digits 10 >ours.log 2>/dev/null
    check "step 0 is lmp's in every digit" same "$(state ours.log 0)" "$(state other.log 0)"
    check "step 100 is lmp's to five digits" five_digits "$(state ours.log 100)" "$(state other.log 100)"
else
    echo "skipped: lmp is not installed"
fi

# What it refuses.
refuses() { # CODE SENTENCE ARGUMENT…
    local code=$1 sentence=$2
    shift 2
    molecules "$@" >out 2>err
    local got=$?
    check "$* is refused" same "$got" "$code"
    check "  with: $sentence" grep -qF -- "$sentence" err
    check "  and no output" test ! -s out
}
head -n 2000 "$data/melt.data" >truncated.data
sed '1000s/.*/4001 1 0.5 here 0.5 0 0 0/' "$data/melt.data" >bad_line.data
sed '5000s/.*/nonsense/' "$data/melt.data" >bad_velocity.data
: >empty.data
head -c -2 "$data/melt.data" >cut.data # a velocity that lacks its last digit
sed '21s/.*/2 1 0 0 0 0 0 0/' "$data/melt.data" >same_place.data
check "two atoms at one place end the run" same "$(molecules same_place.data --steps 10 2>&1 >/dev/null | grep -c 'the energy of step 0 is not finite: two atoms are at one place')" 1
check "lost output is told" same "$(molecules --lattice 4 --steps 1 2>&1 >/dev/full | grep -c 'standard output cannot be written')" 1
refuses 1 "cannot open the data file 'missing.data'" missing.data
refuses 1 "truncated.data:2000: the file ends in section 'Atoms'" truncated.data
refuses 1 "bad_line.data:1000: expected a coordinate, found 'here'" bad_line.data
refuses 1 "bad_velocity.data:5000: expected 'id vx vy vz', found 1 fields" bad_velocity.data
refuses 1 "empty.data:" empty.data
refuses 1 "cut.data:$(wc -l <"$data/melt.data"): the last line has no end" cut.data
refuses 1 "cannot read the data file" "$work"
refuses 1 "shorter than cutoff + skin" --lattice 1
refuses 2 "nothing to run: name a data file, or give --lattice and a number"
refuses 2 "unknown option '--stpes'" --lattice 4 --stpes 10
refuses 2 "--steps needs a value after it" --lattice 4 --steps
refuses 2 "--steps 1e3: expected a whole number from 0 on" --lattice 4 --steps 1e3
refuses 2 "--steps -1: expected" --lattice 4 --steps -1
refuses 2 "--rebuild 0: expected a whole number from 1 on" --lattice 4 --rebuild 0
refuses 2 "--timestep 0: expected a number above 0" --lattice 4 --timestep 0
refuses 2 "--timestep nan: expected a number above 0" --lattice 4 --timestep nan
refuses 2 "--digits 18: expected a whole number from 1 to 17" --lattice 4 --digits 18
for lattice in 0 501 4,4 4,4,4,4 4, ,4 x ""; do
    refuses 2 "--lattice $lattice: expected one or three whole numbers from 1 to 500" --lattice "$lattice"
done
refuses 2 "a second data file: 'b.data'" a.data b.data
refuses 2 "a data file and --lattice exclude each other" a.data --lattice 4
check "--help explains" test "$(molecules --help 2>/dev/null | head -1)" = "Usage: molecules DATAFILE [options]"

# A time step at which atoms fly out of their cells.
molecules --lattice 6 --timestep 0.5 >/dev/null 2>err
check "an explosion ends the run" test $? = 1
check "  with a sentence" grep -q "atom [0-9]* has left its cell and the cells beside it" err

exit $failed
