// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/state.hpp>
#include <motet/chare/move.hpp>
#include <motet/runtime/call.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// A phase of a balancing goes down the tree of PEs, and what it has found up again.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

inline void end_phase(pe& p, part& c);
inline void do_phase(pe& p, part& c, double average);
inline void one_arrived(pe& p, part& c);
inline void end_balancing(pe& p, part& c);

/// `release`: calls wait for it until the balancing is over.
inline void begin_phase(pe& p, part& c, std::uint64_t release, balancing_phase phase, double average) {
    balancing_state& s = balancing_state::of(c);
    c.decided = std::max(c.decided, release);
    const tree over(p, root_of(p, c.info->id));
    s.phase = phase;
    s.report = {};
    s.missing = over.child_count(p.number) + 1;
    over.for_each_child(
        p.number, [&](pe_number child) { post_part<&begin_phase>(p, child, c.info->id, release, phase, average); });
    do_phase(p, c, average);
}
/// At the root, of the balancing that is under way.
inline void begin_next_phase(pe& p, part& c, balancing_phase phase, double average = 0) {
    const std::uint64_t release = balancing_state::of(c).wanted.front().release;
    post_part<&begin_phase>(p, p.number, c.info->id, release, phase, average);
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
        if (w->running->element == &e) return p.state->place(p, *w->running) + ", which waits " + awaited(*w);
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

/// Sends off chares of this PE, as the root or the PE itself has decided: not those in which a frame stands by now, for
/// a balancing never waits for one.
inline void move_for_balance(pe& p, part& c, const std::vector<move_order>& orders) {
    balancing_state& s = balancing_state::of(c);
    s.moving = orders.size() + 1;
    for (const move_order& each : orders) {
        element_header* e = c.table.find(each.index);
        if (e == nullptr || e->pins > 0 || e->hooks_due() || e->has(element_header::erase_pending) ||
            e->has(element_header::move_pending))
            --s.moving;
        else
            move_element(p, c, *e, each.to, {arrival_delivery::id(), p.number, c.info->id, {}});
    }
    one_arrived(p, c);
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
