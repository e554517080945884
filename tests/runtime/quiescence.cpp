// SPDX-License-Identifier: BSL-1.0
#include "../fiber/child.hpp"
#include "run.hpp"

#include <motet/runtime/quiescence.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace motet_test;

namespace quiescence_test {

/// A message that runs around, and splits, until its hops are used up.
void wander(pe& p, std::atomic<long>* arrived, std::uint64_t random, int hops) {
    ++*arrived;
    if (hops == 0) return;
    random = random * 6364136223846793005u + 1442695040888963407u;
    post<&wander>(p, static_cast<pe_number>((random >> 33) % p.job.pe_total()), arrived, random, hops - 1);
    if (hops % 4 == 0)
        post<&wander>(p, static_cast<pe_number>((random >> 13) % p.job.pe_total()), arrived, random ^ 77, hops - 1);
}
long arrivals(int hops) { return hops == 0 ? 1 : 1 + arrivals(hops - 1) * (hops % 4 == 0 ? 2 : 1); }

std::vector<options> drivers() {
    return {threads(1), threads(2), threads(2, 0), threads(7), simulated(1, 1), simulated(1, 7)};
}

gate* asked_for = nullptr;
void client_asks(pe& p) {
    stir(p);
    p.send_after(0.05, work_message(p, [](pe& here) { asked_for->open(here); }));
}
/// A client that asks for something while the report is made on who waits.
bool client_comes(pe& p) {
    p.at_rest = nullptr; // once
    post_uncounted<&client_asks>(p, 0);
    return false;
}

} // namespace quiescence_test

using namespace quiescence_test;

TEST_CASE("a run ends when main has returned and nothing moves, not before") {
    for (const auto& chosen : drivers())
        for (int round = 0; round < 20; ++round) {
            std::atomic<long> arrived{0};
            run(chosen, [&](pe& p) {
                for (std::uint64_t i = 0; i < 10; ++i) post<&wander>(p, 0, &arrived, i, 20);
            });
            REQUIRE(arrived == 10 * arrivals(20));
        }
}

TEST_CASE("main waits for quiescence, again and again") {
    for (const auto& chosen : drivers()) {
        std::atomic<long> arrived{0};
        run(chosen, [&](pe& p) {
            for (int round = 1; round <= 50; ++round) {
                for (std::uint64_t i = 0; i < 4; ++i) post<&wander>(p, 0, &arrived, i, 12);
                wait_for_quiescence(p);
                REQUIRE(arrived == round * 4 * arrivals(12));
            }
            wait_for_quiescence(p); // when nothing moved in between
            wait_for_quiescence(p);
        });
    }
}

TEST_CASE("one wave alone may find as many messages sent as processed although one is still handled") {
    // The wave takes the counts of PE 2 early, and those of PE 1 and of PE 5 below it late. Meanwhile PE 1 sends PE 2 a
    // message that is counted as sent alone, and that sends PE 5 one that is counted as processed alone.
    std::atomic<bool> asked{false}, begun{false}, counted{false}, passed{false}, handled{false};
    const auto until = [](const std::atomic<bool>& so_far) {
        while (!so_far) std::this_thread::yield();
    };
    const auto send = [](pe& from, pe_number to, work what) {
        message* m = work_message(from, std::move(what));
        m->set(message::expedited); // at once, not when the handler has returned
        from.send(to, m);
    };
    std::atomic<bool> told{false};
    bool told_early = false;
    run(
        threads(6),
        [&](pe& p) {
            send(p, 1, [&](pe& first) {
                begun = true;
                until(counted);
                send(first, 2, [&](pe& second) {
                    send(second, 5, [&](pe&) { passed = true; });
                    // Long enough for main to be told, were one wave enough.
                    for (int i = 0; i < 100 && !told; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    handled = true;
                });
                until(passed);
            });
            until(begun);
            asked = true;
            wait_for_quiescence(p);
            told = true;
            told_early = !handled;
        },
        [&](pe& p) {
            if (p.number == 2)
                state_of(p).on_wave = [&] {
                    if (asked) counted = true;
                };
        });
    CHECK(handled);
    CHECK(!told_early);
}

TEST_CASE("fibers that make each other ready are no rest, though all messages were handled") {
    for (const auto& chosen : drivers()) {
        gate first, second;
        const pe_number last = chosen.processes * chosen.pes - 1;
        std::atomic<int> rounds{0};
        run(chosen, [&](pe& p) {
            on(p, last, [&](pe& here) { take_turns(here, first, second, [&] { return ++rounds > 100'000; }); });
            on(p, last, [&](pe& here) { take_turns(here, second, first, [&] { return rounds > 100'000; }); });
            on(p, last, [&](pe& here) { first.open(here); });
            wait_for_quiescence(p);
            CHECK(rounds > 100'000);
        });
    }
}

TEST_CASE("several wait for the same quiescence, and handlers that wait do not hinder it") {
    for (const auto& chosen : drivers()) {
        int told = 0;
        gate late;
        run(chosen, [&](pe& p) {
            on(p, 0, [&](pe& here) { late.wait(here); });
            for (int i = 0; i < 3; ++i)
                on(p, 0, [&](pe& here) {
                    wait_for_quiescence(here);
                    if (++told == 3) late.open(here);
                });
        });
        CHECK(told == 3);
    }
}

TEST_CASE("a timer counts as something that still moves: for quiescence, for the end, for the deadlock report" *
          doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), threads(2), threads(5), simulated(2, 2)}) {
        bool rang = false;
        run(chosen, [&](pe& p) {
            p.send_after(0.15, work_message(p, [&](pe&) { rang = true; }));
            wait_for_quiescence(p);
            CHECK(rang);
            rang = false;
            p.send_after(0.15, work_message(p, [&](pe&) { rang = true; }));
        });
        CHECK(rang);
        run(chosen, [&](pe& p) {
            gate g;
            p.send_after(0.15, work_message(p, [&](pe& here) { g.open(here); }));
            g.wait(p);
        });
    }
}

TEST_CASE("when nothing can move and somebody waits, the report says who, for what and for how long" *
          doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), threads(2), threads(6), simulated(1, 3)}) {
        const std::string text = error_of(chosen, [&](pe& p) { gate().wait(p); });
        CHECK(
            text.find(
                "deadlock: nothing can move any more, but 1 fiber waits:\n  a handler on PE 0 waits at a gate, for ") ==
            0);
        CHECK(text.find("held back") == std::string::npos);
    }
}

TEST_CASE("the report has a line for everybody who waits and for every message held back, of all PEs" *
          doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(3), simulated(1, 3)}) {
        gate gates[3];
        const std::string text = error_of(chosen, [&](pe& p) {
            for (pe_number to = 0; to < 3; ++to)
                on(p, to, [&](pe& here) {
                    if (here.number == 1) return wait_until(here, [] { return false; });
                    gates[here.number].wait(here);
                });
            on(p, 2, [&](pe& here) {
                message* m = work_message(here, [](pe&) {});
                m->priority = 42;
                ++here.sent; // as if it had come by a send
                state_of(here).kept.push_back(m);
            });
        });
        CHECK(text.find("but 3 fibers wait:") != std::string::npos);
        CHECK(text.find("\n  a handler on PE 0 waits at a gate, for ") != std::string::npos);
        CHECK(text.find("\n  a handler on PE 1 waits for a condition, for ") != std::string::npos);
        CHECK(text.find("\n  a handler on PE 2 waits at a gate, for ") != std::string::npos);
        CHECK(text.find("\nand these messages are held back:\n  a message with priority 42") != std::string::npos);
    }
}

TEST_CASE("what a client asks for while the report is made moves the program on, and it ends") {
    for (const std::uint32_t pes : {1u, 2u, 5u})
        run(threads(pes), [](pe& p) {
            gate waits;
            asked_for = &waits;
            p.job.listening = true;
            p.at_rest = &client_comes;
            waits.wait(p); // nothing else moves: the report begins
            CHECK(waits.is_open);
        });
}

TEST_CASE("a long report is cut") {
    const std::string text = error_of(threads(1), [&](pe& p) {
        for (int i = 0; i < 150; ++i) on(p, 0, [](pe& here) { wait_until(here, [] { return false; }); });
    });
    CHECK(text.find("but 150 fibers wait:") != std::string::npos);
    CHECK(text.find("\n  ... and 50 more") != std::string::npos);
}

TEST_CASE("messages still held back at the end are a warning that lists them" * doctest::test_suite("simulated")) {
    for (const bool sim : {false, true}) {
        const auto end = in_child([sim] {
            const int code = run(sim ? simulated(1, 2) : threads(2), [&](pe& p) {
                message* m = work_message(p, [](pe&) {});
                m->priority = 5;
                ++p.sent;
                state_of(p).kept.push_back(m);
            });
            if (code != 0) _exit(9);
        });
        CHECK(end.code == 0);
        CHECK(end.errors ==
              "motet: warning: the program ends with 1 message still held back:\n  a message with priority 5\n");
    }
}

TEST_CASE("a message held back, and released later, is handled before the run ends") {
    for (const auto& chosen : drivers()) {
        int handled = 0;
        run(chosen, [&](pe& p) {
            const pe_number last = p.job.pe_total() - 1;
            on(p, last, [&](pe& here) {
                message* m = work_message(here, [&](pe&) { ++handled; });
                ++here.sent;
                state_of(here).kept.push_back(m);
            });
            sleep_for(p, 0.01);
            on(p, last, [&](pe& here) {
                for (message* m : state_of(here).kept) here.send_again(here.number, m);
                state_of(here).kept.clear();
            });
        });
        CHECK(handled == 1);
    }
}

TEST_CASE("quiescence is found soon after it came about, also after a long run") {
    double late = 1;
    for (int attempt = 0; attempt < 10 && late > 0.06; ++attempt) { // a loaded machine may delay one
        std::atomic<double> ended{0};
        run(threads(2), [&](pe& p) {
            on(p, 1, [&](pe& far) {
                const double begin = far.now();
                while (far.now() < begin + 0.2) {}
                ended = far.now();
            });
        });
        late = wall_time() - ended;
    }
    CHECK(late < 0.06);
}

TEST_CASE("durations are told in words") {
    using motet::runtime::duration_text;
    CHECK(duration_text(0) == "0 us");
    CHECK(duration_text(12e-6) == "12 us");
    CHECK(duration_text(0.0123) == "12 ms");
    CHECK(duration_text(12.34) == "12.3 s");
    CHECK(motet::runtime::count_text(1, "fiber") == "1 fiber");
    CHECK(motet::runtime::count_text(0, "fiber") == "0 fibers");
}
