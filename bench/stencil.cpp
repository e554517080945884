// SPDX-License-Identifier: BSL-1.0
// needs: tbb openmp
//
// Heat on a torus of 1024 x 1024 points, 100 steps on two threads: tiles that exchange their borders by messages,
// beside loops over the rows of shared arrays with OpenMP and oneTBB. All use the same kernel, which works on one row.

#include "harness.hpp"
#include "program.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <span>
#include <utility>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::seconds;

constexpr int threads = 2;
constexpr std::size_t side = 1024;
constexpr int steps = 100;
double per_step(double time) { return 1e3 * time / steps; }

double start(std::size_t x, std::size_t y) {
    return x > side / 4 && x < side / 2 && y > side / 8 && y < side / 2 ? 1 : 0;
}

/// The kernel: `count` points of a row, each from its four neighbours; all rows have a point more on the left and
/// right.
void relax_row(double* to, const double* above, const double* row, const double* below, std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i)
        to[i] = 0.5 * row[i] + 0.125 * (above[i] + below[i] + row[i - 1] + row[i + 1]);
}

// Tiles of 64 x 1024: whole rows, as the loops have them; their left and right neighbours are themselves.

constexpr std::size_t rows = 64;
constexpr std::int64_t tiles_in_all = static_cast<std::int64_t>(side / rows);
constexpr std::size_t width = side + 2;

struct Tile {
    std::int64_t step = 0;
    int arrived = 0;
    std::vector<double> now; ///< rows + 2 rows of width
    std::vector<double> next;

    void begin() {
        now.assign((rows + 2) * width, 0);
        next = now;
        const auto first = static_cast<std::size_t>(motet::this_index()) * rows;
        for (std::size_t y = 0; y < rows; ++y)
            for (std::size_t x = 0; x < side; ++x) now[(y + 1) * width + x + 1] = start(x, first + y);
    }
    void border(std::int64_t sent_at, int below, std::span<const double> values) {
        (void)sent_at;
        std::copy(values.begin(), values.end(),
                  now.begin() + static_cast<std::ptrdiff_t>(below ? (rows + 1) * width + 1 : 1));
        ++arrived;
    }
    bool when(motet::entry<&Tile::border>, std::int64_t sent_at, int, std::span<const double>) const {
        return sent_at == step;
    }
    void run() {
        const std::int64_t me = motet::this_index();
        const auto tiles = motet::this_collection<Tile>();
        const auto above = tiles[(me + tiles_in_all - 1) % tiles_in_all];
        const auto below = tiles[(me + 1) % tiles_in_all];
        for (; step < steps;) {
            above.tell<&Tile::border>(step, 1, std::span<const double>(now).subspan(width + 1, side));
            below.tell<&Tile::border>(step, 0, std::span<const double>(now).subspan(rows * width + 1, side));
            motet::wait([&] { return arrived == 2; });
            arrived = 0;
            for (std::size_t y = 1; y <= rows; ++y) {
                double* const row = &now[y * width];
                row[0] = row[side];
                row[side + 1] = row[1];
                relax_row(&next[y * width], row - width, row, row + width, side);
            }
            std::swap(now, next);
            ++step;
        }
    }
    /// Rows of points and their sum, to be compared with what the loops find.
    std::vector<double> points() const {
        std::vector<double> all;
        for (std::size_t y = 1; y <= rows; ++y) all.insert(all.end(), &now[y * width + 1], &now[y * width + 1] + side);
        return all;
    }
};

std::vector<double> from_motet, from_openmp, from_tbb;

double with_motet() {
    return motet_bench::on_pes(threads, [] {
        const auto tiles = motet::array<Tile>::create(tiles_in_all);
        tiles.all<&Tile::begin>().get();
        const double time = seconds([&] { tiles.all<&Tile::run>().get(); });
        from_motet.clear();
        for (const auto& part : tiles.gather<&Tile::points>().get())
            from_motet.insert(from_motet.end(), part.begin(), part.end());
        return per_step(time);
    });
}

/// Shared arrays; `over_rows(count, body)` is the parallel loop.
template <class OverRows>
double with_loops(std::vector<double>& result, OverRows over_rows) {
    std::vector<double> now(side * width), next(side * width);
    over_rows(side, [&](std::size_t y) {
        for (std::size_t x = 0; x < side; ++x) now[y * width + x + 1] = start(x, y);
    });
    const double time = seconds([&] {
        for (int step = 0; step < steps; ++step) {
            over_rows(side, [&](std::size_t y) {
                double* const row = &now[y * width];
                row[0] = row[side];
                row[side + 1] = row[1];
            });
            over_rows(side, [&](std::size_t y) {
                relax_row(&next[y * width], &now[(y + side - 1) % side * width], &now[y * width],
                          &now[(y + 1) % side * width], side);
            });
            std::swap(now, next);
        }
    });
    result.clear();
    for (std::size_t y = 0; y < side; ++y) result.insert(result.end(), &now[y * width + 1], &now[y * width + 1] + side);
    return per_step(time);
}
double with_openmp() {
    return with_loops(from_openmp, [](std::size_t count, auto body) {
#pragma omp parallel for schedule(static) num_threads(threads)
        for (std::size_t i = 0; i < count; ++i) body(i);
    });
}
double with_tbb() {
    const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, threads);
    return with_loops(from_tbb,
                      [](std::size_t count, auto body) { oneapi::tbb::parallel_for(std::size_t{0}, count, body); });
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    report.compare({.id = "stencil.step", .unit = "ms"}, with_motet, motet_bench::rival{"OpenMP", with_openmp},
                   motet_bench::rival{"oneTBB", with_tbb});
    check(from_motet == from_openmp && from_openmp == from_tbb, "the stencil");
    double heat = 0, expected = 0;
    for (std::size_t i = 0; i < from_motet.size(); ++i) heat += from_motet[i], expected += start(i % side, i / side);
    check(std::abs(heat - expected) < 1e-6 * expected, "the stencil's heat");
}
