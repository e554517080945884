// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../progress.hpp"
#include "cell.hpp"
#include "cell_grid.hpp"
#include "lennard_jones.hpp"
#include "neighbour_list.hpp"
#include "simulation.hpp"
#include "thermo.hpp"

#include <motet/motet.hpp>
#ifdef MOTET_WITH_SCRIPT
#include <motet/script.hpp>
#endif

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// Molecular dynamics in the manner of LeanMD (Kumar, Mehta, Kalé et al.): the box is cut into cells, and for each two
/// cells that touch, and for each cell with itself, there is a chare that computes the forces between their atoms.
///
/// One step of a cell:
/// 1. Half a kick, and its atoms move. At rebuild steps those that have left it go to the cells beside it.
/// 2. It sends each of its 27 pairs the positions of those atoms that may have partners there, its pair with itself all
///    of them. A pair that has both sides computes, and sends each side its forces.
/// 3. When all 27 have come it adds them up, and gives the other half of the kick.
/// Nothing keeps the cells in step but the forces they wait for.
///
/// Forces are added in the order of directions, and atoms kept in an order of their own, so that with the same cells
/// all atoms move in the same way to the bit, on any number of PEs and in whatever order messages come.
namespace molecules {

struct Cell;

/// Prints what the cells contribute, in the order of steps; reductions may overtake each other.
struct Journal {
    std::int64_t next = 0; ///< the step that is printed next
    bool finished = false;
    double began = 0;
    progress_line progress;

    void state(const report& now);
    bool when(motet::entry<&Journal::state>, const report& now) const { return now.step == next; }

    void reached(std::int64_t step) { progress.update(step); }

    /// Waits for the last line; the seconds since the first.
    double loop_time() {
        motet::wait([&] { return finished; });
        return motet::now() - began;
    }
};

/// The forces between the atoms of two cells, or inside one. Index: see cell_grid::seat.
struct Pair {
    motet::array<Cell, motet::grid<3>> cells;
    std::int64_t step = 0;
    int arrived = 0;
    std::array<std::vector<vec3>, 2> positions, forces;
    std::array<std::vector<std::int32_t>, 2> types;
    neighbour_list neighbours;
    bool balancing = false; ///< at a balancing point: what comes for the next step is kept

    void connect(const motet::array<Cell, motet::grid<3>>& all) { cells = all; }

    /// What cell `side` has near the other one. Types only when atoms have changed cells.
    void atoms(int side, std::vector<vec3> where, std::vector<std::int32_t> what);
    bool when(motet::entry<&Pair::atoms>, int, const std::vector<vec3>&, const std::vector<std::int32_t>&) const {
        return !balancing;
    }
    void go_on() { balancing = false; }

private:
    void compute(const motet::grid<4>& index);
};

struct Cell {
    motet::array<Pair, motet::grid<4>> pairs;
    motet::chare<Journal> journal;

    cell atoms{};
    std::vector<atom> injected{}; ///< they come in when atoms change cells
    std::int64_t injections = 0;  ///< so far
    thermostat bath{};
    std::int64_t step = -1;                                                  ///< the last one begun
    std::array<std::vector<std::uint32_t>, cell_grid::directions> borders{}; ///< the atoms that each pair gets
    std::array<std::vector<vec3>, cell_grid::directions> parts{};            ///< of the forces on them
    pair_sums sums{};
    int parts_arrived = 0, neighbours_heard = 0;

    void fill(std::span<const atom> all) {
        for (const auto& a : all) atoms.insert(a);
    }
    void run();

    /// Atoms from the cell beside. It may be ahead: they wait until this cell's own have moved.
    void enter(std::int64_t /*at_step*/, std::span<const atom> newcomers) {
        for (const auto& a : newcomers) atoms.insert(a);
        ++neighbours_heard;
    }
    bool when(motet::entry<&Cell::enter>, std::int64_t at_step, std::span<const atom>) const { return at_step == step; }

    /// Of the atoms that are in this cell now, in lj units; 0 where there are none.
    double temperature() const {
        const auto n = static_cast<double>(atoms.size());
        return n > 0 ? atoms.kinetic_sum(motet::readonly<simulation>().masses) / (3 * n) : 0;
    }

    /// One atom more, from the next step on in which atoms change cells. Its number. Throws motet::error where the
    /// position is not in this cell, or there is no such type. Nothing keeps it from others: where it is close to one
    /// it gets a push.
    std::int64_t inject(vec3 position, vec3 velocity, std::int32_t type);

    void push(int direction, std::vector<vec3> part, const pair_sums& share) {
        parts[static_cast<std::size_t>(direction)] = std::move(part);
        sums += share;
        ++parts_arrived;
    }

private:
    void exchange_atoms(const simulation& sim, const motet::grid<3>& here);
    void send_positions(const simulation& sim, const motet::grid<3>& here);
    void add_forces();
};

#ifdef MOTET_WITH_SCRIPT
MOTET_SCRIPT(Cell, temperature, inject)
#endif

inline std::int64_t Cell::inject(vec3 position, vec3 velocity, std::int32_t type) {
    const auto& sim = motet::readonly<simulation>();
    const auto here = motet::this_index<motet::grid<3>>();
    if (!sim.grid.covers(here, position))
        throw motet::error("the position of an injected atom lies outside of the cell that it is given to");
    if (type < 0 || static_cast<std::size_t>(type) >= sim.masses.size())
        throw motet::error("there is no atom type " + std::to_string(type) + ": there are " +
                           std::to_string(sim.masses.size()) + ", counted from 0");
    const auto cells = static_cast<std::int64_t>(sim.grid.total());
    const auto first = static_cast<std::int64_t>(sim.atoms + 1 + sim.grid.flat(here));
    injected.push_back({position, velocity, first + cells * injections++, type});
    return injected.back().id;
}

inline void Cell::run() {
    const auto& sim = motet::readonly<simulation>();
    const auto here = motet::this_index<motet::grid<3>>();
    do {
        if (++step > 0) atoms.kick_and_drift(sim.how.timestep, sim.masses);
        if (sim.rebuilds_at(step)) exchange_atoms(sim, here);
        send_positions(sim, here);
        motet::wait([&] { return parts_arrived == cell_grid::directions; });
        add_forces();
        if (bath.acts()) atoms.add_bath(bath, sim.how.timestep, sim.masses, step);
        if (step > 0) atoms.kick(sim.how.timestep, sim.masses);

        if (sim.reports_at(step))
            motet::contribute(report{step, {atoms.kinetic_sum(sim.masses), sums}, atoms.size()}, motet::sum,
                              journal.to<&Journal::state>());
        if (here == motet::grid<3>()) journal.tell<&Journal::reached>(step);
        if (step == sim.steps) return;
    } while (!sim.rebuilds_at(step + 1));
    // No frame stands here between the two calls: the cell may move.
    if (sim.balances_before(step + 1)) return motet::balance_next<&Cell::run>();
    return motet::next<&Cell::run>();
}

inline void Cell::exchange_atoms(const simulation& sim, const motet::grid<3>& here) {
    std::array<std::vector<atom>, cell_grid::directions> leaving;
    atoms.move_out(sim.grid, here,
                   [&](int direction, const atom& a) { leaving[static_cast<std::size_t>(direction)].push_back(a); });
    auto cells = motet::this_collection<Cell, motet::grid<3>>();
    for (int d = 0; d < cell_grid::directions; ++d)
        if (d != cell_grid::here)
            cells[sim.grid.beside(here, cell_grid::offset_of(d)).cell].tell<&Cell::enter>(
                step, std::move(leaving[static_cast<std::size_t>(d)]));
    motet::wait([&] { return neighbours_heard == cell_grid::directions - 1; });
    neighbours_heard = 0;
    for (const auto& a : std::exchange(injected, {})) atoms.insert(a);
    atoms.sort();
    for (int d = 0; d < cell_grid::directions; ++d)
        borders[static_cast<std::size_t>(d)] =
            atoms.border(sim.grid, here, cell_grid::offset_of(d), sim.longest_reach());
}

inline void Cell::send_positions(const simulation& sim, const motet::grid<3>& here) {
    parts_arrived = 0, sums = {};
    for (int d = 0; d < cell_grid::directions; ++d) {
        const auto& border = borders[static_cast<std::size_t>(d)];
        auto where = std::move(parts[static_cast<std::size_t>(d)]); // its memory goes round: positions out, forces back
        std::vector<std::int32_t> what;
        where.clear();
        for (const auto i : border) where.push_back(atoms.positions[i]);
        if (sim.rebuilds_at(step))
            for (const auto i : border) what.push_back(atoms.types[i]);
        const auto [pair, side] = sim.grid.seat_of(here, d);
        // Its own atoms can wait: what the others need goes first.
        pairs[pair].with_priority(d == cell_grid::here).tell<&Pair::atoms>(side, std::move(where), std::move(what));
    }
}

inline void Cell::add_forces() {
    atoms.clear_forces();
    for (std::size_t d = 0; d < parts.size(); ++d)
        for (std::size_t k = 0; k < parts[d].size(); ++k) atoms.forces[borders[d][k]] += parts[d][k];
}

inline void Pair::atoms(int side, std::vector<vec3> where, std::vector<std::int32_t> what) {
    const auto s = static_cast<std::size_t>(side);
    positions[s] = std::move(where);
    if (!what.empty()) types[s] = std::move(what);
    const auto index = motet::this_index<motet::grid<4>>();
    if (++arrived == (index[3] == 0 ? 1 : 2)) compute(index);
}

inline void Pair::compute(const motet::grid<4>& index) {
    const auto& sim = motet::readonly<simulation>();
    const bool alone = index[3] == 0; // a cell with itself
    const std::size_t second = alone ? 0 : 1;
    const vec3 shift =
        sim.grid.beside({index[0], index[1], index[2]}, cell_grid::half_offset(static_cast<int>(index[3]))).shift;
    if (sim.rebuilds_at(step))
        neighbours =
            find_neighbours({positions[0], types[0]}, shift, {positions[second], types[second]}, alone,
                            sim.interactions.reach(sim.how.skin), sim.interactions.types, std::move(neighbours));

    pair_sums sums;
    for (std::size_t s = 0; s <= second; ++s) forces[s].assign(positions[s].size(), {});
    add_forces(neighbours, sim.interactions, positions[0], shift, positions[second], forces[0], forces[second],
               sim.reports_at(step) ? &sums : nullptr);
    for (std::size_t s = 0; s <= second; ++s) {
        const auto [cell, direction] = sim.grid.cell_of(index, static_cast<int>(s));
        cells[cell].tell<&Cell::push>(direction, std::exchange(forces[s], std::move(positions[s])),
                                      s == 0 ? sums : pair_sums());
    }
    arrived = 0, ++step;
    if (sim.balances_before(step)) balancing = true, motet::balance<&Pair::go_on>();
}

inline void Journal::state(const report& now) {
    const auto& sim = motet::readonly<simulation>();
    if (now.step == 0) {
        began = motet::now();
        motet::print("{}", thermo::header());
    }
    progress.clear();
    const auto state = thermo::of(now.step, now.sums, now.atoms, sim.grid.domain.volume());
    motet::print("{}", sim.digits > 0 ? state.line(0, sim.digits) : state.line());
    if (!std::isfinite(state.total_energy) || !std::isfinite(state.pressure))
        throw motet::error("the energy of step " + std::to_string(now.step) +
                           " is not finite: two atoms are at one place, or the timestep is too long");
    finished = now.step == sim.steps;
    next = sim.report_after(now.step);
}

} // namespace molecules
