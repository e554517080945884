// SPDX-License-Identifier: BSL-1.0
#include "../fiber/child.hpp"
#include "run.hpp"

#include <motet/runtime/simulator.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace simulator_test {

/// What was handled where and when. One for all PEs, since one thread runs them all.
struct event {
    pe_number where;
    double when;
    std::uint64_t what;
    bool operator==(const event&) const = default;
};
inline std::vector<event> trace;

void arrive(pe& p, std::uint64_t what, std::vector<char>) {
    ++p.frames; // as if it were a chare's method
    trace.push_back({p.number, p.now(), what});
}
void compute(pe& p, double seconds, std::uint64_t what) {
    trace.push_back({p.number, p.now(), what});
    p.port->charge(p, seconds);
}
void wander(pe& p, std::uint64_t what, int hops) {
    trace.push_back({p.number, p.now(), what});
    p.port->charge(p, 1e-6 * static_cast<double>(what % 5));
    if (hops == 0) return;
    const std::uint64_t next = what * 6364136223846793005u + 1442695040888963407u;
    post<&wander>(p, static_cast<pe_number>((next >> 33) % p.job.pe_total()), next, hops - 1);
    post<&arrive>(p, static_cast<pe_number>((next >> 43) % p.job.pe_total()), next, std::vector<char>(next % 100));
}

/// The trace of a run of `body`.
std::vector<event> trace_of(const options& chosen, const work& body, const work& prepare = {}) {
    trace.clear();
    run(chosen, body, prepare);
    return trace;
}
/// The table at the end of a run: what `body` has done, and all that follows from it.
std::string table_of(const options& chosen, const work& body) {
    std::string table;
    run(chosen, [&](pe& p) {
        body(p);
        wait_for_quiescence(p);
        table = p.job.sim->table();
    });
    return table;
}

/// Encoded with its envelope.
std::uint64_t size_on_wire(std::uint64_t what, std::size_t bytes) {
    motet::serial::writer out;
    motet::serial::write(out, std::tuple<std::uint64_t, std::vector<char>>(what, std::vector<char>(bytes)));
    return sizeof(message) + out.size();
}

struct breaks {
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if (value == 13) throw std::runtime_error("thirteen cannot be written");
        archive(value);
    }
};
inline int broken_sum = 0;
void take_breaks(pe&, breaks b) { broken_sum += b.value; }

using motet::runtime::address;

/// A message with an address for its reply, as the chare floor makes them: behind the arguments.
struct asks {
    using arguments = std::tuple<std::uint64_t>;
    using payload = motet::runtime::payload_of<arguments>;
    static void run(pe& p, message* m) {
        address to;
        std::memcpy(&to, static_cast<std::byte*>(m->payload()) + payload::bytes, sizeof to);
        trace.push_back({p.number, static_cast<double>(to.pe), std::get<0>(payload::in(*m))});
        ++p.processed;
        payload::destroy(*m);
        p.release(m);
    }
    static std::string name() { return "asks"; }
    static inline const motet::runtime::message_type type{
        &run, &payload::destroy, &payload::encode, &payload::decode, payload::bytes, true, &name};
};

} // namespace simulator_test

using namespace simulator_test;

TEST_CASE("timers that were cancelled are dropped before they are due, where they are many") {
    bool rang = false;
    run(simulated(2, 1), [&](pe& p) {
        p.send_after(1, work_message(p, [&](pe&) { rang = true; }));
        for (int i = 0; i < 10'000; ++i) {
            message* const timer = work_message(p, [](pe&) {});
            p.send_after(3600, timer);
            p.cancel_timer(timer);
        }
        CHECK(p.job.sim->waiting_events() < 200);
    });
    CHECK(rang);
}

TEST_CASE("a seed replays a run to the bit, another seed gives another one" * doctest::test_suite("simulated")) {
    for (int variant = 0; variant < 4; ++variant) {
        auto with_seed = [&](std::uint64_t seed) {
            options chosen = simulated(4, 3, seed);
            if (variant == 1) chosen.delay = 1e-5;
            if (variant == 2) chosen.network = {1e-6, 1e-7, 2e-7, 1e9};
            if (variant == 3) chosen.migrate = 0.3;
            return trace_of(
                chosen,
                [](pe& p) {
                    for (std::uint64_t i = 0; i < 10; ++i) post<&wander>(p, 0, i, 20);
                },
                [](pe& p) {
                    state_of(p).on_shake = [](pe& here, std::uint64_t random) {
                        trace.push_back({here.number, 0, random});
                    };
                });
        };
        const auto first = with_seed(7);
        CHECK(first.size() >= 10 * 41);
        CHECK(with_seed(7) == first);
        CHECK(with_seed(8) != first);
        CHECK(with_seed(7) == first);
    }
}

TEST_CASE("many seeds give many orders; without shuffling there is one: that of sending" *
          doctest::test_suite("simulated")) {
    std::set<std::vector<std::uint64_t>> orders;
    for (const bool shuffle : {true, false}) {
        orders.clear();
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            options chosen = simulated(1, 2, seed);
            chosen.shuffle = shuffle;
            std::vector<std::uint64_t> order;
            for (const event& e : trace_of(chosen, [](pe& p) {
                     for (std::uint64_t i = 0; i < 6; ++i) post<&arrive>(p, 1, i, std::vector<char>());
                 }))
                order.push_back(e.what);
            CHECK(order.size() == 6);
            orders.insert(order);
        }
        if (shuffle) CHECK(orders.size() > 25); // of 50 seeds; 720 orders are possible
    }
    CHECK(orders == std::set<std::vector<std::uint64_t>>{{0, 1, 2, 3, 4, 5}});
}

TEST_CASE("what is due at one time comes by urgency, whatever the seed" * doctest::test_suite("simulated")) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::string order;
        run(simulated(1, 2, seed), [&](pe& p) {
            auto add = [&](char name, int priority, bool expedited) {
                message* m = work_message(p, [&order, name](pe&) { order += name; });
                if (expedited)
                    m->set(message::expedited);
                else if (priority != 0)
                    m->set(message::prioritized);
                m->priority = priority;
                p.send(1, m);
            };
            add('d', 4, false);
            add('c', 0, false);
            add('b', -4, false);
            add('a', 0, true);
        });
        CHECK(order == "abcd");
    }
}

TEST_CASE("time passes by charging only; a PE that computes takes messages when it is done" *
          doctest::test_suite("simulated")) {
    options chosen = simulated(1, 2);
    chosen.shuffle = false;
    const auto events = trace_of(chosen, [](pe& p) {
        CHECK(p.now() == 0);
        post<&compute>(p, 1, 2.0, std::uint64_t{1});
        post<&compute>(p, 1, 0.5, std::uint64_t{2});
        p.port->charge(p, 1.0);
        CHECK(p.now() == 1);
        post<&compute>(p, 1, 1.0, std::uint64_t{3}); // arrives at 1, while PE 1 computes until 2
        post<&compute>(p, 0, 0.25, std::uint64_t{4});
    });
    CHECK(events == std::vector<event>{{1, 0, 1}, {0, 1, 4}, {1, 2, 2}, {1, 2.5, 3}});
}

TEST_CASE("of what waits for a PE that computes, the most urgent goes first" * doctest::test_suite("simulated")) {
    std::string order;
    run(simulated(1, 2), [&](pe& p) {
        on(p, 1, [](pe& far) { far.port->charge(far, 10); });
        p.port->charge(p, 1);
        auto add = [&](char name, int priority) {
            message* m = work_message(p, [&order, name](pe& far) {
                order += name;
                far.port->charge(far, 1);
            });
            m->set(message::prioritized);
            m->priority = priority;
            p.send(1, m);
            p.port->charge(p, 1);
        };
        add('c', 3);
        add('b', 2);
        add('a', -1);
    });
    CHECK(order == "abc");
}

TEST_CASE("timers and sleep follow the virtual clock, at no cost in real time" * doctest::test_suite("simulated")) {
    const double begin = wall_time();
    run(simulated(1, 1), [](pe& p) {
        sleep_for(p, 3600);
        CHECK(p.now() == 3600);
        sleep_for(p, 0.5);
        CHECK(p.now() == 3600.5);
    });
    CHECK(wall_time() - begin < 60);
}

TEST_CASE("within a process messages take no time, whatever the network" * doctest::test_suite("simulated")) {
    options chosen = simulated(2, 2);
    chosen.network = {1, 2, 3, 4};
    const auto events = trace_of(chosen, [](pe& p) {
        post<&arrive>(p, 1, std::uint64_t{1}, std::vector<char>(50));
        post<&arrive>(p, 0, std::uint64_t{2}, std::vector<char>(50));
    });
    CHECK(events.size() == 2);
    for (const event& e : events) CHECK(e.when == 0);
}

TEST_CASE("between processes: latency, overhead, gap and bandwidth, as computed by hand" *
          doctest::test_suite("simulated")) {
    const double size = static_cast<double>(size_on_wire(1, 952));
    struct times {
        motet::runtime::network_model net;
        double first, second, third; // arrivals of three messages, the third sent from the other PE of the process
    };
    const double on_wire = size / 1000;
    for (const times& t : {
             times{{0, 0, 0, 0}, 0, 0, 0},
             times{{5, 0, 0, 0}, 5, 5, 5},
             times{{5, 1, 0, 0}, 6, 7, 8}, // a sender pays 1 for each; that of the third begins at 2
             times{{5, 0, 2, 0}, 5, 7, 9}, // one link: the third leaves 2 after the second
             times{{5, 0, 0, 1000}, 5 + on_wire, 5 + 2 * on_wire, 5 + 3 * on_wire},
             times{{5, 0, 10, 1000},
                   5 + on_wire,
                   15 + on_wire,
                   25 + on_wire}, // the gap is longer than the way onto the wire
             times{{5, 0, 0.1, 1000}, 5 + on_wire, 5 + 2 * on_wire, 5 + 3 * on_wire},
             times{{5, 1, 10, 1000}, 6 + on_wire, 16 + on_wire, 26 + on_wire},
         }) {
        options chosen = simulated(2, 2);
        chosen.shuffle = false;
        chosen.network = t.net;
        std::map<std::uint64_t, double> arrivals;
        for (const event& e : trace_of(chosen, [](pe& p) {
                 post<&arrive>(p, 2, std::uint64_t{1}, std::vector<char>(952));
                 post<&arrive>(p, 2, std::uint64_t{2}, std::vector<char>(952));
                 on(p, 1, [](pe& other) { post<&arrive>(other, 3, std::uint64_t{3}, std::vector<char>(952)); });
             }))
            arrivals[e.what] = e.when;
        CHECK(arrivals[1] == doctest::Approx(t.first));
        CHECK(arrivals[2] == doctest::Approx(t.second));
        CHECK(arrivals[3] == doctest::Approx(t.third));
    }
}

TEST_CASE("a random delay is at most as long as said" * doctest::test_suite("simulated")) {
    options chosen = simulated(2, 2);
    chosen.delay = 0.5;
    double longest = 0;
    std::set<double> different;
    for (const event& e : trace_of(chosen, [](pe& p) {
             for (std::uint64_t i = 0; i < 200; ++i)
                 post<&arrive>(p, static_cast<pe_number>(1 + i % 3), i, std::vector<char>());
         })) {
        longest = std::max(longest, e.when);
        different.insert(e.when);
    }
    CHECK(longest <= 0.5 + 0.5); // main itself was late too
    CHECK(longest > 0.4);
    CHECK(different.size() > 190);
}

TEST_CASE("arguments that cross processes are encoded and decoded, replies and all" *
          doctest::test_suite("simulated")) {
    run(simulated(2, 1), [](pe& p) {
        trace.clear();
        message* m = call<&arrive>::make(p, std::uint64_t{5}, std::vector<char>(3));
        m->index = {1, 2};
        m->collection = {3, 4};
        p.send(1, m);
    });
    CHECK(trace.size() == 1);
    CHECK(trace[0].what == 5);
}

TEST_CASE("an address for the reply goes along" * doctest::test_suite("simulated")) {
    run(simulated(2, 1), [](pe& p) {
        trace.clear();
        message* m = p.allocate(motet::runtime::registered<asks, asks::type>::id(), 8 + sizeof(address));
        new (m->payload()) asks::arguments(7);
        m->set(message::constructed);
        m->set(message::replies);
        new (static_cast<std::byte*>(m->payload()) + 8) address{.how = 3, .pe = 4, .collection = {}, .index = {}};
        p.send(1, m);
    });
    CHECK(trace == std::vector<event>{{1, 4, 7}});
}

TEST_CASE("what cannot be serialized must not leave its process" * doctest::test_suite("simulated")) {
    const auto end = in_child([] { run(simulated(2, 1), [](pe& p) { on(p, 1, [](pe&) {}); }); });
    CHECK(end.signal == SIGABRT);
    CHECK(end.errors.find("cannot be serialized would leave its process") != std::string::npos);
    CHECK(end.errors.find("do_work") != std::string::npos);
}

TEST_CASE("when a user's serialize throws, the sender gets that, and the run goes on" *
          doctest::test_suite("simulated")) {
    bool caught = false;
    broken_sum = 0;
    run(simulated(2, 1), [&](pe& p) {
        try {
            post<&take_breaks>(p, 1, breaks{13});
        } catch (const std::exception& problem) {
            caught = std::string(problem.what()).find("thirteen") != std::string::npos;
        }
        post<&take_breaks>(p, 1, breaks{2});
    });
    CHECK(caught);
    CHECK(broken_sum == 2);
}

TEST_CASE("handlers wait, across PEs, while a fiber that waits elsewhere carries the loop on" *
          doctest::test_suite("simulated")) {
    // The carrier of the loop has resumed main on PE 0; then a handler on PE 1 leaves somebody ready, and waits.
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        gate first, second;
        bool done = false;
        run(simulated(1, 2, seed), [&](pe& p) {
            on(p, 1, [&](pe& here) {
                first.wait(here);
                second.open(here);
            });
            sleep_for(p, 1);
            on(p, 1, [&](pe& here) {
                first.open(here);
                second.wait(here);
                done = true;
            });
        });
        CHECK(done);
    }
}

TEST_CASE("messages that wait for a PE whose handler computes and then parks are not forgotten" *
          doctest::test_suite("simulated")) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        int handled = 0;
        gate g;
        run(simulated(1, 3, seed), [&](pe& p) {
            sleep_for(p, 1);
            on(p, 1, [&](pe& here) {
                here.port->charge(here, 5);
                g.wait(here);
                ++handled;
            });
            sleep_for(p, 1);
            for (int i = 0; i < 3; ++i)
                on(p, 1, [&](pe& here) {
                    ++handled;
                    g.open(here);
                });
        });
        CHECK(handled == 4);
    }
}

TEST_CASE("after each message an element may be made to move, with the chance that was chosen" *
          doctest::test_suite("simulated")) {
    for (const double chance : {0.0, 0.25, 1.0}) {
        options chosen = simulated(2, 2);
        chosen.migrate = chance;
        std::set<std::uint64_t> randoms;
        int shaken = 0;
        run(
            chosen,
            [](pe& p) {
                for (std::uint64_t i = 0; i < 999; ++i) post<&arrive>(p, 1, i, std::vector<char>());
            },
            [&](pe& p) {
                state_of(p).on_shake = [&](pe& here, std::uint64_t random) {
                    CHECK(&motet::runtime::this_pe() == &here);
                    randoms.insert(random);
                    ++shaken;
                };
            });
        if (chance == 0.0) CHECK(shaken == 0);
        if (chance == 0.25) CHECK((shaken > 180 && shaken < 320));
        if (chance == 1.0) CHECK(shaken == 999); // main and the messages of quiescence move nothing
        CHECK(randoms.size() == static_cast<std::size_t>(shaken));
    }
}

TEST_CASE("whom a move lets go on goes on then, not when the next message comes" * doctest::test_suite("simulated")) {
    options chosen = simulated(1, 2);
    chosen.migrate = 1;
    gate leaves;
    double went_on = -1;
    run(
        chosen,
        [&](pe& p) {
            on(p, 1, [&](pe& here) {
                here.send_after(5, work_message(here, [](pe&) {})); // the next message
                leaves.wait(here);
                went_on = here.now();
            });
            sleep_for(p, 1);
            post<&arrive>(p, 1, std::uint64_t{0}, std::vector<char>());
        },
        [&](pe& p) { state_of(p).on_shake = [&](pe& here, std::uint64_t) { leaves.open(here); }; });
    CHECK(went_on == 1);
}

TEST_CASE("whom a move lets go on may leave the step of another PE to be finished" * doctest::test_suite("simulated")) {
    // Its fiber carries the loop on, to a handler on PE 2 that waits: the fiber that asked for the move ends that step.
    options chosen = simulated(1, 3);
    chosen.migrate = 1;
    chosen.shuffle = false;
    gate leaves, g;
    double opened = -1;
    run(
        chosen,
        [&](pe& p) {
            on(p, 1, [&](pe& here) { leaves.wait(here); });
            sleep_for(p, 1);
            post<&arrive>(p, 1, std::uint64_t{0}, std::vector<char>());
            sleep_for(p, 1);
            on(p, 2, [](pe& here) { here.port->charge(here, 10); });
            on(p, 2, [&](pe& here) { g.wait(here); });
            on(p, 2, [&](pe& here) {
                opened = here.now();
                g.open(here);
            });
            sleep_for(p, 48);
            on(p, 2, [](pe&) {});
        },
        [&](pe& p) { state_of(p).on_shake = [&](pe& here, std::uint64_t) { leaves.open(here); }; });
    CHECK(opened == 12);
}

TEST_CASE("the table: time, messages, bytes, utilization and critical path, as computed by hand" *
          doctest::test_suite("simulated")) {
    options chosen = simulated(2, 1, 5);
    chosen.network.latency = 1;
    const std::string bytes = std::to_string(size_on_wire(1, 10) + sizeof(message) + 2 * sizeof(double));
    // PE 0 computes 2 s. Its message takes 1 s; PE 1 computes 4 s meanwhile: 0 + 1 + 4 = 5 before the run's 6th second.
    const std::string table = table_of(chosen, [&](pe& p) {
        post<&compute>(p, 1, 4.0, std::uint64_t{1});
        p.port->charge(p, 2);
        post<&arrive>(p, 1, std::uint64_t{1}, std::vector<char>(10)); // arrives at 3, is handled at 5
    });
    CAPTURE(table);
    CHECK(table.find("simulated 2 processes of 1 PEs, seed " + std::to_string(chosen.seed) + "\n") == 0);
    CHECK(table.find("virtual time        5 s\n") != std::string::npos);
    CHECK(table.find("between processes   2 messages, " + bytes + " bytes\n") != std::string::npos);
    CHECK(table.find("utilization         60.0 %\n") != std::string::npos); // 6 of 10 seconds
    CHECK(table.find("critical path       5 s\n") != std::string::npos);
    CHECK(table.find("cannot be replayed") == std::string::npos);
}

TEST_CASE("the critical path goes through messages and waits, not through time spent in line" *
          doctest::test_suite("simulated")) {
    const std::string table = table_of(simulated(1, 3), [](pe& p) {
        gate g;
        for (int i = 0; i < 2; ++i)
            on(p, 1, [](pe& far) { far.port->charge(far, 5); }); // 10 s of work on PE 1, 5 s long
        on(p, 2, [&g](pe& far) {
            far.port->charge(far, 3);
            on(far, 0, [&g](pe& here) {
                here.port->charge(here, 1);
                g.open(here);
            });
        });
        g.wait(p);
        p.port->charge(p, 2); // 3 + 1 + 2
    });
    CAPTURE(table);
    CHECK(table.find("virtual time        10 s\n") != std::string::npos);
    CHECK(table.find("critical path       6 s\n") != std::string::npos);
}

TEST_CASE("measured time advances the clock, and the table says that such a run is not replayed" *
          doctest::test_suite("simulated")) {
    options chosen = simulated(1, 1);
    chosen.measure = true;
    std::string table;
    run(chosen, [&](pe& p) {
        const double begin = wall_time();
        while (wall_time() < begin + 0.02) {}
        CHECK(p.now() >= 0.019);
        p.port->charge(p, 1e6); // what is measured counts in place of what is declared
        on(p, 0, [&](pe& here) {
            CHECK(here.now() >= 0.019);
            CHECK(here.now() < 1e6);
            table = here.job.sim->table();
        });
    });
    CHECK(table.find("cannot be replayed") != std::string::npos);
}

TEST_CASE("the table is printed at the end unless it is turned off" * doctest::test_suite("simulated")) {
    for (const bool shown : {true, false}) {
        const auto end = in_child([shown] {
            options chosen = simulated(2, 2);
            chosen.table = shown;
            run(chosen, [](pe&) {});
        });
        CHECK(end.code == 0);
        CHECK((end.errors.find("simulated 2 processes of 2 PEs") == 0) == shown);
    }
}

TEST_CASE("thousands of PEs run on one thread" * doctest::test_suite("simulated")) {
    trace.clear();
    run(simulated(1024, 4), [](pe& p) {
        for (pe_number to = 0; to < p.job.pe_total(); ++to) post<&wander>(p, to, to * 7919u, 3);
    });
    CHECK(trace.size() == 4096 * 7);
}
