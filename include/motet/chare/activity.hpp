// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/future.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

/// Completion of one activity among others: pieces of work are counted when they are made and when they are done, on
/// whatever PE that happens.
///
/// 1. Each PE keeps two counters for an activity. The owner sends waves over the tree of PEs that add them up.
/// 2. Two waves in succession that found the same sums, made = done: the activity is complete (as for quiescence:
///    Mattern, 1987). Else the next wave follows after a pause, an eighth of the time waited so far.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

#if MOTET_BODIES

inline void activity_wave_back(pe& p, std::uint64_t id, pe_number root);

inline void activity_down(pe& p, std::uint64_t id, pe_number root) {
    activity_state& a = local_chares::of(p).activities[id];
    const tree over{root, p.job.pe_total()};
    a.sum = {};
    a.missing = over.child_count(p.number);
    over.for_each_child(p.number, [&](pe_number child) { post<&activity_down>(p, child, id, root); });
    if (a.missing == 0) activity_wave_back(p, id, root);
}

inline void activity_up(pe& p, std::uint64_t id, pe_number root, activity_counts counts) {
    activity_state& a = local_chares::of(p).activities[id];
    a.sum.made += counts.made;
    a.sum.done += counts.done;
    if (--a.missing == 0) activity_wave_back(p, id, root);
}

/// Passes the sums up, at the owner judges them.
inline void activity_wave_back(pe& p, std::uint64_t id, pe_number root) {
    activity_state& a = local_chares::of(p).activities[id];
    a.sum.made += a.own.made;
    a.sum.done += a.own.done;
    if (p.number != root) return post<&activity_up>(p, tree{root, p.job.pe_total()}.parent(p.number), id, root, a.sum);
    if (a.sum == a.previous && a.sum.made == a.sum.done) {
        a.waves = false;
        for (const address& to : std::exchange(a.wanted, {})) deliver_nothing(p, to);
        return;
    }
    const bool balanced = a.sum.made == a.sum.done;
    a.previous = a.sum;
    if (balanced) return activity_down(p, id, root);
    a.pause = std::clamp(1.125 * a.pause, 10e-6, 20e-3);
    p.send_after(a.pause, call<&activity_down>::make(p, id, root));
}

/// Tells `to` when the activity is complete; called by its owner.
inline void want_completion(pe& p, std::uint64_t id, address to) {
    activity_state& a = local_chares::of(p).activities[id];
    a.wanted.push_back(to);
    if (std::exchange(a.waves, true)) return;
    a.previous = {~std::uint64_t{0}, 0};
    a.pause = 0;
    activity_down(p, id, p.number);
}
#endif // MOTET_BODIES

} // namespace runtime

/// An activity whose completion can be waited for while other work goes on. A small value that can be sent along.
/// Count a piece of work with `produce` before the message that starts it is sent, and with `consume` when it is done;
/// the activity is complete when both counts are equal and nothing that was counted is left.
class activity {
public:
    activity() = default;
    /// A new one.
    static activity begin() {
        runtime::pe& p = runtime::this_pe();
        activity a;
        a.owner_ = p.number;
        a.serial_ = ++p.serial;
        return a;
    }
    /// So many pieces of work come into being.
    void produce(std::uint64_t pieces = 1) const { counts().made += pieces; }
    /// So many are done.
    void consume(std::uint64_t pieces = 1) const { counts().done += pieces; }
    /// A future that is ready when all that was produced is consumed.
    future<void> completed() const;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(owner_, serial_);
    }

private:
    std::uint64_t id() const { return (std::uint64_t{owner_} << 32) | (serial_ & 0xFFFFFFFFu); }
    runtime::activity_counts& counts() const {
        if (owner_ == runtime::no_pe) throw error("this activity has not begun: make it with motet::activity::begin()");
        return runtime::local_chares::of(runtime::this_pe()).activities[id()].own;
    }

    runtime::pe_number owner_ = runtime::no_pe;
    std::uint64_t serial_ = 0;
};

#if MOTET_BODIES
MOTET_INLINE future<void> activity::completed() const {
    counts();
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<void>(p);
    runtime::post<&runtime::want_completion>(p, owner_, id(), to);
    return std::move(made);
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT
