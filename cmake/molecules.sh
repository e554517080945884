#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Installs what is missing, builds examples/molecules, and runs it on the melt of 4,000 atoms that is shipped with it;
# while it runs, a script looks into it and changes it (examples/molecules/steer.py).
# Arguments, if any, take the place of the usual ones, and no script comes:
# cmake/molecules.sh my.data --steps 1000 --thermo 100
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
root=$PWD

cmake/setup.sh build script
cmake --preset release >/dev/null
cmake --build build/release --target molecules -j "$(nproc)"
program=$root/build/release/examples/molecules
if (($#)); then
    cd "$here"
    exec "$program" "$@"
fi

"$program" "$root/examples/molecules/data/melt.data" --steps 100 --thermo 10
echo
echo "== the same for 2000 steps, and a script that looks into it: examples/molecules/steer.py"
# The sockets of this command only: another molecules may run.
sockets=$(mktemp -d)
trap 'rm -rf "$sockets"' EXIT
export XDG_RUNTIME_DIR=$sockets
"$program" "$root/examples/molecules/data/melt.data" --steps 2000 --thermo 250 --motet-script --motet-script-wait &
running=$!
until tools/motet ls 2>/dev/null | grep cells >/dev/null; do
    kill -0 $running || exit 1
    sleep 0.05
done
PYTHONPATH=$root/tools/python python3 examples/molecules/steer.py
wait $running
