#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# scaling.sh PROGRAM [XxYxZ…]: what the simulated driver predicts for an iteration of examples/stencil3d (PROGRAM) with
# one block of 8 x 8 x 8 points on each PE, one PE in each process, beside the closed formula for it. The network is
# LogGP with the numbers below; a point is declared to take 5 ns.
#
# An iteration: a tenth of the difference between runs of 20 and 10, so that the start, which reaches the PEs one after
# the other, does not count. All blocks do the same: six faces leave one after the other, o
# apart (a face of b = bytes / bandwidth is shorter on the wire than that), and a PE computes for C when it has the last.
# What bounds it is two neighbours along z, which wait for each other's fifth and sixth face in turn:
#   T = C + L + b + o + 4.5 o
# That is so when a delay has once gone up the box along z, where each hop waits for a sixth face, and 6 o: hence four
# blocks along z, of which two have neighbours on all sides.
set -euo pipefail
program=$1
shift
(($#)) || set -- 4x4x4 16x8x4 32x32x4 128x128x4
latency=2 overhead=0.5 bandwidth=10 # us, us, GiB/s
point=5                             # ns

run() { # X Y Z ITERATIONS: loop time, messages between processes, their bytes
    "$program" $((8 * $1)),$((8 * $2)),$((8 * $3)) "$1,$2,$3" "$4" --point-time $point \
        --motet-sim $(($1 * $2 * $3))x1 --motet-net-latency ${latency}us --motet-net-overhead ${overhead}us \
        --motet-net-bandwidth ${bandwidth}G 2>&1 |
        awk '/^Loop time/ {loop = $4} /between processes/ {messages = $3; bytes = $5} END {print loop, messages, bytes}'
}
printf '%8s %12s %14s %12s %12s %10s %8s\n' PEs messages bytes/message predicted formula difference 'took'
for shape in "$@"; do
    IFS=x read -r x y z <<<"$shape"
    began=$EPOCHREALTIME
    read -r short_time short_messages short_bytes <<<"$(run "$x" "$y" "$z" 10)"
    read -r long_time long_messages long_bytes <<<"$(run "$x" "$y" "$z" 20)"
    awk -v pes=$((x * y * z)) -v time="$long_time" -v less_time="$short_time" -v messages="$long_messages" \
        -v less_messages="$short_messages" -v bytes="$long_bytes" -v less_bytes="$short_bytes" -v began="$began" \
        -v ended="$EPOCHREALTIME" -v latency=$latency -v o=$overhead -v gib=$bandwidth -v point=$point '
        BEGIN {
            size = (bytes - less_bytes) / (messages - less_messages)
            predicted = (time - less_time) / 10 * 1e6
            formula = 512 * point / 1000 + latency + size / (gib * 1073.741824) + 5.5 * o
            printf "%8d %12d %14.1f %9.4f us %9.4f us %8.3f %% %6.0f s\n", pes, messages, size, predicted, formula,
                100 * (predicted / formula - 1), ended - began
        }'
done
