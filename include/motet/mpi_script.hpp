// SPDX-License-Identifier: BSL-1.0
#pragma once

// Scripts inside an MPI program that has no chares: motet::mpi_scripts. Link to motet::mpi_script, or to
// motet::mpi_script_separate.
#if !defined(MOTET_WITH_SCRIPT) || !defined(MOTET_WITH_MPI)
#error                                                                                                                 \
    "motet: <motet/mpi_script.hpp> needs the target motet::mpi_script in CMake (it defines MOTET_WITH_SCRIPT and MOTET_WITH_MPI)"
#endif

#include <motet/motet.hpp>
#include <motet/service/mpi_scripts.hpp>
