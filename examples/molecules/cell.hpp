// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cell_grid.hpp"
#include "neighbour_list.hpp"
#include "particle_system.hpp"
#include "random_numbers.hpp"
#include "run_settings.hpp"
#include "vec3.hpp"

#include <motet/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace molecules {

/// The atoms of one cell; entry i of each vector is about atom i. Between two rebuilds of the neighbour lists the atoms
/// stay, and may stand a little outside.
struct cell {
    std::vector<vec3> positions, velocities, forces;
    std::vector<std::int32_t> types;
    std::vector<std::int64_t> ids;

    std::size_t size() const { return positions.size(); }
    block_view block() const { return {positions, types}; }

    void insert(const atom& a) {
        positions.push_back(a.position);
        velocities.push_back(a.velocity);
        forces.emplace_back();
        types.push_back(a.type);
        ids.push_back(a.id);
    }

    /// Takes atom i out; the last one takes its place.
    atom remove(std::size_t i) {
        const atom removed{positions[i], velocities[i], ids[i], types[i]};
        auto drop = [i](auto& values) { values[i] = values.back(), values.pop_back(); };
        drop(positions), drop(velocities), drop(forces), drop(types), drop(ids);
        return removed;
    }

    /// The first half of a velocity Verlet step: half a kick with the old forces, then the move.
    void kick_and_drift(double timestep, std::span<const double> masses) {
        kick(timestep, masses);
        for (std::size_t i = 0; i < size(); ++i) positions[i] += timestep * velocities[i];
    }

    /// The second half, with the new forces; also how the first half begins.
    void kick(double timestep, std::span<const double> masses) {
        for (std::size_t i = 0; i < size(); ++i)
            velocities[i] += (timestep / 2 / masses[std::size_t(types[i])]) * forces[i];
    }

    /// Brings atoms that are close in space close in memory, in an order that depends on the atoms alone, not on that
    /// in which they came. Forgets the forces.
    void sort() {
        std::vector<atom> all;
        all.reserve(size());
        for (std::size_t i = 0; i < size(); ++i) all.push_back({positions[i], velocities[i], ids[i], types[i]});
        halve(all);
        positions.clear(), velocities.clear(), forces.clear(), types.clear(), ids.clear();
        for (const auto& a : all) insert(a);
    }

    /// The atoms of this cell, which is at `at`, that are closer than `reach` to the cell beside it.
    std::vector<std::uint32_t> border(const cell_grid& grid, const cell_grid::index& at, const cell_grid::offset& by,
                                      double reach) const {
        const vec3 low = grid.low_corner(at), edge = grid.edges();
        auto distance = [](double value, double length, int side) {
            return side < 0 ? value : side > 0 ? length - value : 0;
        };
        std::vector<std::uint32_t> near;
        for (std::size_t i = 0; i < size(); ++i) {
            const vec3 from = positions[i] - low;
            const vec3 d{distance(from.x, edge.x, by[0]), distance(from.y, edge.y, by[1]),
                         distance(from.z, edge.z, by[2])};
            if (dot(d, d) < reach * reach) near.push_back(static_cast<std::uint32_t>(i));
        }
        return near;
    }

    void clear_forces() { forces.assign(size(), {}); }

    void add_forces(std::span<const vec3> more) {
        for (std::size_t i = 0; i < size(); ++i) forces[i] += more[i];
    }

    /// Friction and noise; the noise depends on the atom and the step alone, not on where the atom is.
    void add_bath(const thermostat& bath, double timestep, std::span<const double> masses, std::int64_t step) {
        for (std::size_t i = 0; i < size(); ++i) {
            const double mass = masses[std::size_t(types[i])];
            const double kick = std::sqrt(24 * bath.temperature * mass / (bath.damping * timestep));
            random_numbers random((static_cast<std::uint64_t>(ids[i]) << 32) ^ static_cast<std::uint64_t>(step));
            const auto noise = [&] { return kick * (random.next() - 0.5); };
            const double x = noise(), y = noise(), z = noise(); // in this order
            forces[i] += vec3{x, y, z};
            forces[i] += (-mass / bath.damping) * velocities[i];
        }
    }

    /// Twice the kinetic energy: the sum of m v².
    double kinetic_sum(std::span<const double> masses) const {
        double sum = 0;
        for (std::size_t i = 0; i < size(); ++i)
            sum += masses[std::size_t(types[i])] * dot(velocities[i], velocities[i]);
        return sum;
    }

    /// Takes out the atoms that have left this cell, which is at `at`, and gives them to `leave(offset number, atom)`,
    /// with their positions in the frame of the cell that they enter. Throws motet::error when one has gone farther
    /// than the cell beside, or nowhere.
    template <typename Leave>
    void move_out(const cell_grid& grid, const cell_grid::index& at, Leave&& leave) {
        const vec3 low = grid.low_corner(at), edge = grid.edges();
        for (std::size_t i = size(); i-- > 0;) {
            const vec3 from = positions[i] - low;
            auto outside = [](double value, double length) { return value < 0 ? -1 : value >= length ? 1 : 0; };
            auto near = [](double value, double length) { return value >= -length && value < 2 * length; };
            if (!(near(from.x, edge.x) && near(from.y, edge.y) && near(from.z, edge.z)))
                throw motet::error("atom " + std::to_string(ids[i]) +
                                   " has left its cell and the cells beside it between two rebuilds of the neighbour "
                                   "lists: use a shorter time step, and look for atoms that overlap at the start");
            const cell_grid::offset by{outside(from.x, edge.x), outside(from.y, edge.y), outside(from.z, edge.z)};
            if (by == cell_grid::offset{}) continue;
            atom gone = remove(i);
            gone.position += grid.beside(at, by).shift;
            leave(cell_grid::number_of(by), gone);
        }
    }

private:
    /// Halves along the longest edge, and each half again, down to clusters of neighbour search.
    static void halve(std::span<atom> atoms) {
        constexpr std::size_t least = neighbour::cluster_size;
        if (atoms.size() <= least) {
            std::ranges::sort(atoms, {}, &atom::id);
            return;
        }
        vec3 low = atoms[0].position, high = low;
        for (const auto& a : atoms) low = lower(low, a.position), high = upper(high, a.position);
        const vec3 size = high - low;
        const auto axis = size.x >= size.y && size.x >= size.z ? &vec3::x : size.y >= size.z ? &vec3::y : &vec3::z;
        const std::size_t middle = (atoms.size() / 2 + least - 1) / least * least;
        std::ranges::nth_element(atoms, atoms.begin() + static_cast<std::ptrdiff_t>(middle), {},
                                 [&](const atom& a) { return std::pair(a.position.*axis, a.id); });
        halve(atoms.first(middle)), halve(atoms.subspan(middle));
    }
};

} // namespace molecules
