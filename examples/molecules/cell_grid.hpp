// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "particle_system.hpp"
#include "vec3.hpp"

#include <motet/chare/index.hpp>
#include <motet/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace molecules {

/// A periodic box cut into cells whose edges are no shorter than the reach of the neighbour lists, so that atoms of two
/// cells interact only where the cells touch.
struct cell_grid {
    using index = motet::grid<3>;
    using offset = std::array<int, 3>; ///< -1, 0 or 1 each

    /// Itself and the 26 cells around.
    static constexpr int directions = 27, here = 13;

    /// Itself and half of the 26 cells around: with these every pair of touching cells is named once.
    static constexpr int half_neighbours = 14;

    static constexpr double coordinate_limit = 1 << 20;

    box domain;
    index count{1, 1, 1};

    /// Halves the longest edge until the cells have at most so many atoms, as far as `reach` allows.
    /// Throws motet::error if the box is shorter than `reach` in some direction.
    static cell_grid over(const box& domain, std::size_t atoms, double reach, double atoms_per_cell = 200) {
        const vec3 size = domain.size();
        const std::array<double, 3> length = {size.x, size.y, size.z};
        cell_grid grid{domain};
        std::array<std::int64_t, 3> most{};
        for (std::size_t d = 0; d < 3; ++d) {
            if (!(length[d] >= reach))
                throw motet::error("the box has an edge of " + std::to_string(length[d]) +
                                   ", shorter than cutoff + skin = " + std::to_string(reach) +
                                   ": use a larger box or a shorter cutoff");
            most[d] = static_cast<std::int64_t>(std::min(std::floor(length[d] / reach), coordinate_limit));
        }
        while (static_cast<double>(atoms) > atoms_per_cell * static_cast<double>(grid.total())) {
            std::size_t longest = 3;
            const auto edge = [&](std::size_t d) { return length[d] / static_cast<double>(grid.count[d]); };
            for (std::size_t d = 0; d < 3; ++d)
                if (grid.count[d] < most[d] && (longest == 3 || edge(d) > 1.001 * edge(longest))) longest = d;
            if (longest == 3) break;
            grid.count[longest] = std::min(2 * grid.count[longest], most[longest]);
        }
        return grid;
    }

    std::int64_t total() const { return count[0] * count[1] * count[2]; }

    /// The place of cell `at` in a list of all cells.
    std::size_t flat(const index& at) const {
        return static_cast<std::size_t>((at[0] * count[1] + at[1]) * count[2] + at[2]);
    }

    index unflat(std::size_t place) const {
        const auto i = static_cast<std::int64_t>(place);
        return {i / (count[1] * count[2]), i / count[2] % count[1], i % count[2]};
    }

    vec3 edges() const {
        const vec3 size = domain.size();
        return {size.x / double(count[0]), size.y / double(count[1]), size.z / double(count[2])};
    }

    vec3 low_corner(const index& at) const {
        const vec3 edge = edges();
        return domain.low + vec3{double(at[0]) * edge.x, double(at[1]) * edge.y, double(at[2]) * edge.z};
    }

    /// Whether a position lies in the cell at `at`.
    bool covers(const index& at, vec3 position) const {
        const vec3 from = position - low_corner(at), edge = edges();
        return from.x >= 0 && from.y >= 0 && from.z >= 0 && from.x < edge.x && from.y < edge.y && from.z < edge.z;
    }

    /// The cell of a position inside the box.
    index cell_of(vec3 position) const {
        const vec3 from = position - domain.low, edge = edges();
        auto clamped = [](double value, std::int64_t cells) {
            return std::clamp<std::int64_t>(static_cast<std::int64_t>(value), 0, cells - 1);
        };
        return {clamped(from.x / edge.x, count[0]), clamped(from.y / edge.y, count[1]),
                clamped(from.z / edge.z, count[2])};
    }

    /// A cell beside another, and what has to be added to a position in the first one's frame so that it is in the
    /// other's.
    struct neighbour {
        index cell;
        vec3 shift;
    };

    neighbour beside(const index& at, const offset& by) const {
        neighbour result{at, {}};
        const vec3 size = domain.size();
        double* shift[3] = {&result.shift.x, &result.shift.y, &result.shift.z};
        const double length[3] = {size.x, size.y, size.z};
        for (std::size_t d = 0; d < 3; ++d) {
            result.cell[d] += by[d];
            if (result.cell[d] < 0) result.cell[d] += count[d], *shift[d] = length[d];
            if (result.cell[d] >= count[d]) result.cell[d] -= count[d], *shift[d] = -length[d];
        }
        return result;
    }

    /// Numbers the offsets, which are then called directions.
    static constexpr offset offset_of(int number) { return {number / 9 - 1, number / 3 % 3 - 1, number % 3 - 1}; }
    static constexpr int number_of(const offset& by) { return (by[0] + 1) * 9 + (by[1] + 1) * 3 + by[2] + 1; }

    /// The half neighbours, from 0, the cell itself, to 13.
    static constexpr offset half_offset(int number) { return offset_of(here + number); }

    /// A pair of touching cells is (x, y, z, h): cell (x, y, z) on side 0 and its half neighbour h on side 1.
    struct seat {
        motet::grid<4> pair;
        int side;
    };

    /// Where cell `at` takes part in its pair with the cell beside it in that direction.
    seat seat_of(const index& at, int direction) const {
        if (direction >= here) return {{at[0], at[1], at[2], direction - here}, 0};
        const index other = beside(at, offset_of(direction)).cell;
        return {{other[0], other[1], other[2], here - direction}, 1};
    }

    /// The inverse: a side's cell, and the direction in which it has this pair.
    std::pair<index, int> cell_of(const motet::grid<4>& pair, int side) const {
        const index first(pair[0], pair[1], pair[2]);
        const auto half = static_cast<int>(pair[3]);
        if (side == 0) return {first, here + half};
        return {beside(first, half_offset(half)).cell, here - half};
    }
};

} // namespace molecules
