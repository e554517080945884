// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/named_strategy.hpp>
#include <motet/runtime/random.hpp>
#include <motet/runtime/registry.hpp>
#include <motet/variant.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

/// What a balancing strategy knows of one chare, and what it decides.
struct chare_load {
    double load = 0;        ///< seconds that its methods ran for since the last balancing; waiting is no load
    std::int64_t pe = 0;    ///< where it is
    std::int64_t to = 0;    ///< where it shall be: the strategy's to change
    bool may_move = true;   ///< false while a frame stands in it: it stays, and counts
    std::uint64_t sort = 0; ///< differs for every chare of a collection, and stays the same: for decisions that replay
};

/// Messages from one chare to another since the last balancing.
struct chare_messages {
    std::size_t from = 0; ///< places in balancing::chares
    std::size_t to = 0;
    std::uint64_t count = 0;
};

/// What is to be balanced: the chares of one collection on the PEs of the run. A strategy is a function object without
/// state, `void operator()(motet::balancing& all) const`, that sets `to` of those that may move. One that has a member
/// `static constexpr bool uses_messages = true` is told who sent how many messages to whom, which costs some time at
/// each. One with a member `static constexpr const char* name = "mine"` that the program uses somewhere may be chosen
/// by --motet-balance mine.
struct balancing {
    std::int64_t pes = 1;
    std::vector<chare_load> chares;
    std::uint64_t round = 0;                ///< how many balancings there were before: for those that alternate
    std::vector<chare_messages> messages{}; ///< for strategies that use them

    /// The load of each PE, as things are or as they shall be.
    std::vector<double> loads(std::int64_t chare_load::*where = &chare_load::to) const {
        std::vector<double> all(static_cast<std::size_t>(pes));
        for (const chare_load& c : chares) all[static_cast<std::size_t>(c.*where)] += c.load;
        return all;
    }
    /// The largest load of a PE over the average: 1 is perfect.
    double imbalance(std::int64_t chare_load::*where = &chare_load::to) const {
        const std::vector<double> all = loads(where);
        double sum = 0, most = 0;
        for (const double each : all) sum += each, most = std::max(most, each);
        return sum > 0 ? most * static_cast<double>(pes) / sum : 1;
    }
};

/// The heaviest chare to the least loaded PE, one after the other, from nothing: the best balance, and many moves
/// (Graham, "Bounds on multiprocessing timing anomalies", 1969).
struct greedy_strategy {
    void operator()(balancing& all) const;
};

/// Takes from the PEs that have more than a fiftieth above the average, and gives to the least loaded, until none has:
/// few moves (after Charm++'s RefineLB).
struct refine_strategy {
    static constexpr double tolerance = 1.02;

    void operator()(balancing& all) const;
};

/// Every chare to the next PE: to test programs with.
struct rotate_strategy {
    void operator()(balancing& all) const;
};

/// Every chare to any PE: to test programs with.
struct random_strategy {
    void operator()(balancing& all) const;
};

/// Grows groups of chares that exchange messages: next comes whoever exchanges most with those that have a place
/// already (at first, and where there is nobody, the heaviest), to the PE on which most of its partners are, unless
/// that would have more than a twentieth above the average; else where it is, or to the least loaded.
struct communication_strategy {
    static constexpr bool uses_messages = true;
    static constexpr double tolerance = 1.05;

    void operator()(balancing& all) const;
};

/// Overloaded PEs give to those of which they have heard by gossip that they have little to do: no PE ever sees all
/// chares or all loads (Menon and Kale, "A distributed dynamic load balancer for iterative applications", 2013). Its
/// steps are those of balance/gossip.hpp.
struct distributed_strategy {};

/// The strategies there are; a user's own stands beside them.
inline constexpr greedy_strategy greedy{};
inline constexpr refine_strategy refine{};
inline constexpr rotate_strategy rotate{};
inline constexpr random_strategy random_places{};
inline constexpr communication_strategy communication{};
inline constexpr distributed_strategy distributed{};

namespace runtime {

/// A registered strategy.
struct strategy_type {
    void (*decide)(balancing&); ///< null: distributed
    bool uses_messages;
};

template <class Strategy>
struct strategy_of {
    static void decide(balancing& all) { Strategy{}(all); }
    static constexpr strategy_type make() {
        bool uses_messages = false;
        if constexpr (requires { Strategy::uses_messages; }) uses_messages = Strategy::uses_messages;
        if constexpr (std::is_same_v<Strategy, distributed_strategy>)
            return {nullptr, false};
        else
            return {&decide, uses_messages};
    }
    static inline const strategy_type operations = make();
    static std::uint32_t id() {
        if constexpr (requires { Strategy::name; }) (void)&listed; // instantiates it, hence lists it before main
        return registered<strategy_of, operations>::id();
    }

private:
    struct listed_by_name : named_strategy {
        listed_by_name() : named_strategy(Strategy::name, operations.uses_messages, &strategy_of::id) {}
    };
    static inline const listed_by_name listed;
};

/// The registered strategy that --motet-balance names; 0: none.
MOTET_INLINE std::uint32_t strategy_named(const std::string& name);

} // namespace runtime

#if MOTET_BODIES

namespace runtime {

/// PEs and their loads, the least loaded first.
class pe_heap {
public:
    explicit pe_heap(const std::vector<double>& loads) {
        for (std::size_t pe = 0; pe < loads.size(); ++pe) heap.push({loads[pe], static_cast<std::int64_t>(pe)});
    }
    std::pair<double, std::int64_t> pop() {
        const auto least = heap.top();
        heap.pop();
        return least;
    }
    void push(double load, std::int64_t pe) { heap.push({load, pe}); }

private:
    std::priority_queue<std::pair<double, std::int64_t>, std::vector<std::pair<double, std::int64_t>>, std::greater<>>
        heap;
};

/// The chares that may move, the heaviest first.
inline std::vector<chare_load*> heaviest_first(balancing& all) {
    std::vector<chare_load*> order;
    for (chare_load& c : all.chares)
        if (c.may_move) order.push_back(&c);
    std::sort(order.begin(), order.end(), [](const chare_load* a, const chare_load* b) {
        return a->load != b->load ? a->load > b->load : a->sort < b->sort;
    });
    return order;
}

/// Of the chares of a PE, heaviest first: the heaviest that the other PE can take below the limit, else the one
/// that leaves the lowest maximum of the two; their number if none makes it lower.
inline std::size_t best_to_give(const std::vector<chare_load*>& from, double load, double least, double limit) {
    std::size_t best = from.size();
    double lowest = load;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const double weight = from[i]->load;
        if (weight <= 0) break;
        if (least + weight <= limit) return i;
        if (const double most = std::max(least + weight, load - weight); most < lowest) lowest = most, best = i;
    }
    return best;
}

MOTET_INLINE std::uint32_t strategy_named(const std::string& name) {
    if (name == "greedy") return strategy_of<greedy_strategy>::id();
    if (name == "refine") return strategy_of<refine_strategy>::id();
    if (name == "rotate") return strategy_of<rotate_strategy>::id();
    if (name == "random") return strategy_of<random_strategy>::id();
    if (name == "communication") return strategy_of<communication_strategy>::id();
    if (name == "distributed") return strategy_of<distributed_strategy>::id();
    const named_strategy* const own = named_strategy::find(name);
    return own != nullptr ? own->id() : 0;
}

} // namespace runtime

MOTET_INLINE void greedy_strategy::operator()(balancing& all) const {
    std::vector<double> fixed(static_cast<std::size_t>(all.pes));
    for (const chare_load& c : all.chares)
        if (!c.may_move) fixed[static_cast<std::size_t>(c.pe)] += c.load;
    runtime::pe_heap pes(fixed);
    for (chare_load* c : runtime::heaviest_first(all)) {
        auto [load, pe] = pes.pop();
        c->to = pe;
        pes.push(load + c->load, pe);
    }
}

MOTET_INLINE void refine_strategy::operator()(balancing& all) const {
    for (chare_load& c : all.chares) c.to = c.pe;
    const std::vector<double> before = all.loads();
    double sum = 0;
    for (const double each : before) sum += each;
    const double limit = tolerance * sum / static_cast<double>(all.pes);
    std::vector<std::vector<chare_load*>> on(before.size());
    for (chare_load* c : runtime::heaviest_first(all)) on[static_cast<std::size_t>(c->pe)].push_back(c);
    std::priority_queue<std::pair<double, std::size_t>> heavy;
    runtime::pe_heap light(before);
    for (std::size_t pe = 0; pe < before.size(); ++pe)
        if (before[pe] > limit) heavy.push({before[pe], pe});
    while (!heavy.empty()) {
        const auto [load, pe] = heavy.top();
        heavy.pop();
        const auto [least, to] = light.pop();
        const std::size_t which = runtime::best_to_give(on[pe], load, least, limit);
        if (which == on[pe].size() || static_cast<std::size_t>(to) == pe) {
            light.push(least, to);
            continue; // this PE has nothing to give that would help
        }
        chare_load& given = *on[pe][which];
        on[pe].erase(on[pe].begin() + static_cast<std::ptrdiff_t>(which));
        given.to = to;
        light.push(least + given.load, to);
        if (load - given.load > limit) heavy.push({load - given.load, pe});
    }
}

MOTET_INLINE void rotate_strategy::operator()(balancing& all) const {
    for (chare_load& c : all.chares)
        if (c.may_move) c.to = (c.pe + 1) % all.pes;
}

MOTET_INLINE void random_strategy::operator()(balancing& all) const {
    for (chare_load& c : all.chares)
        if (c.may_move)
            c.to = static_cast<std::int64_t>(runtime::scrambled(c.sort * 0x2545F4914F6CDD1Du + all.round) %
                                             static_cast<std::uint64_t>(all.pes));
}

MOTET_INLINE void communication_strategy::operator()(balancing& all) const {
    struct partner {
        std::size_t who;
        std::uint64_t count;
    };
    const std::size_t count = all.chares.size();
    std::vector<std::vector<partner>> partners(count);
    for (const chare_messages& m : all.messages) {
        partners[m.from].push_back({m.to, m.count});
        partners[m.to].push_back({m.from, m.count});
    }
    std::vector<double> loads(static_cast<std::size_t>(all.pes));
    double sum = 0;
    for (const chare_load& c : all.chares) sum += c.load;
    const double limit = tolerance * sum / static_cast<double>(all.pes);
    std::vector<bool> placed(count);
    std::vector<std::uint64_t> attraction(count); ///< messages exchanged with those that have a place
    std::priority_queue<std::pair<std::uint64_t, std::size_t>> attracted;
    const auto place = [&](std::size_t which, std::size_t pe) {
        all.chares[which].to = static_cast<std::int64_t>(pe);
        loads[pe] += all.chares[which].load;
        placed[which] = true;
        for (const partner& each : partners[which]) {
            if (placed[each.who]) continue;
            attraction[each.who] += each.count;
            attracted.push({attraction[each.who], each.who});
        }
    };
    for (std::size_t i = 0; i < count; ++i)
        if (!all.chares[i].may_move) place(i, static_cast<std::size_t>(all.chares[i].pe));
    std::vector<std::uint64_t> exchanged(loads.size());
    const auto best_place = [&](const chare_load& c, std::size_t which) {
        std::vector<std::size_t> candidates;
        for (const partner& each : partners[which]) {
            if (!placed[each.who]) continue;
            const auto pe = static_cast<std::size_t>(all.chares[each.who].to);
            if (exchanged[pe] == 0) candidates.push_back(pe);
            exchanged[pe] += each.count;
        }
        std::size_t best = loads.size();
        std::uint64_t most = 0;
        for (const std::size_t pe : candidates) {
            if (loads[pe] + c.load <= limit && exchanged[pe] > most) most = exchanged[pe], best = pe;
            exchanged[pe] = 0;
        }
        const auto now = static_cast<std::size_t>(c.pe);
        if (best == loads.size() && loads[now] + c.load <= limit) best = now;
        if (best == loads.size())
            best = static_cast<std::size_t>(std::min_element(loads.begin(), loads.end()) - loads.begin());
        return best;
    };
    for (const chare_load* next : runtime::heaviest_first(all)) {
        for (std::size_t which = static_cast<std::size_t>(next - all.chares.data());;) {
            if (!placed[which]) place(which, best_place(all.chares[which], which));
            while (!attracted.empty() &&
                   (placed[attracted.top().second] || attracted.top().first != attraction[attracted.top().second]))
                attracted.pop();
            if (attracted.empty()) break;
            which = attracted.top().second;
            attracted.pop();
        }
    }
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT
