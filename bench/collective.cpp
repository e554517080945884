// SPDX-License-Identifier: BSL-1.0
// needs: caf
//
// A broadcast to 1,000 elements of one PE with a reduction of what they return, beside as many actors of CAF that are
// asked in turn and whose answers are added up.

#include "harness.hpp"
#include "program.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::seconds;

constexpr std::int64_t elements = 1000;
constexpr std::int64_t rounds = 300;
double per_round(double time) { return 1e6 * time / static_cast<double>(rounds); }

struct Element {
    std::int64_t calls = 0;
    std::int64_t call(std::int64_t round) {
        ++calls;
        return motet::this_index() + round;
    }
    std::int64_t count() const { return calls; }
};

/// Elements that contribute by themselves, when a broadcast tells them to.
struct Contributor {
    std::int64_t calls = 0;
    void call(std::int64_t round, motet::promise<std::int64_t> sum) {
        ++calls;
        motet::contribute(motet::this_index() + round, motet::sum, sum);
    }
};

std::int64_t sum_of(std::int64_t round) { return elements * (elements - 1) / 2 + elements * round; }

double reduce() {
    return motet_bench::on_pes(1, [] {
        const auto all = motet::array<Element>::create(elements);
        const double time = seconds([&] {
            for (std::int64_t i = 0; i < rounds; ++i)
                check(all.reduce<&Element::call>(motet::sum, i).get() == sum_of(i), "the reduction");
        });
        check(all.reduce<&Element::count>(motet::sum).get() == elements * rounds, "the elements");
        return per_round(time);
    });
}
double contribute() {
    return motet_bench::on_pes(1, [] {
        const auto all = motet::array<Contributor>::create(elements);
        return per_round(seconds([&] {
            for (std::int64_t i = 0; i < rounds; ++i) {
                auto [sum, promise] = motet::make_future<std::int64_t>();
                all.tell<&Contributor::call>(i, promise);
                check(sum.get() == sum_of(i), "the contributions");
            }
        }));
    });
}

caf::behavior caf_element(caf::event_based_actor*, std::int64_t index) {
    return {[index](std::int64_t round) { return index + round; }};
}
struct caf_root_state {
    std::int64_t sum = 0;
    std::int64_t missing = 0;
    std::int64_t round = 0;
};
void ask_everybody(caf::stateful_actor<caf_root_state>* self, const std::vector<caf::actor>& all,
                   const caf::actor& told) {
    self->state.sum = 0;
    self->state.missing = elements;
    for (const auto& each : all) {
        self->request(each, caf::infinite, self->state.round).then([self, &all, told](std::int64_t value) {
            self->state.sum += value;
            if (--self->state.missing > 0) return;
            check(self->state.sum == sum_of(self->state.round), "CAF");
            if (++self->state.round < rounds) return ask_everybody(self, all, told);
            self->send(told, self->state.round);
            self->quit();
        });
    }
}
double with_caf() {
    caf::actor_system_config config;
    config.set("scheduler.max-threads", 1);
    caf::actor_system system(config);
    caf::scoped_actor main(system);
    std::vector<caf::actor> all;
    for (std::int64_t i = 0; i < elements; ++i) all.push_back(system.spawn(caf_element, i));
    const auto told = caf::actor_cast<caf::actor>(main);
    std::int64_t done = 0;
    const double time = seconds([&] {
        system.spawn([&](caf::stateful_actor<caf_root_state>* self) { ask_everybody(self, all, told); });
        main->receive([&](std::int64_t count) { done = count; });
    });
    check(done == rounds, "CAF");
    for (const auto& each : all) main->send_exit(each, caf::exit_reason::user_shutdown);
    return per_round(time);
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    report.compare({.id = "collective.1000", .unit = "us", .at_most = 25}, reduce,
                   motet_bench::rival{"CAF, requests", with_caf});
    report.compare({.id = "collective.contribute", .unit = "us"}, contribute);
}
