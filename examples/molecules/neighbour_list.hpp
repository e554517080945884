// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "vec3.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace molecules {

/// The close pairs between two blocks of atoms (Verlet, Phys. Rev. 159, 98, 1967), good for as long as no atom has
/// moved more than half the skin by which the list reaches beyond the cutoff.
struct neighbour_list {
    /// A longer row is split, so that the force kernel's buffers have a fixed size.
    static constexpr std::size_t longest_row = 256;

    /// An atom of the first block and its partners in the second, which all have one type.
    struct row {
        std::uint32_t atom;
        std::uint32_t kind; ///< the pair of types: that of the first block's atom * types + the partners'
        std::uint32_t end;  ///< one past the last partner; the first is where the row before ends
    };

    std::vector<row> rows;
    std::vector<std::uint32_t> partners;

    void add_row(std::uint32_t atom, std::size_t kind, std::span<const std::uint32_t> atoms) {
        for (; !atoms.empty(); atoms = atoms.subspan(std::min(longest_row, atoms.size()))) {
            const auto some = atoms.first(std::min(longest_row, atoms.size()));
            partners.insert(partners.end(), some.begin(), some.end());
            rows.push_back({atom, static_cast<std::uint32_t>(kind), static_cast<std::uint32_t>(partners.size())});
        }
    }
};

/// A cell's atoms as neighbour search sees them: entry i of each is about atom i.
struct block_view {
    std::span<const vec3> positions;
    std::span<const std::int32_t> types;
};

namespace neighbour {

/// The smallest box around some atoms.
struct bounds {
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    vec3 low{infinity, infinity, infinity}, high{-infinity, -infinity, -infinity};

    bounds(std::span<const vec3> positions, vec3 shift) {
        for (const auto& position : positions) {
            const vec3 p = position + shift;
            low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
            high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
        }
    }

    double distance2(vec3 p) const {
        const vec3 outside{std::max({low.x - p.x, p.x - high.x, 0.0}), std::max({low.y - p.y, p.y - high.y, 0.0}),
                           std::max({low.z - p.z, p.z - high.z, 0.0})};
        return dot(outside, outside);
    }
};

/// Those atoms of a block that may have partners, ordered by type.
struct candidates {
    std::vector<std::uint32_t> atoms;
    std::vector<double> x, y, z;
    std::vector<std::size_t> type_end;

    candidates(const block_view& block, vec3 shift, std::size_t types, const bounds& others, double reach) {
        for (std::size_t type = 0; type < types; ++type) {
            for (std::size_t i = 0; i < block.positions.size(); ++i) {
                const vec3 p = block.positions[i] + shift;
                if (std::size_t(block.types[i]) != type || others.distance2(p) > reach * reach) continue;
                atoms.push_back(static_cast<std::uint32_t>(i));
                x.push_back(p.x), y.push_back(p.y), z.push_back(p.z);
            }
            type_end.push_back(atoms.size());
        }
    }
};

} // namespace neighbour

/// The pairs between blocks `a`, moved by `shift`, and `b` that are closer than `reach[kind]` (cutoff + skin).
/// `self`: both are the same block; each pair is then listed once.
inline neighbour_list find_neighbours(const block_view& a, vec3 shift, const block_view& b, bool self,
                                      std::span<const double> reach, std::size_t types) {
    using namespace neighbour;
    const double longest = *std::ranges::max_element(reach);
    const candidates from(a, shift, types, bounds(b.positions, {}), longest);
    const candidates to(b, {}, types, bounds(a.positions, shift), longest);

    neighbour_list list;
    std::vector<double> distance2(to.atoms.size());
    std::vector<std::uint32_t> close(to.atoms.size());
    std::size_t i = 0;
    for (std::size_t type = 0; type < types; ++type) {
        const auto first = i;
        for (std::size_t other = 0, other_begin = 0; other < types; other_begin = to.type_end[other++]) {
            const auto kind = type * types + other;
            const auto end = to.type_end[other];
            for (i = first; i < from.type_end[type]; ++i) {
                const auto begin = self ? std::max(other_begin, i + 1) : other_begin;
                for (auto j = begin; j < end; ++j) {
                    const vec3 d{from.x[i] - to.x[j], from.y[i] - to.y[j], from.z[i] - to.z[j]};
                    distance2[j] = dot(d, d);
                }
                std::size_t found = 0;
                for (auto j = begin; j < end; ++j) {
                    close[found] = to.atoms[j];
                    found += distance2[j] < reach[kind] * reach[kind];
                }
                list.add_row(from.atoms[i], kind, {close.data(), found});
            }
        }
    }
    return list;
}

} // namespace molecules
