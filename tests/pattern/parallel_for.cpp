// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using motet_test::in_many_runs;
using motet_test::run_with;

namespace loop_tests {

struct Solver {
    std::vector<double> values;

    double fill(std::int64_t n) {
        values.assign(static_cast<std::size_t>(n), 0);
        motet::parallel_for(std::int64_t{0}, n, [&](std::int64_t i) {
            values[static_cast<std::size_t>(i)] = std::sqrt(static_cast<double>(i));
        });
        return motet::parallel_reduce(
            std::size_t{0}, values.size(), 0.0, [&](std::size_t i) { return values[i] * values[i]; }, motet::sum);
    }
    bool when(motet::entry<&Solver::fill>, std::int64_t n) const { return n >= 0; }
    void never() {}
    bool when(motet::entry<&Solver::never>) const {
        motet::parallel_for(0, 10, [](int) {});
        return true;
    }
};

struct Counter {
    int count = 0;
    void hit() { ++count; }
};

} // namespace loop_tests
using namespace loop_tests;

TEST_CASE("chunks cover a range once, without gaps") {
    for (const std::uint32_t pes : {1u, 2u, 3u, 7u, 64u})
        for (const std::uint64_t n :
             {0ull, 1ull, 2ull, 3ull, 10ull, 63ull, 64ull, 65ull, 1000ull, 12345ull, 10000000ull})
            for (const std::uint64_t grain : {1ull, 7ull, 1000ull}) {
                const motet::runtime::loop_chunks chunks(n, pes, grain);
                std::uint64_t place = 0;
                bool good = true;
                for (std::uint64_t i = 0; i < chunks.size(); ++i) {
                    const auto [begin, end] = chunks[i];
                    good = good && begin == place && begin < end && (end - begin >= grain || end == n);
                    place = end;
                }
                CAPTURE(pes);
                CAPTURE(n);
                CAPTURE(grain);
                CHECK(good);
                CHECK(place == n);
                CHECK(chunks.size() < 64ull * 2 * pes + 1);
            }
    const motet::runtime::loop_chunks huge(~std::uint64_t{0}, 16, 1);
    CHECK(huge[0].begin == 0);
    CHECK(huge[huge.size() - 1].end == ~std::uint64_t{0});
}

TEST_CASE("every iteration is run once, from main") {
    in_many_runs([] {
        for (const int n : {0, 1, 2, 17, 1000}) {
            std::vector<std::atomic<int>> runs(static_cast<std::size_t>(n));
            motet::parallel_for(0, n, [&](int i) { ++runs[static_cast<std::size_t>(i)]; });
            bool once = true;
            for (const auto& r : runs) once = once && r == 1;
            CHECK(once);
        }
    });
}

TEST_CASE("bounds of other types, empty and reversed ranges, the ends of the integers") {
    in_many_runs(
        [] {
            std::atomic<std::int64_t> total{0};
            motet::parallel_for(-5, 6, [&](int i) { total += i * i; });
            CHECK(total == 110);
            motet::parallel_for(5, 5, [&](int) { total = -1; });
            motet::parallel_for(5, -5, [&](int) { total = -1; });
            CHECK(total == 110);
            total = 0;
            motet::parallel_for(0, std::vector<int>(10).size(), [&](auto i) { total += static_cast<std::int64_t>(i); });
            CHECK(total == 45);
            total = 0;
            constexpr std::int64_t top = std::numeric_limits<std::int64_t>::max();
            motet::parallel_for(top - 10, top, [&](std::int64_t i) { total += top - i; });
            CHECK(total == 55);
            constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min();
            motet::parallel_for(low, low + 10, [&](std::int64_t i) { total += i - low; });
            CHECK(total == 100);
            std::atomic<int> narrow{0};
            motet::parallel_for(std::uint8_t{250}, std::uint8_t{255}, [&](std::uint8_t) { ++narrow; });
            CHECK(narrow == 5);
        },
        1);
}

TEST_CASE("a grain keeps small loops on the caller") {
    in_many_runs(
        [] {
            const auto here = std::this_thread::get_id();
            std::atomic<int> away{0};
            const auto home = motet::my_pe();
            motet::parallel_for(
                0, 100, [&](int) { away += std::this_thread::get_id() != here || motet::my_pe() != home; }, 100);
            CHECK(away == 0);
        },
        1);
}

TEST_CASE("simulated PEs share a loop, those of the own process only, and virtual time shows it") {
    CHECK(run_with({"--motet-sim", "2x4", "--motet-sim-table", "off"}, [] {
              const double before = motet::now();
              std::set<std::int64_t> pes;
              motet::parallel_for(0, 1000, [&](int) {
                  pes.insert(motet::my_pe());
                  motet::charge(1e-3);
              });
              const double time = motet::now() - before;
              CHECK(pes == std::set<std::int64_t>{0, 1, 2, 3});
              CHECK(time >= 0.25);
              CHECK(time < 0.26);
          }) == 0);
}

TEST_CASE("threads share a loop") {
    CHECK(run_with({"--motet-pes", "2"}, [] {
              std::mutex lock;
              std::set<std::int64_t> pes;
              // each waits until the other one has come
              motet::parallel_for(0, 2, [&](int) {
                  std::unique_lock hold(lock);
                  pes.insert(motet::my_pe());
                  while (pes.size() < 2) {
                      hold.unlock();
                      std::this_thread::yield();
                      hold.lock();
                  }
              });
              CHECK(pes.size() == 2);
          }) == 0);
}

namespace parallel_for_test {

struct busy {
    int value = 0;
    static inline std::atomic<bool> has_begun, may_end;
    void work() {
        has_begun = true;
        while (!may_end) std::this_thread::yield();
    }
};

} // namespace parallel_for_test

TEST_CASE("a PE that is busy is called once, however many loops there are, and joins the newest") {
    using parallel_for_test::busy;
    busy::has_begun = busy::may_end = false;
    CHECK(run_with({"--motet-pes", "2"}, [] {
              auto end = motet::chare<busy>::create({}, 1).ask<&busy::work>();
              while (!busy::has_begun)
                  motet::sleep_for(std::chrono::microseconds(100)); // nobody would end a wait for it
              std::int64_t total = 0;
              const std::uint64_t before = motet::runtime::this_pe().sent;
              for (int k = 0; k < 1'000; ++k) motet::parallel_for(0, 100, [&](int x) { total += x; });
              CHECK(total == 1'000 * 4950);
              CHECK(motet::runtime::this_pe().sent - before <= 1);
              std::atomic<bool> joined{false};
              motet::parallel_for(0, 2, [&](int) {
                  busy::may_end = true;
                  joined = joined || motet::my_pe() == 1;
                  while (!joined) std::this_thread::yield();
              });
              end.get();
          }) == 0);
}

TEST_CASE("reductions are in order and the same in every run") {
    double first = 0;
    in_many_runs([&] {
        const std::string text = motet::parallel_reduce(
            0, 500, std::string("from 0:"), [](int i) { return " " + std::to_string(i); },
            [](std::string a, const std::string& b) { return a + b; });
        std::string expected = "from 0:";
        for (int i = 0; i < 500; ++i) expected += " " + std::to_string(i);
        CHECK(text == expected);
        CHECK(motet::parallel_reduce(
                  3, 3, 42, [](int) { return 1; }, motet::sum) == 42);
        CHECK(motet::parallel_reduce(
                  1, 101, 1, [](int i) { return i; }, motet::max) == 100);
    });
    for (int i = 0; i < 10; ++i)
        CHECK(run_with({"--motet-pes", "2"}, [&] {
                  const double sum = motet::parallel_reduce(
                      1, 100000, 0.0, [](int k) { return 1.0 / k; }, motet::sum);
                  if (i == 0) first = sum;
                  CHECK(sum == first);
                  CHECK(std::abs(sum - 12.090136) < 1e-4);
              }) == 0);
}

TEST_CASE("from entry methods, several at once") {
    in_many_runs([] {
        auto solvers = motet::array<Solver>::create(7);
        double total = 0;
        for (const double sum : solvers.gather<&Solver::fill>(200).get()) total += sum;
        CHECK(std::abs(total - 7 * 199 * 100) < 1e-6);
    });
}

TEST_CASE("nested loops") {
    in_many_runs(
        [] {
            std::vector<std::atomic<int>> runs(20 * 30);
            motet::parallel_for(0, 20, [&](int i) {
                motet::parallel_for(0, 30, [&](int k) {
                    const int s = motet::parallel_reduce(
                        0, 5, 0, [](int x) { return x; }, motet::sum);
                    runs[static_cast<std::size_t>(i * 30 + k)] += s;
                });
            });
            bool once = true;
            for (const auto& r : runs) once = once && r == 10;
            CHECK(once);
        },
        2);
}

TEST_CASE("an exception of the body ends the loop and comes to the caller; the next loop is well") {
    in_many_runs([] {
        std::atomic<int> runs{0};
        CHECK_THROWS_WITH_AS(motet::parallel_for(0, 100000,
                                                 [&](int i) {
                                                     ++runs;
                                                     if (i % 100 == 37) throw std::out_of_range("number");
                                                 }),
                             "number", std::out_of_range);
        CHECK(runs < 100000);
        runs = 0;
        const auto always = [&](int) {
            ++runs;
            throw 9;
        };
        CHECK_THROWS_AS(motet::parallel_for(0, 100000, always), int);
        CHECK(runs <= motet::pe_count()); // whoever is in a chunk already ends it
        CHECK_THROWS_AS(motet::parallel_reduce(
                            0, 10, 0, [](int i) { return i; }, [](int, int) -> int { throw 7; }),
                        int);
        CHECK_THROWS_AS(motet::parallel_for(0, 4, [&](int) { motet::parallel_for(0, 4, [](int) { throw 8; }); }), int);
        runs = 0;
        motet::parallel_for(0, 1000, [&](int) { ++runs; });
        CHECK(runs == 1000);
    });
}

TEST_CASE("the body may send messages, and may not wait") {
    in_many_runs(
        [] {
            auto counter = motet::chare<Counter>::create();
            motet::parallel_for(0, 100, [&](int) { counter.tell<&Counter::hit>(); });
            motet::quiescence().get();
            motet::parallel_for(0, 5, [&](int) {
                CHECK_THROWS_AS(motet::sleep_for(std::chrono::seconds(1)), motet::error);
                CHECK_THROWS_AS(motet::this_index(), motet::error);
            });
        },
        2);
}

TEST_CASE("where nobody may wait a loop is refused") {
    CHECK_THROWS_WITH_AS(
        motet::parallel_for(0, 10, [](int) {}),
        "this needs a running program: call it inside of motet::run, from main or from an entry method, not from a "
        "thread of your own",
        motet::error);
    CHECK(run_with({"--motet-pes", "2"}, [] {
              CHECK_THROWS_WITH_AS(motet::parallel_for(
                                       0, 10, [](int) {}, 0),
                                   "a parallel loop needs a grain of at least 1 iteration, and this is 0",
                                   motet::error);
              CHECK_THROWS_AS(motet::parallel_reduce(
                                  0, 10, 0, [](int i) { return i; }, motet::sum, -3),
                              motet::error);
              bool refused = false;
              motet::wait([&] {
                  try {
                      motet::parallel_for(0, 10, [](int) {});
                  } catch (const motet::error&) {
                      refused = true;
                  }
                  return true;
              });
              CHECK(refused);
          }) == 0);
    CHECK(run_with({"--motet-pes", "1"}, [] { motet::chare<Solver>::create().ask<&Solver::never>().get(); }) == 1);
}

TEST_CASE("the run may end inside a loop") {
    for (const auto& options : motet_test::many_runs(2)) {
        CHECK(run_with(options, [] {
                  auto solvers = motet::array<Solver>::create(5);
                  solvers.tell<&Solver::fill>(3000);
                  motet::parallel_for(0, 1000, [](int i) {
                      if (i == 500) motet::exit(3);
                  });
                  CHECK(false);
              }) == 3);
    }
}

TEST_CASE("when a helper ends the run the caller does not go on behind its loop") {
    std::atomic<bool> ends{false};
    bool went_on = false;
    CHECK(run_with({"--motet-pes", "2"}, [&] {
              motet::parallel_for(
                  0, 64,
                  [&](int) {
                      if (motet::my_pe() == 0) {
                          while (!ends) std::this_thread::yield();
                      } else {
                          ends = true;
                          motet::exit(3);
                      }
                  },
                  1);
              went_on = true;
          }) == 3);
    CHECK(!went_on);
}

TEST_CASE("loops beside messages, many times") {
    for (int i = 0; i < 20; ++i)
        CHECK(run_with({"--motet-pes", "3", "--motet-spin", i % 2 == 0 ? "0" : "50"}, [] {
                  auto solvers = motet::array<Solver>::create(6);
                  auto all = solvers.reduce<&Solver::fill>(motet::sum, 100);
                  std::atomic<std::int64_t> total{0};
                  for (int k = 0; k < 50; ++k) motet::parallel_for(0, 200, [&](int x) { total += x; });
                  CHECK(total == 50 * 19900);
                  CHECK(std::abs(all.get() - 6 * 4950) < 1e-6);
              }) == 0);
}
