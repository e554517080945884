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
/// 6. Where every element is to get the result, no element ever moves (groups), and there are few processes of one PE
///    each, the PEs send each other their parts in place of a report to the root and a broadcast from there: one
///    message after another becomes one.
///    a. A PE passes a round whose target is a method of the whole collection by sharing its part with all others. To
///       the root that is its report. The root shares its own part as soon as that is complete. Where a part cannot be
///       serialized the reason goes in its place.
///    b. A PE that has the parts of all puts them together in the order of PEs, so that the results are the same to the
///       bit, and calls the method of its own elements. It does so in the order of rounds.
///    c. The root passes the round when all have reported. If some have not shared their parts (their elements gave
///       another target, or none), nobody else has all of them: the root puts them together as in step 3, and tells
///       the others how many have shared, so that they forget the round when as many parts have come.
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
inline void take_share(pe& p, part& c, std::uint64_t number, std::uint64_t seen, pe_number from, std::uint32_t type,
                       const address& target, partial&& result);
inline void add_to_round(const pe& p, const part& c, contributions& round, std::uint32_t type, const address& target,
                         partial&& more);

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

inline void finish_round(pe& p, part& c, contributions&& round) {
    if (round.type == 0) return; // only of elements that were erased
    try {
        registry::get<reduction_type>(round.type).finish(p, round.target, std::move(round.result));
    } catch (...) {
        deliver_failure(p, round.target, failure::current(c.type->name(), "a reducer"));
    }
}

/// Step 6, a: whether what a PE has of a round is its own part, and is for all.
inline bool is_for_all(const pe& p, part& c, std::uint64_t number, const reduction_round& round) {
    if (!c.fixed() || p.home.pe_count != 1 || p.job.pe_total() > most_sharing || p.job.pe_total() == 1) return false;
    if (round.type == 0 || round.target.collection != c.info->id ||
        !registry::get<delivery>(round.target.how).everywhere)
        return false;
    if (round.children == 0) return true;
    const shared_round* const shares = c.find_shares(number); // at the root children report by sharing
    return shares != nullptr && round.children == shares->here;
}

inline void share_round(pe& p, part& c, std::uint64_t number, reduction_round& round) {
    round.shared = round.prompted = true; // a part tells its receiver that the round has begun
    const auto share_with = [&](pe_number other) {
        post_part<&take_share>(p, other, c.info->id, number, c.round_seen, p.number, round.type, round.target,
                               round.result.copy());
    };
    const pe_number root = root_of(p, c.info->id), all = p.job.pe_total();
    for (pe_number n = 1; n <= all; ++n) {
        // The root last: where one has a failure it has that too, and tells it.
        const pe_number other = root + n < all ? root + n : root + n - all;
        if (other == p.number) continue;
        try {
            share_with(other);
        } catch (...) {
            round.result.value.reset();
            round.result.fail(failure::current(c.type->name(), "a result of it"));
            share_with(other);
        }
    }
    p.flush(); // the others wait for it
    shared_round& shares = c.shares_of(number);
    shares.put(p.number, round.type, round.target, std::move(round.result));
}

/// Puts all parts that were shared together, in the order of PEs.
inline contributions all_shares(const pe& p, const part& c, shared_round& shares) {
    contributions all = std::move(shares.parts[0]);
    for (pe_number other = 1; other < p.job.pe_total(); ++other) {
        contributions& share = shares.parts[other];
        add_to_round(p, c, all, share.type, share.target, std::move(share.result));
    }
    return all;
}

/// Step 6, b.
inline void finish_shared(pe& p, part& c) {
    while (!c.shares.empty()) {
        shared_round& shares = c.shares.front();
        const bool unwanted = shares.expected != 0;
        if (shares.number > c.passed || shares.here < (unwanted ? shares.expected : p.job.pe_total())) return;
        if (unwanted) {
            c.forget_shares(shares.number);
            continue;
        }
        contributions round = all_shares(p, c, shares);
        c.forget_shares(shares.number);
        if (round.result.why && p.number != root_of(p, c.info->id)) continue; // one PE tells it
        round.target.pe = p.number;
        finish_round(p, c, std::move(round));
    }
}

/// Step 6, c, at the others.
inline void forget_shares(pe& p, part& c, std::uint64_t number, std::uint32_t expected) {
    c.shares_of(number).expected = expected;
    finish_shared(p, c);
}

/// Steps 3 and 6, when a round passes at the root.
inline void finish_at_root(pe& p, part& c, std::uint64_t number, reduction_round&& round) {
    shared_round* const shares = c.find_shares(number);
    if (shares == nullptr) return finish_round(p, c, std::move(round));
    if (shares->here == p.job.pe_total()) return finish_shared(p, c);
    for (pe_number other = 0; other < p.job.pe_total(); ++other)
        if (other != p.number) post_part<&forget_shares>(p, other, c.info->id, number, shares->here);
    contributions shared = all_shares(p, c, *shares);
    add_to_round(p, c, round, shared.type, shared.target, std::move(shared.result));
    c.forget_shares(number);
    finish_round(p, c, std::move(round));
}

/// Step 3: passes on all rounds that can pass.
inline void look_at_rounds(pe& p, part& c) {
    if (c.begun == c.passed) return;
    const tree over(p, root_of(p, c.info->id));
    const std::uint32_t children = child_count(p, c);
    while (c.begun > c.passed) {
        const std::uint64_t number = c.passed + 1;
        if (c.population[0] != 0 || (!c.away_round.empty() && c.away_round.begin()->first < number)) return;
        reduction_round& first = c.round(number);
        if (first.owed != 0) return;
        if (!first.shared && is_for_all(p, c, number, first)) share_round(p, c, number, first);
        if (first.children != children) {
            if (std::exchange(first.prompted, true)) return;
            over.for_each_child(p.number, [&](pe_number child) {
                post_part<&prompt_round>(p, child, c.info->id, number, c.round_seen);
            });
            return;
        }
        reduction_round round = std::move(first);
        c.next_round();
        if (p.number == over.root)
            finish_at_root(p, c, number, std::move(round));
        else if (round.shared)
            finish_shared(p, c);
        else
            post_result<&report_round>(p, c, over.parent(p.number), std::move(round.result), number, c.round_seen,
                                       round.type, round.target);
    }
}

/// Puts a contribution, or what a child has put together, into a round.
inline void add_to_round(const pe& p, const part& c, contributions& round, std::uint32_t type, const address& target,
                         partial&& more) {
    if (type == 0) return;
    const auto refuse = [&](const char* why) { round.result.fail({why, "motet::error", c.type->name(), {}, false}); };
    if (round.type != 0 && round.type != type)
        return refuse("elements contribute to one reduction with different reducers or types");
    round.type = type;
    if (round.target.how == 0)
        round.target = target;
    else if (target.how != 0 && target != round.target)
        return refuse("elements contribute to one reduction with different targets: all name the same one, or none");
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

/// Step 6, a, at the others.
inline void take_share(pe& p, part& c, std::uint64_t number, std::uint64_t seen, pe_number from, std::uint32_t type,
                       const address& target, partial&& result) {
    note_begun(c, number, seen);
    if (from >= std::min(p.job.pe_total(), most_sharing))
        throw error("a part of a reduction comes from a PE that does not exist");
    shared_round& shares = c.shares_of(number);
    shares.put(from, type, target, std::move(result));
    if (p.number == root_of(p, c.info->id))
        ++c.round(number).children;
    else
        finish_shared(p, c);
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
        return post_result<&take_sponsored>(p, c, first.pe, std::move(one), number, type, target);
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
    static constexpr bool travels = (serial::check_owning<V>(), true);
    static_assert(std::is_void_v<Result> || std::is_convertible_v<reduced<Op, V, index>, Result>,
                  "motet: the target of this contribution does not take what the reducer results in");

    static void combine(partial& all, partial&& more) {
        if (more.why) return all.fail(std::move(*more.why));
        if (!more.value) return;
        if (!all.value)
            all.value = std::move(more.value);
        else
            how::combine(all.value.template as<accumulator>(), std::move(more.value.template as<accumulator>()));
    }
    static void finish(pe& p, const address& target, partial&& all) {
        if (all.why) {
            if (target.how == 0) return fail_program(p, *all.why);
            return deliver_failure(p, target, std::move(*all.why));
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
