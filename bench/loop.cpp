// SPDX-License-Identifier: BSL-1.0
// needs: tbb openmp
//
// A parallel loop over 10 million cheap iterations on two threads, beside oneTBB and OpenMP; and one so short that the
// start and the end of the loop are what it costs.

#include "harness.hpp"
#include "program.hpp"

#include <cstdint>
#include <omp.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::seconds;

constexpr int threads = 2;

/// One iteration: a few instructions and 4 bytes written.
std::uint32_t cheap(std::int64_t i, std::uint32_t salt) {
    const std::uint32_t x = (static_cast<std::uint32_t>(i) ^ salt) * 2654435761u;
    return x ^ (x >> 15);
}

/// Milliseconds of a loop of `iterations`, the mean of `repetitions`; `run(iterations, body)` is what is measured.
template <class Run>
double measure(std::int64_t iterations, int repetitions, Run run) {
    static std::vector<std::uint32_t> out;
    out.resize(static_cast<std::size_t>(iterations));
    std::uint32_t* const to = out.data();
    std::uint32_t salt = 0;
    const auto once = [&] {
        ++salt;
        run(iterations, [to, salt](std::int64_t i) { to[i] = cheap(i, salt); });
    };
    once(); // the threads exist and the memory is there
    const double time = seconds([&] {
        for (int i = 0; i < repetitions; ++i) once();
    });
    for (std::int64_t i = 0; i < iterations; ++i) check(to[i] == cheap(i, salt), "the loop");
    return 1e3 * time / repetitions;
}

auto with_motet(std::int64_t iterations, int repetitions) {
    return [=] {
        return motet_bench::on_pes(threads, [=] {
            return measure(iterations, repetitions, [](std::int64_t n, auto body) { motet::parallel_for(0, n, body); });
        });
    };
}
auto with_tbb(std::int64_t iterations, int repetitions) {
    return [=] {
        const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, threads);
        return measure(iterations, repetitions, [](std::int64_t n, auto body) {
            oneapi::tbb::parallel_for(oneapi::tbb::blocked_range<std::int64_t>(0, n), [body](const auto& range) {
                for (std::int64_t i = range.begin(); i != range.end(); ++i) body(i);
            });
        });
    };
}
auto with_openmp(std::int64_t iterations, int repetitions) {
    return [=] {
        return measure(iterations, repetitions, [](std::int64_t n, auto body) {
#pragma omp parallel for schedule(static) num_threads(threads)
            for (std::int64_t i = 0; i < n; ++i) body(i);
        });
    };
}

void compare(motet_bench::report& report, motet_bench::row about, std::int64_t iterations, int repetitions) {
    report.compare(about, with_motet(iterations, repetitions),
                   motet_bench::rival{"oneTBB", with_tbb(iterations, repetitions)},
                   motet_bench::rival{"OpenMP", with_openmp(iterations, repetitions)});
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    compare(report, {.id = "loop.parallel", .unit = "ms", .at_most = 1.0, .goal_is_ratio = true}, 10'000'000, 10);
    compare(report, {.id = "loop.short", .unit = "ms"}, 10'000, 1000);
}
