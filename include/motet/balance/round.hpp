// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/gossip.hpp>
#include <motet/balance/phases.hpp>
#include <motet/balance/state.hpp>
#include <motet/chare/postponed.hpp>
#include <motet/runtime/call.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Load balancing: chares of one collection move to where there is less to do.
///
/// The life of a balancing of collection c, whose root is R:
/// 1. R begins one when all elements have come to their balancing point (points.hpp), when a program asks for it
///    (`rebalance`), or when a PE finds that the period is over. One at a time; others wait in line.
/// 2. A central strategy: the loads of all chares are gathered along the tree of PEs; R decides, and tells each PE
///    which of its chares go where. The distributed strategy: sums and maxima of loads go up the tree. In log2 P
///    steps, each of which goes down the tree and up again, PEs with less than the average tell two others, by chance,
///    of themselves and of those they have heard of. Then each PE with more than the average gives chares to those it
///    knows.
/// 3. A chare in which a frame stands does not move; its load counts where it is. The report names one.
/// 4. When all that were sent have arrived, R tells every PE: calls that waited for the balancing run (postponed.hpp).
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

inline void do_phase(pe& p, part& c, double average) {
    balancing_state& s = balancing_state::of(c);
    switch (s.phase) {
    case balancing_phase::gather: return finish_part_of_phase(p, c, own_loads(p, c, true, true));
    case balancing_phase::sum: {
        s.known.clear();
        phase_report own = own_loads(p, c, false, true);
        s.load = own.sum;
        return finish_part_of_phase(p, c, std::move(own));
    }
    case balancing_phase::gossip:
        s.average = average;
        ++s.steps;
        return gossip(p, c);
    case balancing_phase::give: return give(p, c);
    case balancing_phase::check: return finish_part_of_phase(p, c, own_loads(p, c, false, false));
    }
}

// At the root.

inline void begin_balancing(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    if (s.under_way || s.wanted.empty()) return;
    s.under_way = true;
    s.began = p.now();
    s.result = {};
    s.by = chosen_strategy(p, c);
    const bool central = s.by == 0 || registry::get<strategy_type>(s.by).decide != nullptr;
    begin_next_phase(p, c, central ? balancing_phase::gather : balancing_phase::sum);
}

MOTET_INLINE void want_balancing(pe& p, part& c, std::uint64_t release, address told) {
    balancing_state::of(c).wanted.push_back({release, told});
    begin_balancing(p, c);
}

MOTET_INLINE void rebalance_on_request(pe& p, part& c, address told) {
    if (may_balance(p, c, "motet::rebalance", told)) want_balancing(p, c, 0, told);
}

/// A PE has found that the period is over, when so many balancings had ended.
inline void want_periodic(pe& p, part& c, std::uint64_t rounds) {
    balancing_state& s = balancing_state::of(c);
    if (rounds == s.rounds && s.wanted.empty()) want_balancing(p, c, 0, {});
}
inline void period_is_over(pe& p, part& c) {
    c.due = std::numeric_limits<double>::infinity();
    post_part<&want_periodic>(p, root_of(p, c.info->id), c.info->id, balancing_state::of(c).rounds);
}

/// Step 4.
inline void balanced(pe& p, part& c, std::uint64_t release_number) {
    tree(p, root_of(p, c.info->id)).for_each_child(p.number, [&](pe_number child) {
        post_part<&balanced>(p, child, c.info->id, release_number);
    });
    balancing_state& s = balancing_state::of(c);
    ++s.rounds;
    s.steps = 0;
    expect_period(p, c);
    release(p, c, release_number);
}

inline void report_balancing(const part& c, const balancing_result& r) {
    std::string text = "motet: balanced " + c.type->name() + ": imbalance ";
    char numbers[160];
    std::snprintf(numbers, sizeof numbers, "%.3f, then %.3f; %lld of %lld chares moved; %.3g s", r.before, r.after,
                  static_cast<long long>(r.moved), static_cast<long long>(r.chares), r.seconds);
    text += numbers;
    if (r.held > 0) text += "; " + std::to_string(r.held) + " could not, such as " + r.held_by;
    std::fprintf(stderr, "%s\n", text.c_str());
}

inline void end_balancing(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    const balancing_state::request done = s.wanted.front();
    s.wanted.pop_front();
    s.under_way = false;
    s.result.seconds = p.now() - s.began;
    if (s.result.moved > 0) s.cost_of_move = s.result.seconds / static_cast<double>(s.result.moved);
    if (p.job.options.balance_report) report_balancing(c, s.result);
    balanced(p, c, done.release);
    balancing_result told = s.result;
    deliver(p, done.told, &told);
    begin_balancing(p, c);
}

/// Takes nothing of what a strategy has made of `all` but where chares shall be, and refuses that if it cannot be.
inline void take_decision(const part& c, const std::vector<measured_chare>& loads, std::int64_t pes, balancing& all) {
    const std::string whose = " of " + c.type->name();
    if (all.chares.size() != loads.size())
        throw error("a balancing strategy changed the number of chares" + whose + " from " +
                    std::to_string(loads.size()) + " to " + std::to_string(all.chares.size()));
    all.pes = pes;
    for (std::size_t i = 0; i < loads.size(); ++i) {
        chare_load& each = all.chares[i];
        if (each.sort != i)
            throw error("a balancing strategy changed the order of the chares" + whose +
                        ": to look at the heaviest first, sort their numbers, or pointers to them");
        if (each.to < 0 || each.to >= pes)
            throw error("a balancing strategy sends a chare" + whose + " to PE " + std::to_string(each.to) +
                        ": this run has PEs 0 to " + std::to_string(pes - 1));
        const std::int64_t to = loads[i].may_move ? each.to : std::int64_t{loads[i].pe};
        each = {loads[i].load, loads[i].pe, to, loads[i].may_move, i};
    }
}

/// Who sent how many messages to whom, by places in `loads`.
inline std::vector<chare_messages> messages_between(const std::vector<measured_chare>& loads) {
    std::unordered_map<index_bits, std::size_t, index_hash> places;
    for (std::size_t i = 0; i < loads.size(); ++i) places[loads[i].index] = i;
    std::vector<chare_messages> all;
    for (std::size_t i = 0; i < loads.size(); ++i)
        for (const sent_count& each : loads[i].sent)
            if (const auto to = places.find(each.to); to != places.end() && to->second != i)
                all.push_back({i, to->second, each.count});
    return all;
}

/// The part of the result that the gathered report has.
inline void note_what_there_is(balancing_state& s) {
    s.result.chares = s.report.chares;
    s.result.held = s.report.held;
    s.result.held_by = s.report.held_by;
}

/// Step 2, central.
inline void decide(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    std::vector<measured_chare>& loads = s.report.loads;
    std::sort(loads.begin(), loads.end(), [](const measured_chare& a, const measured_chare& b) {
        return a.pe != b.pe ? a.pe < b.pe : a.index < b.index;
    });
    balancing all{.pes = p.job.pe_total(), .chares = {}, .round = s.rounds, .messages = {}};
    for (const measured_chare& each : loads)
        all.chares.push_back({each.load, each.pe, each.pe, each.may_move, all.chares.size()});
    if (c.counts_messages) all.messages = messages_between(loads);
    s.result.before = all.imbalance();
    note_what_there_is(s);
    if (s.by != 0) {
        try {
            registry::get<strategy_type>(s.by).decide(all);
        } catch (const fiber::unwind&) {
            throw; // of motet::exit
        } catch (...) {
            throw error("a balancing strategy of " + c.type->name() + " threw: " + exception_text::current().whole());
        }
        take_decision(c, loads, p.job.pe_total(), all);
    }
    std::vector<std::vector<move_order>> orders(p.job.pe_total());
    std::int64_t moved = 0;
    for (std::size_t i = 0; i < loads.size(); ++i)
        if (all.chares[i].to != all.chares[i].pe) {
            orders[loads[i].pe].push_back({loads[i].index, static_cast<pe_number>(all.chares[i].to)});
            ++moved;
        }
    // Where it would not pay: the same work once more gains less than the moves cost.
    const bool seeks_balance = s.by == strategy_of<greedy_strategy>::id() || s.by == strategy_of<refine_strategy>::id();
    if (seeks_balance) {
        const double gain = (s.result.before - all.imbalance()) * s.report.sum / static_cast<double>(all.pes);
        if (gain <= static_cast<double>(moved) * s.cost_of_move || s.result.before - all.imbalance() < 0.01) {
            for (auto& each : orders) each.clear();
            for (chare_load& each : all.chares) each.to = each.pe;
            moved = 0;
        }
    }
    s.result.moved = moved;
    s.result.after = all.imbalance();
    loads.clear();
    s.carriers = 1;
    for (pe_number pe = 0; pe < orders.size(); ++pe) {
        if (orders[pe].empty()) continue;
        ++s.carriers;
        post_part<&move_for_balance>(p, pe, c.info->id, std::move(orders[pe]));
    }
    one_carried_out(p, c);
}

inline void end_phase(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    const double pes = p.job.pe_total();
    switch (s.phase) {
    case balancing_phase::gather: return decide(p, c);
    case balancing_phase::sum:
        s.average = s.report.sum / pes;
        s.result.before = s.average > 0 ? s.report.most / s.average : 1;
        note_what_there_is(s);
        s.result.after = s.result.before;
        if (s.result.before < refine_strategy::tolerance) return end_balancing(p, c);
        return begin_next_phase(p, c, balancing_phase::gossip, s.average);
    case balancing_phase::gossip:
        if (s.steps < std::ceil(std::log2(std::max(2.0, pes))) + 1)
            return begin_next_phase(p, c, balancing_phase::gossip, s.average);
        return begin_next_phase(p, c, balancing_phase::give, s.average);
    case balancing_phase::give:
        s.result.moved = s.report.moved;
        return begin_next_phase(p, c, balancing_phase::check, s.average);
    case balancing_phase::check:
        s.result.after = s.average > 0 ? s.report.most / s.average : 1;
        return end_balancing(p, c);
    }
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
