// SPDX-License-Identifier: BSL-1.0
#include "../../examples/stencil3d/block.hpp"
#include "../chare/runs.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace motet_test;
using namespace stencil3d;

namespace {

/// The same without blocks: every point asks what its six neighbours are.
std::vector<double> serial(const triple& points, std::int64_t iterations) {
    const std::int64_t nx = points[0], ny = points[1], nz = points[2];
    std::vector<double> now, next;
    for (std::int64_t x = 0; x < nx; ++x)
        for (std::int64_t y = 0; y < ny; ++y)
            for (std::int64_t z = 0; z < nz; ++z) now.push_back(static_cast<double>((3 * x + 5 * y + 7 * z) % 11));
    const auto value = [&](std::int64_t x, std::int64_t y, std::int64_t z) {
        if (x < 0) return 255.0;
        if (y < 0) return 128.0;
        if (z < 0) return 64.0;
        if (x == nx || y == ny || z == nz) return 0.0;
        return now[static_cast<std::size_t>((x * ny + y) * nz + z)];
    };
    for (std::int64_t i = 0; i < iterations; ++i, now.swap(next)) {
        next.clear();
        for (std::int64_t x = 0; x < nx; ++x)
            for (std::int64_t y = 0; y < ny; ++y)
                for (std::int64_t z = 0; z < nz; ++z)
                    next.push_back((value(x, y, z) + value(x - 1, y, z) + value(x + 1, y, z) + value(x, y - 1, z) +
                                    value(x, y + 1, z) + value(x, y, z - 1) + value(x, y, z + 1)) *
                                   (1.0 / 7));
    }
    return now;
}

motet::array<Block, motet::grid<3>> created(const settings& how) {
    motet::set_readonly(settings(how));
    const auto [x, y, z] = how.whole.blocks;
    const auto observer = motet::chare<Observer>::create();
    return motet::array<Block, motet::grid<3>>::create({x, y, z}, Block{.observer = observer});
}

/// Every point of the blocks is what the serial computation has there, to the bit.
void check_points(const motet::array<Block, motet::grid<3>>& blocks, const settings& how) {
    const std::vector<double> expected = serial(how.whole.points, how.iterations);
    const auto parts = blocks.gather<&Block::own>().get();
    double sum = 0;
    std::size_t wrong = 0, seen = 0, part = 0;
    const auto [bx, by, bz] = how.whole.blocks;
    for (std::int64_t x = 0; x < bx; ++x)
        for (std::int64_t y = 0; y < by; ++y)
            for (std::int64_t z = 0; z < bz; ++z, ++part) {
                const triple from = how.whole.first({x, y, z}), to = how.whole.first({x + 1, y + 1, z + 1});
                std::size_t at = 0;
                for (std::int64_t i = from[0]; i < to[0]; ++i)
                    for (std::int64_t j = from[1]; j < to[1]; ++j)
                        for (std::int64_t k = from[2]; k < to[2]; ++k, ++at, ++seen) {
                            const double value = expected[static_cast<std::size_t>(
                                (i * how.whole.points[1] + j) * how.whole.points[2] + k)];
                            sum += value;
                            if (at >= parts[part].size() || parts[part][at] != value) ++wrong;
                        }
            }
    CHECK(wrong == 0);
    CHECK(seen == expected.size());
    CHECK(blocks.reduce<&Block::sum>(motet::sum).get() == doctest::Approx(sum).epsilon(1e-12));
}

} // namespace

TEST_CASE("every decomposition computes what one grid does") {
    for (const triple& blocks : {triple{1, 1, 1}, triple{2, 1, 1}, triple{1, 3, 2}, triple{7, 6, 5}, triple{2, 2, 2}})
        everywhere([&] {
            settings how{.whole = {.points = {7, 6, 5}, .blocks = blocks}, .iterations = 8};
            const auto all = created(how);
            all.all<&Block::run>(how.iterations).get();
            check_points(all, how);
        });
}

TEST_CASE("blocks that move at each iteration, by chance or by a strategy, compute the same") {
    everywhere([] {
        settings how{.whole = {.points = {6, 8, 10}, .blocks = {2, 2, 3}}, .iterations = 7, .balance_every = 1};
        const auto all = created(how);
        motet::balance_with(all, motet::rotate).get();
        all.all<&Block::run>(how.iterations).get();
        check_points(all, how);
        motet::quiescence().get(); // a block that is on its way is nowhere
        CHECK(motet::rebalance(all).get().chares == 12);
    });
}

TEST_CASE("the imbalance is the paper's") {
    const settings how{.whole = {.points = {64, 64, 64}, .blocks = {8, 2, 2}}, .parts = 8};
    for (const std::int64_t x : {0, 1, 7}) CHECK(how.extension({x, 1, 0}, 900) == 10);
    CHECK(how.extension({2, 0, 0}, 1) == 25 + 5);
    CHECK(how.extension({6, 0, 1}, 30) == 75 + 5);
    CHECK(how.extension({6, 1, 1}, 31) == 75 + 10);
    CHECK(settings{}.extension({0, 0, 0}, 1) == 0);
}

TEST_CASE("balancing gains what the paper's balancing did") {
    const auto seconds = [](auto strategy) {
        double time = 0;
        run_well(simulated(8, 1), [&] {
            settings how{
                .whole = {.points = {16, 8, 8}, .blocks = {8, 2, 2}}, .iterations = 60, .parts = 8, .point_time = 1e-8};
            const auto all = created(how);
            motet::balance_with(all, strategy).get();
            const double began = motet::now();
            all.template all<&Block::run>(how.iterations).get();
            time = motet::now() - began;
            check_points(all, how);
        });
        return time;
    };
    struct stay {
        void operator()(motet::balancing&) const {}
    };
    if (this_job().size > 1) return;
    const double without = seconds(stay{});
    CHECK(without == doctest::Approx(1e-8 * 32 * 4 * (30 * 81 + 30 * 86)).epsilon(1e-6));
    CHECK(without / seconds(motet::greedy) > 1.95);
}
