// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"
#include "takes_turns.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;
using namespace std::chrono_literals;

namespace wait_test {

struct box {
    int count = 0;
    int other = 0;
    std::vector<std::string> log;

    void add(int n) { count += n; }
    void note(std::string s) { log.push_back(s); }
    std::vector<std::string> get() const { return log; }
    int until(int n) {
        motet::wait([&] { return count >= n; });
        return count;
    }
    /// Each takes one from what there is: only one may go on for each.
    int take_one() {
        motet::wait([&] { return count > 0; });
        const int left = --count;
        log.push_back("took");
        return left;
    }
    std::string in_a_catch_block(int n) {
        try {
            throw std::runtime_error("outer " + std::to_string(n));
        } catch (const std::exception&) {
            try {
                motet::wait([&] { return count >= n; });
                throw std::logic_error("inner");
            } catch (const std::logic_error& inner) {
                motet::sleep_for(std::chrono::microseconds(10 * n));
                other += std::string(inner.what()) == "inner";
            }
            try {
                throw; // the outer one is the current one again
            } catch (const std::exception& e) {
                return e.what();
            }
        }
    }
    int deep(int levels) {
        if (levels == 0) {
            motet::wait([&] { return count > 0; });
            return 0;
        }
        return 1 + deep(levels - 1);
    }
    std::string throws_in_a_condition(int n) {
        try {
            motet::wait([&]() -> bool {
                if (count == n) throw std::runtime_error("count is " + std::to_string(count));
                return false;
            });
        } catch (const std::exception& e) {
            return e.what();
        }
        return "";
    }
    std::string waits_in_a_condition() {
        return thrown_by([&] {
            motet::wait([&] {
                motet::yield();
                return true;
            });
        });
    }
    /// Atomic between waits: nobody else changes the state meanwhile.
    bool alone(int rounds) {
        for (int i = 0; i < rounds; ++i) {
            const int before = ++other;
            for (int k = 0; k < 50; ++k) other += k % 2 == 0 ? 1 : -1;
            if (other != before) return false;
            motet::yield();
        }
        return true;
    }
    std::int64_t calls_itself(motet::array<box> all, int n) const {
        if (n == 0) return motet::my_pe();
        return all[motet::this_index()].ask<&box::calls_itself>(all, n - 1).get();
    }
};

} // namespace wait_test

using namespace wait_test;

TEST_CASE("a method waits for a condition over its chare's state; others are handled meanwhile") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(4);
        auto waiting = boxes[2].ask<&box::until>(10);
        auto longer = boxes[2].ask<&box::until>(20);
        for (int i = 0; i < 9; ++i) boxes[2].tell<&box::add>(1);
        motet::sleep_for(1ms);
        CHECK(!waiting.ready());
        boxes[2].tell<&box::add>(1);
        CHECK(waiting.get() == 10);
        CHECK(!longer.ready());
        boxes[2].tell<&box::add>(10);
        CHECK(longer.get() == 20);
        CHECK(boxes[2].ask<&box::until>(5).get() == 20);
    });
}

TEST_CASE("of several that wait for the same, only as many go on as the condition allows") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(2);
        std::vector<motet::future<int>> takers;
        for (int i = 0; i < 12; ++i) takers.push_back(boxes[1].ask<&box::take_one>());
        for (int i = 0; i < 4; ++i) boxes[1].tell<&box::add>(3);
        for (auto& each : takers) CHECK(each.get() >= 0);
        CHECK(boxes[1].ask<&box::get>().get().size() == 12);
        CHECK(boxes[1].ask<&box::until>(0).get() == 0);
    });
}

TEST_CASE("a satisfied wait goes on before any other message of its chare") {
    for (const auto& chosen : {threads(1), simulated(1, 1, 1), simulated(1, 1, 2), simulated(1, 1, 3)})
        one(chosen, [] {
            const auto b = motet::chare<box>::create();
            auto taker = b.ask<&box::take_one>();
            motet::quiescence().get();
            b.expedited().tell<&box::add>(1);
            for (int i = 0; i < 5; ++i) b.tell<&box::note>("later");
            taker.get();
            motet::quiescence().get();
            const auto log = b.ask<&box::get>().get();
            REQUIRE(log.size() == 6);
            if (motet::runtime::this_pe().port == nullptr) CHECK(log[0] == "took");
        });
}

TEST_CASE("methods that take turns by waiting leave everything else its turn, their own chare's other methods too") {
    everywhere([] {
        auto pair = motet::chare<takes_turns>::create({}, 0);
        pair.tell<&takes_turns::take>(0);
        pair.tell<&takes_turns::take>(1);
        auto boxes = motet::array<box>::create(5);
        boxes.tell<&box::add>(1);
        for (std::int64_t i = 0; i < 5; ++i) CHECK(boxes[i].ask<&box::until>(1).get() == 1);
        motet::sleep_for(1ms);
        CHECK(pair.ask<&takes_turns::count>().get() > 0);
        pair.tell<&takes_turns::stop>();
    });
}

TEST_CASE("a wait inside a catch block finds its exception again") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(3);
        std::vector<motet::future<std::string>> all;
        for (int i = 1; i <= 8; ++i) all.push_back(boxes[i % 3].ask<&box::in_a_catch_block>(i));
        for (int i = 1; i <= 8; ++i) boxes.tell<&box::add>(1);
        for (int i = 1; i <= 8; ++i) CHECK(all[static_cast<std::size_t>(i - 1)].get() == "outer " + std::to_string(i));
    });
}

TEST_CASE("a wait at any depth of calls, and a chare that calls itself and waits") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(3);
        auto deep = boxes[0].ask<&box::deep>(500);
        boxes[0].tell<&box::add>(1);
        CHECK(deep.get() == 500);
        CHECK(boxes[1].ask<&box::calls_itself>(boxes, 20).get() < motet::pe_count());
    });
}

TEST_CASE("what a condition throws is thrown where it waits; a condition cannot wait") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(3);
        CHECK(boxes[0].ask<&box::throws_in_a_condition>(0).get() == "count is 0");
        auto later = boxes[1].ask<&box::throws_in_a_condition>(3);
        for (int i = 0; i < 3; ++i) boxes[1].tell<&box::add>(1);
        CHECK(later.get() == "count is 3");
        CHECK(contains(boxes[2].ask<&box::waits_in_a_condition>().get(), "this waits inside a `when`, a condition"));
    });
}

TEST_CASE("between two waits a method is alone with its chare") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(4);
        std::vector<motet::future<bool>> all;
        for (int i = 0; i < 16; ++i) all.push_back(boxes[i % 4].ask<&box::alone>(10));
        for (auto& each : all) CHECK(each.get());
    });
}

TEST_CASE("main waits for a condition that messages on its PE make true") {
    for (const auto& chosen : some())
        run_well(chosen, [] {
            const auto boxes = motet::array<box>::create(3);
            auto f = boxes[2].ask<&box::until>(3);
            for (int i = 0; i < 3; ++i) boxes[2].tell<&box::add>(1);
            motet::wait([&] { return f.ready(); });
            CHECK(f.get() == 3);
        });
}

TEST_CASE("sleeping: as long as asked, in order, while others go on") {
    everywhere([] {
        const double begin = motet::now();
        motet::sleep_for(2ms);
        CHECK(motet::now() - begin >= 1.999e-3);
        auto late = motet::after(4ms);
        auto early = motet::after(1ms);
        CHECK(motet::wait_any(late, early) == 1);
        late.get();
        CHECK(motet::now() - begin >= 5.9e-3);
        motet::sleep_for(0s);
        motet::sleep_for(std::chrono::nanoseconds(-5));
        motet::yield();
    });
    double virtual_time = 0;
    one(simulated(1, 2), [&] {
        motet::sleep_for(std::chrono::hours(10'000));
        motet::charge(5);
        virtual_time = motet::now();
    });
    if (this_job().size == 1) CHECK(virtual_time == doctest::Approx(36'000'005));
}

TEST_CASE("a timer that nobody waits for any more is counted once, when it is due already, too") {
    on_threads([] {
        const auto boxes = motet::array<box>::create(1, box{}); // on this PE
        for (int before = 1; before < 100; before += 7) {
            {
                const auto timer = motet::after(std::chrono::nanoseconds(1)); // in line while there are many messages
                for (int i = 0; i < before; ++i) boxes[0].tell<&box::add>(1);
                auto asked = boxes[0].ask<&box::get>();
                for (int i = 0; i < 100; ++i) boxes[0].tell<&box::add>(1);
                asked.get();
            }
            motet::quiescence().get();
            CHECK(motet::runtime::this_pe().sleeping == 0);
        }
    });
}

TEST_CASE("timers that nobody waits for any more do not pile up until they are due") {
    on_threads([] {
        const auto first = motet::after(1ms);
        std::vector<motet::future<void>> kept;
        for (int i = 0; i < 10'000; ++i) {
            auto timeout = motet::after(1h);
            if (i % 100 == 0) kept.push_back(motet::after(std::chrono::milliseconds(2 + i % 7)));
        }
        CHECK(motet::runtime::this_pe().waiting_timers() < 300);
        first.wait();
        motet::wait_all(kept);
        CHECK(motet::runtime::this_pe().sleeping == 0);
    });
}

TEST_CASE("waiting outside of a run is refused") {
    const char* text = "this needs a running program";
    CHECK(contains(thrown_by([] { motet::wait([] { return true; }); }), text));
    CHECK(contains(thrown_by([] { motet::make_future<int>(); }), text));
    CHECK(contains(thrown_by([] { motet::sleep_for(1ms); }), text));
    CHECK(contains(thrown_by([] { motet::quiescence(); }), text));
    CHECK(contains(thrown_by([] { motet::chare<box>::create(); }), text));
    CHECK(contains(thrown_by([] { motet::array<box>::create(3); }), text));
    CHECK(contains(thrown_by([] { motet::exit(0); }), text));
    CHECK(contains(thrown_by([] { motet::my_pe(); }), text));
    CHECK(contains(thrown_by([] { motet::this_index(); }), text));
}

TEST_CASE("quiescence: everything that was told has been handled, and what that told") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(5);
        motet::quiescence().get();
        for (int round = 1; round <= 3; ++round) {
            for (int i = 0; i < 50; ++i) boxes[i % 5].tell<&box::add>(1);
            auto first = motet::quiescence();
            auto second = motet::quiescence();
            first.get();
            second.get();
            int sum = 0;
            for (std::int64_t i = 0; i < 5; ++i) sum += boxes[i].ask<&box::until>(0).get();
            CHECK(sum == 50 * round);
        }
        // A fiber that waits does not hinder it: its message was processed when it parked.
        auto parked = boxes[0].ask<&box::until>(1000);
        motet::quiescence().get();
        CHECK(!parked.ready());
        boxes[0].tell<&box::add>(1000);
        parked.get();
    });
}

namespace wait_test {

int signals = 0; // of one process: the runs below have one PE
struct signaller {
    int value = 0;
    void signal() { ++signals; }
    void on(motet::created) { ++signals; }
};

} // namespace wait_test

TEST_CASE("main's condition is looked at when a broadcast or a hook has run") {
    using wait_test::signaller;
    using wait_test::signals;
    for (const auto& chosen : {threads(1), simulated(1, 1)})
        one(chosen, [] {
            signals = 0;
            const auto all = motet::group<signaller>::create();
            motet::wait([] { return signals == 1; }); // the hook
            all.tell<&signaller::signal>();
            motet::wait([] { return signals == 2; });
        });
}

TEST_CASE("what a condition has thrown is thrown, whatever it says later") {
    for (const auto& chosen : {threads(1), simulated(1, 1, 3)})
        one(chosen, [] {
            int looked_at = 0;
            const auto worker = motet::chare<wait_test::signaller>::create();
            auto pause = motet::after(std::chrono::milliseconds(1));
            CHECK_THROWS_AS(motet::wait([&] {
                                if (++looked_at == 2) throw std::logic_error("once");
                                worker.tell<&wait_test::signaller::signal>();
                                return false;
                            }),
                            std::logic_error);
            CHECK(looked_at == 2);
            pause.get();
        });
}

TEST_CASE("quiescence is told to a target") {
    everywhere([] {
        const auto [told, to] = motet::make_future<void>();
        motet::quiescence(to);
        told.wait();
    });
}
