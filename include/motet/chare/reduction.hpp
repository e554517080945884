// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/broadcast.hpp>
#include <motet/chare/reducers.hpp>
#include <motet/chare/target.hpp>

#include <cstdint>
#include <type_traits>
#include <utility>

/// Reductions to which elements contribute by themselves. An element's n-th contribution belongs to round n.
///
/// 1. A PE answers for the elements it has. `population` counts them by the rounds they are done with. A round begins
///    on a PE with the first contribution there, with the report of a child, or when the parent prompts it.
/// 2. An element is born with the last round that has begun on its PE: it takes part from the next one on. News of a
///    round bring with them the last broadcast that its contributors have seen, and the element counts as having seen
///    that too: else it could hear late what made the others contribute to a round that it does not owe.
/// 3. A round passes when it has begun, no element here is left that owes it, none that owed it when it left is
///    unacknowledged, nothing that others owe on this PE's account is missing, and all children have reported. The PE
///    then reports to its parent; the root hands the result to the target. Rounds pass in order.
/// 4. An element that moves from A to B with rounds that B has passed already contributes to those on account of A,
///    its sponsor; `acknowledge` (broadcast.hpp) says how many they are.
/// 5. A PE that waits for nobody but its children prompts them: those that have no elements would else never report.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// What is done with contributions of one type.
struct reduction_type {
    void (*combine)(partial& into, partial&& more);
    void (*finish)(pe&, const address&, partial&& all);
};

/// The next contribution of `e`.
MOTET_INLINE void contribute(pe& p, part& c, element_header& e, std::uint32_t type, const address& target,
                             partial&& one);

#if MOTET_BODIES
inline void report_round(pe& p, part& c, std::uint64_t number, std::uint64_t seen, std::uint32_t type, address target,
                         partial result);

/// A round has begun somewhere, by those who had seen broadcasts up to `seen`.
inline void note_begun(part& c, std::uint64_t number, std::uint64_t seen) {
    c.begun = std::max(c.begun, number);
    c.round_seen = std::max(c.round_seen, seen);
}

/// Step 5, at a child.
inline void prompt_round(pe& p, part& c, std::uint64_t number, std::uint64_t seen) {
    note_begun(c, number, seen);
    look_at_rounds(p, c);
}

inline void finish_round(pe& p, part& c, reduction_round&& round) {
    if (round.type == 0) return; // only of elements that were erased
    try {
        registry::get<reduction_type>(round.type).finish(p, round.target, std::move(round.result));
    } catch (...) {
        auto [text, type] = exception_text::current();
        deliver_failure(p, round.target, {std::move(text), std::move(type), c.type->name(), "a reducer", false});
    }
}

/// Step 3: passes on all rounds that can pass.
inline void look_at_rounds(pe& p, part& c) {
    const tree over(p, root_of(p, c.info->id));
    while (c.begun > c.passed) {
        const std::uint64_t number = c.passed + 1;
        if (c.population[0] != 0 || (!c.away_round.empty() && c.away_round.begin()->first < number)) return;
        reduction_round& first = c.round(number);
        if (first.owed != 0) return;
        if (first.children != over.child_count(p.number)) {
            if (std::exchange(first.prompted, true)) return;
            over.for_each_child(p.number, [&](pe_number child) {
                post_part<&prompt_round>(p, child, c.info->id, number, c.round_seen);
            });
            return;
        }
        reduction_round round = std::move(first);
        c.rounds.pop_front();
        ++c.passed;
        c.population.pop_front();
        if (c.population.empty()) c.population.push_back(0);
        if (p.number == over.root)
            finish_round(p, c, std::move(round));
        else
            post_part<&report_round>(p, over.parent(p.number), c.info->id, number, c.round_seen, round.type,
                                     round.target, std::move(round.result));
    }
}

/// Puts a contribution, or what a child has put together, into a round.
inline void add_to_round(const pe& p, const part& c, reduction_round& round, std::uint32_t type, const address& target,
                         partial&& more) {
    if (type == 0) return;
    if (round.type != 0 && round.type != type) {
        round.result.fail({"elements contribute to one reduction with different reducers or types",
                           "motet::error",
                           c.type->name(),
                           {},
                           false});
        return;
    }
    round.type = type;
    if (round.target.how == 0) round.target = target;
    combine_into(p, c, registry::get<reduction_type>(type), round.result, std::move(more));
}

inline void report_round(pe& p, part& c, std::uint64_t number, std::uint64_t seen, std::uint32_t type, address target,
                         partial result) {
    note_begun(c, number, seen);
    reduction_round& round = c.round(number);
    ++round.children;
    add_to_round(p, c, round, type, target, std::move(result));
    look_at_rounds(p, c);
}

/// Step 4, at the sponsor. Of type 0: the element was erased.
inline void take_sponsored(pe& p, part& c, std::uint64_t number, std::uint32_t type, address target, partial result) {
    reduction_round& round = c.round(number);
    --round.owed;
    add_to_round(p, c, round, type, target, std::move(result));
    look_at_rounds(p, c);
}

inline void join_reductions(part& c, element_header& e, pe_number from) {
    if (rounds_done(e) < c.passed) e.extend().sponsors.push_back({c.passed, from});
    ++c.population_of(rounds_done(e));
}

inline void leave_reductions(pe&, part& c, element_header& e) {
    --c.population_of(rounds_done(e));
    ++c.away_round[rounds_done(e)];
}

inline void die_in_reductions(pe& p, part& c, element_header& e) {
    --c.population_of(rounds_done(e));
    if (!e.extension) return;
    std::uint64_t number = e.round + 1;
    for (const sponsor& s : e.extension->sponsors)
        for (; number <= s.upto; ++number)
            post_part<&take_sponsored>(p, s.pe, c.info->id, number, std::uint32_t{0}, address{}, partial{});
}

MOTET_INLINE void contribute(pe& p, part& c, element_header& e, std::uint32_t type, const address& target,
                             partial&& one) {
    const std::uint64_t number = ++e.round;
    if (e.extension && !e.extension->sponsors.empty()) {
        auto& sponsors = e.extension->sponsors;
        const sponsor first = sponsors.front();
        if (first.upto == number) {
            // What the element is done with does not change: it was counted with its sponsored rounds.
            sponsors.erase(sponsors.begin());
        }
        return post_part<&take_sponsored>(p, first.pe, c.info->id, number, type, target, std::move(one));
    }
    --c.population_of(number - 1);
    ++c.population_of(number);
    note_begun(c, number, e.seen);
    add_to_round(p, c, c.round(number), type, target, std::move(one));
    if (c.population[0] == 0) look_at_rounds(p, c);
}
#endif // MOTET_BODIES

template <class T>
struct index_of_located {
    using type = void;
};
template <class V, class Index>
struct index_of_located<located<V, Index>> {
    using type = Index;
};

/// Contributions of type V that `Op` puts together, for a target that takes a Result.
template <class Op, class V, class Result>
struct contribution_of {
    using how = reduction<Op, V>;
    using accumulator = typename how::accumulator;
    using index = typename index_of_located<Result>::type;
    static_assert(std::is_void_v<Result> || std::is_convertible_v<reduced<Op, V, index>, Result>,
                  "motet: the target of this contribution does not take what the reducer results in");

    static void combine(partial& all, partial&& more) {
        if (more.failed) return all.fail(std::move(more.why));
        if (!more.value) return;
        if (!all.value)
            all.value = std::move(more.value);
        else
            how::combine(all.value.template as<accumulator>(), std::move(more.value.template as<accumulator>()));
    }
    static void finish(pe& p, const address& target, partial&& all) {
        if (all.failed) {
            if (target.how == 0) return fail_program(p, all.why);
            return deliver_failure(p, target, std::move(all.why));
        }
        if constexpr (std::is_void_v<Result>) {
            deliver_nothing(p, target);
        } else {
            Result result(how::template finish<index>(std::move(all.value.template as<accumulator>())));
            deliver(p, target, &result);
        }
    }
    static inline const reduction_type operations{&combine, &finish};
    static std::uint32_t id() { return registered<contribution_of, operations>::id(); }

    static partial lift(const part& c, const element_header& e, V&& value) {
        partial one;
        if constexpr (!std::is_same_v<accumulator, no_value>)
            one.value = boxed::of<accumulator>(how::lift(std::move(value), e.index, c.type->order(e.index)));
        return one;
    }
};

} // namespace runtime

} // namespace motet::inline MOTET_VARIANT
