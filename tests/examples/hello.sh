#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# hello.sh PROGRAM [OPTION…]: every PE says hello, in order.
set -euo pipefail
(($# > 1)) || set -- "$1" --motet-pes 6 # as many as the simulated run has
diff <("$@") <(for pe in 0 1 2 3 4 5; do echo "hello world from PE $pe"; done)

# Bad options: a sentence, and no run.
if message=$("$1" --motet-nonsense 2>&1); then exit 1; fi
[[ $message == *"unknown option --motet-nonsense"* ]]
if message=$("$1" --motet-pes 0 2>&1); then exit 1; fi
[[ $message == *"--motet-pes 0: expected a number of PEs from 1"* ]]
"$1" --motet-help | grep -q -e --motet-sim

# What it says is lost: a sentence, and no success.
if message=$("$@" 2>&1 >/dev/full); then exit 1; fi
[[ $message == *"the standard output cannot be written: No space left on device"* ]]
