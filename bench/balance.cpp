// SPDX-License-Identifier: BSL-1.0
//
// What a decision costs each balancing strategy: 100,000 chares on 1,024 PEs, whose loads differ and which exchange
// messages with four neighbours; and a whole balancing on 1,024 simulated PEs, in the time of this machine.

#include "harness.hpp"
#include "program.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::seconds;

constexpr std::int64_t pes = 1024;
constexpr std::int64_t chares = 100'000;

/// Between 1 and 2, and for every tenth chare ten times as much.
double load_of(std::int64_t i) {
    const double x = static_cast<double>((i * 7919) % 10007) / 10007;
    return (1 + x) * (i / 1000 % 10 == 0 ? 10 : 1);
}

motet::balancing problem() {
    motet::balancing all{.pes = pes, .chares = {}, .round = 0, .messages = {}};
    constexpr std::int64_t side = 400; // of a grid of 400 x 250
    for (std::int64_t i = 0; i < chares; ++i) {
        const std::int64_t pe = i * pes / chares;
        const auto at = static_cast<std::size_t>(i);
        all.chares.push_back({load_of(i), pe, pe, true, static_cast<std::uint64_t>(i)});
        for (const std::int64_t to : {i - side, i - 1, i + 1, i + side})
            if (to >= 0 && to < chares) all.messages.push_back({at, static_cast<std::size_t>(to), 1});
    }
    return all;
}

template <class Strategy>
double decide(const Strategy& strategy, double most_imbalance) {
    motet::balancing all = problem();
    const double time = seconds([&] { strategy(all); });
    check(all.imbalance() <= most_imbalance, "a strategy: the imbalance");
    return time;
}

struct Worker {
    void work() { motet::charge(1e-6 * load_of(motet::this_index())); }
};

/// The whole of it: loads collected, decided, chares moved.
template <class Strategy>
double balance(const Strategy& strategy) {
    std::string words[] = {"bench", "--motet-sim", std::to_string(pes) + "x1", "--motet-sim-table", "off"};
    char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
    int count = 5;
    double time = 0;
    const int code = motet::run(count, pointers, [&] {
        const auto workers = motet::array<Worker>::create(chares);
        motet::balance_with(workers, strategy).get();
        workers.all<&Worker::work>().get();
        time = seconds([&] {
            const auto did = motet::rebalance(workers).get();
            check(did.moved > 0 && did.after < did.before, "a balancing");
        });
    });
    check(code == 0, "motet::run");
    return time;
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    const auto row = [](const char* strategy) {
        return motet_bench::row{.id = std::string("balance.100k.") + strategy, .unit = "s", .at_most = 1};
    };
    constexpr double any = 1e9;
    report.compare(row("greedy"), [&] { return decide(motet::greedy, 1.05); });
    report.compare(row("refine"), [&] { return decide(motet::refine, 1.1); });
    report.compare(row("communication"), [&] { return decide(motet::communication, 1.25); });
    report.compare(row("rotate"), [&] { return decide(motet::rotate, any); });
    report.compare(row("random"), [&] { return decide(motet::random_places, any); });
    report.compare({.id = "balance.whole.greedy", .unit = "s", .repetitions = 5},
                   [] { return balance(motet::greedy); });
    report.compare({.id = "balance.whole.refine", .unit = "s", .repetitions = 5},
                   [] { return balance(motet::refine); });
    report.compare({.id = "balance.whole.distrib.", .unit = "s", .repetitions = 5},
                   [] { return balance(motet::distributed); });
}
