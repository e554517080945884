// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/round.hpp>
#include <motet/balance/state.hpp>
#include <motet/chare/postponed.hpp>
#include <motet/chare/self.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

/// When all elements of an array have come to their balancing points.
///
/// 1. An element that comes to its point waits for a release: the first one that its PE does not know to be decided
///    (postponed.hpp). It does nothing more until then, so that all who wait, wait for the same one.
/// 2. A PE where all elements wait for release n tells the root so, once.
/// 3. The root asks all PEs, down the tree. A PE answers as soon as all its elements wait for n (or it has none): how
///    many elements have left it so far, and how many have come to it. The sums go up the tree.
/// 4. If they are what the last answers about n were, and as many have come as have left, then none was under way all
///    the while, and none has come to a PE that had answered: all are at their points (F. Mattern, "Algorithms for
///    distributed termination detection", 1987). The array is balanced, and release n follows. Else the root asks
///    again.
///
/// Nobody is told that release n is over before all PEs have begun to balance for it and so know that it is decided.
/// Whoever has passed a point, or hears of somebody who has, is therefore on a PE that knows: it may be moved, or born,
/// anywhere, and waits for the next one. A PE may have answered before a birth and whoever made the newcomer after it,
/// so a birth counts as a move, and one question is not enough. Only a newcomer that nobody waits for may come too
/// late.
///
/// Not a reduction (reduction.hpp): points and contributions may come in another order at each element.
namespace motet::inline MOTET_VARIANT::runtime {

/// The element is at its balancing point, and `m` is to be called after that.
MOTET_INLINE void reach_balancing_point(pe& p, part& c, element_header& e, message* m);
/// What `balance_next` makes of a frame's successor.
MOTET_INLINE void pass_on_when_balanced(pe& p, frame& f, message* m);

#if MOTET_BODIES

/// Step 3, on the way down.
inline void ask_who_waits(pe& p, part& c, std::uint64_t number);

/// Step 4, at the root.
inline void all_have_answered(pe& p, part& c, std::uint64_t number) {
    balancing_state& s = balancing_state::of(c);
    const bool same = s.answers == s.last_answers;
    s.last_answers = s.answers;
    if (same && s.answers.came == s.answers.left) return want_balancing(p, c, number, {});
    ask_who_waits(p, c, number);
}

/// Step 3, on the way up.
inline void add_answers(pe& p, part& c, std::uint64_t number, element_moves answers) {
    balancing_state& s = balancing_state::of(c);
    s.answers.came += answers.came, s.answers.left += answers.left;
    if (--s.unanswered > 0) return;
    const tree over(p, root_of(p, c.info->id));
    if (p.number == over.root) return all_have_answered(p, c, number);
    post_part<&add_answers>(p, over.parent(p.number), c.info->id, number, s.answers);
}

/// Step 2, at the root.
inline void all_of_a_pe_wait(pe& p, part& c, std::uint64_t number) {
    if (number <= std::max(c.released, c.asked)) return;
    balancing_state::of(c).last_answers.reset();
    ask_who_waits(p, c, number);
}

/// All elements of this PE wait: step 2, or the answer of step 3.
inline void all_here_wait(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    const std::uint64_t number = c.released + 1;
    if (c.asked == number) {
        if (std::exchange(s.owes_answer, false)) add_answers(p, c, number, c.moves);
    } else if (c.waiting > 0 && s.told < number) {
        s.told = number;
        post_part<&all_of_a_pe_wait>(p, root_of(p, c.info->id), c.info->id, number);
    }
}

inline void ask_who_waits(pe& p, part& c, std::uint64_t number) {
    const tree over(p, root_of(p, c.info->id));
    over.for_each_child(p.number, [&](pe_number child) { post_part<&ask_who_waits>(p, child, c.info->id, number); });
    balancing_state& s = balancing_state::of(c);
    c.asked = number;
    c.when_all_wait = &all_here_wait;
    s.owes_answer = true;
    s.unanswered = over.child_count(p.number) + 1;
    s.answers = {};
    look_who_waits(p, c);
}

MOTET_INLINE void reach_balancing_point(pe& p, part& c, element_header& e, message* m) {
    if (!waits_at_points(p, c)) return p.send_successor(m); // nothing to wait for
    postpone(p, c, e, m);
}

MOTET_INLINE void pass_on_when_balanced(pe& p, frame& f, message* m) {
    reach_balancing_point(p, part_of(f), element_of(f), m);
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
