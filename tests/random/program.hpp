// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "chares.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace random_program {

/// What must be found in an element in the end.
struct expected {
    std::multiset<number> told;
    number turn = 0;
    bool alive = true;
};

/// A collection of bags, and what is known of it. Elements 0 to permanent - 1 live from the start to the end.
struct world {
    enum class kind { dense, sparse, on_demand, group, node_group };
    kind what = kind::dense;
    motet::collection<bag> all{};
    number permanent = 0;
    std::map<number, expected> bags{};
    numbers to_all{};                            ///< heard by every permanent element
    std::vector<motet::future<number>> rounds{}; ///< under way, and what each must give at least
    numbers least{};
    std::vector<motet::future<void>> births{};
    std::vector<std::pair<motet::future<number>, number>> staging{}; ///< to the balancing points

    bool is_array() const { return what != kind::group && what != kind::node_group; }
    /// Nobody comes or goes: what is reduced is known.
    bool is_fixed() const { return what != kind::sparse && what != kind::on_demand; }
    motet::array<bag> array() const { return {all}; }

    // Births and rounds do not overlap: which round a newcomer starts with would be a matter of chance. Nor do rounds
    // of different kinds: what an element hears first it contributes to first. Balancing points are counted on their
    // own, and may come between rounds; but what is said of two loops with balancing points at once holds there, too.
    void end_births() {
        for (auto& each : births) each.get();
        births.clear();
    }
    void end_rounds() {
        for (std::size_t i = 0; i < rounds.size(); ++i) {
            const number sum = rounds[i].get();
            must(is_fixed() ? sum == least[i] : sum >= least[i],
                 "a reduction gave " + std::to_string(sum) + ", not " + std::to_string(least[i]));
        }
        rounds.clear();
        least.clear();
    }
    void end_staging() {
        for (auto& [f, sum] : staging) must(f.get() == sum, "the result of a loop with balancing points");
        staging.clear();
    }
};

/// One program, made from a seed.
class program {
public:
    program(std::uint64_t seed, number how_many) : random{seed * 1'000'003}, steps(how_many) {
        create();
        if (steps == 0) steps = 30 + random.below(50);
    }

    void run() {
        for (number step = 0; step < steps; ++step) {
            do_something();
            if (random.chance(10)) motet::sleep_for(std::chrono::microseconds(random.below(60)));
            if (random.chance(3)) motet::quiescence().get();
            if (random.chance(2)) settle();
        }
        settle();
        for (world& w : worlds)
            for (number i = 0; i < w.permanent; ++i)
                must(w.all[i].ask<&bag::after_turns>(w.bags[i].turn).get() == w.bags[i].turn, "messages in turn");
        motet::quiescence().get();
        judge();
    }

private:
    void create() {
        worlds.reserve(5);
        const number count = 2 + random.below(7);
        const auto sparse = random.chance(50) ? motet::array<bag>::create()
                                              : motet::array<bag>::create(motet::sparse, from_the_last{1});
        add(world::kind::sparse, sparse, count);
        for (number i = 0; i < count; ++i)
            worlds[0].births.push_back(random.chance(50) ? sparse.insert(i) : sparse.insert(i, {}, any_pe()));
        worlds[0].end_births();
        const number extent = 1 + random.below(12);
        add(world::kind::dense,
            random.chance(50) ? motet::array<bag>::create(extent)
                              : motet::array<bag>::create(extent, {}, from_the_last{random.below(9)}),
            extent);
        add(world::kind::on_demand, motet::array<bag>::create(motet::on_demand), 0);
        add(world::kind::group, motet::group<bag>::create(), motet::pe_count());
        add(world::kind::node_group, motet::node_group<bag>::create(), motet::process_count());
        for (const world& w : worlds) proxies.push_back(w.all);
        plots = motet::array<plot, motet::grid<2>>::create({1 + random.below(4), 1 + random.below(4)});
        places = plots.gather<&plot::place>().get();
        single = random.chance(50) ? motet::chare<box>::create() : motet::chare<box>::create({}, any_pe());
        newcomers = count;
        for (world& w : worlds) {
            if (!w.is_array() || random.chance(30)) continue;
            switch (random.below(6)) {
            case 0: motet::balance_with(w.all, motet::greedy).get(); break;
            case 1: motet::balance_with(w.all, motet::refine).get(); break;
            case 2: motet::balance_with(w.all, motet::rotate).get(); break;
            case 3: motet::balance_with(w.all, motet::random_places).get(); break;
            case 4: motet::balance_with(w.all, motet::communication).get(); break;
            default: motet::balance_with(w.all, motet::distributed).get();
            }
        }
    }
    void add(world::kind what, const motet::collection<bag>& all, number permanent) {
        worlds.push_back({.what = what, .all = all, .permanent = permanent});
        for (number i = 0; i < permanent; ++i) worlds.back().bags[i];
    }
    number any_pe() { return random.below(motet::pe_count()); }
    /// One with permanent elements.
    world& any_world() {
        constexpr std::size_t choice[] = {0, 0, 0, 1, 1, 1, 3, 4};
        return worlds[choice[random.below(8)]];
    }
    world& any_fixed() {
        constexpr std::size_t choice[] = {1, 1, 1, 3, 4};
        return worlds[choice[random.below(5)]];
    }

    void do_something() {
        const number n = next_number++;
        world& w = any_world();
        const number at = random.below(w.permanent);
        const auto one = w.all[at];
        const auto told = [&](number what) { w.bags[at].told.insert(what); };
        switch (random.below(33)) {
        case 0: one.tell<&bag::put>(n), told(n); break;
        case 1: one.tell<&bag::put_slowly>(n), told(n); break;
        case 2: answers.emplace_back(one.ask<&bag::ask>(n), n + at), told(n); break;
        case 3: answers.emplace_back(one.ask<&bag::ask_slowly>(n), n + at), told(n); break;
        case 4: w.all.tell<&bag::put_to_all>(n), w.to_all.push_back(n); break;
        case 5:
            (w.what == world::kind::sparse ? mortal : done).push_back(w.all.all<&bag::put_to_all_slowly>(n));
            w.to_all.push_back(n);
            break;
        case 6: one.tell<&bag::shout>(w.all, n), w.to_all.push_back(n); break;
        case 7:
        case 8:
            if (w.is_array()) done.push_back(one.move_to(any_pe()));
            break;
        case 9: pass(n); break;
        case 10: in_turn(w, at); break;
        case 11: // of different urgency
            random.chance(30) ? one.expedited().tell<&bag::put>(n)
                              : one.with_priority(static_cast<int>(random.below(7)) - 3).tell<&bag::put>(n);
            told(n);
            break;
        case 12:
        case 13: birth(n); break;
        case 14: end(n); break;
        case 15:
        case 16: contribute(n); break;
        case 17:
            answers.emplace_back(one.ask<&bag::loop>(n, w.is_array() ? random.below(9) : 0), at);
            told(n);
            break;
        case 18:
        case 19: section(w, n); break;
        case 20: stages(n); break;
        case 21:
            if (w.is_array()) balancings.push_back(motet::rebalance(w.all));
            break;
        case 22:
        case 23: demand(n); break;
        case 24: { // fails
            auto failing = one.ask<&bag::fail>(n);
            bool failed = false;
            try {
                failing.get();
            } catch (const motet::remote_error& why) {
                failed = std::string(why.what()).find("no " + std::to_string(n)) != std::string::npos;
            }
            must(failed, "an exception did not reach its caller");
            break;
        }
        case 25: { // a promise that is set elsewhere
            auto [f, p] = motet::make_future<number>();
            one.tell<&bag::fulfil>(p, n);
            told(n);
            answers.emplace_back(std::move(f), n);
            break;
        }
        case 26: { // large data
            numbers goods(static_cast<std::size_t>(random.below(random.chance(20) ? 20'000 : 200)), n);
            const number sum = n * static_cast<number>(goods.size());
            answers.emplace_back(one.ask<&bag::weigh>(std::move(goods)), sum);
            break;
        }
        case 27: channel(n); break;
        case 28: { // waits for all that it has been told so far, and for what comes right after
            told(n);
            const auto count = static_cast<number>(w.bags[at].told.size()) + 1;
            waits.push_back(one.ask<&bag::after_having>(n, count));
            const number more = next_number++;
            one.tell<&bag::put>(more), told(more);
            break;
        }
        case 29: { // the array of two dimensions
            const number place = places[static_cast<std::size_t>(random.below(static_cast<number>(places.size())))];
            if (random.chance(30)) {
                done.push_back(plots(place / 10, place % 10).move_to(any_pe()));
            } else {
                plots(place / 10, place % 10).tell<&plot::add>(n), planted += n;
            }
            break;
        }
        case 30: // the single chare
            if (random.chance(30))
                single.tell<&box::move>(any_pe());
            else
                in_box.push_back(single.ask<&box::add>(n)), boxed += n;
            break;
        case 31: { // reductions of results
            world& f = any_fixed();
            const number sum = f.permanent * (f.permanent - 1) / 2;
            answers.emplace_back(f.all.reduce<&bag::index>(motet::sum), sum);
            break;
        }
        default: gather(w);
        }
    }

    /// Along elements of all worlds.
    void pass(number n) {
        std::vector<std::pair<number, number>> way;
        for (number hops = 1 + random.below(8); hops-- > 0;) {
            const auto which = static_cast<std::size_t>(&any_world() - worlds.data());
            way.emplace_back(which, random.below(worlds[which].permanent));
        }
        world& last = worlds[static_cast<std::size_t>(way.back().first)];
        last.bags[way.back().second].told.insert(n);
        worlds[0].all[0].tell<&bag::pass>(proxies, n, way, true);
    }
    /// Messages in turn, sent in the wrong order, and perhaps somebody who waits for them already.
    void in_turn(world& w, number at) {
        expected& b = w.bags[at];
        const number count = 1 + random.below(4);
        if (random.chance(50)) turns.emplace_back(w.all[at].ask<&bag::after_turns>(b.turn + count), b.turn + count);
        for (number i = count; i-- > 0;) {
            const number tell = next_number++;
            w.all[at].tell<&bag::in_turn>(b.turn + i, tell);
            b.told.insert(tell);
        }
        b.turn += count;
    }
    /// A birth, and what is told to the newcomer right away.
    void birth(number n) {
        world& w = worlds[0];
        w.end_rounds();
        const number i = newcomers++;
        w.bags[i].told.insert(n);
        if (random.chance(30)) { // by an element
            auto [f, p] = motet::make_future<void>();
            any_world().all[0].tell<&bag::bear>(w.array(), i, n, p);
            w.births.push_back(std::move(f));
        } else {
            w.births.push_back(random.chance(50) ? w.array().insert(i) : w.array().insert(i, {}, any_pe()));
            w.all[i].tell<&bag::put>(n);
        }
        if (random.chance(50)) w.end_births();
    }
    /// An end, of a newcomer. What is asked of it afterwards fails.
    void end(number n) {
        world& w = worlds[0];
        numbers candidates;
        for (const auto& [i, b] : w.bags)
            if (i >= w.permanent && b.alive) candidates.push_back(i);
        if (candidates.empty()) return;
        const number i = candidates[static_cast<std::size_t>(random.below(static_cast<number>(candidates.size())))];
        w.bags[i].alive = false;
        if (random.chance(30)) return w.all[i].tell<&bag::leave>();
        auto gone = w.array().erase(i);
        if (random.chance(50)) return done.push_back(std::move(gone));
        gone.get();
        bool failed = false;
        try {
            w.all[i].ask<&bag::ask>(n).get();
        } catch (const motet::erased&) {
            failed = true;
        }
        must(failed, "an erased element answered");
    }
    /// A round to which every element of some world contributes.
    void contribute(number n) {
        world& w = any_world();
        w.end_births();
        number sum = 0;
        for (number i = 0; i < w.permanent; ++i) sum += i + 1;
        if (!w.is_fixed() || random.chance(40)) {
            auto [f, p] = motet::make_future<number>();
            w.all.tell<&bag::give>(number{1}, p);
            w.rounds.push_back(std::move(f));
            w.least.push_back(sum);
            if (random.chance(40)) w.end_rounds();
            return;
        }
        w.end_rounds();
        switch (random.below(4)) {
        case 0: { // to a method of an element of some world
            world& to = any_world();
            const number at = random.below(to.permanent);
            w.all.tell<&bag::give>(n, motet::target<number>(to.all[at].to<&bag::put>()));
            to.bags[at].told.insert(n * w.permanent * (w.permanent - 1) / 2 + w.permanent);
            break;
        }
        case 1: // to all elements of some world
            if (world& to = any_world(); &to != &w) {
                w.all.tell<&bag::give>(n, motet::target<number>(to.all.to<&bag::put_to_all>()));
                to.to_all.push_back(n * w.permanent * (w.permanent - 1) / 2 + w.permanent);
            }
            break;
        case 2: {
            auto [f, p] = motet::make_future<number>();
            w.all.tell<&bag::give_most>(n, p);
            must(f.get() == n + w.permanent - 1, "the maximum of a reduction");
            break;
        }
        default: {
            auto [f, p] = motet::make_future<numbers>();
            w.all.tell<&bag::give_all>(p);
            check_indices(w, f.get());
        }
        }
        motet::quiescence().get(); // every element has contributed: rounds of another kind may follow
    }
    void section(world& w, number n) {
        numbers members;
        for (number i = 0; i < w.permanent; ++i)
            if (i == 0 || random.chance(60)) members.push_back(i);
        const auto some = w.all.section(members);
        const number sum = std::accumulate(members.begin(), members.end(), number{0});
        const auto count = static_cast<number>(members.size());
        switch (random.below(3)) {
        case 0:
            for (const number i : members) w.bags[i].told.insert(n);
            return done.push_back(some.all<&bag::put_slowly>(n));
        case 1: answers.emplace_back(some.reduce<&bag::index>(motet::sum), sum); return;
        default:
            auto [f, p] = motet::make_future<number>();
            some.tell<&bag::give_to_section>(some, n, p);
            answers.emplace_back(std::move(f), n * sum + count);
        }
    }
    /// Every element of the dense array comes to some balancing points.
    void stages(number n) {
        world& w = worlds[1];
        w.end_staging();
        w.staging.emplace_back(w.all.reduce<&bag::stages>(motet::sum, n, random.below(4)),
                               w.permanent * (w.permanent - 1) / 2);
        for (auto& [i, b] : w.bags) b.told.insert(n);
    }
    /// Elements that come into being when they are called, and go.
    void demand(number n) {
        world& w = worlds[2];
        const number at = random.chance(20) ? random.below(1'000'000'000'000) : random.below(10);
        if (random.chance(15) && w.bags.count(at) != 0 && w.bags[at].alive) {
            settle();
            motet::quiescence().get(); // nothing is on the way to it
            w.array().erase(at).get();
            w.bags[at] = {};
            w.bags[at].alive = false;
            return;
        }
        expected& b = w.bags[at];
        b.alive = true;
        b.told.insert(n);
        if (random.chance(50))
            w.all[at].tell<&bag::put>(n);
        else
            answers.emplace_back(w.all[at].ask<&bag::ask_slowly>(n), n + at);
        if (random.chance(20)) w.all.tell<&bag::put_to_all>(n), w.to_all.push_back(n);
        if (random.chance(20)) done.push_back(w.all[at].move_to(any_pe()));
    }
    void channel(number n) {
        world& from = any_world();
        world& to = any_world();
        const auto a = from.all[random.below(from.permanent)];
        const auto b = to.all[random.below(to.permanent)];
        if (a == b) return;
        const number count = random.below(6);
        answers.emplace_back(b.ask<&bag::receive_values<bag>>(a, n, n, count), count * n + count * (count - 1) / 2);
        a.tell<&bag::send_values<bag>>(b, n, n, count);
    }
    /// The indices of all elements: the permanent ones, and of the others some.
    static void gather(const world& w) {
        try {
            check_indices(w, w.all.gather<&bag::index>().get());
        } catch (const motet::erased&) {
            must(!w.is_fixed(), "elements that never end were erased");
        }
    }
    static void check_indices(const world& w, numbers indices) {
        must(std::is_sorted(indices.begin(), indices.end()) &&
                 std::adjacent_find(indices.begin(), indices.end()) == indices.end(),
             "indices are not in order");
        must(static_cast<number>(indices.size()) >= w.permanent, "elements are missing");
        for (number i = 0; i < w.permanent; ++i) must(indices[static_cast<std::size_t>(i)] == i, "an index is missing");
    }

    /// Waits for all that was asked.
    void settle() {
        for (auto& [f, value] : answers) must(f.get() == value, "an answer");
        answers.clear();
        for (auto& [f, value] : turns) must(f.get() >= value, "a wait for messages in turn");
        turns.clear();
        for (auto& each : waits) must(each.get(), "a wait");
        waits.clear();
        for (auto& each : done) each.get();
        done.clear();
        for (auto& each : mortal) {
            try {
                each.get();
            } catch (const motet::erased&) {}
        }
        mortal.clear();
        number last = 0;
        for (auto& each : in_box) last = std::max(last, each.get());
        must(in_box.empty() || last == boxed, "the sum of the single chare");
        in_box.clear();
        for (world& w : worlds) w.end_births(), w.end_rounds(), w.end_staging();
        for (auto& each : balancings) {
            const auto did = each.get();
            must(did.moved >= 0 && did.moved <= did.chares, "a balancing");
        }
        balancings.clear();
    }
    /// Nothing is left out, nothing came twice.
    void judge() {
        for (world& w : worlds) {
            numbers alive;
            for (const auto& [i, b] : w.bags)
                if (b.alive) alive.push_back(i);
            must(w.all.gather<&bag::index>().get() == alive, "the elements in the end");
            for (const number each : w.all.gather<&bag::out_of_order>().get())
                must(each == 0, "the order of messages, or a method that was not alone");
            const auto told = w.all.gather<&bag::all_told>().get();
            const auto heard = w.all.gather<&bag::all_heard>().get();
            must(told.size() == alive.size() && heard.size() == alive.size(), "the number of elements");
            std::sort(w.to_all.begin(), w.to_all.end());
            for (std::size_t k = 0; k < alive.size(); ++k) {
                const std::string who =
                    ", element " + std::to_string(alive[k]) + " of collection " + std::to_string(&w - worlds.data());
                must(std::multiset<number>(told[k].begin(), told[k].end()) == w.bags[alive[k]].told,
                     "what an element was told" + who);
                numbers each = heard[k];
                std::sort(each.begin(), each.end());
                must(alive[k] >= w.permanent || each == w.to_all, "what all elements were told" + who);
                must(std::includes(w.to_all.begin(), w.to_all.end(), each.begin(), each.end()),
                     "what a newcomer has heard" + who);
            }
            if (alive.empty()) continue;
            // A last round with everybody: its sum is known to the digit.
            auto [f, p] = motet::make_future<number>();
            w.all.tell<&bag::give>(number{1'000}, p);
            must(f.get() ==
                     1000 * std::accumulate(alive.begin(), alive.end(), number{0}) + static_cast<number>(alive.size()),
                 "the last round");
        }
        must(plots.reduce<&plot::get>(motet::sum).get() == planted, "the array of two dimensions");
        worlds[0].array().done_inserting().get();
        bool failed = false;
        try {
            worlds[0].all[newcomers].ask<&bag::index>().get();
        } catch (const motet::erased&) {
            failed = true;
        }
        must(failed, "an element answered that was never born");
    }

    source random;
    number steps;
    std::vector<world> worlds; ///< sparse, dense, on demand; group, node group
    std::vector<motet::collection<bag>> proxies;
    motet::array<plot, motet::grid<2>> plots;
    numbers places;
    motet::chare<box> single;
    number next_number = 1;
    number newcomers = 0;
    number planted = 0;
    number boxed = 0;
    // To be got in the end.
    std::vector<motet::future<void>> done;
    std::vector<motet::future<void>> mortal; ///< calls of elements that may be erased while a hook keeps them waiting
    std::vector<std::pair<motet::future<number>, number>> answers, turns;
    std::vector<motet::future<bool>> waits;
    std::vector<motet::future<number>> in_box;
    std::vector<motet::future<motet::balancing_result>> balancings;
};

} // namespace random_program
