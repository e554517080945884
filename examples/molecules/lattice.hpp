// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "particle_system.hpp"
#include "random_numbers.hpp"

#include <motet/error.hpp>

#include <array>
#include <cmath>
#include <cstdint>

namespace molecules {

/// Gives every atom a random velocity, uniform before scaling, that depends on `seed` and its id alone; then takes the
/// total momentum away and scales to `temperature` exactly (3N - 3 degrees of freedom).
inline void set_temperature(particle_system& system, double temperature, std::uint64_t seed) {
    vec3 momentum;
    double mass = 0;
    for (auto& a : system.atoms) {
        random_numbers random(random_numbers(seed).next_bits() ^ static_cast<std::uint64_t>(a.id));
        const double m = system.masses[std::size_t(a.type)], scale = 1 / std::sqrt(m);
        a.velocity = {scale * (random.next() - 0.5), scale * (random.next() - 0.5), scale * (random.next() - 0.5)};
        momentum += m * a.velocity;
        mass += m;
    }
    for (auto& a : system.atoms) a.velocity -= (1 / mass) * momentum;
    const double freedom = 3 * static_cast<double>(system.atoms.size()) - 3;
    const double sum = kinetic_sum(system);
    const double scale = sum > 0 ? std::sqrt(temperature * freedom / sum) : 0;
    for (auto& a : system.atoms) a.velocity *= scale;
}

/// A face-centred cubic crystal of so many unit cells along the edges of the box, 4 atoms in each, atoms of unit mass,
/// as LAMMPS's `lattice fcc density` makes it.
inline particle_system fcc_lattice(const std::array<int, 3>& cells, double density = 0.8442, double temperature = 1.44,
                                   std::uint64_t seed = 87287) {
    for (const int count : cells)
        if (count < 1 || count > 500)
            throw motet::error("a lattice of " + std::to_string(count) +
                               " cells along an edge: give a number from 1 to 500");
    if (!(density > 0) || !(temperature >= 0) || !std::isfinite(density) || !std::isfinite(temperature))
        throw motet::error("a lattice needs a density above 0 and a temperature that is not negative");
    const double edge = std::cbrt(4 / density);
    const vec3 size = edge * vec3{double(cells[0]), double(cells[1]), double(cells[2])};
    particle_system system{{{}, size}, {1.0}, lj_table{1, {{}}}, {}};
    system.atoms.reserve(std::size_t(cells[0]) * std::size_t(cells[1]) * std::size_t(cells[2]) * 4);
    constexpr vec3 basis[] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
    for (int z = 0; z < cells[2]; ++z)
        for (int y = 0; y < cells[1]; ++y)
            for (int x = 0; x < cells[0]; ++x)
                for (const auto& place : basis)
                    system.atoms.push_back({edge * (vec3{double(x), double(y), double(z)} + place),
                                            {},
                                            static_cast<std::int64_t>(system.atoms.size()) + 1,
                                            0});
    set_temperature(system, temperature, seed);
    return system;
}

/// A cube of them.
inline particle_system fcc_lattice(int cells, double density = 0.8442, double temperature = 1.44,
                                   std::uint64_t seed = 87287) {
    return fcc_lattice(std::array{cells, cells, cells}, density, temperature, seed);
}

} // namespace molecules
