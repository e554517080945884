#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# setup.sh [build] [mpi] [script] [partitioners] [check] [bench] [docs]: installs the Debian packages that are missing: for
# building and running programs (always), with both MPIs, with scripts, with METIS and Scotch, for cmake/check.sh, for every
# rival of the benchmarks, for the API reference. Needs root, or sudo.
set -euo pipefail

build=(g++ cmake ninja-build libboost1.81-dev libboost-context1.81-dev libfmt-dev)
rivals=(libcaf-dev libcereal-dev libboost-fiber1.81-dev libboost-serialization1.81-dev libtbb-dev)
partitioners=(libmetis-dev libscotch-dev)
check=(doctest-dev make gfortran libblas-dev libomp-14-dev "${partitioners[@]}" pkg-config python3-jupyter-client python3-matplotlib
    python3-minimal python3-pip util-linux
    clang-14 clang-format-16 clang-tidy-14 libclang-rt-14-dev clang-16 clang-19 "${rivals[@]}")
script=(libpython3-dev python3-minimal pybind11-dev python3-numpy libssl-dev)
mpi=(libopenmpi-dev openmpi-bin libmpich-dev mpich)
bench=("${rivals[@]}" "${mpi[@]}" lammps)
docs=(doxygen)

wanted=("${build[@]}")
for set in "$@"; do
    case $set in
    build) ;;
    check) wanted+=("${check[@]}" "${mpi[@]}" "${script[@]}") ;;
    script) wanted+=("${script[@]}") ;;
    mpi) wanted+=("${mpi[@]}") ;;
    partitioners) wanted+=("${partitioners[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    docs) wanted+=("${docs[@]}") ;;
    *) sed -n '3,5s/^# //p' "$0" >&2 && exit 2 ;;
    esac
done

missing=()
for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    echo "setup: nothing is missing"
    exit 0
fi

echo "setup: installing ${missing[*]}"
as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || { echo "setup: run this as root, or install sudo" >&2 && exit 1; }
    as_root=(sudo)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" \
        </dev/null >"$log" 2>&1
}
run update || { cat "$log" >&2 && exit 1; }
# --no-remove: Boost 1.81 and the 1.74 of libboost-all-dev exclude each other. What goes is for the user to say.
if ! run install -y --no-install-recommends --no-remove "${missing[@]}"; then
    cat "$log" >&2
    echo "setup: apt-get could not install these. If another version of Boost is in the way, remove it first:" >&2
    echo "  apt-get remove 'libboost1.74-dev'" >&2
    exit 1
fi
echo "setup: done"
