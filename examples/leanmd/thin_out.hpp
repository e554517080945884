// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../molecules/lattice.hpp"
#include "../molecules/particle_system.hpp"

#include <cstdint>
#include <vector>

namespace leanmd {

/// Takes atoms out by chance: the farther along x the more, up to a share of `gradient` at the far end. The others get
/// new velocities of that temperature. The work that is left falls with the square of the density, so that the PEs with
/// low x have most of it.
inline void thin_out(molecules::particle_system& system, double gradient, double temperature, std::uint64_t seed) {
    if (gradient == 0) return;
    const double low = system.domain.low.x, length = system.domain.size().x;
    std::erase_if(system.atoms, [&](const molecules::atom& a) {
        molecules::random_numbers random(~seed ^ (static_cast<std::uint64_t>(a.id) * 0x9e3779b97f4a7c15));
        return random.next() < gradient * (a.position.x - low) / length;
    });
    molecules::set_temperature(system, temperature, seed);
}

} // namespace leanmd
