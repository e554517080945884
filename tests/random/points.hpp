// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "chares.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

/// Points: the elements of one array go from balancing point to balancing point. In between they are born, in every way
/// there is, move and end. Nobody may pass a point before all who are alive have come to it. Everybody knows of all
/// others, which only a simulated run has, whose PEs share a thread.
namespace random_program {

struct walker;

/// What everybody knows.
struct points {
    static inline points* now = nullptr;

    source random;
    bool on_demand = random.chance(50);
    number steps = 8;
    number births_left = 40;
    number next_index = 100;
    std::map<number, number> come{}; ///< the point that each who is alive has come to last
    motet::array<walker> all{};

    std::optional<number> any_pe() {
        return random.chance(50) ? std::optional(random.below(motet::pe_count())) : std::nullopt;
    }
    void run();
};

struct walker {
    number step = 0;
    number last = 0; ///< where it ends

    void begin_at(number first, number end) { step = first, last = end; }
    motet::eventually<number> walk() {
        points& known = *points::now;
        const number own = motet::this_index();
        for (const auto& [index, come] : known.come)
            must(come >= step, std::to_string(own) + " has passed point " + std::to_string(step) +
                                   " without waiting for " + std::to_string(index));
        if (step == last) {
            known.come.erase(own);
            if (step < known.steps || known.random.chance(50)) motet::erase_this();
            return step;
        }
        if (known.random.chance(30)) motet::charge(1e-6 * static_cast<double>(known.random.below(200)));
        if (known.random.chance(30)) motet::sleep_for(std::chrono::microseconds(known.random.below(1000)));
        if (known.births_left > 0 && known.random.chance(30)) bear();
        if (known.random.chance(15)) motet::rebalance(known.all);
        if (known.random.chance(25)) motet::move_this(known.random.below(motet::pe_count()));
        known.come[own] = ++step;
        return motet::balance_next<&walker::walk>();
    }

private:
    void bear() const;
};

inline void make_walker(number index, number first, number end) {
    points& known = *points::now;
    if (known.on_demand)
        known.all[index].ask<&walker::begin_at>(first, end).get();
    else
        known.all.insert(index, {.step = first, .last = end}, known.any_pe()).get();
}

/// Makes them for others.
struct midwife {
    void make(number index, number first, number end) { make_walker(index, first, end); }
};
/// What passes by its PE is late.
struct laggard {
    void work(number left) {
        motet::charge(300e-6);
        if (left > 0) motet::this_element<laggard>().tell<&laggard::work>(left - 1);
    }
};

inline void walker::bear() const {
    points& known = *points::now;
    --known.births_left;
    const number index = known.next_index++;
    const number end = known.random.chance(50) ? known.steps : step + 1 + known.random.below(known.steps - step);
    if (known.random.chance(30))
        motet::chare<midwife>::create({}, known.any_pe()).ask<&midwife::make>(index, step, end).get();
    else
        make_walker(index, step, end);
    known.come[index] = step;
    if (known.random.chance(50)) known.all[index].move_to(known.random.below(motet::pe_count())).get();
    known.all[index].tell<&walker::walk>();
}

inline void points::run() {
    all = on_demand ? motet::array<walker>::create(motet::on_demand) : motet::array<walker>::create();
    switch (random.below(4)) {
    case 0: motet::balance_with(all, motet::rotate).get(); break;
    case 1: motet::balance_with(all, motet::distributed).get(); break;
    case 2: motet::balance_with(all, motet::random_places).get(); break;
    default: motet::balance_with(all, [](motet::balancing&) {}).get();
    }
    if (random.chance(50)) motet::balance_every(all, std::chrono::microseconds(300)).get();
    for (number i = 0; i < 6; ++i) {
        make_walker(i, 0, steps);
        come[i] = 0;
    }
    const auto late = motet::group<laggard>::create();
    for (int i = 0; i < 2; ++i) late[random.below(motet::pe_count())].tell<&laggard::work>(number{100});
    for (number i = 0; i < 6; ++i) all[i].tell<&walker::walk>();
    motet::quiescence().get();
    must(come.empty(), std::to_string(come.size()) + " have not come to their end");
}

} // namespace random_program
