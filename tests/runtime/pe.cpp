// SPDX-License-Identifier: BSL-1.0
#include "../fiber/child.hpp"
#include "run.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

using namespace motet_test;

namespace {

message* with_priority(pe& p, int priority, work what) {
    message* m = work_message(p, std::move(what));
    m->set(message::prioritized);
    m->priority = priority;
    return m;
}
message* expedited(pe& p, work what) {
    message* m = work_message(p, std::move(what));
    m->set(message::expedited);
    return m;
}

} // namespace

TEST_CASE("messages are handled in the order of sending, expedited ones first, then by priority") {
    std::string trace;
    run(threads(1), [&](pe& p) {
        auto add = [&trace](const char* what) { return [&trace, what](pe&) { trace += what; }; };
        p.send(0, work_message(p, add("n1 ")));
        p.send(0, with_priority(p, 5, add("p5 ")));
        p.send(0, with_priority(p, -5, add("m5a ")));
        p.send(0, with_priority(p, -7, add("m7 ")));
        p.send(0, with_priority(p, -5, add("m5b ")));
        p.send(0, with_priority(p, 1, add("p1a ")));
        p.send(0, with_priority(p, 1, add("p1b ")));
        p.send(0, work_message(p, add("n2 ")));
        p.send(0, expedited(p, add("e1 ")));
        p.send(0, expedited(p, add("e2 ")));
    });
    CHECK(trace == "e1 e2 m7 m5a m5b n1 n2 p1a p1b p5 ");
}

TEST_CASE("equal priorities are first in, first out, also from another PE") {
    std::vector<int> order;
    run(threads(2), [&](pe& p) {
        for (int i = 0; i < 300; ++i) p.send(1, with_priority(p, i % 3 - 2, [&order, i](pe&) { order.push_back(i); }));
    });
    REQUIRE(order.size() == 300);
    for (int priority = 0; priority < 3; ++priority) {
        std::vector<int> of_one;
        for (const int i : order)
            if (i % 3 == priority) of_one.push_back(i);
        CHECK(std::is_sorted(of_one.begin(), of_one.end()));
    }
}

TEST_CASE("messages to another PE come in order, one, a batch, and many batches of them") {
    for (const int count : {1, 2, 57, 58, 59, 60, 116, 117, 10'000}) {
        std::vector<int> order;
        run(threads(2), [&](pe& p) {
            for (int i = 0; i < count; ++i) on(p, 1, [&order, i](pe&) { order.push_back(i); });
        });
        CHECK(order.size() == static_cast<std::size_t>(count));
        CHECK(std::is_sorted(order.begin(), order.end()));
    }
}

namespace {

struct tally {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
};
void add_to(pe&, tally* all, std::uint64_t value) {
    ++all->count;
    all->sum += value;
}
void add_to_named(pe& p, tally* all, const std::string& value) { add_to(p, all, value.size()); }
template <auto F, class... A>
void post_first(pe& p, pe_number to, A&&... a) {
    message* m = call<F>::make(p, std::forward<A>(a)...);
    m->set(message::expedited);
    p.send(to, m);
}

} // namespace

TEST_CASE("small messages of all PEs to one, more than its inbox has slots for, all come") {
    constexpr std::uint64_t each = 2000;
    constexpr std::uint32_t pes = 4;
    CHECK(call<&add_to>::operations.plain);
    CHECK(!call<&add_to_named>::operations.plain);
    tally small;
    tally large;
    run(threads(pes), [&](pe& p) {
        for (std::uint32_t from = 0; from < pes; ++from)
            on(p, from, [&](pe& here) {
                for (std::uint64_t i = 1; i <= each; ++i) {
                    post_first<&add_to>(here, 1, &small, i);
                    if (i % 10 == 0) post_first<&add_to_named>(here, 1, &large, std::string(100, 'x'));
                }
            });
    });
    CHECK(small.count == pes * each);
    CHECK(small.sum == pes * each * (each + 1) / 2);
    CHECK(large.count == pes * each / 10);
    CHECK(large.sum == 100 * large.count);
}

TEST_CASE("a run that is stopped leaves small messages behind, and nothing of them") {
    for (int i = 0; i < 20; ++i) {
        tally all;
        run(threads(2), [&](pe& p) {
            for (std::uint64_t k = 0; k < 100; ++k) post_first<&add_to>(p, 1, &all, k);
            p.job.stop(0);
        });
        CHECK(all.count <= 100);
    }
}

TEST_CASE("timers come when they are due, in that order, not before" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), threads(2), simulated(1, 2)}) {
        std::string trace;
        double early = 0;
        run(chosen, [&](pe& p) {
            const double begin = p.now();
            auto at = [&](double seconds, char name) {
                p.send_after(seconds, work_message(p, [&trace, &early, begin, seconds, name](pe& here) {
                                 trace += name;
                                 early = std::max(early, begin + seconds - here.now());
                             }));
            };
            at(0.03, 'c');
            at(0.01, 'a');
            at(0.02, 'b');
            at(0, '0');
        });
        CHECK(trace == "0abc");
        CHECK(early <= 1e-9);
    }
}

TEST_CASE("a timer comes also while the PE is busy") {
    std::atomic<bool> rang{false};
    std::function<void(pe&)> again = [&](pe& p) {
        if (!rang) on(p, 0, again);
    };
    run(threads(1), [&](pe& p) {
        p.send_after(0.01, work_message(p, [&](pe&) { rang = true; }));
        on(p, 0, again);
    });
    CHECK(rang);
}

TEST_CASE("a handler waits while others run, and goes on when it is made ready" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), threads(2), simulated(1, 2)}) {
        std::string trace;
        gate g;
        run(chosen, [&](pe& p) {
            trace += "a";
            on(p, 0, [&](pe& here) {
                trace += "b";
                g.open(here);
                g.open(here);
            });
            g.wait(p);
            trace += "c";
        });
        CHECK(trace == "abc");
    }
}

TEST_CASE("a condition is looked at again after each handler" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), simulated(1, 1)}) {
        int count = 0;
        int seen = -1;
        run(chosen, [&](pe& p) {
            for (int i = 0; i < 10; ++i) on(p, 0, [&](pe&) { ++count; });
            wait_until(p, [&] { return count == 5; });
            seen = count;
            wait_until(p, [&] { return count == 10; });
            wait_until(p, [&] { return true; });
        });
        CHECK(count == 10);
        // Under the simulated driver the handler runs on at once; threads may begin others first.
        CHECK(seen == 5);
    }
}

TEST_CASE("a condition that holds no more when its turn comes is waited for again") {
    int tokens = 0;
    int taken = 0;
    run(threads(1), [&](pe& p) {
        for (int i = 0; i < 5; ++i)
            on(p, 0, [&](pe& here) {
                wait_until(here, [&] { return tokens > 0; });
                CHECK(tokens > 0);
                --tokens;
                ++taken;
            });
        for (int i = 0; i < 5; ++i) on(p, 0, [&](pe&) { ++tokens; });
    });
    CHECK(taken == 5);
    CHECK(tokens == 0);
}

TEST_CASE("a handler of another PE makes a condition true by a message") {
    for (int round = 0; round < 100; ++round) {
        int arrived = 0;
        run(threads(3), [&](pe& p) {
            for (pe_number to = 1; to < 3; ++to) on(p, to, [&](pe& far) { on(far, 0, [&](pe&) { ++arrived; }); });
            wait_until(p, [&] { return arrived == 2; });
        });
        CHECK(arrived == 2);
    }
}

TEST_CASE("many fibers wait at once") {
    constexpr int count = 2'000;
    int through = 0;
    gate g;
    run(threads(1), [&](pe& p) {
        for (int i = 0; i < count; ++i)
            on(p, 0, [&](pe& here) {
                g.wait(here);
                ++through;
            });
        on(p, 0, [&](pe& here) { g.open(here); });
    });
    CHECK(through == count);
}

TEST_CASE("fibers that make each other ready for ever let messages and timers have their turn" *
          doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), threads(2), simulated(1, 2)}) {
        gate first, second;
        bool over = false;
        int handled = 0;
        run(chosen, [&](pe& p) {
            on(p, 0, [&](pe& here) { take_turns(here, first, second, [&] { return over; }); });
            on(p, 0, [&](pe& here) { take_turns(here, second, first, [&] { return over; }); });
            first.open(p);
            sleep_for(p, 0.01);
            const auto answer = [&](pe& far) { on(far, 0, [&](pe&) { ++handled; }); };
            for (int i = 0; i < 100; ++i) on(p, p.job.pe_total() - 1, answer);
            wait_until(p, [&] { return handled == 100; });
            over = true;
        });
        CHECK(handled == 100);
    }
}

TEST_CASE("all that are ready go on before a message, however many they are" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), simulated(1, 1)}) {
        gate g;
        int went_on = 0;
        int at_message = -1;
        run(chosen, [&](pe& p) {
            for (int i = 0; i < 1000; ++i)
                on(p, 0, [&](pe& here) {
                    g.wait(here);
                    ++went_on;
                });
            sleep_for(p, 1e-3);
            on(p, 0, [&](pe& here) {
                g.open(here);
                on(here, 0, [&](pe&) { at_message = went_on; });
            });
        });
        CHECK(at_message == 1000);
    }
}

TEST_CASE("who sleeps wakes in time, and others run meanwhile" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), threads(2), threads(5), simulated(1, 2)}) {
        double slept = 0;
        bool other = false;
        run(chosen, [&](pe& p) {
            on(p, 0, [&](pe&) { other = true; });
            const double begin = p.now();
            sleep_for(p, 0.05);
            slept = p.now() - begin;
        });
        CHECK(other);
        CHECK(slept >= 0.0499);
        CHECK(slept < 1);
    }
}

TEST_CASE("at the end of a run the frames of all who wait are unwound, on their own PEs" *
          doctest::test_suite("simulated")) {
    struct guard {
        std::atomic<int>* count;
        pe_number where;
        ~guard() {
            if (motet::runtime::this_pe().number == where) ++*count;
        }
    };
    for (const auto& chosen : {threads(3), simulated(1, 3)}) {
        std::atomic<int> unwound{0};
        gate gates[3];
        int begun = 0;
        run(chosen, [&](pe& p) {
            for (pe_number to = 0; to < 3; ++to)
                for (int i = 0; i < 50; ++i)
                    on(p, to, [&, i](pe& here) {
                        const guard g{&unwound, here.number};
                        on(here, 0, [&](pe&) { ++begun; });
                        if (i % 2 == 0)
                            gates[here.number].wait(here);
                        else
                            wait_until(here, [] { return false; });
                    });
            wait_until(p, [&] { return begun == 150; });
            p.job.stop(0);
            const guard g{&unwound, 0};
            wait_until(p, [] { return false; });
        });
        CHECK(unwound == 151);
    }
}

TEST_CASE("who is unwound leaves no trace in lists of those who wait on" * doctest::test_suite("simulated")) {
    // The frames of the first waiters are gone when the others are unwound, and handlers look at conditions.
    struct looks {
        bool* there;
        int* looked_when_gone;
        ~looks() { *there = false; }
    };
    for (const auto& chosen : {threads(1), simulated(1, 1)}) {
        int looked_when_gone = 0;
        bool there[20] = {};
        gate late;
        run(chosen, [&](pe& p) {
            for (int i = 0; i < 20; ++i)
                on(p, 0, [&, i](pe& here) {
                    there[i] = true;
                    const looks l{&there[i], &looked_when_gone};
                    struct opens { // a destructor that makes others ready while it is unwound
                        gate* which;
                        pe* at;
                        ~opens() {
                            if (which) which->open(*at);
                        }
                    } o{i == 5 ? &late : nullptr, &here};
                    if (i % 3 == 2) late.wait(here);
                    wait_until(here, [&, i] {
                        if (!there[i]) ++looked_when_gone;
                        return false;
                    });
                });
            on(p, 0, [](pe& here) { here.job.stop(0); });
        });
        CHECK(looked_when_gone == 0);
        for (const bool each : there) CHECK(!each);
    }
}

TEST_CASE("a fiber that catches everything and waits again cannot keep the run from ending") {
    const auto end = in_child([] {
        run(threads(1), [](pe& p) {
            on(p, 0, [](pe& here) { here.job.stop(0); });
            for (;;) {
                try {
                    gate().wait(p);
                } catch (...) {}
            }
        });
    });
    CHECK(end.signal == 0);
    CHECK(end.code == 0);
    CHECK(end.errors.find("a handler on PE 0 catches what unwinds it (catch (...))") != std::string::npos);
}

TEST_CASE(
    "a destructor that waits while it is unwound cannot keep the run from ending, and its exit code is what it was") {
    const auto end = in_child([] {
        const int code = run(threads(1), [](pe& p) {
            on(p, 0, [](pe& here) { here.job.stop(3); });
            struct waits {
                pe* at;
                ~waits() { gate().wait(*at); }
            } w{&p};
            gate().wait(p);
        });
        std::_Exit(code == 3 ? 0 : 1);
    });
    CHECK(end.signal == 0);
    CHECK(end.code == 0);
    CHECK(end.errors.find("a handler on PE 0 catches what unwinds it (catch (...)) and waits again, or waits or "
                          "calls motet::exit in a destructor") != std::string::npos);
}

TEST_CASE("a handler of an uncounted message may wait too" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(2), simulated(1, 2)}) {
        int done = 0;
        run(chosen, [&](pe& p) {
            gate g;
            message* m = work_message(p, [&](pe& here) {
                g.wait(here);
                ++done;
            });
            m->set(message::uncounted);
            m->set(message::expedited);
            p.send(0, m);
            on(p, 0, [&](pe& here) { g.open(here); });
            wait_until(p, [&] { return done == 1; });
        });
        CHECK(done == 1);
    }
}

TEST_CASE("an uncounted timer does not keep the run from ending" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), simulated(1, 1)})
        run(chosen, [](pe& p) {
            message* m = work_message(p, [](pe&) {});
            m->set(message::uncounted);
            p.send_after(0.001, m);
            sleep_for(p, 0.005);
        });
}

TEST_CASE("a wait inside a catch finds its exception again, while others throw") {
    std::string trace;
    run(threads(1), [&](pe& p) {
        gate g;
        on(p, 0, [&](pe& here) {
            try {
                throw std::runtime_error("other");
            } catch (const std::exception& e) {
                trace += e.what();
                g.open(here);
            }
        });
        try {
            throw std::runtime_error("mine");
        } catch (...) {
            g.wait(p);
            try {
                throw;
            } catch (const std::exception& e) {
                trace += e.what();
            }
        }
    });
    CHECK(trace == "othermine");
}

TEST_CASE("a message to a PE that does not exist is an internal error" * doctest::test_suite("simulated")) {
    for (const bool sim : {false, true}) {
        const auto end =
            in_child([sim] { run(sim ? simulated(1, 2) : threads(2), [](pe& p) { on(p, 5, [](pe&) {}); }); });
        CHECK(end.signal == SIGABRT);
        CHECK(end.errors.find("PE 5, which does not exist") != std::string::npos);
    }
}
