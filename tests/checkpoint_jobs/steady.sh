#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# steady.sh FOLDER-OF-PROGRAMS KILLS [MPIEXEC]: checkpoints of programs that are killed, that have changed, and that ran over
# another transport. KILLS: how often a program is killed at a random moment.
set -uo pipefail
programs=$1 kills=$2 mpiexec=${3:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0
wrong() {
    echo "$1"
    failures=$((failures + 1))
}
steps=60000
expected=$("$programs/steady" $steps "$folder/reference" --motet-pes 2) || wrong "the reference run fails"
[[ $expected == result* ]] || wrong "the reference run says: $expected"

# Killed at any moment, above all while it writes, it goes on from the last whole checkpoint: until it comes to the end.
RANDOM=17
done_kills=0 ends=0
while ((done_kills < kills)); do
    rm -rf "$folder/kill"
    for (( ; ; )); do
        go_on=(--motet-pes $((1 + RANDOM % 3)))
        [[ -e $folder/kill/newest ]] && go_on+=(--motet-restart "$folder/kill")
        "$programs/steady" $steps "$folder/kill" "${go_on[@]}" >"$folder/out" 2>&1 &
        pid=$!
        sleep "0.0$((10 + RANDOM % 90))"
        if ((done_kills < kills)) && kill -KILL $pid 2>/dev/null; then
            wait $pid 2>/dev/null
            done_kills=$((done_kills + 1))
            continue
        fi
        if ! wait $pid; then
            wrong "after $done_kills kills it fails: $(cat "$folder/out")"
            break
        fi
        [[ $(cat "$folder/out") == "$expected" ]] || wrong "after $done_kills kills it says: $(cat "$folder/out")"
        ends=$((ends + 1))
        break
    done
    ((failures < 3)) || break
done
((failures > 0)) || echo "steady: killed $done_kills times, came to the same end $ends times"

# Structs that have changed.
with= # what `steady` is told beside
checkpoint() { # PROGRAM ARGUMENT…
    rm -rf "$folder/once"
    # It stops in the middle, with messages held back.
    "${@:2}" "$programs/$1" $steps "$folder/once" once $with 2>/dev/null || wrong "$1 once $with fails"
}
restart() { # PROGRAM ARGUMENT…
    "${@:2}" "$programs/$1" $steps "$folder/once" --motet-restart "$folder/once" 2>&1
}
checkpoint steady
[[ $(restart steady) == "$expected" ]] || wrong "steady does not go on: $(restart steady)"
[[ $(restart steady_more) == "$expected" ]] || wrong "a field that is missing: $(restart steady_more)"
says() { grep -qF -- "$2" <<<"$1" || wrong "does not say \"$2\": $1"; }
says "$(restart steady_other)" "has a field Cell::value of type float64, which is float32 now"
says "$(restart steady_removed)" "has a field Cell::label of type string, which the struct does not have any more"
# Program data, and what maps keep.
with=settings checkpoint steady
[[ $(restart steady) == "result settings 3${expected#result}" ]] || wrong "settings: $(restart steady)"
[[ $(restart steady_more) == "result settings 3 more${expected#result}" ]] || wrong "settings: $(restart steady_more)"
# A balancing strategy that the program has no more.
with=strategy checkpoint steady
[[ $(restart steady) == "$expected" ]] || wrong "strategy: $(restart steady)"
says "$(restart steady_more)" "needs, for Cell, the balancing strategy motet::runtime::strategy_of<steady::AllStay>, which this program does not have"
[[ $(restart steady_more env MOTET_BALANCE=none) == "$expected" ]] || wrong "without the strategy: $(restart steady_more env MOTET_BALANCE=none)"
# What is kept under numbers of the program: calls of all and of some, a request to erase, a channel of single chares.
with=kept checkpoint steady env MOTET_PES=1
for program in steady steady_more; do
    [[ $(restart $program) == "kept 212 5 erased" ]] || wrong "kept: $(restart $program)"
done

# From one transport to the other, and to other numbers of processes.
if [[ -n $mpiexec ]]; then
    over_mpi() { timeout 100 "$mpiexec" -n "$1" "${@:2}" </dev/null; }
    two() { over_mpi 2 "$@"; }
    three() { over_mpi 3 "$@"; }
    checkpoint steady_mpi two
    for way in two three ""; do
        [[ $(restart steady_mpi $way) == "$expected" ]] || wrong "steady_mpi, then $way: $(restart steady_mpi $way)"
    done
    [[ $(restart steady) == "$expected" ]] || wrong "from MPI to threads: $(restart steady)"
    checkpoint steady
    [[ $(restart steady_mpi two) == "$expected" ]] || wrong "from threads to MPI: $(restart steady_mpi two)"
    # Where processes compare what they have, so do programs and checkpoints.
    checkpoint steady_mpi
    says "$(restart steady_mpi_state)" \
        "has a call of motet::entry<&steady::Cell::take> with arguments tuple<int64, Side{which: int32}, float64>, which are tuple<int64, Side{which: float32}, float64> now"
    with=map checkpoint steady_mpi
    [[ $(restart steady_mpi two) == "$expected" ]] || wrong "a map with a state: $(restart steady_mpi two)"
    says "$(restart steady_mpi_state)" "has a map with the state Shifted{by: int32}, which is Shifted{by: float32} now"
    with=settings checkpoint steady_mpi
    says "$(restart steady_mpi_state)" "has a field Settings::scale of type int32, which is float32 now"
    says "$(over_mpi 2 "$programs/steady_mpi" 1 x --motet-restart "$folder/none" 2>&1)" "there is no checkpoint"
fi
((failures == 0)) && echo "steady: all right"
exit $((failures > 0))
