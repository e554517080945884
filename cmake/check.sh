#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# check.sh [STAGE…]: everything that must hold before a change lands, or the named stages of it. Every stage runs even
# if one before it failed; the summary at the end says which did, and their whole output is in build/check/.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc)
sources() { git ls-files '*.hpp' '*.cpp'; }
configure_and_build() { # PRESET [-DOPTION…] [TARGET…]
    local preset=$1 options=()
    shift
    while [[ ${1:-} == -D* ]]; do options+=("$1") && shift; done
    cmake --preset "$preset" "${options[@]}" && cmake --build "build/$preset" -j "$jobs" ${1:+--target "$@"} -- -k 0
}
tests() { # PRESET CTEST-ARGUMENT…
    # -R: old sanitizers do not start where the kernel spreads addresses widely. Not every container allows it.
    local calm=()
    if setarch "$(uname -m)" -R true 2>/dev/null; then calm=(setarch "$(uname -m)" -R); fi
    "${calm[@]}" ctest --test-dir "build/$1" -j "$jobs" --output-on-failure --no-tests=error "${@:2}"
}

# Without a name: what runs on every change, in less than 45 minutes on 2 cores. `check.sh all` adds what takes hours.
stage_setup() { cmake/setup.sh check; }
# Not --dry-run: it finds fault with the comment after every inline namespace, and would put the same in its place.
stage_format() {
    local copy result=0
    copy=$(mktemp -d)
    sources | xargs cp --parents -t "$copy" && cp .clang-format "$copy"
    (cd "$copy" && find . -name '*.[ch]pp' -print0 | xargs -0 clang-format-16 -i)
    while IFS= read -r file; do diff -u "$file" "$copy/$file" || result=1; done < <(sources)
    rm -rf "$copy"
    return "$result"
}
stage_docs() { cmake/check_docs.py; }
# 100 seeds of each simulated test of chares; the soak has 1,000 of all.
stage_release() { configure_and_build release -DMOTET_BUILD_BENCH=OFF && MOTET_TEST_SEEDS=100 tests release; }
# The tests of MPI jobs are in the release stage with one MPI; this is the other one.
stage_mpich() { configure_and_build mpich mpi_tests && tests mpich -L '^mpi$'; }
stage_asan() {
    configure_and_build asan test_serial test_fiber test_runtime test_chare test_balance test_checkpoint test_pattern \
        test_trace &&
        tests asan -R '^(serial|fiber|runtime|chare|balance|checkpoint|pattern|trace)$'
}
stage_tsan() { configure_and_build tsan test_fiber test_runtime && tests tsan -R '^(fiber|runtime)$'; }
# Every simulated test of the floors with a driver, under 1,000 seeds: some minutes for each floor. 10,000 random programs
# in the simulated driver, 2,000 mixtures, chains and points each, and ten minutes of the programs on threads and over each number
# of processes. A program that writes checkpoints is killed 200 times.
stage_soak() {
    configure_and_build release -DMOTET_BUILD_BENCH=OFF test_runtime test_chare test_balance test_checkpoint \
        test_pattern test_trace random_program random_program_mpi steady steady_more steady_other steady_removed || return 1
    local programs=build/release/tests
    $programs/random_program --seeds 10000 && $programs/random_program --seconds 600 --motet-pes 3 || return 1
    local kind
    for kind in mixture chain points; do $programs/random_program --kind $kind --seeds 2000 || return 1; done
    local processes mpiexec
    mpiexec=$(sed -n 's/^MPIEXEC_EXECUTABLE:[^=]*=//p' build/release/CMakeCache.txt)
    for processes in 2 4; do
        env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
            "$mpiexec" -n $processes $programs/random_program_mpi --seconds 600 --motet-pes 2 || return 1
    done
    local offset
    for ((offset = 0; offset < 1000; ++offset)); do
        MOTET_TEST_SEED_OFFSET=$offset build/release/tests/test_runtime --test-suite=simulated --minimal || {
            echo "with MOTET_TEST_SEED_OFFSET=$offset" && return 1
        }
    done
    for floor in pattern chare balance checkpoint trace; do
        MOTET_TEST_SEEDS=1000 "build/release/tests/test_$floor" || return 1
    done
    bash tests/checkpoint_jobs/steady.sh build/release/tests/checkpoint_jobs 200
}
stage_bench() { configure_and_build release -DMOTET_BUILD_BENCH=ON; }
stage_clang() { configure_and_build clang-debug && tests clang-debug -L 'unit|compile_fail|example'; }
stage_asan_all() { configure_and_build asan && tests asan -L 'unit|example'; }
# Not fib, which parks more fibers than the 8,128 that ThreadSanitizer can tell apart.
stage_tsan_all() { configure_and_build tsan && tests tsan -L 'unit|example' -E '^example.fib'; }
stage_fuzz() { configure_and_build fuzz fuzzers && tests fuzz -L fuzz; }
stage_tidy() { cmake --preset clang-debug && cmake --build build/clang-debug --target tidy; }

# What the tests that failed printed, the last lines of each: tests that run side by side stand between each other's.
failures() { # LOG
    awk '/^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ { bad = /\*\*\*/; if (bad) { print; lines = 0 } next }
         /^ +Start +[0-9]+:/ || /^[0-9]+% tests passed/ { bad = 0 }
         bad { last[lines++] = $0 }
         !bad && lines { for (i = lines > 40 ? lines - 40 : 0; i < lines; ++i) print "    " last[i]; lines = 0 }' "$1"
}

usual=(setup format docs release mpich asan tsan)
stages=("$@")
((${#stages[@]})) || stages=("${usual[@]}")
[[ ${stages[0]} != all ]] || stages=("${usual[@]}" bench soak clang asan_all tsan_all fuzz tidy)
mkdir -p build/check
failed=()
summary=()
for stage in "${stages[@]}"; do
    declare -F "stage_$stage" >/dev/null || { echo "check: there is no stage $stage" >&2 && exit 2; }
    echo "== $stage"
    log=build/check/$stage.log
    SECONDS=0
    if "stage_$stage" >"$log" 2>&1; then
        result=passed
        grep -E '^[0-9]+% tests passed' "$log"
    else
        result=FAILED
        failed+=("$stage")
        grep -qE '^[0-9]+% tests passed' "$log" || tail -n 100 "$log"
    fi
    summary+=("$(printf '%-8s %s %4d s' "$stage" "$result" "$SECONDS")")
done

for stage in "${failed[@]}"; do
    echo "== what failed in $stage" && failures "build/check/$stage.log"
done
echo "== summary"
printf '%s\n' "${summary[@]}"
echo "$((${#stages[@]} - ${#failed[@]})) passed, ${#failed[@]} failed"
((${#failed[@]} == 0))
