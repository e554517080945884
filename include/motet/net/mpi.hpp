// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/runtime/variant.hpp>

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1 // not MPI's old C++ interface
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <cstdlib>
#include <string>

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

/// Sees to it that MPI is initialized, and finalized at the program's end if that was done here.
/// Throws `error` where MPI has been finalized already.
inline void initialize() {
    int done = 0;
    MPI_Finalized(&done);
    if (done != 0)
        throw error("motet::run is called after MPI_Finalize: run it before, or leave MPI_Init and MPI_Finalize to it");
    MPI_Initialized(&done);
    if (done != 0) return;
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
    std::atexit([] {
        int gone = 0;
        MPI_Finalized(&gone);
        if (gone == 0) MPI_Finalize();
    });
}

/// Throws `error` where MPI was initialized for fewer threads than this process has PEs.
inline void check_thread_level(unsigned pes) {
    int provided = MPI_THREAD_SINGLE;
    MPI_Query_thread(&provided);
    if (pes > 1 && provided < MPI_THREAD_SERIALIZED)
        throw error("MPI was initialized without MPI_THREAD_SERIALIZED, which " + std::to_string(pes) +
                    " PEs in one process need: call MPI_Init_thread with it, leave that to motet::run, or give "
                    "--motet-pes 1");
    int is_main = 1;
    if (provided == MPI_THREAD_FUNNELED) MPI_Is_thread_main(&is_main);
    if (is_main == 0)
        throw error("MPI was initialized with MPI_THREAD_FUNNELED, and motet::run is called on another thread than "
                    "the one that did so: ask for MPI_THREAD_SERIALIZED");
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
