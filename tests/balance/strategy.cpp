// SPDX-License-Identifier: BSL-1.0
#include <motet/balance/strategy.hpp>
#ifdef MOTET_WITH_METIS
#include <motet/balance/metis.hpp>
#endif
#ifdef MOTET_WITH_SCOTCH
#include <motet/balance/scotch.hpp>
#endif

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace {

motet::balancing problem(std::int64_t pes, const std::vector<double>& loads, std::int64_t on = -1) {
    motet::balancing all{.pes = pes, .chares = {}, .round = 0, .messages = {}};
    for (std::size_t i = 0; i < loads.size(); ++i) {
        const auto pe = on >= 0 ? on : static_cast<std::int64_t>(i * static_cast<std::size_t>(pes) / loads.size());
        all.chares.push_back({loads[i], pe, pe, true, i});
    }
    return all;
}

std::int64_t moves(const motet::balancing& all) {
    std::int64_t count = 0;
    for (const auto& c : all.chares) count += c.to != c.pe;
    return count;
}

std::vector<double> random_loads(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::exponential_distribution<double> load(1);
    std::vector<double> all(count);
    for (double& each : all) each = load(random);
    return all;
}

std::uint64_t messages_across(const motet::balancing& all) {
    std::uint64_t count = 0;
    for (const auto& m : all.messages)
        if (all.chares[m.from].to != all.chares[m.to].to) count += m.count;
    return count;
}

/// A square of side * side chares of random load in strips along x, that send 10 messages to each neighbour.
motet::balancing square(std::int64_t pes, std::size_t side, unsigned seed = 1) {
    auto all = problem(pes, random_loads(side * side, seed));
    for (std::size_t i = 0; i < side * side; ++i) {
        auto& c = all.chares[i];
        c.pe = c.to = static_cast<std::int64_t>(i % side * static_cast<std::size_t>(pes) / side);
        if (i % side > 0) all.messages.push_back({i, i - 1, 10}), all.messages.push_back({i - 1, i, 10});
        if (i >= side) all.messages.push_back({i, i - side, 10}), all.messages.push_back({i - side, i, 10});
    }
    return all;
}

/// What holds for every strategy that leaves the work to a library.
template <class Strategy>
void partitions_with(const Strategy& strategy) {
    // As even as wanted, and fewer messages go across than `communication` leaves.
    auto all = square(16, 32), other = all;
    const auto strips = messages_across(all);
    strategy(all);
    motet::communication(other);
    CHECK(all.imbalance() <= 1.06);
    CHECK(messages_across(all) < strips / 2);
    CHECK(messages_across(all) < messages_across(other) * 3 / 4);
    // What was decided once is decided so each time, and is left alone afterwards; most of a PE's load stays.
    auto again = square(16, 32);
    strategy(again);
    CHECK(std::equal(all.chares.begin(), all.chares.end(), again.chares.begin(),
                     [](const auto& a, const auto& b) { return a.to == b.to; }));
    for (auto& c : all.chares) c.pe = c.to;
    strategy(all);
    CHECK(moves(all) == 0);
    for (std::size_t i = 0; i < 32; ++i) all.chares[i].load *= 3;
    strategy(all);
    CHECK(all.imbalance() <= 1.06);
    CHECK(moves(all) < 512);
    // What may not move stays, and counts.
    auto held = square(8, 32);
    for (std::size_t i = 0; i < held.chares.size(); i += 5) held.chares[i].may_move = false;
    strategy(held);
    for (const auto& c : held.chares) CHECK((c.may_move || c.to == c.pe));
    CHECK(held.imbalance() <= 1.06);
    // Small and uneven ones, down to nothing; no loads, no messages, chares that are more than a PE's share.
    for (unsigned seed = 0; seed < 300; ++seed) {
        auto odd = square(1 + seed % 13, seed % 7, seed);
        for (auto& c : odd.chares) {
            if (seed % 3 == 0) c.load *= c.load * c.load;
            if (seed % 11 == 0) c.load = 0;
            if (seed % 5 == 0) c.may_move = c.sort % 4 != 0;
        }
        if (seed % 17 == 0) odd.messages.clear();
        auto best = odd;
        motet::greedy(best);
        strategy(odd);
        for (const auto& c : odd.chares) CHECK((c.to >= 0 && c.to < odd.pes && (c.may_move || c.to == c.pe)));
        CHECK(odd.imbalance() <= 1.7 * best.imbalance());
    }
    // More messages than 32 bits count.
    auto many = square(4, 8);
    for (auto& m : many.messages) m.count <<= 40;
    strategy(many);
    CHECK(many.imbalance() <= 1.1);
    CHECK(messages_across(many) < many.messages.size() * 10 << 38);
}

} // namespace

TEST_CASE("imbalance is the largest load over the average") {
    auto all = problem(2, {3, 1, 0, 0});
    CHECK(all.imbalance(&motet::chare_load::pe) == 2);
    all.chares[0].to = 1;
    CHECK(all.imbalance() == 1.5);
    CHECK(all.loads() == std::vector<double>{1, 3});
    CHECK(problem(3, {0, 0, 0}).imbalance() == 1);
    CHECK(problem(3, {}).imbalance() == 1);
}

TEST_CASE("greedy: within the bound of Graham, whatever the loads") {
    for (unsigned seed = 1; seed < 30; ++seed) {
        auto all = problem(7, random_loads(60, seed), seed % 7);
        motet::greedy(all);
        double sum = 0, most = 0;
        for (const auto& c : all.chares) sum += c.load, most = std::max(most, c.load);
        const auto loads = all.loads();
        CHECK(*std::max_element(loads.begin(), loads.end()) <= sum / 7 + most);
    }
}

TEST_CASE("refine: makes it better by few moves, and leaves alone what is balanced") {
    for (unsigned seed = 1; seed < 30; ++seed) {
        auto all = problem(8, random_loads(200, seed));
        const double before = all.imbalance(&motet::chare_load::pe);
        motet::refine(all);
        CHECK(all.imbalance() <= 1.05);
        CHECK(all.imbalance() <= before);
        auto greedy = all;
        motet::greedy(greedy);
        CHECK(moves(all) < moves(greedy) / 2);
    }
    auto even = problem(4, std::vector<double>(16, 1.0));
    motet::refine(even);
    CHECK(moves(even) == 0);
    auto one_heavy = problem(2, {5, 0.1, 0.1, 0.1}); // nothing helps
    motet::refine(one_heavy);
    CHECK(one_heavy.imbalance() <= one_heavy.imbalance(&motet::chare_load::pe));
    CHECK(one_heavy.chares[0].to == one_heavy.chares[0].pe);
    auto crowded = problem(4, std::vector<double>(40, 1.0), 2);
    motet::refine(crowded);
    CHECK(crowded.imbalance() <= 1.1);
}

TEST_CASE("what may not move stays, and counts") {
    for (const bool refines : {false, true}) {
        auto all = problem(2, {4, 1, 1, 1, 1});
        for (auto& c : all.chares) c.pe = c.to = 0;
        all.chares[0].may_move = false;
        if (refines)
            motet::refine(all);
        else
            motet::greedy(all);
        CHECK(all.chares[0].to == 0);
        CHECK(all.imbalance() == 1);
    }
    auto all = problem(2, {1, 1});
    all.chares[0].may_move = false;
    motet::rotate(all);
    CHECK(all.chares[0].to == 0);
    CHECK(all.chares[1].to == 0);
    for (std::uint64_t round = 0; round < 20; ++round) {
        all.round = round;
        motet::random_places(all);
        CHECK(all.chares[0].to == 0);
    }
}

TEST_CASE("random places differ from round to round, and are used evenly") {
    auto all = problem(4, std::vector<double>(4000, 1.0));
    motet::random_places(all);
    for (const double load : all.loads()) CHECK(std::abs(load - 1000) < 150);
    auto again = all;
    again.round = 1;
    motet::random_places(again);
    std::int64_t same = 0;
    for (std::size_t i = 0; i < all.chares.size(); ++i) same += all.chares[i].to == again.chares[i].to;
    CHECK(same < 1300);
}

TEST_CASE("communication: who talks to each other comes together, as long as it stays balanced") {
    // Eight families of eight, which talk among themselves, scattered over eight PEs.
    auto all = problem(8, std::vector<double>(64, 1.0));
    for (std::size_t i = 0; i < 64; ++i) all.chares[i].pe = all.chares[i].to = static_cast<std::int64_t>(i % 8);
    const auto across = [&] {
        std::uint64_t count = 0;
        for (const auto& m : all.messages)
            if (all.chares[m.from].to != all.chares[m.to].to) count += m.count;
        return count;
    };
    for (std::size_t family = 0; family < 8; ++family)
        for (std::size_t a = 0; a < 8; ++a)
            for (std::size_t b = 0; b < 8; ++b)
                if (a != b) all.messages.push_back({8 * family + a, 8 * family + b, 10});
    const auto before = across();
    CHECK(before == 64 * 7 * 10);
    motet::communication(all);
    CHECK(all.imbalance() <= 1.13);
    CHECK(across() < before / 3);
    // Everybody talks to one: not all of them come to it.
    auto star = problem(4, std::vector<double>(40, 1.0));
    for (std::size_t i = 1; i < 40; ++i) star.messages.push_back({i, 0, 100});
    motet::communication(star);
    CHECK(star.imbalance() <= 1.1);
}

#ifdef MOTET_WITH_METIS
TEST_CASE("metis: parts of equal load, between which few messages pass") { partitions_with(motet::metis); }
#endif

#ifdef MOTET_WITH_SCOTCH
TEST_CASE("scotch: parts of equal load, between which few messages pass") { partitions_with(motet::scotch); }
#endif
