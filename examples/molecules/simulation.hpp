// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cell_grid.hpp"
#include "lennard_jones.hpp"
#include "run_settings.hpp"
#include "thermo.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace molecules {

/// What all chares read, and nobody changes: motet::readonly<simulation>().
struct simulation {
    run_settings how;
    cell_grid grid;
    std::vector<double> masses;
    lj_table interactions;
    std::size_t atoms = 0;
    std::int64_t steps = 0;
    std::int64_t thermo_every = 0;  ///< 0: at the beginning and the end only
    int digits = 0;                 ///< of thermo output; 0: laid out in columns, with 8
    std::int64_t balance_every = 0; ///< steps between balancing points, of those at which lists are rebuilt; 0: none

    bool rebuilds_at(std::int64_t step) const { return step % how.rebuild_every == 0; }
    /// Before such a step cells and pairs may be moved to other PEs: at the first rebuild, and from time to time.
    bool balances_before(std::int64_t step) const {
        return balance_every > 0 && step > 0 && step <= steps && rebuilds_at(step) &&
               (step == how.rebuild_every || step / balance_every != (step - how.rebuild_every) / balance_every);
    }
    bool reports_at(std::int64_t step) const {
        return step == 0 || step == steps || (thermo_every > 0 && step % thermo_every == 0);
    }
    std::int64_t report_after(std::int64_t step) const {
        return thermo_every > 0 ? std::min(steps, (step / thermo_every + 1) * thermo_every) : steps;
    }
    double longest_reach() const { return interactions.longest_cutoff() + how.skin; }
};

/// What one cell, or all of them, have to say of one step.
struct report {
    std::int64_t step = 0;
    thermo_sums sums;
    std::size_t atoms = 0;

    friend report operator+(report one, const report& other) {
        return one.sums += other.sums, one.atoms += other.atoms, one;
    }
};

} // namespace molecules
