// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../progress.hpp"
#include "field.hpp"

#include <motet/motet.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <span>
#include <thread>
#include <vector>

/// The stencil3d of the CharmPy paper (Galvez, Senthil, Kale, 2018): a 7-point stencil over a box of points that blocks
/// share, and the imbalance of its section V-B.
namespace stencil3d {

/// What all blocks read: motet::readonly<settings>().
struct settings {
    decomposition whole;
    std::int64_t iterations = 1;
    std::int64_t balance_every = 30; ///< iterations between two balancing points; one more follows the first
    std::int64_t parts = 0; ///< the paper's N, with imbalance: how many parts have a load of their own; 0: without
    double point_time = 0;  ///< seconds that a point is declared to take; 0: kernels are measured

    bool balances_after(std::int64_t iteration) const { return iteration == 1 || iteration % balance_every == 0; }

    /// By how many times its duration the kernel of a block is extended in this iteration, counted from 1. Blocks in
    /// one part have the same load: with a part for each PE those that begin their life on one PE, as the paper has it.
    double extension(const triple& block, std::int64_t iteration) const {
        if (parts == 0) return 0;
        const auto i =
            static_cast<double>(whole.number(block) * parts / (whole.blocks[0] * whole.blocks[1] * whole.blocks[2]));
        const auto n = static_cast<double>(parts);
        if (i <= 0.2 * n || i >= 0.8 * n) return 10;
        return 100 * i / n + 5 * std::ceil(static_cast<double>(iteration) / 30);
    }
};

/// Keeps the PE for so long: in a simulated run the clock goes on; else the thread sleeps, and nothing runs on its PE
/// meanwhile. So it is load, which the waiting of motet::sleep_for is not. The system wakes a thread late: by how much
/// stands in `late`, and the next time is the shorter for it.
inline void occupy(double seconds, double& late) {
    const double end = motet::now() + seconds;
    motet::charge(seconds);
    if (const double left = end - motet::now() - late; left > 0)
        std::this_thread::sleep_for(std::chrono::duration<double>(left));
    late += motet::now() - end;
}

/// Seconds that the thread has computed, whatever else its core did meanwhile.
inline double thread_seconds() {
    std::timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Shows how far the first block is.
struct Observer {
    progress_line progress;
    void reached(std::int64_t iteration) { progress.update(iteration); }
};

/// One iteration of a block:
/// 1. It sends its faces to its neighbours, at most six.
/// 2. It waits for theirs. One that is ahead has its face kept until this block gets to that iteration (`when`).
/// 3. The kernel.
/// Nothing else keeps the blocks in step, but balancing points.
struct Block {
    motet::chare<Observer> observer;
    std::int64_t iteration = 0; ///< so many are done
    int arrived = 0;            ///< faces for the next one
    double late = 0;            ///< see occupy
    field points{};

    void on(motet::created) { points = motet::readonly<settings>().whole.make(motet::this_index<motet::grid<3>>().at); }
    void run(std::int64_t until);
    void face(std::int64_t of_iteration, int side, std::span<const double> values);
    bool when(motet::entry<&Block::face>, std::int64_t of_iteration, int, std::span<const double>) const {
        return of_iteration == iteration;
    }

    double sum() const { return points.sum(); }
    std::uint64_t checksum() const { return points.checksum(); }
    std::vector<double> own() const {
        std::vector<double> all;
        points.over_points([&](double value) { all.push_back(value); });
        return all;
    }

private:
    void compute(const triple& here);
};

inline void Block::run(std::int64_t until) {
    const auto& how = motet::readonly<settings>();
    const triple here = motet::this_index<motet::grid<3>>().at;
    const auto blocks = motet::this_collection<Block, motet::grid<3>>();
    while (iteration < until) {
        int neighbours = 0;
        for (int side = 0; side < sides; ++side) {
            const triple there = decomposition::neighbour(here, side);
            if (!how.whole.has(there)) continue;
            ++neighbours;
            // The lower the more urgent: who is behind goes first.
            blocks[{there[0], there[1], there[2]}]
                .with_priority(static_cast<int>(iteration))
                .tell<&Block::face>(iteration, side ^ 1, points.face(side));
        }
        motet::wait([&] { return arrived == neighbours; });
        arrived = 0;
        compute(here);
        ++iteration;
        if (here == triple{} && iteration % std::max<std::int64_t>(1, how.iterations / 100) == 0)
            observer.tell<&Observer::reached>(iteration);
        if (iteration < until && how.balances_after(iteration)) return motet::balance_next<&Block::run>(until);
    }
}

inline void Block::face(std::int64_t, int side, std::span<const double> values) {
    points.set_ghosts(side, values);
    ++arrived;
}

inline void Block::compute(const triple& here) {
    const auto& how = motet::readonly<settings>();
    const double extension = how.extension(here, iteration + 1);
    const double began = extension > 0 ? thread_seconds() : 0;
    points.relax();
    if (how.point_time > 0) {
        const double declared = how.point_time * static_cast<double>(points.points());
        motet::charge(declared);
        if (extension > 0) occupy(extension * declared, late);
    } else if (extension > 0) {
        occupy(extension * (thread_seconds() - began), late);
    }
}

} // namespace stencil3d
