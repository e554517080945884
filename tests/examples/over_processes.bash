#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# over_processes.bash PROGRAM PROCESSES MPIEXEC: an example gives the same digits alone and as an MPI job, and says once what it refuses.
set -euo pipefail
program=$1 processes=$2 launch=("$3" -n "$2")
name=$(basename "$program")
case $name in
stencil3d) input=(12,10,8 3,5,2 15 --balance-every 4 --motet-balance rotate) wrong=(10 2) ;;
leanmd) input=(--lattice 8,4,4 --gradient 1 --temperature 0.8 --steps 40 --thermo 10 --digits 12 --balance-every 1 --motet-balance rotate)
    wrong=(--gradiant 1) ;;
molecules) input=(--lattice 6,7,8 --cell-atoms 200 --steps 40 --thermo 10 --digits 12) wrong=(--stepps 1) ;;
esac
digits() { awk '/^Step /{inside = 1} /^Loop time/{inside = 0} inside || /^(sum|checksum)/' <<<"$1"; }

alone=$(digits "$("$program" "${input[@]}" --motet-pes 2 2>/dev/null)")
job=$("${launch[@]}" "$program" "${input[@]}" --motet-pes 1 2>/dev/null </dev/null)
[[ -n $alone && $(digits "$job") == "$alone" ]] || { printf '%s alone:\n%s\nas a job:\n%s\n' "$name" "$alone" "$job" && exit 1; }
grep -q " on $processes PEs" <<<"$job" || { echo "$name does not run on $processes PEs: $job" && exit 1; }
if refused=$("${launch[@]}" "$program" "${wrong[@]}" 2>&1 </dev/null); then echo "$name: not refused: ${wrong[*]}" && exit 1; fi
(($(grep -cE -- "unknown option '|usage: " <<<"$refused") == 1)) || { echo "$name says: $refused" && exit 1; }
echo "$name: the same"
