#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# srun.sh MPI JOB: JOB, a program built with that MPI (openmpi or mpich), as a step of Slurm. Where Slurm is installed
# (Debian: slurm-wlm, munge) but does not run, one of one node is started for it, by root: it listens on 127.0.0.1 only.
set -uo pipefail
mpi=$1 job=$2
command -v srun >/dev/null || { echo "srun: there is no srun here" >&2 && exit 77; }
folder=$(mktemp -d)
daemons=()
stop() {
    if ((${#daemons[@]} > 0)); then
        scancel --full --user="$(id -un)"
        sleep 2
        kill -KILL "${daemons[@]}" # slurmd would wait for what is left of steps
    fi
    rm -rf "$folder"
} 2>/dev/null
trap stop EXIT

start_slurm() {
    local host
    host=$(hostname -s)
    cat >"$folder/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$folder/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort=${MOTET_SLURM_PORT:-16917}
SlurmdPort=$((${MOTET_SLURM_PORT:-16917} + 1))
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
KillWait=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    mkdir "$folder/state" "$folder/spool"
    export SLURM_CONF=$folder/slurm.conf
    head -c 1024 /dev/urandom >"$folder/munge.key" && chmod 400 "$folder/munge.key"
    munged --foreground --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" \
        --pid-file="$folder/munged.pid" --seed-file="$folder/munged.seed" --log-file="$folder/munged.log" \
        --origin=127.0.0.1 >/dev/null 2>&1 &
    daemons+=($!)
    for _ in {1..50}; do [[ -S $folder/munge.socket ]] && break || sleep 0.1; done
    slurmctld -D >"$folder/slurmctld.out" 2>&1 &
    daemons+=($!)
    slurmd -D >"$folder/slurmd.out" 2>&1 &
    daemons+=($!)
    for _ in {1..100}; do
        timeout 5 srun --immediate=1 -n 1 true 2>/dev/null && return
        sleep 0.2
    done
    echo "srun: Slurm does not start:" >&2
    tail -n 5 "$folder"/*.log >&2
    exit 1
}
timeout 10 sinfo >/dev/null 2>&1 || start_slurm

failures=0
out=$folder/out
step() {
    what="srun $*"
    timeout 100 srun -n 2 --overcommit --kill-on-bad-exit=1 "$@" </dev/null >"$out" 2>&1
    code=$?
}
wrong() {
    echo "$what: $1 (code $code). Its output:"
    sed 's/^/    /' "$out"
    failures=$((failures + 1))
}
says() { grep -qF -- "$1" "$out" || wrong "does not say: $1"; }
says_not() { ! grep -qF -- "$1" "$out" || wrong "says: $1"; }
ends_with() { [[ $code == "$1" ]] || wrong "does not end with $1"; }
fails() { ((code != 0 && code != 124)) || wrong "does not fail in time"; }

case $mpi in
openmpi) fitting=pmix ;;
mpich) fitting=pmi2 ;;
*) sed -n '3,4s/^# //p' "$0" >&2 && exit 2 ;;
esac
for pes in 1 2; do # threads of each process
    step --mpi=$fitting "$job" --motet-pes $pes
    ends_with 0 && says "sum $pes"
done
step --mpi=$fitting "$job" prints --motet-pes 1 --motet-prefix
ends_with 0 && says "[0] process 0" && says "[1] process 1"
step --mpi=$fitting "$job" ends --motet-pes 1
ends_with 9
for how in throws killed; do
    step --mpi=$fitting "$job" $how --motet-pes 1
    fails
done
# Without one that suits: each process would be alone. Open MPI refuses that itself.
for other in none pmix pmi2; do
    [[ $other != "$fitting" ]] || continue
    step --mpi=$other "$job" --motet-pes 1
    fails
    says_not "sum"
    [[ $mpi == openmpi ]] || says "2 processes of this program were started together, but each would run alone"
done

((failures == 0)) && echo "srun with $mpi: all right"
exit $((failures > 0))
