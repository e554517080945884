// SPDX-License-Identifier: BSL-1.0
#include "../../examples/molecules/cell.hpp"
#include "../../examples/molecules/cell_grid.hpp"
#include "../../examples/molecules/lattice.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <vector>

using namespace molecules;

TEST_CASE("every pair of touching cells has two seats, a cell with itself one") {
    for (const cell_grid::index& count :
         {cell_grid::index(1, 1, 1), cell_grid::index(2, 1, 3), cell_grid::index(3, 4, 5)}) {
        const cell_grid grid{{{}, {12, 12, 12}}, count};
        std::map<motet::grid<4>, std::array<int, 2>> taken;
        for (std::size_t place = 0; place < static_cast<std::size_t>(grid.total()); ++place) {
            const auto at = grid.unflat(place);
            for (int d = 0; d < cell_grid::directions; ++d) {
                const auto [pair, side] = grid.seat_of(at, d);
                ++taken[pair][static_cast<std::size_t>(side)];
                const auto [cell, direction] = grid.cell_of(pair, side);
                CHECK(cell == at);
                CHECK(direction == d);
            }
        }
        CHECK(taken.size() == static_cast<std::size_t>(grid.total()) * cell_grid::half_neighbours);
        for (const auto& [pair, seats] : taken) CHECK(seats == std::array<int, 2>{1, pair[3] == 0 ? 0 : 1});
    }
}

TEST_CASE("cells are as large as asked for, and no shorter than the reach") {
    const box cube{{}, {20, 20, 20}};
    CHECK(cell_grid::over(cube, 8000, 2.8, 8000).count == cell_grid::index(1, 1, 1));
    CHECK(cell_grid::over(cube, 8000, 2.8, 1000).total() == 8);
    CHECK(cell_grid::over(cube, 8000, 2.8, 500).total() == 16);
    CHECK(cell_grid::over(cube, 8000, 2.8, 1).count == cell_grid::index(7, 7, 7));
    CHECK(cell_grid::over({{}, {40, 10, 10}}, 4000, 2.8, 1000).count == cell_grid::index(4, 1, 1));
}

TEST_CASE("the border of a cell holds whatever may have a partner beside it") {
    const auto system = fcc_lattice(6);
    const double reach = 2.8;
    const auto grid = cell_grid::over(system.domain, system.atoms.size(), reach, 200);
    std::vector<cell> cells(static_cast<std::size_t>(grid.total()));
    for (const auto& a : system.atoms) cells[grid.flat(grid.cell_of(a.position))].insert(a);
    for (std::size_t place = 0; place < cells.size(); ++place) {
        const auto at = grid.unflat(place);
        for (int d = 0; d < cell_grid::directions; ++d) {
            const auto border = cells[place].border(grid, at, cell_grid::offset_of(d), reach);
            CHECK(std::ranges::is_sorted(border));
            if (d == cell_grid::here) CHECK(border.size() == cells[place].size());
            const auto there = grid.beside(at, cell_grid::offset_of(d));
            const auto& other = cells[grid.flat(there.cell)].positions;
            std::size_t missing = 0;
            for (std::uint32_t i = 0; i < cells[place].size(); ++i) {
                const vec3 p = cells[place].positions[i] + there.shift;
                const bool close =
                    std::ranges::any_of(other, [&](vec3 q) { return dot(p - q, p - q) < reach * reach; });
                missing += close && !std::ranges::binary_search(border, i);
            }
            CHECK(missing == 0);
        }
    }
}

TEST_CASE("the order of a cell's atoms does not depend on that in which they came") {
    auto atoms = fcc_lattice(4).atoms;
    random_numbers random(7);
    for (auto& a : atoms) a.position += vec3{random.next(), random.next(), random.next()};
    std::vector<std::int64_t> first;
    for (unsigned shuffle = 0; shuffle < 5; ++shuffle) {
        std::ranges::shuffle(atoms, std::mt19937(shuffle));
        cell c;
        for (const auto& a : atoms) c.insert(a);
        c.sort();
        if (shuffle == 0) first = c.ids;
        CHECK(c.ids == first);
        CHECK(c.size() == atoms.size());
        for (std::size_t i = 0; i < c.size(); ++i)
            if (c.ids[i] == atoms[0].id) CHECK(c.positions[i] == atoms[0].position);
    }
}

TEST_CASE("a heat bath brings atoms to its temperature, each in its own way") {
    const std::vector<double> masses = {1, 3};
    thermostat bath;
    CHECK(!bath.acts());
    bath = {1.5, 0.2};
    CHECK(bath.acts());
    cell free;
    for (std::int64_t id = 0; id < 3000; ++id) free.insert({{}, {}, id, static_cast<std::int32_t>(id % 2)});
    constexpr double timestep = 0.005;
    double mean = 0;
    vec3 drift;
    for (std::int64_t step = 0; step < 600; ++step) {
        free.clear_forces();
        free.add_bath(bath, timestep, masses, step);
        free.kick(timestep, masses);
        free.kick(timestep, masses);
        if (step >= 400) mean += free.kinetic_sum(masses) / (3 * 3000) / 200;
    }
    for (const vec3& v : free.velocities) drift += (1.0 / 3000) * v;
    CHECK(mean == doctest::Approx(1.5).epsilon(0.03));
    CHECK(dot(drift, drift) < 0.01);
    CHECK(free.velocities[0] != free.velocities[2]);
}
