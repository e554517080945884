#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# stencil3d.sh PROGRAM [OPTION…]: the sum against a computation by awk on one grid; the same checksum for every
# decomposition, however the blocks move; then what it refuses.
set -euo pipefail
program=$1
shift

serial() { # NX NY NZ ITERATIONS
    awk -v nx="$1" -v ny="$2" -v nz="$3" -v iterations="$4" '
    function at(x, y, z) {
        if (x < 0) return 255
        if (y < 0) return 128
        if (z < 0) return 64
        return x == nx || y == ny || z == nz ? 0 : t[x, y, z]
    }
    BEGIN {
        for (x = 0; x < nx; x++) for (y = 0; y < ny; y++) for (z = 0; z < nz; z++) t[x, y, z] = (3 * x + 5 * y + 7 * z) % 11
        for (i = 0; i < iterations; i++) {
            for (x = 0; x < nx; x++) for (y = 0; y < ny; y++) for (z = 0; z < nz; z++)
                {
                    around = at(x - 1, y, z) + at(x + 1, y, z) + at(x, y - 1, z) + at(x, y + 1, z)
                    u[x, y, z] = (t[x, y, z] + around + at(x, y, z - 1) + at(x, y, z + 1)) / 7
                }
            for (point in u) t[point] = u[point]
        }
        for (point in t) sum += t[point]
        printf "%.9g\n", sum
    }'
}
expected=$(serial 12 10 8 15)
checksum=
for run in '1 15' '2,1,1 15' '3,5,2 15 --balance-every 4' '12,10,8 15' '2 15 --imbalance --balance-every 2 --motet-balance rotate' \
    '4,2,2 15 --motet-balance random --balance-every 1 --point-time 3'; do
    # shellcheck disable=SC2086 # words of a command line
    output=$("$program" 12,10,8 $run "$@" 2>/dev/null)
    [[ $(awk '$1 == "sum" {print $2}' <<<"$output") == "$expected" ]] || { echo "stencil3d $run: $output, not sum $expected" && exit 1; }
    now=$(grep ^checksum <<<"$output")
    [[ $now == "${checksum:=$now}" ]] || { echo "stencil3d $run: $now, not $checksum" && exit 1; }
    grep -q '^Loop time of [0-9.e-]* on [0-9]* PEs for 15 iterations of' <<<"$output"
done
[[ $("$program" 4 2 20 "$@" 2>&1 >/dev/null | grep -c '^progress') == 10 ]]

refuses() { # SENTENCE ARGUMENT…
    local message
    if message=$("$program" "${@:2}" 2>&1 >/dev/null); then echo "not refused: ${*:2}" && exit 1; fi
    [[ $message == *"$1"* ]] || { echo "no \"$1\" in: $message" && exit 1; }
}
refuses 'usage: stencil3d POINTS BLOCKS ITERATIONS' 10 2
refuses 'one argument too many: 7' 10 2 5 7
refuses 'more blocks than points along y: 5 for 4' 8,4,8 5 1
refuses 'POINTS is "8,4": give one number, or three as in 4,2,1' 8,4 1 1
refuses 'POINTS is "8,4,2,1": give one number, or three' 8,4,2,1 1 1
refuses 'BLOCKS is "0": give a whole number from 1' 8 2,0,1 1
refuses 'BLOCKS is "": give a whole number from 1' 8 2,,1 1
refuses 'ITERATIONS is "-5"' 8 2 -5
refuses 'POINTS is "many"' many 2 5
refuses 'unknown option --imbalanced' 8 2 1 --imbalanced
refuses '--balance-every needs a number after it' 8 2 1 --balance-every
refuses '--balance-every is "0": give a whole number from 1' 8 2 1 --balance-every 0
refuses '--point-time is "0": give a number from 0.001 to' 8 2 1 --point-time 0
refuses '--point-time is "nan": give a number from' 8 2 1 --point-time nan
