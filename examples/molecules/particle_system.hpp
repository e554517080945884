// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "lennard_jones.hpp"
#include "vec3.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

namespace molecules {

/// An orthogonal periodic box.
struct box {
    vec3 low, high;

    vec3 size() const { return high - low; }
    double volume() const { return size().x * size().y * size().z; }

    /// The periodic image of `position` that lies inside.
    vec3 wrap(vec3 position) const {
        auto into = [](double value, double from, double to) {
            value -= std::floor((value - from) / (to - from)) * (to - from);
            return value >= from && value < to ? value : from; // rounding may end on the far face
        };
        return {into(position.x, low.x, high.x), into(position.y, low.y, high.y), into(position.z, low.z, high.z)};
    }
};

struct atom {
    vec3 position, velocity;
    std::int64_t id = 0;
    std::int32_t type = 0; ///< counted from 0 (LAMMPS counts from 1)
};

/// What a data file or a lattice describes.
struct particle_system {
    box domain;
    std::vector<double> masses; ///< by type
    lj_table interactions;
    std::vector<atom> atoms;
};

/// Twice the kinetic energy: the sum of m v².
inline double kinetic_sum(const particle_system& system) {
    double sum = 0;
    for (const auto& a : system.atoms) sum += system.masses[std::size_t(a.type)] * dot(a.velocity, a.velocity);
    return sum;
}

} // namespace molecules
