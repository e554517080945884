// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace molecules {

/// How a run is integrated; the defaults are those of LAMMPS's `in.lj` (`neighbor 0.3 bin`, `neigh_modify delay 0 every
/// 20 check no`).
struct run_settings {
    double timestep = 0.005;
    double skin = 0.3;               ///< how far neighbour lists reach beyond the cutoff
    std::int64_t rebuild_every = 20; ///< steps between rebuilds of the lists
};

} // namespace molecules
