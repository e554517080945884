// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The name of the inline namespace of this build variant. Objects of different variants do not link together.
#if defined(MOTET_WITH_MPI) && defined(MOTET_WITH_SCRIPT)
#define MOTET_VARIANT variant_mpi_script
#elif defined(MOTET_WITH_MPI)
#define MOTET_VARIANT variant_mpi
#elif defined(MOTET_WITH_SCRIPT)
#define MOTET_VARIANT variant_script
#else
#define MOTET_VARIANT variant_threads
#endif

// Motet is header-only: every source file that includes it compiles what it needs of the runtime. A program of many
// files may have the bodies of the runtime's functions compiled once instead: all of it is compiled with
// MOTET_SEPARATE, and one file, cmake/separate.cpp, with MOTET_SEPARATE_HERE. The target motet::separate does this.
#if defined(MOTET_SEPARATE_HERE) || !defined(MOTET_SEPARATE)
#define MOTET_BODIES 1
#else
#define MOTET_BODIES 0
#endif
#ifdef MOTET_SEPARATE
#define MOTET_INLINE
#else
#define MOTET_INLINE inline ///< of a function whose body stands under MOTET_BODIES
#endif
