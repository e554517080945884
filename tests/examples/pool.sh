#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# pool.sh PROGRAM [OPTION…]: the squares that the paper's program gives.
set -euo pipefail
squares() { local list; list=$(for x in "$@"; do printf ', %d' $((x * x)); done) && echo "[${list:2}]"; }
for _ in 1 2 3; do
    [[ $("$@") == "Final results are $(squares 1 2 3 4 5) $(squares 1 3 5 7 9)" ]]
done
