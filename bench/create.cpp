// SPDX-License-Identifier: BSL-1.0
// needs: caf
//
// 1,000,000 elements: the time until each of them can be called, and the memory that each takes beyond its own fields,
// beside actors of CAF with the same state (100,000 of them, for patience; their time is multiplied by 10).

#include "harness.hpp"
#include "program.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <malloc.h>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::seconds;

constexpr std::int64_t elements = 1'000'000;

struct Element {
    double value = 1;
    double get() const { return value; }
};

/// Bytes that the program has from the C library, with what that keeps about them.
double bytes_in_use() {
    const struct mallinfo2 all = mallinfo2();
    return static_cast<double>(all.uordblks + all.hblkhd);
}

struct cost {
    double seconds = 0;
    double bytes_each = 0;
};

cost create() {
    cost found;
    motet_bench::on_pes(1, [&] {
        const double before = bytes_in_use();
        motet::array<Element> all;
        found.seconds = seconds([&] {
            all = motet::array<Element>::create(elements, Element{2});
            check(all[elements - 1].ask<&Element::get>().get() == 2, "the last element");
        });
        found.bytes_each = (bytes_in_use() - before) / static_cast<double>(elements) - sizeof(Element);
        check(all.reduce<&Element::get>(motet::sum).get() == 2 * static_cast<double>(elements), "the elements");
        return 0.0;
    });
    return found;
}

struct caf_state {
    double value = 1;
};
caf::behavior caf_element(caf::stateful_actor<caf_state>* self, double value) {
    self->state.value = value;
    return {[self](bool) { return self->state.value; }};
}

cost spawn() {
    constexpr std::int64_t actors = elements / 10;
    cost found;
    caf::actor_system_config config;
    config.set("scheduler.max-threads", 1);
    caf::actor_system system(config);
    caf::scoped_actor main(system);
    std::vector<caf::actor> all;
    all.reserve(actors);
    const double before = bytes_in_use();
    const auto fail = [](const caf::error&) { check(false, "CAF"); };
    found.seconds = seconds([&] {
        for (std::int64_t i = 0; i < actors; ++i) all.push_back(system.spawn(caf_element, 2.0));
        main->request(all.back(), caf::infinite, true).receive([](double value) { check(value == 2, "CAF"); }, fail);
    });
    found.seconds *= static_cast<double>(elements) / static_cast<double>(actors);
    found.bytes_each = (bytes_in_use() - before) / static_cast<double>(actors) - sizeof(caf_state);
    for (const auto& each : all) main->send_exit(each, caf::exit_reason::user_shutdown);
    return found;
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    report.compare(
        {.id = "create.time", .unit = "s", .at_most = 0.2, .repetitions = 5}, [] { return create().seconds; },
        motet_bench::rival{"CAF", [] { return spawn().seconds; }});
    report.compare(
        {.id = "create.bytes", .unit = "bytes", .at_most = 96, .repetitions = 5}, [] { return create().bytes_each; },
        motet_bench::rival{"CAF", [] { return spawn().bytes_each; }});
}
