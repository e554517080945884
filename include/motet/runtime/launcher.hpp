// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/machine.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

/// What the environment tells of how this process was started.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

/// Whether this is the process that tells what is the same on all of them, as the launchers of MPI jobs say. PMIX_RANK
/// comes last: Open MPI sets it where no launcher did.
inline bool speaks_for_all() {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", "PMIX_RANK"})
        if (const char* rank = std::getenv(name)) return std::strcmp(rank, "0") == 0;
    return true;
}

/// How many processes a launcher says it has started together; 1 if none has. The innermost is asked first: mpirun may
/// run in a step of srun. SLURM_NTASKS is not asked: a program in a batch script, which is one process, has it too.
inline std::uint32_t started_together() {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"})
        if (const char* count = std::getenv(name))
            return static_cast<std::uint32_t>(std::max(1ul, std::strtoul(count, nullptr, 10)));
    return 1;
}

/// Throws `error` if this process is one of several copies that know nothing of each other, `why`: srun starts them
/// so where it does not speak the language of the program's MPI, the mpirun of another MPI too.
inline void refuse_copies(const options& chosen, const std::string& why) {
    const std::uint32_t together = started_together();
    if (chosen.alone || together == 1) return;
    const std::string text = std::to_string(together) +
                             " processes of this program were started together, but each would run alone: " + why +
                             ". Where that is meant, give --motet-alone";
    if (!speaks_for_all()) throw told_elsewhere(text);
    throw error(text);
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
