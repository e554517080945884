// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/call.hpp>
#include <motet/runtime/deliver.hpp>
#include <motet/runtime/launch.hpp>
#include <motet/runtime/quiescence.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// A run of the runtime floor alone: handlers are free functions and function objects, and there are no chares.
namespace motet_test {

using motet::runtime::call;
using motet::runtime::message;
using motet::runtime::options;
using motet::runtime::pe;
using motet::runtime::pe_number;
using motet::runtime::post;
using motet::runtime::waiter;

/// Keeps messages back, as a `when` does, and names frames.
struct test_state : motet::runtime::pe_state {
    std::vector<message*> kept;
    std::function<void(pe&, std::uint64_t)> on_shake;
    std::function<void()> on_wave; ///< when a wave takes this PE's counts

    std::uint64_t held() const override {
        if (on_wave) on_wave();
        return kept.size();
    }
    void list_held(pe&, std::vector<std::string>& lines, bool) override {
        for (const message* m : kept) lines.push_back("a message with priority " + std::to_string(m->priority));
    }
    void clear(pe& p) override {
        for (message* m : kept) p.discard(m);
        kept.clear();
    }
    std::string place(pe& p, const motet::runtime::frame&) override {
        return "a handler on PE " + std::to_string(p.number);
    }
    void shake(pe& p, std::uint64_t random) override {
        if (on_shake) on_shake(p, random);
    }
};

inline test_state& state_of(pe& p) { return static_cast<test_state&>(*p.state); }

inline options threads(std::uint32_t pes, std::uint32_t spin_us = 50) {
    options chosen;
    chosen.pes = pes;
    chosen.spin_us = spin_us;
    chosen.stack = 256 << 10;
    return chosen;
}

/// MOTET_TEST_SEED_OFFSET is added to the seed: what holds, holds under every seed.
inline options simulated(std::uint32_t processes, std::uint32_t pes, std::uint64_t seed = 1) {
    static const char* const offset = std::getenv("MOTET_TEST_SEED_OFFSET");
    options chosen = threads(pes);
    chosen.simulated = true;
    chosen.processes = processes;
    chosen.seed = seed + (offset != nullptr ? std::strtoull(offset, nullptr, 10) : 0);
    chosen.table = false;
    return chosen;
}

using work = std::function<void(pe&)>;

/// Runs `body` as main. Each PE's state is a test_state, shown to `prepare` before the run.
inline int run(const options& chosen, const work& body, const work& prepare = {}) {
    static thread_local const work* prepared;
    prepared = &prepare;
    std::function<void()> main_body = [&] { body(motet::runtime::this_pe()); };
    return motet::runtime::launch(
        chosen, {}, main_body, +[](pe& p) -> std::unique_ptr<motet::runtime::pe_state> {
            p.state = std::make_unique<test_state>();
            if (*prepared) (*prepared)(p);
            return std::move(p.state);
        });
}

/// The text of the error that ends a run.
inline std::string error_of(const options& chosen, const work& body, const work& prepare = {}) {
    try {
        run(chosen, body, prepare);
    } catch (const motet::error& problem) {
        return problem.what();
    }
    return "";
}

inline void do_work(pe& p, work what) { what(p); }
inline message* work_message(pe& from, work what) { return call<&do_work>::make(from, std::move(what)); }
/// Runs `what` on PE `to`, which is in the same process.
inline void on(pe& from, pe_number to, work what) { from.send(to, work_message(from, std::move(what))); }

/// Waits for a condition that handlers of this PE make true.
template <class Condition>
void wait_until(pe& p, Condition condition) {
    if (condition()) return;
    struct waits : waiter {
        explicit waits(Condition& c) : holds(c) {}
        Condition& holds;
    } w(condition);
    w.satisfied = [](waiter& self) { return static_cast<waits&>(self).holds(); };
    p.park(w);
}

/// Who waits here goes on, in the order of arrival, when it is opened.
struct gate {
    motet::runtime::waiter_list waiting;
    bool is_open = false;

    void wait(pe& p) {
        if (is_open) return;
        waiter w;
        w.describe = [](waiter&) { return std::string("at a gate"); };
        waiting.push(&w);
        const struct leaves { // also when it is unwound
            motet::runtime::waiter_list& list;
            waiter& self;
            ~leaves() { list.remove(&self); }
        } at_the_end{waiting, w};
        p.park(w);
    }
    void open(pe& p) {
        is_open = true;
        while (!waiting.empty()) p.make_ready(*waiting.pop());
    }
};

/// Parks the caller for a time.
inline void sleep_for(pe& p, double seconds) {
    waiter w;
    w.describe = [](waiter&) { return std::string("for a time"); };
    p.send_after(seconds, work_message(p, [&w](pe& here) { here.make_ready(w); }));
    p.park(w);
}

/// Waits for its turn and gives it to the other one, without any message, until it is over.
template <class Over>
void take_turns(pe& p, gate& own, gate& other, Over over) {
    while (!over()) {
        own.wait(p);
        own.is_open = false;
        if (p.port != nullptr) p.port->charge(p, 1e-3);
        other.open(p);
    }
}

/// Opens the gate whose address stands in the index.
struct to_a_gate {};
inline void open_gate(pe& p, const motet::runtime::address& to, void*) {
    reinterpret_cast<gate*>(to.index.low)->open(p);
}
inline void fail_gate(pe&, const motet::runtime::address&, motet::runtime::failure&&) {}
inline constexpr motet::runtime::delivery gate_delivery{&open_gate, &fail_gate};

/// Waits, on PE 0, until nothing moves.
inline void wait_for_quiescence(pe& p) {
    gate g;
    motet::runtime::address to;
    to.how = motet::runtime::registered<to_a_gate, gate_delivery>::id();
    to.index.low = reinterpret_cast<std::uintptr_t>(&g);
    motet::runtime::want_quiescence(p, to);
    g.wait(p);
}

/// Of threads of this process, in seconds.
inline double cpu_time() {
    timespec spent{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return static_cast<double>(spent.tv_sec) + 1e-9 * static_cast<double>(spent.tv_nsec);
}

/// Since some moment, in seconds.
inline double wall_time() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace motet_test
