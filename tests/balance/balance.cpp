// SPDX-License-Identifier: BSL-1.0
#include "../chare/runs.hpp"

#ifdef MOTET_WITH_METIS
#include <motet/balance/metis.hpp>
#endif
#ifdef MOTET_WITH_SCOTCH
#include <motet/balance/scotch.hpp>
#endif

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

using namespace motet_test;
using namespace std::chrono_literals;

namespace balance_test {

/// Works for a time of its own, in steps, and stops at a balancing point every second one.
struct worker {
    std::int64_t cost = 1; ///< milliseconds of each step
    std::int64_t steps = 0;
    std::int64_t points = 0;
    std::int64_t arrivals = 0;

    void on(motet::arrived) { ++arrivals; }
    void set(std::int64_t milliseconds) { cost = milliseconds; }
    motet::eventually<std::int64_t> loop(std::int64_t left) {
        motet::charge(1e-3 * static_cast<double>(cost));
        ++steps;
        if (left == 0) return 1000 * motet::this_index() + steps;
        if (left % 2 == 1) return motet::next<&worker::loop>(left - 1);
        ++points;
        return motet::balance_next<&worker::loop>(left - 1);
    }
    /// The same without a reply, by messages.
    void walk(std::int64_t left, motet::promise<bool> told) {
        motet::charge(1e-3 * static_cast<double>(cost));
        ++steps;
        if (left == 0) return told.set(true);
        motet::balance<&worker::walk>(left - 1, told);
    }
    void work() { motet::charge(1e-3 * static_cast<double>(cost)); }
    void stand(std::int64_t milliseconds) { motet::sleep_for(std::chrono::milliseconds(milliseconds)); }
    std::int64_t where() const { return motet::my_pe(); }
    std::int64_t moved() const { return arrivals; }
    std::int64_t walked() const { return steps; }
    void fails() { motet::balance<&worker::work>(), motet::balance<&worker::work>(); }
    void leaves(std::int64_t) {}
    /// Means to stop at a balancing point, but has nothing to go on with.
    motet::eventually<std::int64_t> stumbles() {
        struct nothing {
            operator std::int64_t() const { throw std::runtime_error("nothing is there"); }
        };
        try {
            return motet::balance_next<&worker::loop>(nothing());
        } catch (const std::runtime_error&) {
            return motet::next<&worker::loop>(std::int64_t{0});
        }
    }
};

/// Comes to its balancing points in a hook, and in a method that returns a value.
struct beginner {
    std::int64_t steps = 0;

    void on(motet::created) { motet::balance<&beginner::step>(1); }
    void step(std::int64_t by) { steps += by; }
    std::int64_t start() {
        motet::balance<&beginner::step>(10);
        return 7;
    }
    std::int64_t stepped() const { return steps; }
    void strays() { motet::balance<&worker::work>(); }
};

struct single {
    int value = 0;
    void point() { motet::balance<&single::point>(); }
};

/// Sends everything to PE 0.
struct all_to_one {
    void operator()(motet::balancing& all) const {
        for (auto& c : all.chares)
            if (c.may_move) c.to = 0;
    }
};
/// The same, and meanwhile a method begins in each that waits until it is told to go on.
struct sleeper {
    bool awake = false;
    void sleep() {
        motet::wait([&] { return awake; });
    }
    void wake() { awake = true; }
};
struct all_to_one_that_sleep {
    static inline motet::array<sleeper> all;
    void operator()(motet::balancing& what) const {
        all_to_one{}(what);
        all.expedited().tell<&sleeper::sleep>();
    }
};
struct nonsense {
    void operator()(motet::balancing& all) const {
        for (auto& c : all.chares) c.to = all.pes;
    }
};
struct named {
    static constexpr const char* name = "everything_to_one";
    void operator()(motet::balancing& all) const { all_to_one{}(all); }
};
struct forgets {
    void operator()(motet::balancing& all) const { all.chares.pop_back(); }
};
struct throws {
    void operator()(motet::balancing&) const { throw std::runtime_error("no idea"); }
};
struct invents_pes {
    void operator()(motet::balancing& all) const {
        all.pes = 1000;
        all.chares[0].to = 999;
    }
};
struct sorts {
    void operator()(motet::balancing& all) const { std::reverse(all.chares.begin(), all.chares.end()); }
};
/// Writes over what is not its own.
struct scribbles {
    void operator()(motet::balancing& all) const {
        all.pes = 0;
        for (auto& c : all.chares) c = {-1, -77, 0, true, c.sort};
    }
};

motet::array<worker> uneven(std::int64_t count) {
    const auto all = motet::array<worker>::create(count);
    for (std::int64_t i = 0; i < count; ++i) all[i].tell<&worker::set>(i < count / 4 ? 10 : 1);
    motet::quiescence().get();
    return all;
}

template <class Strategy>
void loops_with(Strategy strategy) {
    everywhere([strategy] {
        const auto all = uneven(24);
        motet::balance_with(all, strategy).get();
        const auto results = all.gather<&worker::loop>(std::int64_t{6}).get();
        for (std::int64_t i = 0; i < 24; ++i) CHECK(results[static_cast<std::size_t>(i)] == 1000 * i + 7);
    });
}

} // namespace balance_test

using namespace balance_test;

TEST_CASE("a looping method goes on after every balancing, wherever it is, and its caller gets the result") {
    loops_with(motet::greedy);
    loops_with(motet::refine);
    loops_with(motet::rotate);
    loops_with(motet::random_places);
    loops_with(motet::distributed);
    loops_with(motet::communication);
    loops_with(all_to_one{});
#ifdef MOTET_WITH_METIS
    loops_with(motet::metis);
#endif
#ifdef MOTET_WITH_SCOTCH
    loops_with(motet::scotch);
#endif
}

TEST_CASE("balance calls a method on every element after the balancing") {
    everywhere([] {
        const auto all = uneven(16);
        motet::balance_with(all, motet::rotate).get();
        auto [ended, told] = motet::make_future<bool>(16);
        all.tell<&worker::walk>(std::int64_t{5}, told);
        ended.get();
        for (const std::int64_t steps : all.gather<&worker::walked>().get()) CHECK(steps == 6);
        if (motet::pe_count() > 1) CHECK(all.reduce<&worker::moved>(motet::sum).get() >= 5 * 16);
    });
}

TEST_CASE("a hook, and a method that returns a value, may come to a balancing point") {
    for (auto chosen : some())
        for (const char* const named : {"", "rotate"}) {
            chosen.balance = named;
            run_well(chosen, [] {
                const auto all = motet::array<beginner>::create(8);
                motet::quiescence().get();
                CHECK(all.reduce<&beginner::stepped>(motet::sum).get() == 8);
                CHECK(all.reduce<&beginner::start>(motet::sum).get() == 56);
                motet::quiescence().get();
                CHECK(all.reduce<&beginner::stepped>(motet::sum).get() == 88);
                CHECK(
                    contains(thrown_by([&] { all[0].ask<&beginner::strays>().get(); }),
                             "motet::balance<&balance_test::worker::work>: this is no method of the chare that runs"));
            });
        }
}

namespace balance_test {

/// Comes to balancing points and contributes, one independently of the other.
struct contributor {
    motet::eventually<std::int64_t> loop(std::int64_t left) {
        motet::charge(1e-6 * static_cast<double>(motet::this_index() + 1));
        if (left > 0) return motet::balance_next<&contributor::loop>(left - 1);
        return motet::this_index();
    }
    void give(motet::target<std::int64_t> to) { motet::contribute(std::int64_t{1}, motet::sum, to); }
    void come(motet::target<void> to) { motet::contribute(to); }
    std::uint64_t rounds() const { return motet::rounds_contributed(); }
};

} // namespace balance_test

TEST_CASE("contributions and balancing points come in any order") {
    everywhere([] {
        const auto all = motet::array<contributor>::create(4);
        motet::balance_with(all, motet::greedy).get();
        auto [barrier, passed] = motet::make_future<void>();
        for (std::int64_t i = 0; i < 3; ++i) all[i].ask<&contributor::come>(passed).get();
        auto loops = all.reduce<&contributor::loop>(motet::sum, std::int64_t{3});
        auto [sum, to] = motet::make_future<std::int64_t>();
        for (std::int64_t i = 0; i < 3; ++i) all[i].tell<&contributor::give>(to); // at different points
        CHECK(loops.get() == 0 + 1 + 2 + 3);
        motet::sleep_for(1ms);
        CHECK(!barrier.ready()); // one has not come
        all[3].tell<&contributor::come>(passed);
        barrier.get();
        all[3].tell<&contributor::give>(to);
        CHECK(sum.get() == 4);
        CHECK(all.reduce<&contributor::rounds>(motet::max).get() == 2); // points are none
    });
}

namespace balance_test {

/// Nobody passes a balancing point before all have come.
struct in_step {
    static constexpr std::int64_t count = 12;
    static inline std::array<std::int64_t, count> reached;
    static inline std::int64_t ahead;

    motet::eventually<std::int64_t> loop(std::int64_t left) {
        const auto own = static_cast<std::size_t>(motet::this_index());
        for (const std::int64_t each : reached) ahead += each < reached[own];
        if (left == 0) return reached[own];
        ++reached[own];
        motet::charge(1e-6 * static_cast<double>((motet::this_index() + left) % 5));
        return motet::balance_next<&in_step::loop>(left - 1);
    }
};

} // namespace balance_test

TEST_CASE("nobody passes a balancing point before all have come, however they move") {
    if (this_job().size > 1) return;
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed) {
        in_step::reached = {};
        in_step::ahead = 0;
        one(simulated_by(seed), [] {
            const auto all = motet::array<in_step>::create(in_step::count);
            motet::balance_with(all, motet::random_places).get();
            auto loops = all.reduce<&in_step::loop>(motet::sum, std::int64_t{6});
            for (std::int64_t i = 0; i < 60; ++i) {
                all[i * 7 % in_step::count].move_to(i % motet::pe_count());
                motet::sleep_for(1us);
            }
            CHECK(loops.get() == 6 * in_step::count);
        });
        CAPTURE(seed);
        CHECK(in_step::ahead == 0);
    }
}

namespace balance_test {

/// Its member on PE 1 is busy: what passes there is late.
struct busy {
    void work(std::int64_t left) {
        motet::charge(500e-6);
        if (left > 0) motet::this_collection<busy>()[1].tell<&busy::work>(left - 1);
    }
};
/// Each splits in two, once; both go on from the same step, the new one on another PE.
template <bool OnDemand>
struct splitting {
    std::int64_t step = 0;
    void begin_at(std::int64_t first) { step = first; }
    static void make(const motet::array<splitting>& all, std::int64_t index, std::int64_t first) {
        if constexpr (OnDemand)
            all[index].template ask<&splitting::begin_at>(first).get();
        else
            all.insert(index, {.step = first}).get();
    }
    motet::eventually<std::int64_t> run(std::int64_t until) {
        if (step == until) return step;
        const std::int64_t own = motet::this_index();
        if (step == 3 && own < 100) {
            const motet::array<splitting> all(motet::this_collection<splitting>());
            make(all, own + 100, step);
            all[own + 100].move_to((motet::pe_count() / 2 + own) % motet::pe_count()).get();
            all[own + 100].template tell<&splitting::run>(until);
        }
        ++step;
        return motet::balance_next<&splitting::run>(until);
    }
    std::int64_t steps() const { return step; }
};

template <class T>
void split_all(const motet::array<T>& all) {
    motet::balance_with(all, motet::rotate).get();
    for (std::int64_t i = 0; i < 8; ++i) T::make(all, i, 0);
    if (motet::pe_count() > 1) motet::group<busy>::create()[1].tell<&busy::work>(std::int64_t{100});
    all.template tell<&T::run>(std::int64_t{6});
    motet::quiescence().get();
    CHECK(all.template gather<&T::steps>().get() == std::vector<std::int64_t>(16, 6));
}

} // namespace balance_test

TEST_CASE("an element born between two balancing points takes part from the next one of who made it on") {
    const auto split = [] {
        split_all(motet::array<splitting<false>>::create());
        split_all(motet::array<splitting<true>>::create(motet::on_demand));
    };
    everywhere(split);
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        auto late = simulated(1, 8, seed);
        late.delay = 50e-6;
        one(late, split);
    }
}

namespace balance_test {

/// One is late at a point, and makes another meanwhile on a PE where all wait already; the new one is later still.
struct latecomer {
    std::int64_t step = 0;
    motet::eventually<std::int64_t> run(std::int64_t until) {
        if (step == until) return step;
        const std::int64_t own = motet::this_index();
        if (step == 3 && own == 100) motet::sleep_for(std::chrono::milliseconds(2));
        if (step == 3 && own == 0) {
            const motet::array<latecomer> all(motet::this_collection<latecomer>());
            motet::sleep_for(std::chrono::milliseconds(1));
            all.insert(100, {.step = step}, motet::pe_count() - 1).get();
            all[100].tell<&latecomer::run>(until);
        }
        ++step;
        return motet::balance_next<&latecomer::run>(until);
    }
    std::int64_t steps() const { return step; }
};

} // namespace balance_test

TEST_CASE(
    "a balancing point waits for an element that is born while all others wait there, if nothing has moved, too") {
    everywhere(
        [] {
            const auto all = motet::array<latecomer>::create();
            motet::balance_with(all, [](motet::balancing&) {}).get();
            for (std::int64_t i = 0; i < 8; ++i) all.insert(i).get();
            for (std::int64_t i = 0; i < 8; ++i) all[i].tell<&latecomer::run>(std::int64_t{6});
            motet::quiescence().get();
            CHECK(all.gather<&latecomer::steps>().get() == std::vector<std::int64_t>(9, 6));
        },
        moves::none);
}

TEST_CASE("without a strategy a balancing point waits for nobody") {
    everywhere([] {
        const auto all = motet::array<worker>::create(5);
        const auto one = all[3].ask<&worker::loop>(std::int64_t{4}).get(); // the others never come
        CHECK(one == 3005);
    });
}

TEST_CASE("rebalance: what is uneven becomes even, by measured time, and the report says so") {
    for (const bool gossips : {false, true}) {
        one(simulated(4, 2, 3), [gossips] {
            const auto all = uneven(64);
            if (gossips)
                motet::balance_with(all, motet::distributed).get();
            else
                motet::balance_with(all, motet::greedy).get();
            all.all<&worker::work>().get();
            const auto first = motet::rebalance(all).get();
            CHECK(first.chares == 64);
            CHECK(first.before > 3);
            CHECK(first.after < (gossips ? 2.0 : 1.1));
            CHECK(first.moved > 5);
            all.all<&worker::work>().get();
            const auto second = motet::rebalance(all).get();
            CHECK(second.before == doctest::Approx(first.after).epsilon(0.001)); // the prediction was right
            if (!gossips) CHECK(second.moved == 0);
        });
    }
}

TEST_CASE("a balancing ends by the strategy that it began with, though the program names another one meanwhile") {
    everywhere([] {
        const auto all = uneven(16);
        motet::balance_with(all, motet::greedy).get();
        auto result = motet::rebalance(all);
        motet::balance_with(all, motet::distributed).get();
        CHECK(result.get().before >= 1);
        auto next = motet::rebalance(all);
        motet::balance_with(all, all_to_one{}).get();
        CHECK(next.get().before >= 1);
    });
}

TEST_CASE("where the simulation measures, what is computed is load") {
    struct spinner {
        std::int64_t work() const {
            const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(motet::my_pe() == 0 ? 4 : 0);
            while (std::chrono::steady_clock::now() < end) {}
            return 0;
        }
    };
    auto measured = simulated(1, 2);
    measured.measure = true;
    one(measured, [] {
        const auto all = motet::array<spinner>::create(4);
        motet::balance_with(all, motet::greedy).get();
        all.all<&spinner::work>().get();
        CHECK(motet::rebalance(all).get().before > 1.5);
    });
}

namespace balance_test {

struct talker {
    std::int64_t heard = 0;
    void hear() { ++heard; }
    void talk(motet::array<talker> all, std::int64_t partner) {
        motet::charge(1e-3);
        for (int i = 0; i < 10; ++i) all[partner].tell<&talker::hear>();
    }
    std::int64_t where() const { return motet::my_pe(); }
};

/// Sixteen that talk to one on another PE, each; how many of the eight pairs a balancing brings together.
int brought_together(const motet::array<talker>& all) {
    for (std::int64_t i = 0; i < 16; ++i) all[i].tell<&talker::talk>(all, (i + 8) % 16);
    motet::quiescence().get();
    const auto result = motet::rebalance(all).get();
    CHECK(result.after <= 1.25);
    const auto places = all.gather<&talker::where>().get();
    int together = 0;
    for (std::size_t i = 0; i < 8; ++i) together += places[i] == places[i + 8];
    return together;
}

} // namespace balance_test

TEST_CASE("messages between elements are counted for strategies that use them") {
    one(simulated(2, 2, 1), [] {
        const auto all = motet::array<talker>::create(16);
        motet::balance_with(all, motet::communication).get();
        CHECK(brought_together(all) >= 6);
    });
}

TEST_CASE("strategies of libraries are chosen on the command line where the program has them, and count messages") {
    for (const std::string name : {"metis", "scotch"}) {
        std::vector<std::string> arguments{"test", "--motet-balance", name};
        if (motet::runtime::named_strategy::find(name) == nullptr) {
            CHECK(contains(thrown_by([&] { motet::runtime::take_options(arguments); }),
                           "--motet-balance " + name + ": this program is built without it: include <motet/balance/" +
                               name + ".hpp>, and link to motet::" + name));
            continue;
        }
        auto chosen = simulated(2, 2, 1);
        chosen.balance = motet::runtime::take_options(arguments).balance;
        one(chosen, [] { CHECK(brought_together(motet::array<talker>::create(16)) == 8); });
    }
}

TEST_CASE("waiting is no load, and an element in which a method waits stays and is named") {
    one(simulated(2, 2, 1), [] {
        const auto all = motet::array<worker>::create(8);
        motet::balance_with(all, all_to_one{}).get();
        auto stands = all[7].ask<&worker::stand>(std::int64_t{50});
        all[7].ask<&worker::where>().get();
        const auto result = motet::rebalance(all).get();
        CHECK(result.held == 1);
        CHECK(contains(result.held_by, "worker[7], entry balance_test::worker::stand, on PE 3, which waits for a"));
        CHECK(result.before == 1); // nobody has worked
        CHECK(all[7].ask<&worker::where>().get() == 3);
        CHECK(all[6].ask<&worker::where>().get() == 0);
        stands.get();
    });
}

TEST_CASE("a balancing does not wait for methods that have begun to wait since the loads were read") {
    for (std::uint64_t seed = 1; seed < 10; ++seed)
        one(simulated(2, 2, seed), [] {
            const auto all = all_to_one_that_sleep::all = motet::array<sleeper>::create(8);
            motet::balance_with(all, all_to_one_that_sleep{}).get();
            motet::rebalance(all).get();
            all.all<&sleeper::wake>().get();
            motet::quiescence().get();
        });
}

TEST_CASE("periods: arrays are balanced while they work, and a run ends all the same") {
    everywhere([] {
        const auto all = motet::array<worker>::create(12);
        motet::balance_with(all, motet::rotate).get();
        motet::balance_every(all, 200us).get();
        for (int i = 0; i < 30; ++i) {
            all.all<&worker::work>().get();
            motet::sleep_for(20us);
        }
        if (motet::pe_count() > 1) CHECK(all.reduce<&worker::moved>(motet::sum).get() > 0);
        motet::quiescence().get();
    });
}

TEST_CASE("elements that come, go and move by themselves while others balance") {
    everywhere([] {
        const auto all = motet::array<worker>::create();
        for (std::int64_t i = 0; i < 10; ++i) all.insert(i).get();
        motet::balance_with(all, motet::random_places).get();
        auto results = all.gather<&worker::loop>(std::int64_t{8});
        all[2].move_to(0);
        all[5].tell<&worker::leaves>(std::int64_t{1});
        all[3].move_to(motet::pe_count() - 1);
        const auto found = results.get();
        CHECK(found.size() == 10);
        for (const std::int64_t each : found) CHECK(each % 1000 == 9);
        // One that is erased while it waits at the point: whoever asked is told, and the others go on.
        auto waits = all[4].ask<&worker::loop>(std::int64_t{2});
        all[4].ask<&worker::where>().get();
        motet::sleep_for(1ms);
        all[4].erase().get();
        CHECK_THROWS_AS(waits.get(), motet::erased);
        auto others = all.gather<&worker::loop>(std::int64_t{2});
        CHECK(others.get().size() == 9);
    });
}

TEST_CASE("a collection that waits for some of its elements for ever is a deadlock, which names those that wait") {
    for (const auto& chosen : some()) {
        const std::string text = error_of(chosen, [] {
            const auto all = motet::array<worker>::create(3);
            motet::balance_with(all, motet::greedy).get();
            all[1].ask<&worker::loop>(std::int64_t{2}).get();
        });
        CHECK(contains(text, "deadlock"));
        CHECK(contains(text, "worker[1], entry balance_test::worker::loop, on PE "));
        CHECK(contains(text, "it waits for all elements to be balanced"));
        CHECK(contains(text, ": others of its collection wait for it at a balancing point"));
    }
}

TEST_CASE("strategies that return nonsense, forget chares or throw end the program with what they did") {
    for (const auto& chosen : some()) {
        const auto with = [&](auto strategy) {
            return error_of(chosen, [strategy] {
                const auto all = motet::array<worker>::create(4);
                motet::balance_with(all, strategy).get();
                motet::rebalance(all).get();
            });
        };
        CHECK(contains(with(nonsense{}), "a balancing strategy sends a chare of worker to PE "));
        CHECK(contains(with(forgets{}), "a balancing strategy changed the number of chares of worker from 4 to 3"));
        CHECK(contains(with(throws{}), "a balancing strategy of worker threw: no idea (std::runtime_error)"));
        CHECK(contains(with(invents_pes{}), "a balancing strategy sends a chare of worker to PE 999"));
        CHECK(contains(with(sorts{}), "a balancing strategy changed the order of the chares of worker"));
        run_well(chosen, [moves = chosen.migrate > 0] {
            const auto all = motet::array<worker>::create(4);
            motet::balance_with(all, scribbles{}).get();
            all.all<&worker::work>().get();
            CHECK(motet::rebalance(all).get().after >= 1);
            if (!moves) CHECK(all.gather<&worker::where>().get() == std::vector<std::int64_t>(4));
        });
    }
}

TEST_CASE("balancing points where there can be none are refused") {
    everywhere([] {
        const auto all = motet::array<worker>::create(2);
        motet::balance_with(all, motet::greedy).get();
        CHECK(contains(thrown_by([&] { all[0].ask<&worker::fails>().get(); }), "waits for a balancing already"));
        const auto alone = motet::chare<single>::create();
        CHECK(contains(thrown_by([&] { alone.ask<&single::point>().get(); }),
                       "motet::balance: only the elements of arrays move, and single is none"));
        CHECK(contains(thrown_by([] { motet::rebalance(motet::array<worker>()); }), "this proxy is empty"));
    });
}

TEST_CASE("a balancing point that could not be reached is none for the next call") {
    everywhere([] {
        const auto all = motet::array<worker>::create(2);
        motet::balance_with(all, motet::greedy).get();
        CHECK(all[1].ask<&worker::stumbles>().get() == 1001); // the other one never comes to a balancing point
    });
}

TEST_CASE("groups are not balanced") {
    const auto refuses = [](const auto& group) {
        const std::string why = " is for arrays, whose elements move: this is a group of worker, which has one chare";
        CHECK(
            contains(thrown_by([&] { motet::balance_with(group, motet::rotate).get(); }), "motet::balance_with" + why));
        CHECK(contains(thrown_by([&] { motet::balance_every(group, 1us).get(); }), "motet::balance_every" + why));
        CHECK(contains(thrown_by([&] { motet::rebalance(group).get(); }), "motet::rebalance" + why));
        for (int i = 0; i < 3; ++i) group.template all<&worker::work>().get();
        CHECK(group.template reduce<&worker::moved>(motet::sum).get() == 0);
    };
    for (auto chosen : some())
        for (const char* const named : {"", "rotate"}) {
            chosen.balance = named;
            chosen.balance_period = 1e-6;
            run_well(chosen, [&] {
                refuses(motet::group<worker>::create());
                refuses(motet::node_group<worker>::create());
            });
        }
}

TEST_CASE("the command line chooses the strategy of every array, and none turns it off") {
    auto chosen = simulated(2, 2, 5);
    chosen.balance = "rotate";
    one(chosen, [] {
        const auto all = motet::array<worker>::create(8);
        all.all<&worker::loop>(std::int64_t{4}).get();
        CHECK(all.reduce<&worker::moved>(motet::sum).get() == 16);
    });
    // Without a balancing point, too.
    auto again_and_again = chosen;
    again_and_again.balance_period = 1e-3;
    one(again_and_again, [] {
        const auto all = motet::array<worker>::create(8);
        for (int i = 0; i < 10; ++i) all.all<&worker::work>().get();
        CHECK(all.reduce<&worker::moved>(motet::sum).get() > 8);
    });
    // A program's own, by the name that it gave it.
    std::vector<std::string> arguments{"test", "--motet-balance", "everything_to_one"};
    chosen.balance = motet::runtime::take_options(arguments).balance;
    one(chosen, [] {
        const auto all = motet::array<worker>::create(8);
        motet::rebalance(all).get();
        CHECK(all.gather<&worker::where>().get() == std::vector<std::int64_t>(8));
        motet::balance_with(all, named{}).get();
    });
    chosen.balance = "none";
    one(chosen, [] {
        const auto all = motet::array<worker>::create(8);
        motet::balance_with(all, motet::rotate).get();
        all.all<&worker::loop>(std::int64_t{4}).get();
        CHECK(all.reduce<&worker::moved>(motet::sum).get() == 0);
    });
}
