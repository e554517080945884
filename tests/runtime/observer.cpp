// SPDX-License-Identifier: BSL-1.0
#include "run.hpp"

#include <motet/runtime/observer.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

using namespace motet_test;
using motet::runtime::frame;
using motet::runtime::observer;

namespace {

/// Writes down what it is told.
struct notes : observer {
    notes(std::string& into, std::string as) : all(into), name(std::move(as)) {}
    void sent(pe& p, pe_number to, message&) override {
        note((p.current_frame == nullptr ? "the run sends to " : "sends to ") + std::to_string(to));
    }
    void serialized(pe&, const message&, std::size_t bytes) override {
        CHECK(bytes >= sizeof(message));
        note("serializes");
    }
    void began(pe& p, const frame& f, message* m) override {
        CHECK(p.current_frame == &f);
        CHECK(f.is_open());
        CHECK(m != nullptr);
        note("begins " + std::to_string(f.run));
    }
    void parked(pe& p, const waiter& w, double now) override {
        CHECK(p.current_frame == w.running);
        const frame* under = observed(w.running);
        if (under == nullptr) return note("somebody parks");
        CHECK(under->is_open());
        CHECK(now >= under->running_since);
        note("parks " + std::to_string(under->run));
    }
    void resumed(pe&, const waiter& w, double now) override {
        const frame* under = observed(w.running);
        if (under == nullptr) return note("somebody resumes");
        CHECK(under->is_open() == !w.cancelled);
        CHECK(now >= w.since);
        note((w.cancelled ? "unwinds " : "resumes ") + std::to_string(under->run));
    }
    void ended(pe&, const frame& f, double now) override {
        CHECK(now >= f.running_since);
        note("ends " + std::to_string(f.run));
    }
    void note(const std::string& what) { all += name + what + "\n"; }

    std::string& all;
    const std::string name;
};

void add_one(pe&, std::int64_t) {}

} // namespace

TEST_CASE("an observer is told of what a PE runs, sends and waits for") {
    for (const options& chosen : {threads(1), threads(2), simulated(1, 1), simulated(1, 2)}) {
        std::string told;
        run(
            chosen,
            [](pe& p) {
                bool there = false;
                on(p, 0, [&there](pe&) { there = true; });
                wait_until(p, [&] { return there; });
            },
            [&](pe& p) {
                if (p.number == 0) p.observe(std::make_unique<notes>(told, ""));
            });
        CHECK(told == "the run sends to 0\n"
                      "begins 1\n"
                      "sends to 0\n"
                      "parks 1\n"
                      "begins 2\n"
                      "ends 2\n"
                      "resumes 1\n"
                      "ends 1\n");
    }
}

TEST_CASE("messages to other processes are told with their size") {
    std::string told;
    run(
        simulated(2, 1), [](pe& p) { post<&add_one>(p, 1, std::int64_t{5}); },
        [&](pe& p) { p.observe(std::make_unique<notes>(told, std::to_string(p.number) + " ")); });
    CHECK(told == "0 the run sends to 0\n"
                  "0 begins 1\n"
                  "0 sends to 1\n"
                  "0 serializes\n"
                  "0 ends 1\n"
                  "1 begins 1\n"
                  "1 ends 1\n");
}

TEST_CASE("several observers are told, also those that come in the middle of a handler") {
    for (const options& chosen : {threads(1), simulated(1, 1)}) {
        std::string told;
        run(chosen, [&](pe& p) {
            p.observe(std::make_unique<notes>(told, "a "));
            p.observe(std::make_unique<notes>(told, "b "));
            bool there = false;
            on(p, 0, [&there](pe&) { there = true; });
            wait_until(p, [&] { return there; });
        });
        CHECK(told == "b sends to 0\n"
                      "a sends to 0\n"
                      "b somebody parks\n"
                      "a somebody parks\n"
                      "b begins 1\n"
                      "a begins 1\n"
                      "b ends 1\n"
                      "a ends 1\n"
                      "b somebody resumes\n"
                      "a somebody resumes\n");
    }
}

TEST_CASE("a handler that is unwound at the end does not end") {
    for (const options& chosen : {threads(1), simulated(1, 1)}) {
        std::string told;
        run(
            chosen,
            [](pe& p) {
                on(p, 0, [](pe& here) { here.job.stop(3); });
                wait_until(p, [] { return false; });
            },
            [&](pe& p) { p.observe(std::make_unique<notes>(told, "")); });
        CHECK(told == "the run sends to 0\n"
                      "begins 1\n"
                      "sends to 0\n"
                      "parks 1\n"
                      "begins 2\n"
                      "ends 2\n"
                      "unwinds 1\n");
    }
}
