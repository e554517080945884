// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace reduction_test {

struct sink {
    long last = 0;
    int calls = 0;
    void take(long value) {
        last += value;
        ++calls;
    }
    void told() { ++calls; }
    long total() const { return last; }
    int count() const { return calls; }
};

struct member {
    int done = 0;
    long heard = 0;

    void give(motet::target<long> to) {
        motet::contribute(long{motet::this_index() + 1}, motet::sum, to);
        ++done;
    }
    void give_text(motet::target<std::vector<std::string>> to) {
        motet::contribute(std::to_string(motet::this_index()), motet::gather, to);
    }
    void give_best(motet::target<motet::located<long, std::int64_t>> to) {
        motet::contribute(long{10 - motet::this_index()}, motet::max_at, to);
    }
    void come(motet::target<void> to) { motet::contribute(to); }
    void hear(long value) { heard += value; }
    long heard_all() const { return heard; }
    /// Many rounds at once, and this element is ahead of others by as many as it likes.
    void rounds(int count, motet::target<long> to) {
        for (int i = 0; i < count; ++i) {
            motet::contribute(long{1} << i, motet::sum, to);
            if ((motet::this_index() + i) % 3 == 0) motet::yield();
        }
    }
    /// Contributes, moves on and goes on.
    motet::eventually<int> travel(int left, motet::target<long> to) {
        if (left == 0) return done;
        motet::contribute(long{left}, motet::sum, to);
        ++done;
        motet::move_this((motet::my_pe() + motet::this_index() + left) % motet::pe_count());
        return motet::next<&member::travel>(left - 1, to);
    }
    void give_and_end(motet::target<long> to) {
        motet::contribute(long{100}, motet::sum, to);
        motet::erase_this();
    }
    void differ(motet::target<long> to) {
        if (motet::this_index() % 2 == 0)
            motet::contribute(long{1}, motet::sum, to);
        else
            motet::contribute(long{1}, motet::max, to);
    }
    std::uint64_t rounds_so_far() const { return motet::rounds_contributed(); }
};

} // namespace reduction_test

using namespace reduction_test;

TEST_CASE("elements contribute to a future, to a method, to a broadcast") {
    everywhere([] {
        const std::int64_t n = 10;
        const auto all = motet::array<member>::create(n);
        const auto target = motet::chare<sink>::create();
        for (int round = 0; round < 3; ++round) {
            auto [f, p] = motet::make_future<long>();
            all.tell<&member::give>(p);
            CHECK(f.get() == n * (n + 1) / 2);
        }
        all.all<&member::give>(target.to<&sink::take>()).get();
        all.all<&member::come>(target.to<&sink::told>()).get();
        all.all<&member::give>(all.to<&member::hear>()).get();
        motet::quiescence().get();
        CHECK(target.ask<&sink::total>().get() == 55);
        CHECK(target.ask<&sink::count>().get() == 2);
        CHECK(all.gather<&member::heard_all>().get() == std::vector<long>(10, 55));
        CHECK(all.gather<&member::rounds_so_far>().get() == std::vector<std::uint64_t>(10, 6));
        auto [texts, q] = motet::make_future<std::vector<std::string>>();
        all.tell<&member::give_text>(q);
        CHECK(texts.get() == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
        auto [best, r] = motet::make_future<motet::located<long, std::int64_t>>();
        all.tell<&member::give_best>(r);
        CHECK(best.get() == motet::located<long, std::int64_t>{10, 0});
        auto [everybody, s] = motet::make_future<void>();
        all.tell<&member::come>(s);
        everybody.get();
    });
}

TEST_CASE("a round waits for every element") {
    everywhere([] {
        const auto all = motet::array<member>::create(7);
        auto [f, p] = motet::make_future<long>();
        for (std::int64_t i = 0; i < 6; ++i) all[i].tell<&member::give>(p);
        motet::quiescence().get();
        CHECK(!f.ready());
        all[6].tell<&member::give>(p);
        CHECK(f.get() == 28);
    });
}

TEST_CASE("groups and node groups reduce too") {
    everywhere([] {
        const auto group = motet::group<member>::create();
        const auto nodes = motet::node_group<member>::create();
        auto [f, p] = motet::make_future<long>();
        group.tell<&member::give>(p);
        const long n = static_cast<long>(motet::pe_count());
        CHECK(f.get() == n * (n + 1) / 2);
        auto [g, q] = motet::make_future<long>();
        nodes.tell<&member::give>(q);
        const long m = static_cast<long>(motet::process_count());
        CHECK(g.get() == m * (m + 1) / 2);
    });
}

TEST_CASE("several rounds in flight: each gets every element's value once") {
    everywhere([] {
        const auto all = motet::array<member>::create(9);
        const int rounds = 20;
        auto [f, p] = motet::make_future<long>(static_cast<std::size_t>(rounds));
        all.tell<&member::rounds>(rounds, p);
        const auto values = f.get();
        CHECK(values.size() == static_cast<std::size_t>(rounds));
        std::set<long> expected;
        for (int i = 0; i < rounds; ++i) expected.insert(9 * (long{1} << i));
        CHECK(std::set<long>(values.begin(), values.end()) == expected);
    });
}

TEST_CASE("rounds close under migration: elements that are ahead, elements that are behind") {
    everywhere([] {
        const int n = 8;
        const int rounds = 12;
        const auto all = motet::array<member>::create(n);
        auto [f, p] = motet::make_future<long>(static_cast<std::size_t>(rounds));
        std::vector<motet::future<int>> journeys;
        for (int i = 0; i < n; ++i) journeys.push_back(all[i].ask<&member::travel>(rounds, p));
        for (auto& each : journeys) CHECK(each.get() == rounds);
        const auto values = f.get();
        std::multiset<long> expected;
        for (int i = 1; i <= rounds; ++i) expected.insert(n * i);
        CHECK(std::multiset<long>(values.begin(), values.end()) == expected);
    });
}

TEST_CASE("a round closes when the elements that have not contributed are erased") {
    everywhere([] {
        const auto all = motet::array<member>::create(6);
        auto [f, p] = motet::make_future<long>();
        for (std::int64_t i = 0; i < 4; ++i) all[i].tell<&member::give>(p);
        motet::quiescence().get();
        CHECK(!f.ready());
        all[4].move_to(motet::pe_count() - 1).get();
        all.erase(4).get();
        all.erase(5).get();
        CHECK(f.get() == 10);
        // One that gives and ends: its value counts.
        auto [g, q] = motet::make_future<long>();
        all[0].tell<&member::give_and_end>(q);
        for (std::int64_t i = 1; i < 4; ++i) all[i].tell<&member::give>(q);
        CHECK(g.get() == 100 + 2 + 3 + 4);
        auto [h, r] = motet::make_future<long>();
        all.tell<&member::give>(r);
        CHECK(h.get() == 2 + 3 + 4);
    });
}

TEST_CASE("an inserted element takes part from the round after its birth on") {
    everywhere([] {
        const auto all = motet::array<member>::create();
        for (std::int64_t i = 0; i < 3; ++i) all.insert(i).get();
        for (int round = 0; round < 6; ++round) {
            const std::int64_t n = 3 + round;
            auto [f, p] = motet::make_future<long>();
            all.tell<&member::give>(p);
            CHECK(f.get() == n * (n + 1) / 2);
            all.insert(n, {}, (round * 5 + 1) % motet::pe_count()).get();
        }
        CHECK(all.gather<&member::rounds_so_far>().get().size() == 9);
    });
}

TEST_CASE("an element that is born while a round is open takes no part in it") {
    one(threads(1), [] {
        const auto all = motet::array<member>::create();
        all.insert(0).get();
        all.insert(1).get();
        auto [f, p] = motet::make_future<long>();
        all[0].ask<&member::give>(p).get();
        all.insert(2).get();
        all[1].tell<&member::give>(p);
        CHECK(f.get() == 1 + 2);
        CHECK(all[2].ask<&member::rounds_so_far>().get() == 1);
    });
}

TEST_CASE("one that moved to where the round has been passed on, and ends there, holds up nobody") {
    everywhere([] {
        const auto all = motet::array<member>::create();
        const std::int64_t last = motet::pe_count() - 1;
        all.insert(0, {}, 0).get();
        all.insert(1, {}, 0).get();
        all.insert(2, {}, last).get();
        auto [f, p] = motet::make_future<long>();
        all[0].ask<&member::give>(p).get();
        all[2].ask<&member::give>(p).get();
        motet::quiescence().get();
        CHECK(!f.ready());
        all[1].move_to(last).get();
        motet::quiescence().get();
        all.erase(1).get();
        CHECK(f.get() == 1 + 3);
    });
}

TEST_CASE("elements that contribute differently to one round: the target is told") {
    everywhere([] {
        const auto all = motet::array<member>::create(6);
        auto [f, p] = motet::make_future<long>();
        all.tell<&member::differ>(p);
        CHECK(contains(thrown_by([&f = f] { f.get(); }), "with different reducers or types"));
    });
}

namespace reduction_test {
struct to_itself {
    int value = 1;
    void give() { motet::contribute(value, motet::sum, motet::this_element<to_itself>().to<&to_itself::take>()); }
    void give_to(motet::promise<int> one, motet::promise<int> other) {
        motet::contribute(value, motet::sum, motet::this_index() == 2 ? other : one);
    }
    void take(int) {}
};
} // namespace reduction_test

TEST_CASE("elements that contribute to one round with different targets: that is told, not one of them chosen") {
    using reduction_test::to_itself;
    everywhere([] {
        const auto all = motet::array<to_itself>::create(6);
        auto [f, p] = motet::make_future<int>();
        auto [g, q] = motet::make_future<int>();
        all.tell<&to_itself::give_to>(p, q);
        const auto why = thrown_by([&f = f, &g = g] { motet::wait_any(f, g) == 0 ? f.get() : g.get(); });
        CHECK(contains(why, "with different targets: all name the same one, or none"));
    });
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(2, 2)})
        CHECK(contains(error_of(chosen, [] { motet::array<to_itself>::create(6).tell<&to_itself::give>(); }),
                       "with different targets: all name the same one, or none"));
}

namespace reduction_test {
struct lonely {
    int value = 0;
    std::string give(motet::target<long> to) {
        return thrown_by([&] { motet::contribute(long{1}, motet::sum, to); });
    }
};
struct failing {
    int operator()(int, int) const { throw std::range_error("no sum"); }
};
struct failing_member {
    int value = 0;
    void give(motet::target<int> to) { motet::contribute(1, failing(), to); }
};
} // namespace reduction_test

TEST_CASE("a reducer that throws: the target is told, or the program ends") {
    for (const auto& chosen : some()) {
        run_well(chosen, [] {
            const auto all = motet::array<failing_member>::create(5);
            auto [f, p] = motet::make_future<int>();
            all.tell<&failing_member::give>(p);
            CHECK(contains(thrown_by([&f = f] { f.get(); }), "no sum (std::range_error)"));
        });
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto all = motet::array<failing_member>::create(5);
                                    all.tell<&failing_member::give>(motet::target<int>());
                                    motet::quiescence().get();
                                }),
                       "no sum (std::range_error)"));
    }
}

TEST_CASE("a single chare has nobody to reduce with") {
    everywhere([] {
        auto [f, p] = motet::make_future<long>();
        CHECK(contains(motet::chare<lonely>::create().ask<&lonely::give>(p).get(), "single chare"));
        CHECK(contains(thrown_by([&p = p] { motet::contribute(long{1}, motet::sum, p); }), "there is no chare here"));
    });
}

// Where every process has one PE and there are few, the PEs of a group exchange their parts (reduction.hpp, step 6).

namespace reduction_test {

/// One of a group, which hears the sums of its own reductions.
struct delegate {
    std::vector<double> heard;
    int asked = 0;
    motet::promise<void> end;

    double own(int round) const { return (round + 1) / (3.0 + static_cast<double>(motet::this_index())); }
    /// The next round begins when the last one has been heard.
    void debate(int rounds, motet::promise<void> told) {
        asked = rounds, end = told;
        motet::contribute(own(0), motet::sum, motet::this_collection<delegate>().to<&delegate::hear>());
    }
    void hear(double sum) {
        heard.push_back(sum);
        const int round = static_cast<int>(heard.size());
        if (round < asked)
            motet::contribute(own(round), motet::sum, motet::this_collection<delegate>().to<&delegate::hear>());
        else if (round == asked && motet::this_index() == 0)
            end.set();
    }
    /// All rounds at once. In round i some name the target and others leave that to them; every third goes to `far`.
    void shout(int rounds, motet::target<double> far) {
        for (int i = 0; i < rounds; ++i) {
            const bool names = i % 4 == 0 || (motet::this_index() + i) % 2 == 0 || motet::pe_count() == 1;
            const bool names_far = motet::this_index() == i % motet::pe_count();
            const auto all = motet::this_collection<delegate>().to<&delegate::note>();
            motet::contribute(own(i), motet::sum,
                              i % 3 == 2 ? (names_far ? far : motet::target<double>())
                                         : (names ? all : motet::target<double>()));
            if ((motet::this_index() + i) % 5 == 0) motet::yield();
        }
    }
    void note(double sum) { heard.push_back(sum); }
    void forget() { heard.clear(); }
    std::vector<double> all_heard() const { return heard; }
    std::vector<double> all_sorted() const {
        std::vector<double> sorted = heard;
        std::sort(sorted.begin(), sorted.end());
        return sorted;
    }
};

struct listener {
    double sum = 0;
    int calls = 0;
    void take(double value) { sum += value, ++calls; }
    std::vector<double> taken() const { return {sum, static_cast<double>(calls)}; }
};

/// Runs with one PE in each process, from one process to more than exchange.
template <class Body>
void among_processes(Body&& body) {
    everywhere(body);
    if (this_job().size > 1) return;
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed) {
        options chosen = simulated_by(seed);
        chosen.pes = 1;
        chosen.processes = 2 + static_cast<std::uint32_t>(seed % 5);
        run_well(chosen, body);
    }
}

} // namespace reduction_test

TEST_CASE("a group whose reductions go to itself: all members hear the same, to the bit and in order") {
    among_processes([] {
        constexpr int rounds = 12;
        const auto all = motet::group<delegate>::create();
        auto [over, end] = motet::make_future<void>();
        all.tell<&delegate::debate>(rounds, end);
        over.get();
        motet::quiescence().get();
        const auto heard = all.gather<&delegate::all_heard>().get();
        REQUIRE(heard.size() == static_cast<std::size_t>(motet::pe_count()));
        REQUIRE(heard[0].size() == rounds);
        for (const auto& one : heard) CHECK(one == heard[0]);
        for (int i = 0; i < rounds; ++i) {
            double sum = 0;
            for (std::int64_t pe = 0; pe < motet::pe_count(); ++pe) sum += (i + 1) / (3.0 + static_cast<double>(pe));
            CHECK(heard[0][static_cast<std::size_t>(i)] == doctest::Approx(sum));
        }
    });
}

TEST_CASE("reductions of a group, many under way, some of whose members name the target and some do not") {
    among_processes([] {
        constexpr int rounds = 24;
        const auto all = motet::group<delegate>::create();
        const auto far = motet::chare<listener>::create();
        for (int repeat = 0; repeat < 2; ++repeat) {
            all.all<&delegate::forget>().get();
            all.tell<&delegate::shout>(rounds, far.to<&listener::take>());
            motet::quiescence().get();
            std::vector<double> sums;
            double rest = 0;
            for (int i = 0; i < rounds; ++i) {
                double sum = 0;
                for (std::int64_t pe = 0; pe < motet::pe_count(); ++pe)
                    sum += (i + 1) / (3.0 + static_cast<double>(pe));
                if (i % 3 == 2)
                    rest += sum;
                else
                    sums.push_back(sum);
            }
            for (const auto& one : all.gather<&delegate::all_sorted>().get()) {
                REQUIRE(one.size() == sums.size());
                for (std::size_t i = 0; i < sums.size(); ++i) CHECK(one[i] == doctest::Approx(sums[i]));
            }
            const auto taken = far.ask<&listener::taken>().get();
            CHECK(taken[0] == doctest::Approx((repeat + 1) * rest));
            CHECK(taken[1] == (repeat + 1) * rounds / 3);
        }
    });
}

namespace reduction_test {
/// Some have no bytes: from a certain one on that is written.
struct fussy {
    static inline std::atomic<int> writes_left = 0;
    bool bad = false;
    template <class Archive>
    void serialize(Archive& archive) {
        if constexpr (Archive::is_writing)
            if (bad && writes_left-- <= 0) throw std::range_error("no bytes");
        archive(bad);
    }
};
struct worse {
    fussy operator()(fussy a, fussy b) const { return {a.bad || b.bad}; }
};
struct fussy_member {
    int value = 0;
    void give(std::int64_t bad) {
        for (const bool may : {true, false})
            motet::contribute(fussy{may && motet::this_index() == bad}, worse(),
                              motet::this_collection<fussy_member>().to<&fussy_member::take>());
    }
    void take(fussy) { ++value; }
};
} // namespace reduction_test

TEST_CASE("a value of a group's reduction to itself that has no bytes: the target is told, not who contributes") {
    if (this_job().size > 1) return;
    for (const std::uint32_t processes : {2u, 3u, 5u, 7u})
        for (const std::int64_t bad : {1, 0})
            for (const int written : {0, 1}) {
                if (processes == 7 ? bad == 0 || written != 0 : written + 1 >= static_cast<int>(processes)) continue;
                fussy::writes_left = written;
                INFO("PE ", bad, " of ", processes, ", ", written, " written");
                const std::string error = error_of(simulated(processes, 1), [bad] {
                    const auto all = motet::group<fussy_member>::create();
                    all.all<&fussy_member::give>(bad).get();
                    motet::quiescence().get();
                });
                CHECK_MESSAGE(contains(error, "no bytes (std::range_error), in fussy_member, entry a result"), error);
            }
}
