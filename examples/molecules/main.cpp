// SPDX-License-Identifier: BSL-1.0
#include "arguments.hpp"
#include "chares.hpp"
#include "lammps_data.hpp"
#include "lattice.hpp"
#include "simulation.hpp"

#include <motet/motet.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

using namespace molecules;

namespace {

void simulate(const arguments& chosen, const particle_system& system) {
    simulation sim{.how = chosen.how,
                   .grid = {},
                   .masses = system.masses,
                   .interactions = system.interactions,
                   .atoms = system.atoms.size(),
                   .steps = chosen.steps,
                   .thermo_every = chosen.thermo,
                   .digits = chosen.digits};
    // Few large cells send the least; four or more on a PE give it something to do while it waits for others.
    const double share = static_cast<double>(sim.atoms) / (4 * static_cast<double>(motet::pe_count()));
    sim.grid = cell_grid::over(system.domain, sim.atoms, sim.longest_reach(),
                               chosen.cell_atoms > 0 ? chosen.cell_atoms : std::clamp(share, 150.0, 4000.0));
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

    cells.tell<&Cell::run>();
    const double seconds = journal.ask<&Journal::loop_time>().get();
    motet::print("Loop time of {:.6g} on {} PEs for {} steps with {} atoms", seconds, motet::pe_count(), chosen.steps,
                 system.atoms.size());
}

} // namespace

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        try {
            const auto chosen = arguments::parse(motet::arguments());
            if (chosen.help) {
                std::fputs(usage, stdout);
                return 0;
            }
            simulate(chosen, chosen.data_file.empty()
                                 ? fcc_lattice(chosen.lattice, chosen.density, chosen.temperature, chosen.seed)
                                 : read_lammps_data(chosen.data_file, chosen.interaction));
            if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
            std::fputs("molecules: standard output cannot be written\n", stderr);
            return 1;
        } catch (const usage_error& problem) {
            std::fprintf(stderr, "molecules: %s (--help explains)\n", problem.what());
            return 2;
        } catch (const motet::error& problem) {
            std::fprintf(stderr, "molecules: %s\n", problem.what());
            return 1;
        }
    });
}
