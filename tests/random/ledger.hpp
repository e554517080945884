// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "chares.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace random_program {

/// A collection, and an index in it.
using spot = std::pair<number, number>;

/// What a chare has told others, and so must be found there in the end. It moves along with its chare, and is in its
/// checkpoints.
struct ledger {
    std::vector<motet::collection<bag>> worlds{};
    numbers sizes{}; ///< of each: elements 0 to size - 1 live from the start to the end
    source random{};
    number last_number = 0;
    std::map<spot, numbers> told{}; ///< has an entry for every other element that lives in the end
    std::map<number, numbers> heard{};
    std::vector<motet::section<bag>> sections{};
    std::vector<std::pair<number, numbers>> members{}; ///< of each section: the collection, and who

    /// The first ones: dense, sparse, and dense with balancing points, where the elements may wait for each other.
    void create_arrays() {
        sizes = {1 + random.below(9), 1 + random.below(6), 1 + random.below(9)};
        worlds = {motet::array<bag>::create(sizes[0]), motet::array<bag>::create(),
                  motet::array<bag>::create(sizes[2])};
        for (number i = 0; i < sizes[1]; ++i) array(1).insert(i).get();
        switch (random.below(4)) {
        case 0: motet::balance_with(worlds[2], motet::greedy).get(); break;
        case 1: motet::balance_with(worlds[2], motet::rotate).get(); break;
        case 2: motet::balance_with(worlds[2], motet::communication).get(); break;
        default: break;
        }
    }
    number fresh() { return ++last_number; }
    number size(number world) const { return sizes[static_cast<std::size_t>(world)]; }
    /// The sum of the indices.
    number index_sum(number world) const { return size(world) * (size(world) - 1) / 2; }
    numbers indices(number world) const {
        numbers every(static_cast<std::size_t>(size(world)));
        std::iota(every.begin(), every.end(), number{0});
        return every;
    }
    const motet::collection<bag>& all(number world) const { return worlds[static_cast<std::size_t>(world)]; }
    motet::array<bag> array(number world) const { return {all(world)}; }
    auto at(spot p) const { return all(p.first)[p.second]; }
    void note(spot p, number n) { told[p].push_back(n); }
    number any_pe() { return random.below(motet::pe_count()); }
    /// Of one of the first worlds.
    spot any(number count) {
        const number world = random.below(count);
        return {world, random.below(size(world))};
    }
    /// A proxy of any urgency.
    template <class Proxy>
    Proxy hurried(const Proxy& to) {
        if (random.chance(15)) return to.with_priority(static_cast<int>(random.below(7)) - 3);
        return random.chance(10) ? to.expedited() : to;
    }
    void make_section(number world) {
        numbers some;
        for (number i = 0; i < size(world); ++i)
            if (i == 0 || random.chance(60)) some.push_back(i);
        sections.push_back(all(world).section(some));
        members.emplace_back(world, some);
    }
    void note(const std::pair<number, numbers>& some, number n) {
        for (const number i : some.second) note({some.first, i}, n);
    }
    number note_errands(errand first, number count, number n) {
        const spot p = first.place({sizes.begin(), sizes.begin() + count});
        note(p, n);
        number all = 1;
        for (const errand& each : first.next()) all += note_errands(each, count, n);
        return all;
    }

    void add(const ledger& other) {
        for (const auto& [p, what] : other.told) told[p].insert(told[p].end(), what.begin(), what.end());
        for (const auto& [w, what] : other.heard) heard[w].insert(heard[w].end(), what.begin(), what.end());
    }
    /// Nothing is left out, nothing came twice, nobody else is there.
    void judge() {
        const auto sorted = [](numbers all) { return std::sort(all.begin(), all.end()), all; };
        for (number w = 0; w < static_cast<number>(worlds.size()); ++w) {
            for (number i = 0; i < size(w); ++i) told[{w, i}];
            const numbers there = all(w).gather<&bag::index>().get();
            const auto is_told = all(w).gather<&bag::all_told>().get();
            const auto has_heard = all(w).gather<&bag::all_heard>().get();
            std::size_t k = 0;
            for (auto p = told.lower_bound({w, 0}); p != told.end() && p->first.first == w; ++p, ++k) {
                const std::string who =
                    ", element " + std::to_string(p->first.second) + " of collection " + std::to_string(w);
                must(k < there.size() && there[k] == p->first.second, "it is not there" + who);
                must(sorted(is_told[k]) == sorted(p->second), "what it was told" + who);
                must(there[k] >= size(w) || sorted(has_heard[k]) == sorted(heard[w]), "what all were told" + who);
            }
            must(k == there.size(), "an element that should not be there");
            for (const number each : all(w).gather<&bag::out_of_order>().get())
                must(each == 0, "the order of messages, or a method that was not alone");
        }
    }
};

/// Whether a call failed because its element is no more, or never was.
template <class Future>
bool is_erased(Future&& call) {
    try {
        call.get();
        return false;
    } catch (const motet::erased&) {
        return true;
    }
}
/// Whether it threw this.
template <class Future>
bool has_failed(Future&& call, const std::string& text) {
    try {
        call.get();
        return false;
    } catch (const motet::remote_error& why) {
        return why.text == text;
    }
}

} // namespace random_program
