// SPDX-License-Identifier: BSL-1.0
#include "timeline.hpp"

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

using namespace motet_test;

namespace statistics_test {

struct Worker {
    std::int64_t done = 0;
    void work(std::int64_t left) {
        motet::charge(left % 2 != 0 ? 1e-3 : 3e-3);
        ++done;
        const auto all = motet::this_collection<Worker>();
        if (left > 0) all[(motet::this_index() + 1) % 4].tell<&Worker::work>(left - 1);
    }
    std::int64_t result(std::vector<double>) const { return done; }
    void rest() {}
    std::int64_t collect() {
        const auto all = motet::this_collection<Worker>();
        return all[3].ask<&Worker::result>(std::vector<double>(1000)).get();
    }
};

/// The line of the table that begins with this name.
struct line {
    std::int64_t calls = -1;
    double seconds = 0;
    double longest = 0;
    std::int64_t messages = 0;
    std::int64_t bytes = 0;
    std::int64_t waits = 0;
    double waited = 0;
};
line line_of(const std::string& table, const std::string& name) {
    line found;
    std::istringstream lines(table);
    for (std::string text; std::getline(lines, text);) {
        if (!text.starts_with(name + " ")) continue;
        std::istringstream(text.substr(name.size())) >> found.calls >> found.seconds >> found.longest >>
            found.messages >> found.bytes >> found.waits >> found.waited;
    }
    return found;
}

void program() {
    const auto all = motet::array<Worker>::create(4);
    for (int i = 0; i < 3; ++i) all[i].tell<&Worker::work>(std::int64_t{7});
    motet::quiescence().get();
    CHECK(all[0].ask<&Worker::collect>().get() == 6);
    all.tell<&Worker::rest>();
}

TEST_CASE("statistics tell what each entry did, on all PEs of all processes") {
    for (options chosen : some()) {
        const std::string name = describe(chosen);
        INFO(name);
        chosen.stats = true;
        const std::string table = told_by([&] { run_well(chosen, &program); });
        if (this_job().rank != 0) {
            CHECK(!contains(table, "calls"));
            continue;
        }
        INFO(table);
        CHECK(table.starts_with("entry "));
        const line work = line_of(table, "statistics_test::Worker::work");
        CHECK(work.calls == 24);
        CHECK(work.messages == 21);
        CHECK(work.waits == 0);
        const line collect = line_of(table, "statistics_test::Worker::collect");
        CHECK(collect.calls == 1);
        CHECK(collect.messages == 1);
        CHECK(collect.waits == 1);
        const line result = line_of(table, "statistics_test::Worker::result");
        CHECK(result.calls == 1);
        CHECK(result.messages == 0);
        const line main = line_of(table, "main");
        CHECK(main.calls == 1);
        CHECK(main.messages == 5); // one of them to all
        CHECK(line_of(table, "statistics_test::Worker::rest").calls == 4);
        CHECK(main.waits == 2);
        CHECK(main.waited >= 0);
        CHECK(line_of(table, "(the runtime)").calls >= 0);
        if (chosen.simulated) {
            CHECK(work.seconds == doctest::Approx(12 * 1e-3 + 12 * 3e-3));
            CHECK(work.longest == doctest::Approx(3e-3));
            CHECK(collect.seconds == 0);
        }
        // 1,000 numbers travel if the two chares are on different processes, and nothing does inside of one.
        const bool several = chosen.simulated ? chosen.processes > 1 : this_job().size > 1;
        if (!several) CHECK(work.bytes + collect.bytes + main.bytes == 0);
        if (several && chosen.migrate == 0) CHECK(collect.bytes >= 8000);
    }
}

TEST_CASE("statistics and a timeline together") {
    for (const options& each : some()) {
        const temporary_file file("both");
        options chosen = traced(each, file);
        chosen.stats = true;
        const std::string table = told_by([&] { run_well(chosen, &program); });
        if (this_job().rank != 0) continue;
        CHECK(line_of(table, "statistics_test::Worker::work").calls == 24);
        const timeline t = read_timeline(file.content());
        CHECK(t.problems.empty());
        CHECK(t.slices.at("statistics_test::Worker::work") == 24);
    }
}

} // namespace statistics_test
