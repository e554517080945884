// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The name of the inline namespace of this build variant. Objects of different variants do not link together.
#ifdef MOTET_WITH_MPI
#define MOTET_VARIANT variant_mpi
#else
#define MOTET_VARIANT variant_threads
#endif
