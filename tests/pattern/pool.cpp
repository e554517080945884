// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using motet_test::in_many_runs;
using motet_test::run_with;

namespace pool_tests {

int square(int x) { return x * x; }

struct Cube {
    std::int64_t operator()(int x) const { return std::int64_t{x} * x * x; }
};

struct Word {
    std::string text;
    int count = 0;
    friend bool operator==(const Word&, const Word&) = default;
};

std::vector<int> numbers(int n) {
    std::vector<int> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 1);
    return all;
}

/// Uses a pool that was sent to it.
struct User {
    int sum_of_squares(motet::pool pool, int n) {
        const auto squares = pool.map<&square>(numbers(n)).get();
        return std::accumulate(squares.begin(), squares.end(), 0);
    }
};

/// A function that itself maps over the pool, which it gets along with its item.
struct Nested {
    motet::pool pool;
    int n = 0;
};

/// Stays in its process if it is the thirteenth.
struct Homebody {
    int number = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if (Archive::is_writing && number == 13) throw std::domain_error("thirteen stays");
        archive(number);
    }
};

} // namespace pool_tests
using namespace pool_tests;

TEST_CASE("results come in the order of the items") {
    in_many_runs([] {
        auto pool = motet::pool::create();
        for (const int n : {1, 2, 10, 100}) {
            std::vector<int> expected;
            for (int i = 1; i <= n; ++i) expected.push_back(i * i);
            CHECK(pool.map<&square>(numbers(n)).get() == expected);
            CHECK(pool.map([](int x) { return x * x; }, numbers(n)).get() == expected);
        }
        CHECK(pool.map(Cube{}, {1, 2, 3}).get() == std::vector<std::int64_t>{1, 8, 27});
        CHECK(pool.map<&square>({3, 2, 1}).get() == std::vector<int>{9, 4, 1});
        CHECK(pool.map([](int x) { return x > 1; }, {1, 2, 3}).get() == std::vector<bool>{false, true, true});
        CHECK(pool.map(
                      [](const std::string& s) {
                          return Word{s, static_cast<int>(s.size())};
                      },
                      std::vector<std::string>{"a", "bcd"})
                  .get() == std::vector<Word>{{"a", 1}, {"bcd", 3}});
    });
}

TEST_CASE("no items, no results") {
    in_many_runs([] { CHECK(motet::pool::create().map<&square>(std::vector<int>()).get().empty()); }, 2);
}

TEST_CASE("items that only move, in chunks of any size") {
    in_many_runs([] {
        auto pool = motet::pool::create();
        for (const std::int64_t chunk : {1, 3, 100}) {
            std::vector<std::unique_ptr<int>> items;
            for (int i = 0; i < 10; ++i) items.push_back(std::make_unique<int>(i));
            auto doubled = pool.map(
                [](std::unique_ptr<int> p) {
                    *p *= 2;
                    return p;
                },
                std::move(items), {.chunk = chunk});
            int i = 0;
            const auto result = doubled.get();
            CHECK(result.size() == 10);
            for (const auto& p : result) CHECK(*p == 2 * i++);
        }
    });
}

TEST_CASE("several jobs at once, each on the number of PEs it was given") {
    in_many_runs([] {
        auto pool = motet::pool::create();
        const auto where = [](int) {
            motet::yield();
            return motet::my_pe();
        };
        for (std::int64_t pes = 1; pes <= motet::pe_count(); ++pes) {
            auto one = pool.map(where, numbers(40), {.pes = pes, .chunk = 1});
            auto other = pool.map<&square>({1, 3, 5, 7, 9}, {.pes = 1});
            CHECK(other.get() == std::vector<int>{1, 9, 25, 49, 81});
            const auto used = one.get();
            CHECK(used.size() == 40);
            CHECK(static_cast<std::int64_t>(std::set(used.begin(), used.end()).size()) <= pes);
        }
        std::vector<motet::future<std::vector<int>>> jobs;
        for (int i = 0; i < 20; ++i) jobs.push_back(pool.map<&square>(numbers(i)));
        for (int i = 0; i < 20; ++i)
            CHECK(jobs[static_cast<std::size_t>(i)].get().size() == static_cast<std::size_t>(i));
    });
}

TEST_CASE("jobs go where the fewest others run") {
    CHECK(run_with({"--motet-sim", "1x4", "--motet-sim-table", "off"}, [] {
              auto pool = motet::pool::create();
              const auto where = [](int) {
                  motet::sleep_for(std::chrono::milliseconds(1));
                  return motet::my_pe();
              };
              auto one = pool.map(where, numbers(20), {.pes = 2, .chunk = 1});
              auto other = pool.map(where, numbers(20), {.pes = 2, .chunk = 1});
              const auto a = one.get();
              const auto b = other.get();
              const std::set<std::int64_t> first(a.begin(), a.end());
              const std::set<std::int64_t> second(b.begin(), b.end());
              CHECK(first.size() == 2);
              CHECK(second.size() == 2);
              for (const auto pe : first) CHECK(second.count(pe) == 0);
          }) == 0);
}

TEST_CASE("the items of a chunk are handled by one PE, and a job gives its PEs back") {
    in_many_runs([] {
        auto pool = motet::pool::create();
        const auto where = [](int) { return motet::my_pe(); };
        const auto two = std::min<std::int64_t>(2, motet::pe_count());
        const auto places = pool.map(where, numbers(10), {.pes = two, .chunk = 5}).get();
        for (std::size_t i = 0; i < 10; ++i) CHECK(places[i] == places[i / 5 * 5]);
        std::set<std::int64_t> alone;
        for (int job = 0; job < 3; ++job) {
            motet::quiescence().get();
            for (const std::int64_t pe : pool.map(where, numbers(3), {.pes = 1}).get()) alone.insert(pe);
        }
        CHECK(alone.size() == 1);
    });
}

TEST_CASE("a master of a checkpoint with more PEs knows those that there are") {
    CHECK(run_with({"--motet-sim", "1x2", "--motet-sim-table", "off"}, [] {
              motet::pattern::pool_master master{.jobs = {1, 1, 1, 1}};
              CHECK(master.take(1) == std::vector<std::int64_t>{1});
              master.give_back({0, 1, 1, 2, 3});
              CHECK(master.jobs == std::vector<std::uint64_t>{0, 0});
          }) == 0);
}

TEST_CASE("a job ends with its chare, one that fails before its last item") {
    CHECK(run_with({"--motet-pes", "1"}, [] {
              const auto chares = [] {
                  motet::quiescence().get();
                  std::size_t all = 0;
                  for (const auto& [id, part] : motet::runtime::local_chares::of(motet::runtime::this_pe()).parts)
                      all += part->table.elements.size();
                  return all;
              };
              auto pool = motet::pool::create();
              const std::size_t before = chares();
              static int calls = 0;
              const auto fail = [](int) -> int {
                  ++calls;
                  throw std::range_error("each");
              };
              CHECK(pool.map<&square>(numbers(10)).get().size() == 10);
              CHECK_THROWS_AS(pool.map(fail, numbers(10), {.chunk = 1}).get(), motet::remote_error);
              CHECK(chares() == before);
              CHECK(calls == 1);
          }) == 0);
}

TEST_CASE("scheduling is dynamic: who is slow gets fewer items") {
    CHECK(run_with({"--motet-sim", "1x2", "--motet-sim-table", "off"}, [] {
              const double before = motet::now();
              const auto used = motet::pool::create()
                                    .map(
                                        [](int i) {
                                            motet::charge(i == 1 ? 1.0 : 0.01);
                                            return motet::my_pe();
                                        },
                                        numbers(100), {.chunk = 1})
                                    .get();
              CHECK(motet::now() - before < 1.1);
              CHECK(std::count(used.begin(), used.end(), used[0]) < 5);
          }) == 0);
}

TEST_CASE("the PE of a job may be busy with an item of it: the others go on meanwhile") {
    CHECK(run_with({"--motet-sim", "1x4", "--motet-sim-table", "off"}, [] {
              const auto done = motet::pool::create()
                                    .map(
                                        [](int) {
                                            motet::charge(motet::my_pe() == 0 ? 0.9 : 0.3);
                                            return std::pair(motet::my_pe(), motet::now());
                                        },
                                        numbers(40), {.chunk = 1})
                                    .get();
              std::map<std::int64_t, std::vector<double>> ends; // of the items of each PE
              for (const auto& [pe, when] : done) ends[pe].push_back(when);
              for (auto& [pe, all] : ends) std::sort(all.begin(), all.end());
              REQUIRE(ends.size() == 4);
              for (const std::int64_t pe : {1, 2, 3}) CHECK(ends[pe][1] < ends[0][0]); // the second of each
          }) == 0);
}

TEST_CASE("from entry methods, through a proxy that was sent there, and from functions of the pool") {
    in_many_runs([] {
        auto pool = motet::pool::create();
        auto users = motet::array<User>::create(5);
        CHECK(users.gather<&User::sum_of_squares>(pool, 10).get() == std::vector<int>(5, 385));
        auto nested = pool.map(
            [](const Nested& of) {
                const auto squares = of.pool.map<&square>(numbers(of.n)).get();
                return std::accumulate(squares.begin(), squares.end(), 0);
            },
            std::vector<Nested>(6, Nested{pool, 4}));
        CHECK(nested.get() == std::vector<int>(6, 30));
    });
}

TEST_CASE("an exception fails the job, not the pool") {
    in_many_runs([] {
        auto pool = motet::pool::create();
        auto bad = pool.map(
            [](int x) {
                if (x == 7) throw std::range_error("seven");
                return x;
            },
            numbers(50), {.chunk = 2});
        auto good = pool.map<&square>(numbers(10));
        try {
            bad.get();
            CHECK(false);
        } catch (const motet::remote_error& e) {
            CHECK(e.text == "seven");
            CHECK(e.type == "std::range_error");
        }
        CHECK(good.get().size() == 10);
        CHECK(pool.map<&square>(numbers(10)).get()[9] == 100);
    });
}

TEST_CASE("an item or a result whose serialization throws fails the job, not the pool") {
    CHECK(run_with({"--motet-sim", "2x1", "--motet-sim-table", "off"}, [] {
              auto pool = motet::pool::create();
              std::vector<Homebody> items(20);
              items[7].number = 13;
              const auto text_of = [](auto&& job) -> std::string { // it is done by PE 1, in another process
                  try {
                      job.get();
                      return "";
                  } catch (const motet::remote_error& e) {
                      return e.text;
                  }
              };
              CHECK(text_of(pool.map([](Homebody h) { return h.number; }, items, {.pes = 1, .chunk = 1})) ==
                    "thirteen stays");
              motet::quiescence().get(); // PE 1 is free again
              CHECK(text_of(pool.map([](int n) { return Homebody{n}; }, numbers(20), {.pes = 1, .chunk = 1})) ==
                    "thirteen stays");
              CHECK(pool.map<&square>(numbers(10)).get()[9] == 100);
          }) == 0);
}

TEST_CASE("bad chunks, bad numbers of PEs, and a pool that is none are refused") {
    in_many_runs(
        [] {
            auto pool = motet::pool::create();
            CHECK_THROWS_WITH_AS((void)pool.map<&square>({1}, {.chunk = 0}),
                                 "a pool cannot hand out chunks of 0 items: at least 1", motet::error);
            const std::string all = std::to_string(motet::pe_count());
            for (const std::int64_t pes : {std::int64_t{0}, std::int64_t{-1}, motet::pe_count() + 1}) {
                const std::string text = "a pool cannot do a job on " + std::to_string(pes) +
                                         " PEs: this run has 1 to " + all + " to choose from";
                CHECK_THROWS_WITH_AS((void)pool.map<&square>({1}, {.pes = pes}), text.c_str(), motet::error);
            }
            CHECK_THROWS_WITH_AS((void)motet::pool().map<&square>({1}),
                                 "this pool was never created: make it with motet::pool::create()", motet::error);
            CHECK(pool.map<&square>({4}).get() == std::vector<int>{16});
        },
        1);
}
