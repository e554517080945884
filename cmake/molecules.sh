#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Installs what is missing, builds examples/molecules, and runs it on the melt of 4,000 atoms that is shipped with it.
# Arguments, if any, take the place of the usual ones: cmake/molecules.sh my.data --steps 1000 --thermo 100
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

cmake/setup.sh build
cmake --preset release >/dev/null
cmake --build build/release --target molecules -j "$(nproc)"
(($#)) || set -- "$PWD/examples/molecules/data/melt.data" --steps 100 --thermo 10
program=$PWD/build/release/examples/molecules
cd "$here"
exec "$program" "$@"
