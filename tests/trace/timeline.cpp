// SPDX-License-Identifier: BSL-1.0
// clang-format off
#include <iomanip> // before Motet, with whose names std::quoted must not be mistaken
// clang-format on
#include "timeline.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;
using namespace std::chrono_literals;

namespace timeline_test {

/// Passes tokens on to the next in a ring.
struct Node {
    std::int64_t ring = 1;
    std::int64_t got = 0;
    std::int64_t turn = 0;

    void on(motet::created) { motet::charge(1e-6); }
    void pass(std::int64_t left) {
        motet::charge(2e-6);
        ++got;
        const auto all = motet::this_collection<Node>();
        if (left > 0) all[(motet::this_index() + 1) % ring].tell<&Node::pass>(left - 1);
    }
    std::int64_t count() const { return got; }
    std::int64_t ask_next() {
        const auto all = motet::this_collection<Node>();
        motet::charge(1e-6);
        return all[(motet::this_index() + 1) % ring].ask<&Node::count>().get();
    }
    void in_turn(std::int64_t number) {
        motet::charge(1e-6);
        turn = number + 1;
    }
    bool when(motet::entry<&Node::in_turn>, std::int64_t number) const { return number == turn; }
    void naps() { motet::sleep_for(10us); }
    void fails() { throw std::runtime_error("this node fails"); }
};

constexpr std::int64_t nodes = 6;
constexpr std::int64_t tokens = 5;
constexpr std::int64_t hops = 40;

void program() {
    const auto ring = motet::array<Node>::create(nodes, Node{nodes});
    for (std::int64_t i = 0; i < tokens; ++i) ring[i % nodes].tell<&Node::pass>(hops);
    motet::quiescence().get();
    std::int64_t sum = 0;
    for (const std::int64_t each : ring.gather<&Node::ask_next>().get()) sum += each;
    CHECK(sum == tokens * (hops + 1));
    for (std::int64_t i = 3; i-- > 0;) ring[1].tell<&Node::in_turn>(i);
    ring[0].ask<&Node::naps>().get();
    motet::quiescence().get();
}

std::vector<std::string> problems_of(const timeline& t) { return t.problems; }

/// What the program above must have left.
void check(const options& chosen, const std::string& text) {
    const std::string name = describe(chosen);
    INFO(name);
    const timeline t = read_timeline(text);
    CHECK(problems_of(t) == std::vector<std::string>{});
    CHECK(t.dropped == 0);
    CHECK(t.told_drops == 0);
    const int processes = chosen.simulated ? static_cast<int>(chosen.processes) : this_job().size;
    CHECK(t.processes.size() == static_cast<std::size_t>(processes));
    CHECK(t.threads.size() == static_cast<std::size_t>(processes) * chosen.pes);
    // Every message is one arrow, from the method that sent it to the one that it called.
    CHECK(t.count("timeline_test::Node::pass", "timeline_test::Node::pass") == tokens * hops);
    CHECK(t.count("main", "timeline_test::Node::pass") == tokens);
    CHECK(t.slices.at("timeline_test::Node::pass") == tokens * (hops + 1));
    CHECK(t.count("timeline_test::Node::ask_next", "timeline_test::Node::count") == nodes);
    CHECK(t.slices.at("timeline_test::Node::count") == nodes);
    CHECK(t.count("main", "take_broadcast") == 1);
    CHECK(t.lost_arrows == 0);
    // A message that a `when` holds back arrives once.
    CHECK(t.count("main", "timeline_test::Node::in_turn") == 3);
    CHECK(t.slices.at("timeline_test::Node::in_turn") == 3);
    // One slice more for each wait.
    CHECK(t.slices.at("timeline_test::Node::ask_next") ==
          nodes + (t.waits.count("timeline_test::Node::ask_next waits") != 0
                       ? t.waits.at("timeline_test::Node::ask_next waits")
                       : 0));
    CHECK(t.waits.at("timeline_test::Node::naps waits") == 1);
    CHECK(t.slices.at("timeline_test::Node::naps") == 2);
    CHECK(t.waits.at("main waits") + 1 == t.slices.at("main"));
    CHECK(t.slices.at("a hook") == nodes);
    CHECK(t.chares.at("timeline_test::Node::pass") ==
          std::set<std::string>{"Node[0]", "Node[1]", "Node[2]", "Node[3]", "Node[4]", "Node[5]"});
    CHECK(t.categories == std::set<std::string>{"entry", "runtime", "wait"});
    CHECK(t.counters > 0);
}

TEST_CASE("a timeline has every run, wait and message") {
    for (const options& each : some()) {
        const temporary_file file("whole");
        const options chosen = traced(each, file);
        run_well(chosen, &program);
        if (this_job().rank == 0) check(chosen, file.content());
    }
}

TEST_CASE("a simulated run leaves the same timeline each time, by the virtual clock") {
    if (this_job().size > 1) return;
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed) {
        const temporary_file file("replay");
        const options chosen = traced(simulated_by(seed), file);
        run_well(chosen, &program);
        const std::string once = file.content();
        run_well(chosen, &program);
        CHECK(once == file.content());
        CHECK(contains(once, "\"clock\":\"virtual\""));
    }
    // The times are those that the program declared.
    const temporary_file file("times");
    run_well(traced(simulated(1, 1), file), [] {
        motet::charge(1);
        motet::array<Node>::create(1, Node{1})[0].ask<&Node::pass>(std::int64_t{0}).get();
    });
    const std::string text = file.content();
    CHECK(contains(text, "\"ts\":1000000.000"));
    CHECK(contains(text, "\"ts\":1000003.000")); // the hook and the method
    CHECK(!contains(text, "\"ts\":1000004"));
}

TEST_CASE("where a simulated run goes by measured time, slices have it") {
    if (this_job().size > 1) return;
    const temporary_file file("measured");
    options chosen = traced(simulated(1, 1), file);
    chosen.measure = true;
    run_well(chosen, [] {
        const auto until = std::chrono::steady_clock::now() + 2ms;
        while (std::chrono::steady_clock::now() < until) {}
    });
    const timeline t = read_timeline(file.content());
    CHECK(problems_of(t) == std::vector<std::string>{});
    CHECK(t.longest >= 2000); // microseconds: it waited for them to pass
}

TEST_CASE("a timeline is bounded: the newest part stays whole, and what was dropped is told") {
    for (options each : some()) {
        const temporary_file file("bounded");
        options chosen = traced(each, file);
        chosen.trace_size = 32768;
        const std::string name = describe(chosen);
        INFO(name);
        const std::string told = told_by([&] {
            run_well(chosen, [] {
                const auto ring = motet::array<Node>::create(nodes, Node{nodes});
                ring[0].ask<&Node::naps>().get();
                for (std::int64_t i = 0; i < 60; ++i) ring[i % nodes].tell<&Node::pass>(50);
                motet::quiescence().get();
                ring[0].ask<&Node::pass>(std::int64_t{0}).get();
            });
        });
        if (this_job().rank != 0) continue;
        const timeline t = read_timeline(file.content());
        CHECK(problems_of(t) == std::vector<std::string>{});
        CHECK(t.dropped > 0);
        CHECK(t.told_drops > 0);
        CHECK(t.told_drops <= static_cast<int>(t.threads.size()));
        // 512 records each; a wait is two events, and an arrow ends with its slice.
        CHECK(t.events <= t.threads.size() * (2 * 512 + 8));
        CHECK(contains(
            told, "motet: warning: the timeline lacks its beginning: " + std::to_string(static_cast<long>(t.dropped)) +
                      " records were dropped (--motet-trace-size)"));
        CHECK(t.slices.at("main") > 0); // it waits since before what was dropped
    }
}

TEST_CASE("a file that cannot be written is told before the run") {
    for (const options& each : some()) {
        options chosen = each;
        chosen.trace = "/nowhere/at/all.json";
        bool ran = false;
        const std::string problem = error_of(chosen, [&] { ran = true; });
        CHECK(contains(problem, "--motet-trace /nowhere/at/all.json cannot be written: No such file or directory"));
        CHECK(!ran);
    }
    // What was in the file stays until there is something to put in its place.
    const temporary_file file("kept");
    std::FILE* before = std::fopen(file.path.c_str(), "w");
    std::fputs("the timeline of yesterday, which is longer than nothing", before);
    std::fclose(before);
    options chosen = traced(threads(1), file);
    chosen.restart = "/nowhere/at/all";
    CHECK(contains(error_of(chosen, [] {}), "/nowhere/at/all"));
    if (this_job().rank == 0) CHECK(file.content() == "the timeline of yesterday, which is longer than nothing");
    chosen.restart = "";
    run_well(chosen, [] {});
    if (this_job().rank == 0) CHECK(problems_of(read_timeline(file.content())) == std::vector<std::string>{});
}

TEST_CASE("a disk that is full does not lose the run") {
    options chosen = threads(1);
    chosen.trace = "/dev/full";
    const std::string told = told_by([&] { run_well(chosen, &program); });
    if (this_job().rank == 0)
        CHECK(contains(told,
                       "motet: warning: the timeline /dev/full was not written as a whole: No space left on device"));
}

TEST_CASE("a run that fails, or ends at once, leaves its timeline too") {
    for (const options& each : some()) {
        const temporary_file file("failed");
        const options chosen = traced(each, file);
        const std::string problem = error_of(chosen, [] {
            const auto ring = motet::array<Node>::create(nodes, Node{nodes});
            ring[3].tell<&Node::fails>();
            motet::sleep_for(1000s);
        });
        if (this_job().rank == 0) {
            CHECK(contains(problem, "this node fails"));
            const timeline t = read_timeline(file.content());
            CHECK(problems_of(t) == std::vector<std::string>{});
            CHECK(t.slices.at("timeline_test::Node::fails") == 1);
            CHECK(t.waits.at("main waits") == 1);
        }
        CHECK(run(chosen, [] { motet::exit(7); }) == 7);
        if (this_job().rank == 0) {
            const timeline t = read_timeline(file.content());
            CHECK(problems_of(t) == std::vector<std::string>{});
            CHECK(t.slices.at("main") == 1);
        }
    }
}

/// Names of programs may need escapes.
template <char C>
struct Odd {
    int value = 0;
    void call() { ++value; }
};

struct Row {
    char name;
    char number;
};

struct Gr\u00f6\u00dfe {
    int value = 0;
    void call() { ++value; }
};

TEST_CASE("names are escaped, and what is no UTF-8 in them is replaced") {
    for (const options& each : some()) {
        const temporary_file file("escaped");
        run_well(traced(each, file), [] {
            motet::chare<Odd<'"'>>::create({}).ask<&Odd<'"'>::call>().get();
            motet::chare<Odd<'\\'>>::create({}).ask<&Odd<'\\'>::call>().get();
            const auto all = motet::array<Gr\u00f6\u00dfe, Row>::create();
            all.insert({'\xe9', 'x'}).get();
            all.all<&Gr\u00f6\u00dfe::call>().get();
        });
        if (this_job().rank != 0) continue;
        const std::string text = file.content();
        CHECK(problems_of(read_timeline(text)) == std::vector<std::string>{});
        CHECK(contains(text, "timeline_test::Gr\u00f6\u00dfe::call"));
        CHECK(contains(text, "[{name='\\ufffd', number='x'}]"));
    }
}

} // namespace timeline_test
