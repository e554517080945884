// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/strategy.hpp>
#include <motet/chare/location.hpp>
#include <motet/chare/part.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What is known of the balancing of a collection.
namespace motet::inline MOTET_VARIANT {

/// What a balancing did.
struct balancing_result {
    double before = 1;       ///< the largest load of a PE over the average, before
    double after = 1;        ///< the same as it should be afterwards
    std::int64_t chares = 0; ///< that were asked; one on its way to another PE is not
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
    static balancing_state& of(part& c);

    std::uint32_t strategy = 0; ///< registered strategy_type; 0: none
    /// Whether elements wait for each other at balancing points, after a restart: as they did before it, or some would
    /// wait for others that do not come. Else they do where there is a strategy.
    std::optional<bool> points;
    double period = 0;
    std::uint64_t rounds = 0; ///< ended
    // Who waits at a balancing point (points.hpp).
    std::uint64_t told = 0;                    ///< the root knows that all here wait for this release
    bool owes_answer = false;                  ///< of its own
    std::uint32_t unanswered = 0;              ///< by children, and the PE itself
    element_moves answers;                     ///< that have come
    std::optional<element_moves> last_answers; ///< to the question before about the same release; at the root
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
    std::uint32_t by = 0; ///< the strategy that it began with: it ends with that, whatever the program says meanwhile
    double began = 0;
    std::uint32_t steps = 0; ///< of gossip, still to come
    double average = 0;
    std::uint64_t carriers = 0; ///< PEs whose chares have not all arrived
    balancing_result result;
    double cost_of_move = 0; ///< seconds, as measured last time
};

/// Asks the root for a balancing.
MOTET_INLINE void want_balancing(pe& p, part& c, std::uint64_t release, address told);
/// The same for a program.
MOTET_INLINE void rebalance_on_request(pe& p, part& c, address told);
MOTET_INLINE void set_strategy(pe& p, part& c, std::uint32_t strategy, address told);
MOTET_INLINE void set_period(pe& p, part& c, double period, address told);

#if MOTET_BODIES
MOTET_INLINE balancing_state& balancing_state::of(part& c) { return kept_as<balancing_state>(c.balancing); }

/// The strategy for a collection: the command line goes before what the program says.
inline std::uint32_t chosen_strategy(const pe& p, part& c) {
    const std::string& named = p.job.options.balance;
    return named.empty() ? balancing_state::of(c).strategy : strategy_named(named);
}

inline bool waits_at_points(const pe& p, part& c) {
    return balancing_state::of(c).points.value_or(chosen_strategy(p, c) != 0);
}

inline void all_here_wait(pe& p, part& c);
inline void period_is_over(pe& p, part& c);
inline void expect_period(pe& p, part& c) {
    const double period =
        p.job.options.balance_period > 0 ? p.job.options.balance_period : balancing_state::of(c).period;
    c.due = period > 0 && c.measured ? p.now() + period : std::numeric_limits<double>::infinity();
    c.when_due = &period_is_over;
}

MOTET_INLINE void part::measure(pe& p) {
    const std::uint32_t strategy = chosen_strategy(p, *this);
    measured = strategy != 0;
    when_all_wait = &all_here_wait;
    counts_messages = strategy != 0 && registry::get<strategy_type>(strategy).uses_messages;
    p.counts_messages = p.counts_messages || counts_messages;
    expect_period(p, *this);
}

/// Whether the chares of `c` move. If not, its root tells who asked for a balancing (once: more failures would come to
/// a future that is gone by then).
inline bool may_balance(pe& p, const part& c, const char* what, const address& told) {
    if (!c.fixed()) return true;
    if (p.number == root_of(p, c.info->id))
        deliver_failure(p, told,
                        {std::string(what) + " is for arrays, whose elements move: this is a group of " +
                             c.type->name() + ", which has one chare on each PE or process",
                         "motet::error",
                         {},
                         {},
                         false});
    return false;
}

MOTET_INLINE void set_strategy(pe& p, part& c, std::uint32_t strategy, address told) {
    if (!may_balance(p, c, "motet::balance_with", told)) return;
    balancing_state& s = balancing_state::of(c);
    s.strategy = strategy;
    if (!s.points.value_or(true)) s.points.reset();
    c.measure(p);
    deliver_nothing(p, told);
}

MOTET_INLINE void set_period(pe& p, part& c, double period, address told) {
    if (!may_balance(p, c, "motet::balance_every", told)) return;
    balancing_state::of(c).period = period;
    expect_period(p, c);
    deliver_nothing(p, told);
}
#endif // MOTET_BODIES

} // namespace runtime

} // namespace motet::inline MOTET_VARIANT
