#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# jobs.sh MPIEXEC FOLDER: how MPI jobs start and end. FOLDER has the programs.
set -uo pipefail
mpiexec=$1 folder=$2
failures=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# launch ARGUMENT…: runs mpiexec, with its output in $out and its exit code in $code; it may take 60 seconds. Hydra, the
# mpiexec of MPICH 4.0, sometimes dies of SIGPIPE (141) where its processes end at once, be they shell scripts: again.
launch() {
    for _ in {1..20}; do
        timeout 60 "$mpiexec" "$@" </dev/null >"$out" 2>&1
        code=$?
        ((code == 141)) || break
    done
}
job() { # PROCESSES ARGUMENT…
    what="job $*"
    launch -n "$1" "$folder/job" "${@:2}"
}
pair() { # two executables in one job
    what="job of $1 and $2"
    launch -n 1 "$folder/$1" : -n 1 "$folder/$2"
}
wrong() {
    echo "$what: $1 (code $code). Its output:"
    sed 's/^/    /' "$out"
    failures=$((failures + 1))
}
says() { grep -qF -- "$1" "$out" || wrong "does not say: $1"; }
says_once() { (($(grep -cF -- "$1" "$out") == 1)) || wrong "does not say once: $1"; }
ends_with() { [[ $code == "$1" ]] || wrong "does not end with $1"; }
fails() { ((code != 0 && code != 124)) || wrong "does not fail in time"; }

# Alone, over processes, with several PEs each, and several runs in one program.
timeout 60 "$folder/job" --motet-pes 2 </dev/null >"$out" 2>&1
code=$? what="alone"
ends_with 0 && says "sum 0"
job 2 --motet-pes 1 && ends_with 0 && says "sum 1"
job 3 --motet-pes 2 && ends_with 0 && says "sum 6"
job 2 several && ends_with 0
# Programs that have MPI themselves.
job 4 halves && ends_with 0 && says "half 0: 101, own messages 1, code 0" && says "half 1: 101, own messages 1, code 0"
job 2 single --motet-pes 1 && ends_with 0 && says "sum 1"
job 2 funneled --motet-pes 1 && ends_with 0 && says "sum 1"
job 2 serialized --motet-pes 2 && ends_with 0 && says "sum 2"
for level in single funneled; do
    job 2 $level --motet-pes 2
    fails
    says_once "MPI was initialized without MPI_THREAD_SERIALIZED, which 2 PEs in one process need"
done
job 2 funneled --motet-pes 1 --motet-script
fails
says_once "MPI was initialized without MPI_THREAD_SERIALIZED, which scripts need"
job 3 two_groups --motet-pes 1 && ends_with 0 && says "codes 3" && says "motet::run is given an intercommunicator"
job 3 all_but_one --motet-pes 1 && ends_with 0 && says "codes 1" && says "sum 1" && says_once "motet::run is given MPI_COMM_NULL"
job 3 all_but_one --motet-pess 1 && ends_with 0 && says "codes 3" && says_once "unknown option --motet-pess" # by its process 0
job 1 finalized && fails && says "motet::run is called after MPI_Finalize"
# What is the same on all processes is told once.
job 3 --motet-pess 3 && fails && says_once "unknown option --motet-pess"
job 3 --motet-help && ends_with 0 && says_once "--motet-pes N"
# Processes that know nothing of each other: srun without a --mpi that suits, or the mpirun of another MPI. That it is so
# is told by the environment, which is faked here (srun.sh has the real thing).
what="singletons"
for process in 0 1; do
    SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=$process timeout 60 "$folder/job" --motet-pes 1 </dev/null >"$out" 2>&1
    code=$?
    fails
    if ((process == 0)); then says_once "2 processes of this program were started together, but each would run alone: its MPI,"; fi
done
[[ ! -s $out ]] || wrong "is told by both"
SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=0 timeout 60 "$folder/job" --motet-pes 1 --motet-alone </dev/null >"$out" 2>&1
code=$?
ends_with 0 && says "sum 0"
job 3 --motet-sim 2x2 && fails && says_once "3 processes of this program were started together, but each would run alone: a simulated"
job 2 --motet-pes 1 --motet-alone && ends_with 0
(($(grep -c "sum 0" "$out") == 2)) || wrong "does not run twice"
# Lines.
job 3 prints --motet-pes 1 --motet-prefix && ends_with 0 && says "[2] a line of" && says "[2] process 2" && says "[0] process 0"
(($(wc -l <"$out") == 6)) || wrong "is not six lines"
# Ends.
job 3 held --motet-pes 1 && ends_with 0 && says_once "the program ends with 2 messages still held back:" && says_once "still held back"
job 3 ends --motet-pes 1 && ends_with 9
job 3 throws --motet-pes 2 && fails && says_once "motet: error: this worker gives up (std::runtime_error), in Worker on PE 5"
for how in killed exits aborts; do job 3 $how --motet-pes 1 && fails; done
# Hydra may lose what a process said just before the job is aborted.
job 3 exits --motet-pes 1 && fails
[[ ! -s $out ]] || says_once "motet: error: a process exits (7) in the middle of a run"
what="unequal PEs"
launch -n 1 "$folder/job" --motet-pes 1 : -n 1 "$folder/job" --motet-pes 2
fails
says_once "process 0 has 1 PEs, process 1 has 2 PEs: start all with the same --motet-pes"
launch -n 1 "$folder/job" : -n 1 "$folder/job" --motet-pes 2
fails
says_once "process 0 has no --motet-pes, process 1 has 2 PEs: start all with the same --motet-pes"
what="unequal accounts"
launch -n 1 "$folder/job" --motet-pes 1 --motet-stats : -n 1 "$folder/job" --motet-pes 1
fails
says_once "process 0 has --motet-stats, process 1 does not: start all with the same options"
what="a restart of one process only"
launch -n 1 "$folder/job" --motet-pes 1 : -n 1 "$folder/job" --motet-pes 1 --motet-restart "$folder"
fails
says_once "process 1 has --motet-restart, process 0 does not: start all with the same options"
job 3 --motet-trace /nowhere/at/all.json && fails
says_once "--motet-trace /nowhere/at/all.json cannot be written: No such file or directory"
# Different programs.
pair job job_other_field
fails
says_once "the processes of this job run different programs: process 0 runs $folder/job on "
says "process 1 runs $folder/job_other_field on "
says "Only process 1 has motet::runtime::collection_of<jobs::Worker, motet::runtime::single_index>: Worker{value: float64}."
says "Only process 0 has motet::runtime::collection_of<jobs::Worker, motet::runtime::single_index>: Worker{value: int64}."
pair job job_other_entry
fails
says "Only process 1 has motet::entry<&jobs::Worker::only_here>"
pair job_other_entry job
fails
says "Only process 0 has motet::entry<&jobs::Worker::only_here>"
pair job job
ends_with 0

((failures == 0)) && echo "jobs: all right"
exit $((failures > 0))
