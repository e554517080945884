// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/checkpoint/transient.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

/// What stencil3d and its MPI twin in bench/ share: points, faces and the kernel. No chares.
namespace stencil3d {

using triple = std::array<std::int64_t, 3>; ///< along x, y, z

/// Sides of a block: 0 and 1 are its low and high x, 2 and 3 y, 4 and 5 z. The opposite one is side ^ 1.
inline constexpr int sides = 6;

/// The temperatures of the walls around the whole, by side.
inline constexpr std::array<double, sides> walls{255, 0, 128, 0, 64, 0};

/// Where a point begins.
inline double start(const triple& at) { return static_cast<double>((3 * at[0] + 5 * at[1] + 7 * at[2]) % 11); }

/// The points of a block, with a layer around them that holds walls or the neighbours' faces. z runs fastest.
struct field {
    triple size{};
    std::vector<double> now{};
    motet::transient<std::vector<double>> next{}; ///< the kernel writes here; lost in moves

    /// The points from `first` on, as they begin. The layer is wall on all sides.
    static field make(const triple& first, const triple& size) {
        field made{size, std::vector<double>(volume({size[0] + 2, size[1] + 2, size[2] + 2})), {}};
        for (int side = 0; side < sides; ++side)
            made.over_layer(side, ghost, [&](std::size_t at) { made.now[at] = walls[static_cast<std::size_t>(side)]; });
        for (std::int64_t x = 0; x < size[0]; ++x)
            for (std::int64_t y = 0; y < size[1]; ++y)
                for (std::int64_t z = 0; z < size[2]; ++z)
                    made.now[made.place({x, y, z})] = start({first[0] + x, first[1] + y, first[2] + z});
        *made.next = made.now; // its walls; and the first step shall cost no more than others
        return made;
    }

    static std::size_t volume(const triple& of) { return static_cast<std::size_t>(of[0] * of[1] * of[2]); }
    std::size_t points() const { return volume(size); }
    std::size_t place(const triple& at) const {
        return static_cast<std::size_t>(((at[0] + 1) * (size[1] + 2) + at[1] + 1) * (size[2] + 2) + at[2] + 1);
    }

    /// Our points on that side, row by row.
    std::vector<double> face(int side) const {
        std::vector<double> values;
        copy_face(side, values);
        return values;
    }
    void copy_face(int side, std::vector<double>& to) const {
        to.resize(face_points(side));
        std::size_t i = 0;
        over_layer(side, own, [&](std::size_t at) { to[i++] = now[at]; });
    }
    std::size_t face_points(int side) const {
        return points() / static_cast<std::size_t>(size[static_cast<std::size_t>(side / 2)]);
    }
    /// The neighbour's points beyond that side.
    void set_ghosts(int side, std::span<const double> values) {
        std::size_t i = 0;
        over_layer(side, ghost, [&](std::size_t at) { now[at] = values[i++]; });
    }

    /// The kernel, a step of Jacobi's method: every point becomes the mean of itself and its six neighbours.
    void relax() {
        if (next->size() != now.size()) *next = now; // after a move
        const auto row = static_cast<std::size_t>(size[2] + 2), plane = static_cast<std::size_t>(size[1] + 2) * row;
        const auto count = static_cast<std::size_t>(size[2]);
        for (std::int64_t x = 0; x < size[0]; ++x)
            for (std::int64_t y = 0; y < size[1]; ++y) {
                const std::size_t first = place({x, y, 0});
                relax_row(next->data() + first, now.data() + first, row, plane, count);
            }
        now.swap(*next);
    }

    double sum() const {
        double all = 0;
        over_points([&](double value) { all += value; });
        return all;
    }
    /// The sum of the bits of all points: the same for every decomposition only if every point is.
    std::uint64_t checksum() const {
        std::uint64_t all = 0;
        over_points([&](double value) {
            std::uint64_t bits;
            std::memcpy(&bits, &value, sizeof bits);
            all += bits;
        });
        return all;
    }
    template <class Do>
    void over_points(Do&& each) const {
        for (std::int64_t x = 0; x < size[0]; ++x)
            for (std::int64_t y = 0; y < size[1]; ++y)
                for (std::int64_t z = 0; z < size[2]; ++z) each(now[place({x, y, z})]);
    }

private:
    enum layer { own, ghost };

    static void relax_row(double* __restrict to, const double* __restrict from, std::size_t row, std::size_t plane,
                          std::size_t count) {
        const double *const left = from - plane, *const right = from + plane;
        const double *const below = from - row, *const above = from + row;
        for (std::size_t z = 0; z < count; ++z)
            to[z] = (from[z] + left[z] + right[z] + below[z] + above[z] + from[z - 1] + from[z + 1]) * (1.0 / 7);
    }

    /// Calls each(place) for the points of a layer at that side: our outermost, or the ghosts beyond.
    template <class Do>
    void over_layer(int side, layer which, Do&& each) const {
        const auto across = static_cast<std::size_t>(side / 2);
        const std::size_t outer = across == 0 ? 1 : 0, inner = across == 2 ? 1 : 2;
        triple at{};
        at[across] = (side % 2 == 0 ? 0 : size[across] - 1) + (which == own ? 0 : side % 2 == 0 ? -1 : 1);
        const std::size_t step = inner == 2 ? 1 : static_cast<std::size_t>(size[2] + 2);
        for (at[outer] = 0; at[outer] < size[outer]; ++at[outer]) {
            std::size_t place_of = place(at);
            for (std::int64_t i = 0; i < size[inner]; ++i, place_of += step) each(place_of);
        }
    }
};

/// A box of points that is cut into blocks; sides that are no multiple give blocks that differ by a point.
struct decomposition {
    triple points{1, 1, 1};
    triple blocks{1, 1, 1};

    triple first(const triple& block) const {
        triple at{};
        for (std::size_t d = 0; d < 3; ++d) at[d] = points[d] * block[d] / blocks[d];
        return at;
    }
    field make(const triple& block) const {
        const triple from = first(block), to = first({block[0] + 1, block[1] + 1, block[2] + 1});
        return field::make(from, {to[0] - from[0], to[1] - from[1], to[2] - from[2]});
    }
    static triple neighbour(triple block, int side) {
        block[static_cast<std::size_t>(side / 2)] += side % 2 == 0 ? -1 : 1;
        return block;
    }
    bool has(const triple& block) const {
        for (std::size_t d = 0; d < 3; ++d)
            if (block[d] < 0 || block[d] >= blocks[d]) return false;
        return true;
    }
    /// The place of a block among all, z running fastest.
    std::int64_t number(const triple& block) const { return (block[0] * blocks[1] + block[1]) * blocks[2] + block[2]; }
};

} // namespace stencil3d
