// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Chains of checkpoints: a program writes some at any moments, ends, and is restarted on another machine, again and
/// again. What it had begun must come to its end each time, in the first run and after every restart.
namespace random_program {

/// Sets all going, writes down what must come of it, and judges that in the end. Main only creates it.
struct captain {
    ledger books{};
    std::string folder{};
    number restarts = 0; ///< that write a checkpoint again
    bool periodic = false;
    std::map<spot, number> turns{};
    std::optional<std::pair<spot, number>> left_out{}; ///< a turn for which others wait
    std::optional<number> unborn{};                    ///< has been told something already
    std::vector<numbers> given{}; ///< how often each member has given to each section; last, to an array
    number owed = 0;              ///< to this one: results of reductions, and news of quiescence
    number owed_sum = 0;
    number silences = 0;
    motet::activity errands{};
    std::map<std::pair<spot, spot>, number> sent{}; ///< by channels: nobody receives it until the end
    bool has_begun_all = false;
    bool judging = false;
    bool done = false;

    static inline int finished = 0; ///< has judged, in this run

    void take(number result) { --owed, owed_sum -= result; }
    void fall_silent() { --silences; }

    void begin() {
        for (const number w : {0, 0, 1, 1}) {
            books.make_section(w);
            given.emplace_back(books.members.back().second.size(), 0);
        }
        given.emplace_back(static_cast<std::size_t>(books.size(2)), 0);
        errands = motet::activity::begin();
        const number n = books.fresh();
        books.all(2).tell<&bag::stages>(n, below(12));
        books.note({2, books.indices(2)}, n);
    }
    void go(number left) {
        for (number count = 1 + below(5); count > 0; --count) do_something();
        if (chance(30)) motet::sleep_for(std::chrono::microseconds(below(30)));
        if (chance(30)) motet::move_this(books.any_pe());
        if (left > 0) return motet::next<&captain::go>(left - 1);
        if (unborn) bear();
        if (left_out) catch_up();
        has_begun_all = true;
    }
    /// In place of main.
    void go_on() {
        if (periodic) {
            save();
        } else if (restarts > 0) {
            --restarts;
            motet::sleep_for(std::chrono::microseconds(below(200)));
            save();
        }
        motet::quiescence(motet::this_chare<captain>().to<&captain::judge>());
    }
    void save() {
        const auto self = motet::this_chare<captain>().to<&captain::go_on>();
        if (periodic) return motet::checkpoint_every(folder, self, std::chrono::microseconds(20 + below(200)));
        motet::checkpoint(folder, self);
    }
    void judge() {
        must(has_begun_all, "quiescence came while there was work");
        if (done) return void(++finished);
        if (std::exchange(judging, true)) return;
        for (const auto& [ends, first] : sent)
            books.at(ends.second).tell<&bag::receive_values<bag>>(books.at(ends.first), 1, first, 3);
        for (std::size_t which = 0; which < given.size(); ++which) {
            const number most = *std::max_element(given[which].begin(), given[which].end());
            for (std::size_t who = 0; who < given[which].size(); ++who)
                while (given[which][who] < most) give(which, who);
            owed += most;
        }
        errands.completed().get();
        motet::quiescence().get();
        must(owed == 0 && owed_sum == 0, "reductions to a method");
        must(silences == 0, "quiescence was not told");
        books.judge();
        done = true;
        ++finished;
    }

private:
    number below(number n) { return books.random.below(n); }
    bool chance(number percent) { return books.random.chance(percent); }
    motet::target<number> me() { return motet::this_chare<captain>().to<&captain::take>(); }

    void do_something() {
        const number n = books.fresh();
        const spot p = books.any(2);
        const auto plain = books.at(p);
        const auto one = books.hurried(plain);
        switch (below(18)) {
        case 0: chance(50) ? one.tell<&bag::put>(n) : one.tell<&bag::put_slowly>(n), books.note(p, n); break;
        case 1: {
            std::vector<spot> way;
            for (number hops = 1 + below(8); hops > 0; --hops) way.push_back(books.any(2));
            books.note(way.back(), n);
            one.tell<&bag::pass>(books.worlds, n, way, true);
            break;
        }
        case 2:
            books.hurried(books.all(p.first)).tell<&bag::put_to_all_slowly>(n);
            books.heard[p.first].push_back(n);
            break;
        case 3:
            for (number count = 1 + below(4), k = count; k > 0; --k) take_turn(p, turns[p] + k - 1, k == 1 ? count : 0);
            break;
        case 4: left_out ? catch_up() : leave_out(p); break;
        case 5:
            if (const spot to = books.any(2); to != p && sent.insert({{p, to}, n}).second)
                plain.tell<&bag::send_values<bag>>(books.at(to), 1, n, 3);
            books.last_number += 3;
            break;
        case 6:
        case 7:
        case 8: { // contributions, one by one
            const auto which = static_cast<std::size_t>(below(static_cast<number>(given.size())));
            give(which, static_cast<std::size_t>(below(static_cast<number>(given[which].size()))));
            break;
        }
        case 9: {
            const errand first{books.random(), 1 + below(4)};
            const numbers sizes(books.sizes.begin(), books.sizes.begin() + 2);
            books.note_errands(first, 2, n);
            errands.produce();
            books.at(first.place(sizes)).tell<&bag::visit>(errands, books.worlds, sizes, n, first);
            break;
        }
        case 10: motet::quiescence(motet::this_chare<captain>().to<&captain::fall_silent>()), ++silences; break;
        case 11: one.tell<&bag::loop>(n, below(12)), books.note(p, n); break;
        case 12: // told before it is born
            if (unborn) return bear();
            unborn = n;
            books.all(1)[n].tell<&bag::put>(n);
            books.note({1, n}, n);
            break;
        case 13: // a short life
            books.array(1).insert(n).get();
            books.array(1).erase(n).get();
            break;
        case 14: {
            const spot at{3, below(8)};
            books.at(at).tell<&bag::put>(n);
            books.note(at, n);
            break;
        }
        case 15: plain.move_to(books.any_pe()); break;
        default: { // sections, from here and from one of their members
            const auto which = static_cast<std::size_t>(below(4));
            books.note(books.members[which], n);
            if (chance(50)) return books.sections[which].tell<&bag::put_slowly>(n);
            books.all(books.members[which].first)[0].tell<&bag::call_section>(books.sections[which], n);
        }
        }
    }
    void take_turn(spot p, number turn, number step) {
        const number n = books.fresh();
        books.at(p).tell<&bag::in_turn>(turn, n);
        books.note(p, n);
        turns[p] += step;
    }
    /// Leaves out a turn, for which the next one waits, and data.
    void leave_out(spot p) {
        left_out = {p, turns[p]};
        take_turn(p, turns[p] + 1, 2);
        const numbers goods(static_cast<std::size_t>(below(chance(10) ? 12'000 : 30)), 3);
        const std::string name(static_cast<std::size_t>(below(30)), 'x');
        books.at(p).tell<&bag::unpack>(turns[p], goods, name, std::make_shared<const numbers>(1, 7));
        books.note(p, static_cast<number>(3 * goods.size() + name.size()) + 7);
    }
    void catch_up() {
        take_turn(left_out->first, left_out->second, 0);
        left_out.reset();
    }
    void bear() {
        const number i = *std::exchange(unborn, std::nullopt);
        if (chance(50)) return void(books.array(1).insert(i));
        const number n = books.fresh();
        books.note({1, i}, n);
        books.at(books.any(2)).tell<&bag::bear>(books.array(1), i, n, motet::make_future<void>().second);
    }
    void give(std::size_t which, std::size_t who) {
        const number n = books.fresh();
        ++given[which][who];
        if (which < books.sections.size()) {
            const auto& [world, members] = books.members[which];
            books.at({world, members[who]}).tell<&bag::give_to_section>(books.sections[which], n, me());
            owed_sum += n * members[who] + 1;
        } else {
            const auto i = static_cast<number>(who);
            books.at({2, i}).tell<&bag::give>(n, me());
            owed_sum += n * i + 1;
        }
    }
};

/// The first program of a chain, made from a seed.
inline void start_chain(std::uint64_t seed, number restarts, const std::string& folder) {
    source random{seed * 31'337};
    captain first;
    first.books.random.state = random();
    first.books.last_number = 1'000; // newcomers have such indices
    first.books.create_arrays();
    first.books.worlds.push_back(motet::array<bag>::create(motet::on_demand));
    first.books.sizes.push_back(0);
    first.folder = folder;
    first.restarts = restarts - 1;
    first.periodic = random.chance(25);
    const bool periodic = first.periodic;
    const auto one = motet::chare<captain>::create(std::move(first));
    one.ask<&captain::begin>().get();
    one.tell<&captain::go>(3 + random.below(15));
    if (periodic) one.ask<&captain::save>().get();
    for (number count = 1 + random.below(3); count > 0; --count) {
        motet::sleep_for(std::chrono::microseconds(random.below(150)));
        motet::checkpoint(folder, one.to<&captain::go_on>()).get();
    }
    motet::quiescence().get();
    one.ask<&captain::judge>().get();
}

} // namespace random_program
