// SPDX-License-Identifier: BSL-1.0
// The bodies of the runtime's functions, compiled once for a program of many files: the library motet::separate.
#define MOTET_SEPARATE_HERE
#ifdef MOTET_WITH_SCRIPT
#include <motet/script.hpp>
#ifdef MOTET_WITH_MPI
#include <motet/mpi_script.hpp>
#endif
#else
#include <motet/motet.hpp>
#endif
