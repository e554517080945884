// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace motet_test;

/// Programs made from a seed, whose results are known: an element is a bag of numbers, and each number that is sent has
/// to be found in the end where it belongs, once, whatever moved, was born or ended meanwhile.
namespace random_program_test {

/// SplitMix64, apart from the simulator's own.
struct source {
    std::uint64_t state = 0;
    std::uint64_t operator()() {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>((*this)() % static_cast<std::uint64_t>(n)); }
    bool chance(int percent) { return below(100) < percent; }
};

struct bag {
    std::vector<std::int64_t> told;      ///< by messages to this element
    std::vector<std::int64_t> broadcast; ///< by messages to all
    std::int64_t turn = 0;               ///< how many messages with a condition have been let through
    std::int64_t disorder = 0;
    std::int64_t inside = 0;

    void put(std::int64_t n) { told.push_back(n); }
    void put_to_all(std::int64_t n) { broadcast.push_back(n); }
    void put_slowly(std::int64_t n) {
        motet::sleep_for(std::chrono::microseconds(n % 90));
        told.push_back(n);
    }
    void put_to_all_slowly(std::int64_t n) {
        motet::sleep_for(std::chrono::microseconds((n + motet::this_index()) % 70));
        broadcast.push_back(n);
    }
    std::int64_t ask(std::int64_t n) {
        told.push_back(n);
        return n + motet::this_index();
    }
    std::int64_t ask_slowly(std::int64_t n) {
        motet::yield();
        told.push_back(n);
        motet::sleep_for(std::chrono::microseconds(n % 40));
        return n + motet::this_index();
    }
    void in_turn(std::int64_t n, std::int64_t tell) {
        disorder += n != turn;
        ++turn;
        told.push_back(tell);
    }
    bool when(motet::entry<&bag::in_turn>, std::int64_t n, std::int64_t) const { return n <= turn; }
    std::int64_t after_turns(std::int64_t n) {
        motet::wait([&] { return turn >= n; });
        return turn;
    }
    /// Passes a number along, to end at `at` after some hops.
    void pass(motet::array<bag> all, std::int64_t n, std::int64_t at, std::int64_t hops, std::int64_t live) {
        if (hops == 0) return all[at].tell<&bag::put>(n);
        if (hops % 3 == 2) motet::move_this((motet::my_pe() + n) % motet::pe_count());
        if (hops % 4 == 1) motet::yield();
        all[(motet::this_index() + n) % live].tell<&bag::pass>(all, n, at, hops - 1, live);
    }
    void give(std::int64_t n, motet::target<std::int64_t> to) {
        motet::contribute(n * motet::this_index() + 1, motet::sum, to);
    }
    motet::eventually<std::int64_t> loop(std::int64_t n, std::int64_t left) {
        if (left == 0) {
            told.push_back(n);
            return motet::this_index();
        }
        if (left % 2 == 0) motet::move_this((motet::my_pe() + left + n) % motet::pe_count());
        return motet::next<&bag::loop>(n, left - 1);
    }
    std::int64_t index() const { return motet::this_index(); }
    std::vector<std::int64_t> all_told() const { return told; }
    std::vector<std::int64_t> all_broadcast() const { return broadcast; }
    std::int64_t out_of_turn() const { return disorder; }
};

/// What must be found in the end.
struct expected {
    std::multiset<std::int64_t> told;
    std::int64_t turn = 0;
    bool alive = true;
};

/// One program. `permanent` elements live from the start to the end, others come and go; numbers go to permanent ones,
/// and to others only while main knows that they exist.
void program(std::uint64_t seed) {
    source random{seed * 1'000'003};
    const std::int64_t permanent = 2 + random.below(7);
    std::map<std::int64_t, expected> bags;
    const auto all = motet::array<bag>::create();
    {
        std::vector<motet::future<void>> born;
        for (std::int64_t i = 0; i < permanent; ++i) {
            born.push_back(random.chance(50) ? all.insert(i) : all.insert(i, {}, random.below(motet::pe_count())));
            bags[i];
        }
        for (auto& each : born) each.get();
    }
    std::vector<std::int64_t> to_all;      // heard by every permanent element
    std::vector<motet::future<void>> done; // to be got in the end
    std::vector<std::pair<motet::future<std::int64_t>, std::int64_t>> answers;
    std::vector<motet::future<std::int64_t>> sums; // of permanent elements, at least
    std::vector<std::int64_t> least;
    std::vector<motet::future<void>> births;
    // Births and rounds do not overlap: which round a newcomer starts with would be a matter of chance.
    const auto end_births = [&] {
        for (auto& each : births) each.get();
        births.clear();
    };
    const auto end_rounds = [&] {
        for (std::size_t i = 0; i < sums.size(); ++i) CHECK(sums[i].get() >= least[i]);
        sums.clear();
        least.clear();
    };
    std::int64_t next_number = 1;
    std::int64_t newcomers = permanent;
    std::int64_t waits_for = -1; // a turn that somebody waits for

    const std::int64_t steps = 20 + random.below(40);
    for (std::int64_t step = 0; step < steps; ++step) {
        const std::int64_t n = next_number++;
        const std::int64_t at = random.below(permanent);
        switch (random.below(17)) {
        case 0: all[at].tell<&bag::put>(n), bags[at].told.insert(n); break;
        case 1: all[at].tell<&bag::put_slowly>(n), bags[at].told.insert(n); break;
        case 2: answers.emplace_back(all[at].ask<&bag::ask>(n), n + at), bags[at].told.insert(n); break;
        case 3: answers.emplace_back(all[at].ask<&bag::ask_slowly>(n), n + at), bags[at].told.insert(n); break;
        case 4: all.tell<&bag::put_to_all>(n), to_all.push_back(n); break;
        case 5: done.push_back(all.all<&bag::put_to_all_slowly>(n)), to_all.push_back(n); break;
        case 6:
        case 7: done.push_back(all[at].move_to(random.below(motet::pe_count()))); break;
        case 8:
            all[at].tell<&bag::pass>(all, n, at, random.below(8), permanent);
            bags[at].told.insert(n);
            break;
        case 9: { // messages in turn, sent in the wrong order
            expected& b = bags[at];
            const std::int64_t count = 1 + random.below(4);
            for (std::int64_t i = count; i-- > 0;) {
                const std::int64_t tell = next_number++;
                all[at].tell<&bag::in_turn>(b.turn + i, tell);
                b.told.insert(tell);
            }
            b.turn += count;
            waits_for = at;
            break;
        }
        case 10:
            if (waits_for >= 0) done.push_back(motet::after(std::chrono::microseconds(random.below(100))));
            all[at].tell<&bag::put>(n), bags[at].told.insert(n);
            break;
        case 11: { // a birth, and what is told to the newcomer right away
            end_rounds();
            const std::int64_t i = newcomers++;
            auto born = random.chance(50) ? all.insert(i) : all.insert(i, {}, random.below(motet::pe_count()));
            all[i].tell<&bag::put>(n);
            bags[i].told.insert(n);
            births.push_back(std::move(born));
            if (random.chance(50)) end_births();
            break;
        }
        case 12: { // an end, of a newcomer
            std::vector<std::int64_t> candidates;
            for (const auto& [i, b] : bags)
                if (i >= permanent && b.alive) candidates.push_back(i);
            if (candidates.empty()) break;
            const std::int64_t i =
                candidates[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(candidates.size())))];
            bags[i].alive = false;
            auto gone = all.erase(i);
            if (random.chance(50))
                gone.get();
            else
                done.push_back(std::move(gone));
            break;
        }
        case 13: { // a round to which every element contributes
            end_births();
            auto [f, p] = motet::make_future<std::int64_t>();
            all.tell<&bag::give>(1, p);
            std::int64_t sum = 0;
            for (std::int64_t i = 0; i < permanent; ++i) sum += i + 1;
            sums.push_back(std::move(f));
            least.push_back(sum);
            if (random.chance(40)) end_rounds();
            break;
        }
        case 14:
            answers.emplace_back(all[at].ask<&bag::loop>(n, random.below(9)), at);
            bags[at].told.insert(n);
            break;
        case 15: {
            std::vector<std::int64_t> members;
            for (std::int64_t i = 0; i < permanent; ++i)
                if (random.chance(60)) members.push_back(i);
            for (const std::int64_t i : members) bags[i].told.insert(n);
            done.push_back(all.section(members).all<&bag::put_slowly>(n));
            break;
        }
        default: {
            // The indices of all elements: the permanent ones, and of the others some.
            const auto indices = all.gather<&bag::index>().get();
            CHECK(std::is_sorted(indices.begin(), indices.end()));
            CHECK(std::adjacent_find(indices.begin(), indices.end()) == indices.end());
            REQUIRE(static_cast<std::int64_t>(indices.size()) >= permanent);
            for (std::int64_t i = 0; i < permanent; ++i) CHECK(indices[static_cast<std::size_t>(i)] == i);
        }
        }
        if (random.chance(10)) motet::sleep_for(std::chrono::microseconds(random.below(60)));
        if (random.chance(3)) motet::quiescence().get();
    }
    for (auto& [f, value] : answers) CHECK(f.get() == value);
    for (auto& each : done) each.get();
    end_births();
    end_rounds();
    for (std::int64_t i = 0; i < permanent; ++i)
        CHECK(all[i].ask<&bag::after_turns>(bags[i].turn).get() == bags[i].turn);
    motet::quiescence().get();

    // Nothing is left out, nothing came twice.
    std::vector<std::int64_t> alive;
    for (const auto& [i, b] : bags)
        if (b.alive) alive.push_back(i);
    CHECK(all.gather<&bag::index>().get() == alive);
    for (const std::int64_t disorder : all.gather<&bag::out_of_turn>().get()) CHECK(disorder == 0);
    const auto told = all.gather<&bag::all_told>().get();
    const auto heard = all.gather<&bag::all_broadcast>().get();
    REQUIRE(told.size() == alive.size());
    for (std::size_t k = 0; k < alive.size(); ++k) {
        const expected& b = bags[alive[k]];
        CHECK(std::multiset<std::int64_t>(told[k].begin(), told[k].end()) == b.told);
        auto each = heard[k];
        std::sort(each.begin(), each.end());
        if (alive[k] < permanent) CHECK(each == to_all);
        CHECK(std::adjacent_find(each.begin(), each.end()) == each.end());
        CHECK(std::includes(to_all.begin(), to_all.end(), each.begin(), each.end()));
    }
    // A last round with everybody: its sum is known to the digit.
    auto [f, p] = motet::make_future<std::int64_t>();
    all.tell<&bag::give>(1'000'000, p);
    std::int64_t sum = 0;
    for (const std::int64_t i : alive) sum += 1'000'000 * i + 1;
    CHECK(f.get() == sum);
}

} // namespace random_program_test

using namespace random_program_test;

TEST_CASE("random programs in simulation: every number is found where it belongs, once") {
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed)
        for (const double migrate : {0.0, 0.2, 1.0}) {
            options chosen = simulated_by(seed);
            chosen.migrate = migrate;
            one(chosen, [&] { program(seed); });
        }
}

TEST_CASE("random programs on threads") {
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed)
        one(threads(1 + static_cast<std::uint32_t>(seed % 4)), [&] { program(seed); });
}
