// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cell.hpp"
#include "cell_grid.hpp"
#include "lennard_jones.hpp"
#include "neighbour_list.hpp"
#include "particle_system.hpp"
#include "run_settings.hpp"
#include "thermo.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace molecules {

/// Molecular dynamics without chares: the same cells, lists and kernels, one after the other. The reference for tests.
class serial_dynamics {
public:
    explicit serial_dynamics(const particle_system& system, const run_settings& how = {})
        : settings(how), masses(system.masses), interactions(system.interactions), atoms(system.atoms.size()),
          grid(cell_grid::over(system.domain, atoms, interactions.longest_cutoff() + how.skin)),
          cells(static_cast<std::size_t>(grid.total())), reach(interactions.reach(how.skin)) {
        for (const auto& a : system.atoms) cells[grid.flat(grid.cell_of(a.position))].insert(a);
        for (auto& c : cells) c.sort();
        for (std::size_t place = 0; place < cells.size(); ++place) {
            for (int k = 0; k < cell_grid::half_neighbours; ++k) {
                const auto there = grid.beside(grid.unflat(place), cell_grid::half_offset(k));
                pairs.push_back({place, grid.flat(there.cell), there.shift, k == 0, {}});
            }
        }
        find_all_neighbours();
        compute_forces(&last_sums);
    }

    /// Energy and pressure are those of the last step.
    void run(std::int64_t steps) {
        for (std::int64_t last = step + steps; step < last;) {
            ++step;
            for (auto& c : cells) c.kick_and_drift(settings.timestep, masses);
            if (step % settings.rebuild_every == 0) {
                move_atoms();
                find_all_neighbours();
            }
            last_sums = {};
            compute_forces(step == last ? &last_sums : nullptr);
            for (auto& c : cells) c.kick(settings.timestep, masses);
        }
    }

    thermo state() const {
        thermo_sums sums{0, last_sums};
        for (const auto& c : cells) sums.kinetic += c.kinetic_sum(masses);
        return thermo::of(step, sums, atoms, grid.domain.volume());
    }

    const std::vector<cell>& all_cells() const { return cells; }

private:
    struct pair {
        std::size_t a, b;
        vec3 shift;
        bool self;
        neighbour_list list;
    };

    void find_all_neighbours() {
        for (auto& p : pairs)
            p.list =
                find_neighbours(cells[p.a].block(), p.shift, cells[p.b].block(), p.self, reach, interactions.types);
    }

    void compute_forces(pair_sums* sums) {
        for (auto& c : cells) c.clear_forces();
        for (const auto& p : pairs)
            add_forces(p.list, interactions, cells[p.a].positions, p.shift, cells[p.b].positions, cells[p.a].forces,
                       cells[p.b].forces, sums);
    }

    void move_atoms() {
        std::vector<std::pair<std::size_t, atom>> moving;
        for (std::size_t place = 0; place < cells.size(); ++place) {
            const auto at = grid.unflat(place);
            cells[place].move_out(grid, at, [&](int number, const atom& a) {
                moving.emplace_back(grid.flat(grid.beside(at, cell_grid::offset_of(number)).cell), a);
            });
        }
        for (const auto& [place, a] : moving) cells[place].insert(a);
        for (auto& c : cells) c.sort();
    }

    run_settings settings;
    std::vector<double> masses;
    lj_table interactions;
    std::size_t atoms;
    cell_grid grid;
    std::vector<cell> cells;
    std::vector<double> reach;
    std::vector<pair> pairs;
    pair_sums last_sums;
    std::int64_t step = 0;
};

} // namespace molecules
