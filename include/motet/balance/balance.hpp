// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/strategy.hpp>
#include <motet/chare/future.hpp>
#include <motet/chare/postponed.hpp>
#include <motet/chare/proxy.hpp>
#include <motet/chare/reduction.hpp>
#include <motet/chare/self.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Load balancing: chares of one collection move to where there is less to do.
///
/// The life of a balancing of collection c, whose root is R:
/// 1. R begins one when all elements have come to their balancing point (a reduction), when a program asks for it
///    (`rebalance`), or when a PE finds that the period is over. One at a time; others wait in line.
/// 2. A central strategy: the loads of all chares are gathered along the tree of PEs; R decides, and tells each PE
/// which
///    of its chares go where.
///    The distributed strategy: sums and maxima of loads go up the tree. In log2 P steps, each of which goes down the
///    tree and up again, PEs with less than the average tell two others, by chance, of themselves and of those they
///    have heard of. Then each PE with more than the average gives chares to those it knows.
/// 3. A chare in which a frame stands does not move; its load counts where it is. The report names one.
/// 4. When all that were sent have arrived, R tells every PE: calls that waited for the balancing run (postponed.hpp).
namespace motet::inline MOTET_VARIANT {

/// What a balancing did.
struct balancing_result {
    double before = 1;       ///< the largest load of a PE over the average, before
    double after = 1;        ///< the same as it should be afterwards
    std::int64_t chares = 0; ///< that there are
    std::int64_t moved = 0;
    std::int64_t held = 0; ///< that could not move, because a frame stands in them
    std::string held_by;   ///< one of these frames
    double seconds = 0;    ///< that it took
};

namespace runtime {

struct measured_chare {
    index_bits index;
    pe_number pe = no_pe;
    double load = 0;
    bool may_move = true;
    std::vector<sent_count> sent;
};
struct move_order {
    index_bits index;
    pe_number to = no_pe;
};
struct known_load {
    pe_number pe = no_pe;
    double load = 0;
};

enum class balancing_phase : std::uint8_t {
    gather, ///< the loads of all chares
    sum,    ///< loads of PEs
    gossip, ///< a step of it
    give,   ///< what is too much
    check   ///< loads of PEs, afterwards
};

/// What goes up the tree at the end of a phase.
struct phase_report {
    double sum = 0;
    double most = 0;
    std::int64_t chares = 0;
    std::int64_t moved = 0;
    std::int64_t held = 0;
    std::string held_by;
    std::vector<measured_chare> loads;

    void add(phase_report&& other) {
        sum += other.sum;
        most = std::max(most, other.most);
        chares += other.chares;
        moved += other.moved;
        held += other.held;
        if (held_by.empty()) held_by = std::move(other.held_by);
        loads.insert(loads.end(), std::make_move_iterator(other.loads.begin()),
                     std::make_move_iterator(other.loads.end()));
    }
};

/// Balancing of one collection, as a PE knows it.
struct balancing_state : part_state {
    static balancing_state& of(part& c) {
        if (!c.balancing) c.balancing = std::make_unique<balancing_state>();
        return static_cast<balancing_state&>(*c.balancing);
    }

    std::uint32_t strategy = 0; ///< registered strategy_type; 0: none
    double period = 0;
    std::uint64_t rounds = 0; ///< ended
    // Of the phase that passes through.
    phase_report report;
    std::uint32_t missing = 0; ///< children, and the PE itself
    balancing_phase phase = balancing_phase::gather;
    std::uint64_t moving = 0;      ///< chares sent off that have not arrived, or gossip not acknowledged
    std::vector<known_load> known; ///< PEs with less than the average
    double load = 0;
    // Of the root.
    struct request {
        std::uint64_t release = 0; ///< calls that wait for it; 0: none do
        address told;
    };
    std::deque<request> wanted;
    bool under_way = false;
    double began = 0;
    std::uint32_t steps = 0; ///< of gossip, still to come
    double average = 0;
    std::uint64_t carriers = 0; ///< PEs whose chares have not all arrived
    balancing_result result;
    double cost_of_move = 0; ///< seconds, as measured last time
};

/// Asks the root for a balancing.
MOTET_INLINE void want_balancing(pe& p, part& c, std::uint64_t release, address told);
MOTET_INLINE void set_strategy(pe& p, part& c, std::uint32_t strategy, address told);
MOTET_INLINE void set_period(pe& p, part& c, double period, address told);
/// The element is at its balancing point, and `m` is to be called after that.
MOTET_INLINE void reach_balancing_point(pe& p, part& c, element_header& e, message* m);
/// What `balance_next` makes of a frame's successor.
MOTET_INLINE void pass_on_when_balanced(pe& p, frame& f, message* m);

#if MOTET_BODIES

/// The strategy for a collection: the command line goes before what the program says.
inline std::uint32_t chosen_strategy(const pe& p, part& c) {
    const std::string& named = p.job.options.balance;
    return named.empty() ? balancing_state::of(c).strategy : strategy_named(named);
}

inline void period_is_over(pe& p, part& c);
inline void expect_period(pe& p, part& c) {
    const double period =
        p.job.options.balance_period > 0 ? p.job.options.balance_period : balancing_state::of(c).period;
    c.due = period > 0 && c.measured ? p.now() + period : std::numeric_limits<double>::infinity();
    c.when_due = &period_is_over;
}

/// Begins or ends measuring, as the strategy needs it.
inline void measure(pe& p, part& c) {
    const std::uint32_t strategy = chosen_strategy(p, c);
    c.measured = strategy != 0;
    c.counts_messages = strategy != 0 && registry::get<strategy_type>(strategy).uses_messages;
    p.counts_messages = p.counts_messages || c.counts_messages;
    expect_period(p, c);
}

MOTET_INLINE void set_strategy(pe& p, part& c, std::uint32_t strategy, address told) {
    balancing_state::of(c).strategy = strategy;
    measure(p, c);
    deliver_nothing(p, told);
}

MOTET_INLINE void set_period(pe& p, part& c, double period, address told) {
    balancing_state::of(c).period = period;
    expect_period(p, c);
    deliver_nothing(p, told);
}

// Phases.

inline void end_phase(pe& p, part& c);
inline void do_phase(pe& p, part& c, double average);
inline void one_arrived(pe& p, part& c);
inline void end_balancing(pe& p, part& c);

inline void begin_phase(pe& p, part& c, balancing_phase phase, double average) {
    balancing_state& s = balancing_state::of(c);
    const tree over(p, root_of(p, c.info->id));
    s.phase = phase;
    s.report = {};
    s.missing = over.child_count(p.number) + 1;
    over.for_each_child(p.number,
                        [&](pe_number child) { post_part<&begin_phase>(p, child, c.info->id, phase, average); });
    do_phase(p, c, average);
}

inline void finish_part_of_phase(pe& p, part& c, phase_report report) {
    balancing_state& s = balancing_state::of(c);
    s.report.add(std::move(report));
    if (--s.missing > 0) return;
    const tree over(p, root_of(p, c.info->id));
    if (p.number == over.root) return end_phase(p, c);
    post_part<&finish_part_of_phase>(p, over.parent(p.number), c.info->id, std::move(s.report));
}

/// Names a frame that stands in an element.
inline std::string frame_in(pe& p, const part& c, const element_header& e) {
    for (waiter* w = p.parked; w != nullptr; w = w->after)
        if (w->running->element == &e)
            return p.state->place(p, *w->running) + ", which waits " +
                   (w->describe != nullptr ? w->describe(*w) : "for a condition");
    return element_text(c, e.index) + " on PE " + std::to_string(p.number);
}

/// What this PE has; `fresh`: an interval ends, and the loads are those of it from now on.
inline phase_report own_loads(pe& p, part& c, bool each, bool fresh) {
    phase_report own;
    for (element_header* e : c.table.elements) {
        if (fresh && e->extension) e->extension->last_load = std::exchange(e->extension->load, 0.0);
        const double load = e->extension ? e->extension->last_load : 0;
        own.sum += load;
        ++own.chares;
        if (e->pins > 0) {
            ++own.held;
            if (own.held_by.empty()) own.held_by = frame_in(p, c, *e);
        }
        if (!each) continue;
        own.loads.push_back({e->index, p.number, load, e->pins == 0, {}});
        if (c.counts_messages && e->extension) own.loads.back().sent.swap(e->extension->sent);
    }
    own.most = own.sum;
    return own;
}

inline void hear(pe& p, part& c, const std::vector<known_load>& more, pe_number from) {
    balancing_state& s = balancing_state::of(c);
    for (const known_load& each : more)
        if (each.pe != p.number &&
            std::none_of(s.known.begin(), s.known.end(), [&](const known_load& k) { return k.pe == each.pe; }))
            s.known.push_back(each);
    post_part<&one_arrived>(p, from, c.info->id);
}

/// How many PEs gossip speaks of at a time.
inline constexpr std::size_t most_known = 64;

inline void gossip(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    const pe_number pes = p.job.pe_total();
    std::vector<known_load> told(s.known.begin(),
                                 s.known.begin() + static_cast<std::ptrdiff_t>(std::min(s.known.size(), most_known)));
    if (s.load < s.average && pes > 1) told.push_back({p.number, s.load});
    if (told.empty()) return finish_part_of_phase(p, c, {});
    s.moving = 1; // until all have been told
    for (std::uint64_t i = 0; i < 2; ++i) {
        const std::uint64_t chance =
            scrambled((std::uint64_t{p.number} << 32) + 64 * s.rounds + std::uint64_t{2} * s.steps + i);
        const auto to = static_cast<pe_number>((p.number + 1 + chance % (pes - 1)) % pes);
        ++s.moving;
        post_part<&hear>(p, to, c.info->id, told, p.number);
    }
    one_arrived(p, c);
}

inline void move_for_balance(pe& p, part& c, const std::vector<move_order>& orders);

/// Gives what is more than the average to PEs that are known to have less, each more likely the less it has.
inline void give(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    std::vector<element_header*> movable;
    for (element_header* e : c.table.elements)
        if (e->pins == 0 && e->extension && e->extension->last_load > 0) movable.push_back(e);
    std::sort(movable.begin(), movable.end(), [](const element_header* a, const element_header* b) {
        const double x = a->extension->last_load, y = b->extension->last_load;
        return x != y ? x > y : a->index < b->index;
    });
    std::vector<move_order> orders;
    std::uint64_t chance = (std::uint64_t{p.number} << 32) + s.rounds;
    for (element_header* e : movable) {
        const double load = e->extension->last_load;
        if (s.load <= refine_strategy::tolerance * s.average) break;
        if (s.load - load < s.average - load) continue; // too heavy: it would only move the trouble
        double room = 0;
        for (const known_load& k : s.known) room += std::max(0.0, s.average - k.load);
        if (room <= 0) break;
        chance = scrambled(chance);
        double pick = room * (static_cast<double>(chance >> 11) * 0x1p-53);
        known_load* to = nullptr;
        for (known_load& k : s.known) {
            if (k.load >= s.average) continue;
            to = &k;
            pick -= s.average - k.load;
            if (pick < 0) break;
        }
        if (to == nullptr || to->load + load > s.load) continue;
        to->load += load;
        s.load -= load;
        orders.push_back({e->index, to->pe});
    }
    s.report.moved += static_cast<std::int64_t>(orders.size());
    move_for_balance(p, c, orders);
}

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

/// At the root: a PE's chares have all arrived.
inline void one_carried_out(pe& p, part& c) {
    if (--balancing_state::of(c).carriers == 0) end_balancing(p, c);
}

/// A chare that this PE has sent off is where it shall be, or what it has told was heard.
inline void one_arrived(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    if (--s.moving > 0) return;
    if (s.phase == balancing_phase::gather) return post_part<&one_carried_out>(p, root_of(p, c.info->id), c.info->id);
    finish_part_of_phase(p, c, {});
}

struct arrival_delivery {
    static void value(pe& p, const address& to, void*) { do_at_part<&one_arrived>(p, to); }
    static void fail(pe& p, const address& to, failure&&) { value(p, to, nullptr); } // it was erased
    static inline const delivery operations{&value, &fail};
    static std::uint32_t id() { return registered<arrival_delivery, operations>::id(); }
};

inline void move_for_balance(pe& p, part& c, const std::vector<move_order>& orders) {
    balancing_state& s = balancing_state::of(c);
    s.moving = orders.size() + 1;
    for (const move_order& each : orders) {
        element_header* e = c.table.find(each.index);
        if (e == nullptr || e->has(element_header::erase_pending) || e->has(element_header::move_pending))
            --s.moving;
        else
            move_element(p, c, *e, each.to, {arrival_delivery::id(), p.number, c.info->id, {}});
    }
    one_arrived(p, c);
}

/// What the root has decided for chares of this PE.
inline void carry_out(pe& p, part& c, const std::vector<move_order>& orders) { move_for_balance(p, c, orders); }

// At the root.

inline void begin_balancing(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    if (s.under_way || s.wanted.empty()) return;
    s.under_way = true;
    s.began = p.now();
    s.result = {};
    const std::uint32_t strategy = chosen_strategy(p, c);
    const bool central = strategy == 0 || registry::get<strategy_type>(strategy).decide != nullptr;
    post_part<&begin_phase>(p, p.number, c.info->id, central ? balancing_phase::gather : balancing_phase::sum, 0.0);
}

MOTET_INLINE void want_balancing(pe& p, part& c, std::uint64_t release, address told) {
    balancing_state::of(c).wanted.push_back({release, told});
    begin_balancing(p, c);
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

/// Refuses what a strategy has decided for places that do not exist.
inline void check_decision(const part& c, const balancing& all, std::size_t count) {
    if (all.chares.size() != count)
        throw error("a balancing strategy changed the number of chares of " + c.type->name() + " from " +
                    std::to_string(count) + " to " + std::to_string(all.chares.size()));
    for (const chare_load& each : all.chares)
        if (each.to < 0 || each.to >= all.pes)
            throw error("a balancing strategy sends a chare of " + c.type->name() + " to PE " +
                        std::to_string(each.to) + ": this run has PEs 0 to " + std::to_string(all.pes - 1));
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
    s.result.chares = s.report.chares;
    s.result.held = s.report.held;
    s.result.held_by = s.report.held_by;
    const std::uint32_t strategy = chosen_strategy(p, c);
    if (strategy != 0) {
        const std::size_t count = all.chares.size();
        registry::get<strategy_type>(strategy).decide(all);
        check_decision(c, all, count);
    }
    std::vector<std::vector<move_order>> orders(p.job.pe_total());
    std::int64_t moved = 0;
    for (std::size_t i = 0; i < loads.size(); ++i)
        if (all.chares[i].to != all.chares[i].pe && all.chares[i].may_move) {
            orders[loads[i].pe].push_back({loads[i].index, static_cast<pe_number>(all.chares[i].to)});
            ++moved;
        }
    // Where it would not pay: the same work once more gains less than the moves cost.
    const bool seeks_balance =
        strategy == strategy_of<greedy_strategy>::id() || strategy == strategy_of<refine_strategy>::id();
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
        post_part<&carry_out>(p, pe, c.info->id, std::move(orders[pe]));
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
        s.result.chares = s.report.chares;
        s.result.held = s.report.held;
        s.result.held_by = s.report.held_by;
        s.result.after = s.result.before;
        if (s.result.before < refine_strategy::tolerance) return end_balancing(p, c);
        return post_part<&begin_phase>(p, p.number, c.info->id, balancing_phase::gossip, s.average);
    case balancing_phase::gossip:
        if (s.steps < std::ceil(std::log2(std::max(2.0, pes))) + 1)
            return post_part<&begin_phase>(p, p.number, c.info->id, balancing_phase::gossip, s.average);
        return post_part<&begin_phase>(p, p.number, c.info->id, balancing_phase::give, s.average);
    case balancing_phase::give:
        s.result.moved = s.report.moved;
        return post_part<&begin_phase>(p, p.number, c.info->id, balancing_phase::check, s.average);
    case balancing_phase::check:
        s.result.after = s.average > 0 ? s.report.most / s.average : 1;
        return end_balancing(p, c);
    }
}

// At the elements.

/// The contributions by which the root learns that all elements are at their balancing point.
struct point_delivery {
    static void value(pe& p, const address& to, void*) { do_at_part<&want_balancing>(p, to, to.index.low, address{}); }
    static void fail(pe& p, const address&, failure&& why) { fail_program(p, why); }
    static inline const delivery operations{&value, &fail};
    static std::uint32_t id() { return registered<point_delivery, operations>::id(); }
};

MOTET_INLINE void reach_balancing_point(pe& p, part& c, element_header& e, message* m) {
    if (chosen_strategy(p, c) == 0) return p.send(p.number, m); // nothing to wait for
    using nothing = contribution_of<nothing_reducer, no_value, void>;
    const std::uint64_t round = e.round + 1;
    postpone(p, c, e, m, round);
    contribute(p, c, e, nothing::id(), {point_delivery::id(), c.info->id.root, c.info->id, {round, 0}}, {});
}

MOTET_INLINE void pass_on_when_balanced(pe& p, frame& f, message* m) {
    reach_balancing_point(p, part_of(f), element_of(f), m);
}
#endif // MOTET_BODIES

/// Refuses a balancing point where there can be none, or a second one in the same call.
inline frame& balancing_frame(pe& p, const char* what) {
    frame& f = method_frame(p, what);
    if (part_of(f).info->kind != collection_kind::array)
        throw error(std::string(what) + ": only the elements of arrays move, and " +
                    element_text(part_of(f), element_of(f).index) + " is none");
    const element_header& e = element_of(f);
    if (e.extension && e.extension->postponed.until != 0)
        throw error(std::string(what) + ": " + element_text(part_of(f), e.index) +
                    " waits for a balancing already: one call after another");
    return f;
}

/// Sends `F(pe&, part&, argument, address)` to every PE; the future is ready when all have done it.
template <auto F, class Argument>
future<void> tell_every_pe(pe& p, collection_id id, const Argument& argument) {
    check_name(id);
    auto [made, to] = new_future<void>(p, std::size_t{p.job.pe_total()});
    for (pe_number each = 0; each < p.job.pe_total(); ++each) post_part<F>(p, each, id, argument, to);
    return std::move(made);
}

} // namespace runtime

/// From now on the time of the elements of this array is taken, and they are balanced by this strategy: motet::greedy,
/// refine, rotate, random_places, distributed, or your own (see motet::balancing). --motet-balance on the command line
/// goes before it. The future is ready when every PE knows.
template <class T, class Index, class Strategy>
future<void> balance_with(const collection<T, Index>& which, const Strategy&) {
    static_assert(std::is_empty_v<Strategy> && std::is_default_constructible_v<Strategy>,
                  "motet: a balancing strategy is a function object without state: its type is its name on every "
                  "process");
    static_assert(std::is_same_v<Strategy, distributed_strategy> || std::is_invocable_v<const Strategy&, balancing&>,
                  "motet: a balancing strategy is called as strategy(motet::balancing&), and is const");
    return runtime::tell_every_pe<&runtime::set_strategy>(runtime::this_pe(), which.name(),
                                                          runtime::strategy_of<Strategy>::id());
}

/// Balances this array again whenever its elements have worked for so long (in a simulated run: of virtual time) since
/// the last time. The future is ready when every PE knows.
template <class T, class Index, class Rep, class Period>
future<void> balance_every(const collection<T, Index>& which, std::chrono::duration<Rep, Period> time) {
    return runtime::tell_every_pe<&runtime::set_period>(runtime::this_pe(), which.name(),
                                                        std::chrono::duration<double>(time).count());
}

/// Balances this array now, by what its elements have computed since the last time. Elements in which a method waits
/// stay where they are.
template <class T, class Index>
future<balancing_result> rebalance(const collection<T, Index>& which) {
    runtime::check_name(which.name());
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<balancing_result>(p);
    runtime::post_part<&runtime::want_balancing>(p, runtime::root_of(p, which.name()), which.name(), std::uint64_t{0},
                                                 to);
    return std::move(made);
}

/// The element is at its balancing point: when all elements of its array have come to theirs, they are balanced, and
/// method M is called on this one, wherever it then is. Without a strategy it is called at once. The calling method
/// goes on; it should end soon, because it holds the element where it is.
template <auto M, class... A>
void balance(A&&... a) {
    if constexpr (runtime::check_call<M, runtime::owner_of<M>, A...>()) {
        runtime::pe& p = runtime::this_pe();
        runtime::frame& f = runtime::balancing_frame(p, "motet::balance");
        const runtime::part& c = runtime::part_of(f);
        runtime::check_successor(f, &c.type->describe() == &reflect::describe<runtime::owner_of<M>>(), typeid(void),
                                 &runtime::entry_name<M>);
        runtime::message* m =
            runtime::entry_call<M>::make_stored(p, c.info->id, runtime::element_of(f).index, nullptr,
                                                runtime::entry_call<M>::convert(std::forward<A>(a)...));
        runtime::reach_balancing_point(p, runtime::part_of(f), runtime::element_of(f), m);
    }
}

/// As motet::next, at a balancing point: `return motet::balance_next<&T::run>(n);` ends this call; when all elements of
/// the array have come to their balancing points, they are balanced, and the caller gets what the call of M gives.
template <auto M, class... A>
auto balance_next(A&&... a) {
    if constexpr (runtime::check_call<M, runtime::owner_of<M>, A...>()) {
        runtime::frame& f = runtime::balancing_frame(runtime::this_pe(), "motet::balance_next");
        f.pass_on = &runtime::pass_on_when_balanced;
        return next<M>(std::forward<A>(a)...);
    } else {
        return next<M>(std::forward<A>(a)...);
    }
}

} // namespace motet::inline MOTET_VARIANT
