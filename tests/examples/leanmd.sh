#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# leanmd.sh PROGRAM [OPTION…]: many small cells against LAMMPS's shipped log, however they move; a gradient of the density
# conserves energy, and gives the same digits with and without balancing; then what it refuses.
set -uo pipefail
program=$1
shift
options=("$@") # of a simulated run, or none
source "$(dirname "$0")/lammps.inc"

leanmd() { "$program" "$@" ${options[@]+"${options[@]}"}; }
conserves() { # LOG: the energy of every line is that of the first to a hundredth (a cutoff makes steps, as in LAMMPS)
    thermo "$1" | awk 'NR == 1 {first = $5} {d = $5 - first; if (d < 0) d = -d; if (d > -first / 100) bad = 1} END {exit bad || NR < 3}'
}

for balance in none rotate greedy; do
    leanmd "$data/melt.data" --steps 100 --digits 10 --balance-every 40 --motet-balance $balance --motet-balance-report >melt.log 2>err
    check "the melt, balanced by $balance, ends well" test $? = 0
    check "  step 0 is LAMMPS's in every digit" same "$(state melt.log 0)" "$(state "$data/melt.log" 0)"
    check "  step 100 is LAMMPS's to five digits" five_digits "$(state melt.log 100)" "$(state "$data/melt.log" 100)"
    points=$(grep -c 'balanced Pair: .* of 1750 chares moved' err) # at steps 20, 40 and 80
    check "  1,750 pairs come to three balancing points" test "$points" = "$([[ $balance == none ]] && echo 0 || echo 3)"
done

thin() { leanmd --lattice 12,4,4 --gradient 1 --temperature 0.8 --steps 60 --thermo 20 --digits 12 "$@" >thin.log 2>/dev/null && thermo thin.log; }
one=$(thin --motet-balance none)
check "a gradient conserves energy" conserves thin.log
atoms=$(awk '/^Loop time/ {print $(NF - 1)}' thin.log) # about half of 768
check "  it takes half of the atoms out" test "$atoms" -gt 300 -a "$atoms" -lt 460
check "  balanced it is the same" same "$(thin --motet-balance refine --balance-every 1)" "$one"

refuses() { # SENTENCE ARGUMENT…
    leanmd "${@:2}" >out 2>err
    check "${*:2} is refused" same "$?" 2
    check "  with: $1" grep -qF -- "leanmd: $1" err
}
refuses "nothing to run: name a data file, or give --lattice and a number"
refuses "unknown option '--gradiant'" --lattice 4 --gradiant 1
refuses "--gradient needs a value after it" --lattice 4 --gradient
refuses "--gradient 1.5: expected a number from 0 to 1" --lattice 4 --gradient 1.5
refuses "--gradient -1: expected" --lattice 4 --gradient -1
refuses "--balance-every 0: expected a whole number from 1 on" --lattice 4 --balance-every 0
check "--help explains" test "$(leanmd --help 2>/dev/null | head -1)" = "Usage: leanmd DATAFILE [options]"

exit $failed
