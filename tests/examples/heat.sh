#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# heat.sh PROGRAM [OPTION…]: every cell against a computation by awk on one grid.
set -euo pipefail
program=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

serial() { # SIDE STEPS
    awk -v side="$1" -v steps="$2" 'BEGIN {
        for (r = 0; r < side; r++)
            for (c = 0; c < side; c++) t[r, c] = r < int(side / 2) && c < int(side / 3) ? 100 : 0
        for (s = 0; s < steps; s++) {
            for (r = 0; r < side; r++)
                for (c = 0; c < side; c++) {
                    around = t[(r + side - 1) % side, c] + t[(r + 1) % side, c]
                    around = around + t[r, (c + side - 1) % side] + t[r, (c + 1) % side]
                    u[r, c] = t[r, c] + 0.125 * (around - 4 * t[r, c])
                }
            for (i in u) t[i] = u[i]
        }
        for (r = 0; r < side; r++)
            for (c = 0; c < side; c++) printf "%.17g%s", t[r, c], c + 1 < side ? " " : "\n"
    }'
}
# The order in which four neighbours are added up is free: cells agree to 1e-12.
agree() { # FILE FILE
    [[ $(wc -w <"$1") == $(wc -w <"$2") ]] &&
        paste -d '\n' <(tr ' ' '\n' <"$1") <(tr ' ' '\n' <"$2") |
        awk 'NR % 2 { x = $1; next } { d = x - $1; if (d > 1e-12 || d < -1e-12) { print "cell " NR / 2 ": " x, $1; exit 1 } }'
}
summary() { # TILES FILE: what the program prints of such a field
    awk -v tiles="$1" '{ n = NF / tiles
        for (c = 1; c <= NF; c++) {
            total += $c
            if (NR == 1 && c == 1 || $c > most) { most = $c }
        } }
        END { printf "total %.6f\nhottest %.6f\n", total, most }' "$2"
}
for size in '1 1 3' '6 1 10' '6 2 10' '12 4 25' '30 5 40' '15 15 12' '9 3 0'; do
    read -r side tiles steps <<<"$size"
    serial "$side" "$steps" >"$folder/serial"
    "$program" "$side" "$tiles" "$steps" "$folder/field" "$@" >"$folder/out"
    agree "$folder/field" "$folder/serial" || { echo "heat $size: another field" && exit 1; }
    diff <(sed 's/ in tile.*//' "$folder/out") <(summary "$tiles" "$folder/serial")
done
if (($# > 0)); then # 4,096 simulated PEs, one tile each
    serial 128 3 >"$folder/serial"
    "$program" 128 64 3 "$folder/field" "$@" --motet-sim 64x64 --motet-net-latency 1us >"$folder/out"
    agree "$folder/field" "$folder/serial" || { echo "heat on 4,096 PEs: another field" && exit 1; }
fi

refuses() { # SENTENCE ARGUMENT…
    local message
    if message=$("$program" "${@:2}" 2>&1 >/dev/null); then exit 1; fi
    [[ $message == *"$1"* ]] || { echo "no \"$1\" in: $message" && exit 1; }
}
refuses 'usage: heat SIDE TILES STEPS [FILE]' 10 2
refuses 'SIDE is not a multiple of TILES' 10 3 1
refuses 'TILES is "0": give a whole number from 1' 10 0 1
refuses 'STEPS is "-5"' 10 2 -5
refuses 'SIDE is "many"' many 2 5
refuses "$folder/no/such/folder cannot be written" 6 2 1 "$folder/no/such/folder"
