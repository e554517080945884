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

/// A heat bath: friction and random kicks on each atom, as LAMMPS's `fix langevin` gives them (Schneider and Stoll,
/// Phys. Rev. B 17, 1302). Every cell has its own, which scripts may change at any step.
struct thermostat {
    double temperature = 0; ///< that it pulls to, in lj units; 0: there is none, and the energy is conserved
    double damping = 1;     ///< time in which a velocity is forgotten, in lj units

    bool acts() const { return temperature > 0 && damping > 0; }
};

} // namespace molecules
