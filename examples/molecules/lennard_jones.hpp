// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "neighbour_list.hpp"
#include "vec3.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace molecules {

/// The parameters of 4 epsilon ((sigma/r)^12 - (sigma/r)^6), cut off and not shifted, as in LAMMPS's `pair_style
/// lj/cut`.
struct lj_parameters {
    double epsilon = 1, sigma = 1, cutoff = 2.5;
};

/// LAMMPS's default for unlike types (`pair_modify mix geometric`).
inline lj_parameters mix(const lj_parameters& a, const lj_parameters& b) {
    return {std::sqrt(a.epsilon * b.epsilon), std::sqrt(a.sigma * b.sigma), std::sqrt(a.cutoff * b.cutoff)};
}

/// The parameters of every pair of types.
struct lj_table {
    std::size_t types = 0;
    std::vector<lj_parameters> pairs; ///< types x types, symmetric

    static lj_table mixed(std::span<const lj_parameters> of_type) {
        lj_table table{of_type.size(), {}};
        for (const auto& a : of_type)
            for (const auto& b : of_type) table.pairs.push_back(mix(a, b));
        return table;
    }

    void set(std::size_t a, std::size_t b, const lj_parameters& value) {
        pairs[a * types + b] = pairs[b * types + a] = value;
    }

    double longest_cutoff() const {
        double longest = 0;
        for (const auto& pair : pairs) longest = std::max(longest, pair.cutoff);
        return longest;
    }

    /// How far a neighbour list has to reach, by pair of types.
    std::vector<double> reach(double skin) const {
        std::vector<double> result;
        for (const auto& pair : pairs) result.push_back(pair.cutoff + skin);
        return result;
    }
};

/// What the pairs add to energy and pressure.
struct pair_sums {
    double energy = 0; ///< potential energy
    double virial = 0; ///< sum of r·f

    pair_sums& operator+=(const pair_sums& other) { return energy += other.energy, virial += other.virial, *this; }
};

/// Adds the forces between block `a`, moved by `shift`, and block `b` to `force_a` and `force_b`, by Newton's third
/// law, for the pairs of `list`. For the pairs inside one block give it twice. Adds energy and virial to `sums`, if
/// given.
///
/// Works on batches in three passes, so that the middle one, the arithmetic with its division, is a plain loop over
/// arrays that every compiler turns into vector instructions: (1) gather the separations shorter than the cutoff,
/// (2) force from r², (3) scatter.
inline void add_forces(const neighbour_list& list, const lj_table& table, std::span<const vec3> a, vec3 shift,
                       std::span<const vec3> b, std::span<vec3> force_a, std::span<vec3> force_b, pair_sums* sums) {
    constexpr std::size_t batch = neighbour_list::longest_row;
    std::array<double, batch> dx, dy, dz, r2, force_over_r;
    std::array<std::uint32_t, batch> partner, row_end;

    std::size_t entry = 0;
    for (std::size_t row = 0; row < list.rows.size();) {
        const auto first_row = row;
        const auto kind = list.rows[row].kind;
        const auto& [epsilon, sigma, cutoff] = table.pairs[kind];
        const double cutoff2 = cutoff * cutoff, sigma6 = std::pow(sigma, 6);
        const double attraction = 4 * epsilon * sigma6, repulsion = attraction * sigma6;

        std::size_t found = 0;
        for (; row < list.rows.size() && list.rows[row].kind == kind && row - first_row < batch; ++row) {
            const auto end = list.rows[row].end;
            if (found + (end - entry) > batch) break;
            const vec3 from = a[list.rows[row].atom] + shift;
            for (; entry < end; ++entry) {
                const auto j = list.partners[entry];
                const vec3 d = from - b[j];
                dx[found] = d.x, dy[found] = d.y, dz[found] = d.z;
                r2[found] = dot(d, d);
                partner[found] = j;
                found += r2[found] < cutoff2; // no branch: three of ten would be mispredicted
            }
            row_end[row - first_row] = static_cast<std::uint32_t>(found);
        }

        for (std::size_t k = 0; k < found; ++k) {
            const double inverse2 = 1 / r2[k], inverse6 = inverse2 * inverse2 * inverse2;
            force_over_r[k] = inverse6 * (12 * repulsion * inverse6 - 6 * attraction) * inverse2;
        }

        if (sums) {
            for (std::size_t k = 0; k < found; ++k) {
                const double inverse6 = 1 / (r2[k] * r2[k] * r2[k]);
                sums->energy += inverse6 * (repulsion * inverse6 - attraction);
                sums->virial += force_over_r[k] * r2[k];
            }
        }

        for (std::size_t k = 0, done = first_row; done < row; ++done) {
            vec3 force;
            for (; k < row_end[done - first_row]; ++k) {
                const vec3 f = force_over_r[k] * vec3{dx[k], dy[k], dz[k]};
                force += f;
                force_b[partner[k]] -= f;
            }
            force_a[list.rows[done].atom] += force;
        }
    }
}

} // namespace molecules
