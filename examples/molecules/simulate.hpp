// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arguments.hpp"
#include "chares.hpp"
#include "lammps_data.hpp"
#include "lattice.hpp"
#include "particle_system.hpp"
#include "simulation.hpp"

#include <motet/motet.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

namespace molecules {

/// Runs it, and prints what LAMMPS would. `cell_atoms`: atoms in a cell, where the command line does not say.
inline void simulate(const arguments& chosen, const particle_system& system, double cell_atoms,
                     std::int64_t balance_every = 0) {
    simulation sim{.how = chosen.how,
                   .grid = {},
                   .masses = system.masses,
                   .interactions = system.interactions,
                   .atoms = system.atoms.size(),
                   .steps = chosen.steps,
                   .thermo_every = chosen.thermo,
                   .digits = chosen.digits,
                   .balance_every = balance_every};
    sim.grid = cell_grid::over(system.domain, sim.atoms, sim.longest_reach(),
                               chosen.cell_atoms > 0 ? chosen.cell_atoms : cell_atoms);
    const auto grid = sim.grid;
    motet::set_readonly(std::move(sim));

    const auto [nx, ny, nz] = grid.count;
    auto journal = motet::chare<Journal>::create({.progress = {.steps = chosen.steps}}, motet::my_pe());
    auto pairs = motet::array<Pair, motet::grid<4>>::create({nx, ny, nz, cell_grid::half_neighbours});
    auto cells = motet::array<Cell, motet::grid<3>>::create(grid.count, Cell{.pairs = pairs, .journal = journal});

    std::vector<std::vector<atom>> blocks(static_cast<std::size_t>(grid.total()));
    for (const auto& a : system.atoms) blocks[grid.flat(grid.cell_of(a.position))].push_back(a);
    std::vector<motet::future<void>> ready;
    ready.push_back(pairs.all<&Pair::connect>(cells));
    for (std::size_t place = 0; place < blocks.size(); ++place)
        ready.push_back(cells[grid.unflat(place)].ask<&Cell::fill>(std::move(blocks[place])));
    motet::wait_all(ready);

#ifdef MOTET_WITH_SCRIPT
    motet::serve(cells, "cells");
#endif
    cells.tell<&Cell::run>();
    const double seconds = journal.ask<&Journal::loop_time>().get();
    motet::print("Loop time of {:.6g} on {} PEs for {} steps with {} atoms", seconds, motet::pe_count(), chosen.steps,
                 system.atoms.size());
}

/// What both the data file and the lattice of a command line come to.
inline particle_system system_of(const arguments& chosen) {
    return chosen.data_file.empty() ? fcc_lattice(chosen.lattice, chosen.density, chosen.temperature, chosen.seed)
                                    : read_lammps_data(chosen.data_file, chosen.interaction);
}

/// Runs `body`, and gives the program's exit code; problems are told in its name.
template <class Body>
int report_problems(const char* program, Body&& body) {
    try {
        body();
        if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
        std::fprintf(stderr, "%s: standard output cannot be written\n", program);
        return 1;
    } catch (const usage_error& problem) {
        std::fprintf(stderr, "%s: %s (--help explains)\n", program, problem.what());
        return 2;
    } catch (const motet::error& problem) {
        std::fprintf(stderr, "%s: %s\n", program, problem.what());
        return 1;
    }
}

} // namespace molecules
