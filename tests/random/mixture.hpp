// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

/// Mixtures: several chares, which move, do what main does in program.hpp: all at the same time, in the same
/// collections, and each judges what it gets. What main does there alone is not repeated.
namespace random_program {

/// The arrays, a group, a node group.
constexpr number mixed_worlds = 5;
/// What a mixture ends with whose first driver ends it in the middle of everything.
constexpr int ended_early = 7;

struct driver {
    ledger books{};
    motet::pool pool{};
    number ends_at = -1; ///< so many steps before the last
    number owed = 0;     ///< to this one: results of reductions, and news of quiescence
    number owed_sum = 0;
    number silences = 0;

    /// Got at the end of each step.
    struct promised {
        std::vector<std::pair<motet::future<number>, number>> answers;
        std::vector<motet::future<void>> done;
        std::vector<motet::future<void>> mortal; ///< among them some of those that may be erased
        bool staged = false;
    };

    motet::eventually<number> drive(std::uint64_t seed, number left) {
        if (books.last_number == 0) {
            books.random.state = seed + static_cast<std::uint64_t>(motet::this_index());
            books.last_number = 1'000'000 * (motet::this_index() + 1);
        }
        promised all;
        for (number count = 2 + below(7); count > 0; --count) do_something(all);
        if (ends_at == left && motet::this_index() == 0) motet::exit(ended_early);
        if (below(2) == 0) motet::wait_all(all.done);
        for (auto& [f, value] : all.answers) must(f.get() == value, "an answer");
        for (auto& each : all.done) each.get();
        for (auto& each : all.mortal) is_erased(each);
        if (left == 0) {
            all_have_come();
            return motet::this_index();
        }
        if (chance(50)) motet::move_this(books.any_pe());
        return motet::next<&driver::drive>(seed, left - 1);
    }
    void take(number result) { --owed, owed_sum -= result; }
    void fall_silent() { --silences; }
    ledger accounts() const { return books; }
    number never_silent() const { return silences; }

private:
    number below(number n) { return books.random.below(n); }
    bool chance(number percent) { return books.random.chance(percent); }
    /// A world whose elements are known.
    number any_fixed() {
        constexpr number choice[] = {0, 0, 2, 2, 3, 4};
        return choice[below(6)];
    }
    /// One made now, or one that has been used before.
    std::size_t any_section() {
        if (books.sections.empty() || chance(40)) books.make_section(below(mixed_worlds));
        return static_cast<std::size_t>(below(static_cast<number>(books.sections.size())));
    }
    motet::target<number> me() { return motet::this_element<driver>().to<&driver::take>(); }

    void do_something(promised& all) {
        const number n = books.fresh();
        const spot p = books.any(mixed_worlds);
        const auto plain = books.at(p);
        const auto one = books.hurried(plain);
        switch (below(24)) {
        case 0: one.tell<&bag::put_slowly>(n), books.note(p, n); break;
        case 1: all.answers.emplace_back(one.ask<&bag::ask_slowly>(n), n + p.second), books.note(p, n); break;
        case 2:
            books.heard[p.first].push_back(n);
            all.mortal.push_back(books.hurried(books.all(p.first)).all<&bag::put_to_all_slowly>(n));
            break;
        case 3: all.done.push_back(books.at(books.any(3)).move_to(books.any_pe())); break;
        case 4:
        case 5: channel(n, plain); break;
        case 6: race(n); break;
        case 7: failures(n, one); break;
        case 8:
        case 9: call_section(n, all); break;
        case 10: reduce_section(n); break;
        case 11:
        case 12:
        case 13: contribute(n, all); break;
        case 14: activity(-n); break; // no sum is negative
        case 15: motet::quiescence(motet::this_element<driver>().to<&driver::fall_silent>()), ++silences; break;
        case 16:
            all.answers.emplace_back(one.ask<&bag::loop>(n, p.first < 3 ? below(9) : 0), p.second);
            books.note(p, n);
            break;
        case 17:
        case 18: // to balancing points: one at a time
            if (motet::this_index() != 0 || std::exchange(all.staged, true)) break;
            all.answers.emplace_back(books.all(2).reduce<&bag::stages>(motet::sum, n, below(4)), books.index_sum(2));
            books.note({2, books.indices(2)}, n);
            break;
        case 19: points(n); break;
        case 20: live(n); break;
        case 21: {
            const number size = below(40), sum = (size - 1) * size * (2 * size - 1) / 6;
            all.answers.emplace_back(one.ask<&bag::share>(pool, size, 1 + books.any_pe()), sum);
            break;
        }
        case 22: data(p, all); break;
        default: // also with a strategy that an array has not had so far, where nobody comes to points
            if (chance(50)) return all.done.push_back(motet::balance_with(books.all(below(2)), motet::refine));
            motet::rebalance(books.all(below(3))).get();
        }
    }
    /// To this one, or from it.
    void channel(number n, const motet::element_proxy<bag, number>& peer) {
        const motet::channel<number> way(peer, 1);
        const auto self = motet::this_element<driver>();
        const number count = below(6), sum = count * n + count * (count - 1) / 2;
        if (chance(50)) {
            peer.tell<&bag::send_values<driver>>(self, 1, n, count);
            for (number i = 0; i < count; ++i) must(way.receive() == n + i, "the order of a channel");
        } else {
            for (number i = 0; i < count; ++i) way.send(n + i);
            must(peer.ask<&bag::receive_values<driver>>(self, 1, n, count).get() == sum, "a channel");
        }
    }
    /// A future of several values, and two of time.
    void race(number n) {
        auto [several, from_each] = motet::make_future<number>(3);
        for (number i = 0; i < 3; ++i) {
            const spot p = books.any(mixed_worlds);
            books.at(p).tell<&bag::fulfil>(from_each, n), books.note(p, n);
        }
        auto timeout = motet::after(std::chrono::microseconds(below(40)));
        auto never = motet::after(std::chrono::seconds(100));
        const std::size_t first = motet::wait_any(several, never, timeout);
        must(first == 0 ? several.ready() : first == 2 && timeout.ready(), "which was first");
        must(several.get() == numbers{n, n, n}, "a future of several values");
    }
    /// Of one call among others, of all elements of a section, of a promise.
    void failures(number n, const motet::element_proxy<bag, number>& one) {
        const std::string text = "no " + std::to_string(n);
        std::vector<motet::future<number>> calls;
        calls.push_back(one.ask<&bag::fail>(n));
        const spot p = books.any(mixed_worlds);
        calls.push_back(books.at(p).ask<&bag::ask_slowly>(n)), books.note(p, n);
        calls.push_back(books.sections[any_section()].reduce<&bag::fail>(motet::sum, n));
        auto [broken, promise] = motet::make_future<number>();
        one.tell<&bag::break_promise>(promise, n);
        calls.push_back(std::move(broken));
        must(calls[motet::wait_any(calls)].ready(), "which call was first");
        for (std::size_t i = 0; i < calls.size(); ++i) must(has_failed(calls[i], text) == (i != 1), "which calls fail");
    }
    void call_section(number n, promised& all) {
        const std::size_t which = any_section();
        const auto& some = books.sections[which];
        const auto& members = books.members[which];
        const number sum = std::accumulate(members.second.begin(), members.second.end(), number{0});
        books.note(members, n);
        numbers expected = members.second;
        for (number& each : expected) each += n;
        switch (below(5)) {
        case 0: return some.tell<&bag::put>(n);
        case 1: return all.done.push_back(some.all<&bag::put_slowly>(n));
        case 2: return must(some.gather<&bag::ask_slowly>(n).get() == expected, "what a section gave");
        case 3:
            all.answers.emplace_back(some.reduce<&bag::ask>(motet::sum, n),
                                     std::accumulate(expected.begin(), expected.end(), number{0}));
            return;
        default: // by one of its members
            all.answers.emplace_back(books.all(members.first)[0].ask<&bag::call_section>(some, n), sum);
        }
    }
    /// Calls of sections come in any order, so one round after the other.
    void reduce_section(number n) {
        const std::size_t which = any_section();
        const auto& some = books.sections[which];
        const numbers& members = books.members[which].second;
        owe(n * std::accumulate(members.begin(), members.end(), number{0}) + static_cast<number>(members.size()));
        some.tell<&bag::give_to_section>(some, n, me());
        all_have_come();
    }
    void owe(number result) { ++owed, owed_sum += result; }
    void all_have_come() {
        motet::wait([&] { return owed == 0; });
        must(owed_sum == 0, "results of reductions to a method");
    }
    /// A round, of any kind: other rounds of the same collection are under way, for calls of all come in one order.
    void contribute(number n, promised& all) {
        const number w = any_fixed(), sum = n * books.index_sum(w) + books.size(w);
        const auto bags = books.hurried(books.all(w));
        auto [f, promise] = motet::make_future<number>();
        auto [indices, of_all] = motet::make_future<numbers>();
        auto [came, come] = motet::make_future<void>();
        switch (below(6)) {
        case 0: bags.tell<&bag::give>(n, promise), all.answers.emplace_back(std::move(f), sum); break;
        case 1:
            bags.tell<&bag::give_most>(n, promise);
            all.answers.emplace_back(std::move(f), n + books.size(w) - 1);
            break;
        case 2:
            bags.tell<&bag::give_all>(of_all);
            must(indices.get() == books.indices(w), "what all have given");
            break;
        case 3: bags.tell<&bag::come>(come), all.done.push_back(std::move(came)); break;
        case 4: {
            const number to = below(mixed_worlds);
            bags.tell<&bag::give>(n, motet::target<number>(books.all(to).to<&bag::put_to_all>()));
            books.heard[to].push_back(sum);
            break;
        }
        default: bags.tell<&bag::give>(n, me()), owe(sum);
        }
    }
    void activity(number n) {
        const auto act = motet::activity::begin();
        const errand first{books.random(), 1 + below(4)};
        std::map<spot, numbers> before = std::exchange(books.told, {});
        books.note_errands(first, mixed_worlds, n);
        std::swap(books.told, before);
        act.produce();
        books.at(first.place(books.sizes)).tell<&bag::visit>(act, books.worlds, books.sizes, n, first);
        auto completed = act.completed();
        act.completed().get();
        for (const auto& [p, times] : before) {
            must(books.at(p).ask<&bag::times>(n).get() == static_cast<number>(times.size()), "an activity");
            books.told[p].insert(books.told[p].end(), times.begin(), times.end());
        }
        completed.get();
    }
    /// An array of its own: all come to balancing points, and to a barrier but for one; meanwhile others are born and
    /// end, and one of them may end at its point.
    void points(number n) {
        const auto bags = motet::array<bag>::create();
        const number size = 2 + below(5), left = below(8), missing = below(size), lost = below(2 * size);
        for (number i = 0; i < size; ++i) bags.insert(i).get();
        if (chance(70)) motet::balance_with(bags, motet::random_places).get();
        auto [barrier, come] = motet::make_future<void>();
        std::vector<motet::future<number>> loops;
        std::vector<motet::future<void>> ends;
        for (number i = 0; i < size; ++i) {
            if (i != missing) ends.push_back(bags[i].ask<&bag::come>(come));
            if (i != missing && chance(50)) ends.back().wait();
            loops.push_back(bags[i].ask<&bag::stages>(n, left));
        }
        for (number i = size + below(3); i > size; --i) {
            bags.insert(i, {}, books.any_pe()).get();
            if (chance(30)) bags[i].move_to(books.any_pe()).get();
            if (chance(30)) motet::rebalance(bags).get();
            ends.push_back(bags[i].erase());
        }
        if (lost < size && lost != missing) ends.push_back(bags[lost].erase());
        for (number i = 0; i < size; ++i) {
            auto& each = loops[static_cast<std::size_t>(i)];
            if (i == lost)
                is_erased(each);
            else
                must(each.get() == i, "a loop with balancing points");
        }
        for (auto& each : ends) is_erased(each);
        must(!barrier.ready(), "a barrier was passed with one missing");
        bags[missing].tell<&bag::come>(come);
        barrier.get();
    }
    /// One index, several lives, the last of which may go on.
    void live(number n) {
        const spot p{1, n};
        const auto one = books.at(p);
        for (number lives = 1 + below(3), last = lives; lives > 0; --lives) {
            auto early = one.ask<&bag::ask>(n);
            books.array(1).insert(n, {}, books.any_pe()).get();
            const bool answered = !is_erased(early);
            must(answered || lives != last, "a newcomer does not answer");
            if (lives == 1 && chance(50)) return void(books.told[p] = numbers(answered ? 1 : 0, n));
            auto moved = one.move_to(books.any_pe());
            auto held = one.ask<&bag::in_turn>(1, n); // its turn never comes
            books.array(1).erase(n).get();
            is_erased(moved);
            must(is_erased(held) && is_erased(one.ask<&bag::ask>(n)), "it answered after its end");
        }
    }
    /// Some of it large; to one, to a section, to all.
    void data(spot p, promised& all) {
        const auto any_size = [&] { return static_cast<std::size_t>(below(chance(10) ? 12'000 : 100)); };
        const numbers goods(any_size(), 3);
        const std::string name(any_size(), 'x');
        const auto more = std::make_shared<const numbers>(any_size(), 5);
        const auto sum = static_cast<number>(3 * goods.size() + name.size() + 5 * more->size());
        const auto call = [&](const auto& many, const std::pair<number, numbers>& members) {
            all.answers.emplace_back(many.template reduce<&bag::unpack>(motet::sum, 0, goods, name, more),
                                     sum * static_cast<number>(members.second.size()));
            books.note(members, sum);
        };
        if (const std::size_t which = any_section(); chance(30))
            return call(books.sections[which], books.members[which]);
        if (const number w = any_fixed(); chance(40)) return call(books.all(w), {w, books.indices(w)});
        all.answers.emplace_back(books.at(p).ask<&bag::unpack>(0, goods, name, more), sum);
        books.note(p, sum);
    }
};

/// One mixture, made from a seed.
class mixture {
public:
    explicit mixture(std::uint64_t of) : seed(of) {}
    int code() const { return seed % 8 == 7 ? ended_early : 0; }
    void run() const {
        source random{seed * 1'000'003 + 17};
        driver first;
        ledger& books = first.books;
        books.random.state = random();
        books.create_arrays();
        books.worlds.insert(books.worlds.end(), {motet::group<bag>::create(), motet::node_group<bag>::create()});
        books.sizes.insert(books.sizes.end(), {motet::pe_count(), motet::process_count()});
        first.pool = motet::pool::create();
        const number steps = 2 + random.below(8);
        if (code() != 0) first.ends_at = random.below(steps);
        const number count = 1 + random.below(4);
        ledger sums = books;
        const auto drivers = motet::array<driver>::create(count, std::move(first));
        auto all = drivers.reduce<&driver::drive>(motet::sum, random(), steps);
        while (random.chance(60)) {
            motet::sleep_for(std::chrono::microseconds(random.below(50)));
            if (random.chance(30)) motet::quiescence().get();
        }
        must(all.get() == count * (count - 1) / 2, "the drivers");
        motet::quiescence().get();
        motet::quiescence().get(); // of the first one others may be told somewhat later
        for (const ledger& each : drivers.gather<&driver::accounts>().get()) sums.add(each);
        must(drivers.reduce<&driver::never_silent>(motet::sum).get() == 0, "quiescence was not told");
        sums.judge();
    }

private:
    std::uint64_t seed;
};

} // namespace random_program
