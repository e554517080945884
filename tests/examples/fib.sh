#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# fib.sh PROGRAM [OPTION…]: against a loop of the shell.
set -euo pipefail
program=$1
shift
a=0 b=1
for n in $(seq 0 90); do
    if [[ $n == 0 || $n == 1 || $n == 2 || $n == 15 || $n == 22 ]]; then
        for grain in 2 10; do
            [[ $("$program" "$n" "$grain" "$@") == "fib($n) = $a" ]]
        done
    fi
    read -r a b < <(echo "$b $((a + b))")
done

refuses() { # SENTENCE ARGUMENT…
    local message
    if message=$("$program" "${@:2}" 2>&1 >/dev/null); then exit 1; fi
    [[ $message == *"$1"* ]] || { echo "no \"$1\" in: $message" && exit 1; }
}
refuses 'usage: fib N [GRAIN]'
refuses 'usage: fib N [GRAIN]' 1 2 3
refuses 'N is "ten": give a whole number from 0 to 93' ten
refuses 'N is "-1"' -1
refuses 'N is "94"' 94
refuses 'N is "99999999999999"' 99999999999999
refuses 'GRAIN is "3x"' 3 3x
