// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "vec3.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
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

/// So many atoms that follow each other are searched together: few enough to be close, enough to fill vector registers.
inline constexpr std::size_t cluster_size = 16;

/// The smallest box around some atoms.
struct bounds {
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    vec3 low{infinity, infinity, infinity}, high{-infinity, -infinity, -infinity};

    void add(vec3 p) { low = lower(low, p), high = upper(high, p); }

    bool reaches(const bounds& other, double reach2) const {
        const vec3 gap = upper(upper(low - other.high, other.low - high), {});
        return dot(gap, gap) <= reach2;
    }
    bool reaches(vec3 p, double reach2) const {
        const vec3 gap = upper(upper(low - p, p - high), {});
        return dot(gap, gap) <= reach2;
    }
};

/// The atoms of a block, ordered by type, otherwise as they come. Cluster n is entries 16 n to 16 n + 15: atoms of one
/// type, the last ones of a type filled up with points that are far from everything.
struct clusters {
    std::vector<bounds> around;     ///< by cluster
    std::vector<std::size_t> types; ///< by cluster
    std::vector<std::uint32_t> atoms;
    std::vector<double> x, y, z;

    clusters(const block_view& block, vec3 shift, std::size_t type_count) {
        const std::size_t most = block.positions.size() + type_count * cluster_size;
        atoms.reserve(most), x.reserve(most), y.reserve(most), z.reserve(most);
        for (std::size_t type = 0; type < type_count; ++type) {
            for (std::size_t i = 0; i < block.positions.size(); ++i) {
                if (std::size_t(block.types[i]) != type) continue;
                if (atoms.size() % cluster_size == 0) around.emplace_back(), types.push_back(type);
                const vec3 p = block.positions[i] + shift;
                add(static_cast<std::uint32_t>(i), p);
                around.back().add(p);
            }
            while (atoms.size() % cluster_size != 0) add(none, {bounds::infinity, 0, 0});
        }
    }

    static constexpr std::uint32_t none = ~std::uint32_t{0};

private:
    void add(std::uint32_t atom, vec3 p) {
        atoms.push_back(atom), x.push_back(p.x), y.push_back(p.y), z.push_back(p.z);
    }
};

} // namespace neighbour

/// The pairs between blocks `a`, moved by `shift`, and `b` that are closer than `reach[kind]` (cutoff + skin).
/// `self`: both are the same block; each pair is then listed once. The faster the closer those atoms are in space that
/// follow each other. `memory`: a list that is no longer needed.
inline neighbour_list find_neighbours(const block_view& a, vec3 shift, const block_view& b, bool self,
                                      std::span<const double> reach, std::size_t types, neighbour_list memory = {}) {
    using namespace neighbour;
    const clusters from(a, shift, types), to(b, {}, types);
    neighbour_list list = std::move(memory);
    list.rows.clear(), list.partners.clear();

    std::vector<std::size_t> near;
    std::vector<std::uint32_t> close(to.atoms.size());
    for (std::size_t c = 0; c < from.around.size(); ++c) {
        for (std::size_t type = 0, other = self ? c : 0; type < types; ++type) {
            const auto kind = from.types[c] * types + type;
            const double reach2 = reach[kind] * reach[kind];
            near.clear();
            for (; other < to.around.size() && to.types[other] == type; ++other)
                if (from.around[c].reaches(to.around[other], reach2)) near.push_back(other);
            if (near.empty()) continue;
            for (auto i = c * cluster_size; i < (c + 1) * cluster_size && from.atoms[i] != clusters::none; ++i) {
                const vec3 p{from.x[i], from.y[i], from.z[i]};
                const std::size_t first = self ? i + 1 : 0;
                std::size_t found = 0;
                for (const auto n : near) {
                    if (!to.around[n].reaches(p, reach2)) continue;
                    const auto begin = n * cluster_size;
                    std::array<double, cluster_size> distance2;
                    for (std::size_t k = 0; k < cluster_size; ++k) {
                        const vec3 d{p.x - to.x[begin + k], p.y - to.y[begin + k], p.z - to.z[begin + k]};
                        distance2[k] = dot(d, d);
                    }
                    for (std::size_t k = 0; k < cluster_size; ++k) {
                        close[found] = to.atoms[begin + k];
                        found += std::size_t{distance2[k] < reach2} & std::size_t{begin + k >= first}; // no branch
                    }
                }
                list.add_row(from.atoms[i], kind, {close.data(), found});
            }
        }
    }
    return list;
}

} // namespace molecules
