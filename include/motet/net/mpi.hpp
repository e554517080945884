// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/variant.hpp>

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1 // not MPI's old C++ interface
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

/// MPI as the program has it. Motet initializes it only where the program did not, and uses communicators of its own.
namespace motet::inline MOTET_VARIANT::net {

/// Throws `error` with MPI's own text.
inline void check(int code, const char* what) {
    if (code == MPI_SUCCESS) [[likely]]
        return;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(code, text, &length);
    throw error(std::string("MPI: ") + what + ": " + std::string(text, static_cast<std::size_t>(length)));
}

/// What this operating-system process has to do with MPI when it ends; MPI itself is one for the whole process.
class ending {
public:
    /// A run over several processes, whose end the others wait for.
    class of_a_run {
    public:
        of_a_run() { ++runs; }
        of_a_run(const of_a_run&) = delete;
        of_a_run& operator=(const of_a_run&) = delete;
        ~of_a_run() { --runs; }
    };
    /// Finalizes MPI at the end if it is `ours`. An exit in the middle of a run ends the whole job.
    static void prepare(bool ours) {
        finalizes = finalizes || ours;
        if (!std::exchange(prepared, true)) on_exit(&end, nullptr);
    }

private:
    static void end(int status, void*) {
        int gone = 0;
        MPI_Finalized(&gone);
        if (gone != 0) return;
        if (runs > 0) {
            std::fprintf(stderr, "motet: error: a process exits (%d) in the middle of a run: motet::exit ends a run\n",
                         status);
            MPI_Abort(MPI_COMM_WORLD, status != 0 ? status : 1);
        }
        if (finalizes) MPI_Finalize();
    }
    static inline std::atomic<int> runs{0};
    static inline bool finalizes = false;
    static inline bool prepared = false;
};

/// Sees to it that MPI is initialized, and finalized at the program's end if that was done here.
/// Throws `error` where MPI has been finalized already.
inline void initialize() {
    int done = 0;
    MPI_Finalized(&done);
    if (done != 0)
        throw error("motet::run is called after MPI_Finalize: run it before, or leave MPI_Init and MPI_Finalize to it");
    MPI_Initialized(&done);
    if (done == 0) {
        int provided = 0;
        check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
    }
    ending::prepare(done == 0);
}

/// Which process of a communicator this is.
inline int rank_in(MPI_Comm which) {
    int rank = 0;
    MPI_Comm_rank(which, &rank);
    return rank;
}

/// Why no run can be over a communicator that a program gives; null if one can.
inline const char* problem_of_given(MPI_Comm which) {
    if (which == MPI_COMM_NULL)
        return "motet::run is given MPI_COMM_NULL: only the processes of a communicator run over it";
    initialize();
    int joins_two = 0;
    check(MPI_Comm_test_inter(which, &joins_two), "MPI_Comm_test_inter");
    if (joins_two == 0) return nullptr;
    return "motet::run is given an intercommunicator, which has two groups of processes: make one of them "
           "(MPI_Intercomm_merge)";
}

/// Which MPI this is: its name and version.
inline std::string library() {
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(text, &length);
    std::string name(text, static_cast<std::size_t>(length));
    name.resize(std::min(name.find_first_of(",\n"), name.size()));
    std::replace(name.begin(), name.end(), '\t', ' ');
    return name;
}

/// How many processes of the job MPI knows of.
inline int size_of_world() {
    int size = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

/// What is wrong with how MPI was initialized, for a process with so many PEs, and perhaps scripts, which have threads
/// of their own; or empty.
inline std::string problem_of_thread_level(unsigned pes, bool scripts) {
    int provided = MPI_THREAD_SINGLE;
    MPI_Query_thread(&provided);
    if (provided >= MPI_THREAD_SERIALIZED) return {};
    const std::string what = "MPI was initialized without MPI_THREAD_SERIALIZED, ";
    const std::string remedy = " need: call MPI_Init_thread with it, leave that to motet::run, or ";
    if (pes > 1) return what + "which " + std::to_string(pes) + " PEs in one process" + remedy + "give --motet-pes 1";
    if (scripts) return what + "which scripts" + remedy + "run without --motet-script";
    int is_main = 1;
    MPI_Is_thread_main(&is_main);
    if (is_main == 0)
        return what + "and motet::run is called on another thread than the one that did so: ask for "
                      "MPI_THREAD_SERIALIZED";
    return {};
}

/// A communicator of Motet's own, made from one of the program's. Making and ending it is collective.
class communicator {
public:
    explicit communicator(MPI_Comm from) {
        check(MPI_Comm_dup(from, &own), "MPI_Comm_dup");
        MPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN);
        MPI_Comm_rank(own, &rank);
        MPI_Comm_size(own, &size);
    }
    communicator(const communicator&) = delete;
    communicator& operator=(const communicator&) = delete;
    ~communicator() { MPI_Comm_free(&own); }
    operator MPI_Comm() const { return own; }

    int rank = 0;
    int size = 1;

private:
    MPI_Comm own = MPI_COMM_NULL;
};

} // namespace motet::inline MOTET_VARIANT::net
