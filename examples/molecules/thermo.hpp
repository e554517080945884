// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "lennard_jones.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace molecules {

/// The sums over all atoms and pairs from which thermo is computed; sums of parts may be added.
struct thermo_sums {
    double kinetic = 0; ///< sum of m v²
    pair_sums pairs;

    thermo_sums& operator+=(const thermo_sums& other) { return kinetic += other.kinetic, pairs += other.pairs, *this; }
};

/// The thermodynamic state in lj units, each quantity as LAMMPS defines it; energies are per atom.
struct thermo {
    std::int64_t step = 0;
    double temperature = 0, pair_energy = 0, total_energy = 0, pressure = 0;

    /// The momentum is conserved, which leaves 3N - 3 degrees of freedom; they count in the pressure too.
    static thermo of(std::int64_t step, const thermo_sums& sums, std::size_t atoms, double volume) {
        const auto n = static_cast<double>(atoms);
        const double freedom = 3 * n - 3;
        return {step, freedom > 0 ? sums.kinetic / freedom : 0, sums.pairs.energy / n,
                (sums.pairs.energy + sums.kinetic / 2) / n,
                ((freedom > 0 ? sums.kinetic : 0) + sums.pairs.virial) / (3 * volume)};
    }

    /// The line above the columns.
    static std::string header() { return "Step Temp E_pair E_mol TotEng Press "; }

    /// One line as LAMMPS's `thermo_style one` prints it; other digits are what `thermo_modify format float` gives.
    std::string line(int width = 12, int digits = 8) const {
        char text[200];
        std::snprintf(text, sizeof text, "%8lld %*.*g %*.*g %*.*g %*.*g %*.*g ", static_cast<long long>(step), width,
                      digits, temperature, width, digits, pair_energy, width, digits, 0.0, width, digits, total_energy,
                      width, digits, pressure);
        return text;
    }
};

} // namespace molecules
