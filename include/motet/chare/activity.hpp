// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/future.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Completion of one activity among others: pieces of work are counted when they are made and when they are done, on
/// whatever PE that happens.
///
/// 1. Each PE keeps two counters for an activity. The owner sends waves over the tree of PEs, which bring it what was
///    counted, and leave nothing behind: a PE knows of an activity only what it has counted since, and the owner
///    forgets one that is complete. So a program may have begun any number of them.
/// 2. Two waves in succession after which the owner knows the same sums, made = done: the activity was complete between
///    the two (as for quiescence: Mattern, 1987). Whoever asked before the first of them began is told.
/// 3. A PE tells the owner when its counters change for the first time after a wave. So no wave runs while nothing
///    changes, and a program that waits for what never comes is found to be dead. The next wave after a change follows
///    after a pause, an eighth of the time waited so far.
/// 4. A PE that is frozen, to be saved in a checkpoint, hands over nothing, and says so: what was counted must not be
///    on its way then.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// The counters of an activity are about to change on this PE.
MOTET_INLINE void note_activity(pe& p, std::uint64_t id, pe_number root, activity_state& a);

#if MOTET_BODIES

inline void activity_wave_back(pe& p, std::uint64_t id, pe_number root);

inline void activity_down(pe& p, std::uint64_t id, pe_number root) {
    activity_state& a = local_chares::of(p).activities[id];
    const tree over(p, root);
    a.sum = {};
    a.kept = false;
    a.missing = over.child_count(p.number);
    over.for_each_child(p.number, [&](pe_number child) { post<&activity_down>(p, child, id, root); });
    if (a.missing == 0) activity_wave_back(p, id, root);
}

inline void activity_up(pe& p, std::uint64_t id, pe_number root, activity_counts counts, bool kept) {
    activity_state& a = local_chares::of(p).activities[id];
    a.sum.add(counts);
    a.kept = a.kept || kept;
    if (--a.missing == 0) activity_wave_back(p, id, root);
}

inline void begin_activity_wave(pe& p, std::uint64_t id) {
    activity_state& a = local_chares::of(p).activities[id];
    ++a.waves;
    a.stirred = false;
    activity_down(p, id, p.number);
}

inline void wake_activity_wave(pe& p, std::uint64_t id) {
    p.timer_runs();
    begin_activity_wave(p, id);
}
inline void pause_activity_wave(pe& p, std::uint64_t id, activity_state& a) {
    a.pause = std::clamp(1.125 * a.pause, 10e-6, 20e-3);
    p.send_after(a.pause, call<&wake_activity_wave>::make(p, id));
}

/// At the owner: a wave is back. Tells who may be told, and decides what comes next.
inline void judge_activity(pe& p, std::uint64_t id, activity_state& a) {
    const bool balanced = a.own.made == a.own.done && !a.kept;
    if (balanced && a.own == a.previous) {
        // They stand in the order of their coming.
        const auto later =
            std::find_if(a.wanted.begin(), a.wanted.end(), [&](const auto& one) { return one.wave >= a.waves; });
        const std::vector<activity_state::request> told(a.wanted.begin(), later);
        a.wanted.erase(a.wanted.begin(), later);
        for (const auto& one : told) deliver_nothing(p, one.to);
        a.pause = 0;
        if (a.wanted.empty()) return void(local_chares::of(p).activities.erase(id));
    }
    a.previous = a.own;
    a.under_way = !a.wanted.empty() && (balanced || a.stirred || a.kept);
    if (!a.under_way) return;
    if (balanced) return begin_activity_wave(p, id); // the second wave follows at once
    pause_activity_wave(p, id, a);
}

/// Passes on what was counted; the owner judges it.
inline void activity_wave_back(pe& p, std::uint64_t id, pe_number root) {
    auto& all = local_chares::of(p).activities;
    activity_state& a = all[id];
    a.counted = true;
    if (p.number == root) {
        a.own.add(a.sum);
        return judge_activity(p, id, a);
    }
    if (p.frozen)
        a.kept = a.kept || a.own != activity_counts{};
    else
        a.sum.add(std::exchange(a.own, {}));
    post<&activity_up>(p, tree(p, root).parent(p.number), id, root, a.sum, a.kept);
    if (a.own == activity_counts{}) all.erase(id);
}

/// At the owner: counters have changed. If it has forgotten the activity nobody waits for it.
inline void stir_activity(pe& p, std::uint64_t id) {
    const auto found = local_chares::of(p).activities.find(id);
    if (found == local_chares::of(p).activities.end()) return;
    activity_state& a = found->second;
    a.stirred = true;
    if (a.under_way || a.wanted.empty()) return;
    a.under_way = true;
    pause_activity_wave(p, id, a);
}

MOTET_INLINE void note_activity(pe& p, std::uint64_t id, pe_number root, activity_state& a) {
    if (std::exchange(a.counted, false)) post<&stir_activity>(p, root, id);
}

/// Tells `to` when the activity is complete; called by its owner.
inline void want_completion(pe& p, std::uint64_t id, address to) {
    activity_state& a = local_chares::of(p).activities[id];
    a.wanted.push_back({a.waves + 1, to});
    if (std::exchange(a.under_way, true)) return;
    a.pause = 0;
    begin_activity_wave(p, id);
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
        a.id_ = p.created.next_name(p.number);
        return a;
    }
    /// So many pieces of work come into being.
    void produce(std::uint64_t pieces = 1) const { count().made += pieces; }
    /// So many are done.
    void consume(std::uint64_t pieces = 1) const { count().done += pieces; }
    /// A future that is ready when all that was produced is consumed.
    future<void> completed() const;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(owner_, id_);
    }

private:
    /// The PE that sends the waves: after a restart there may be none of the number of the one that began it.
    runtime::pe_number owner(const runtime::pe& p) const { return runtime::root_of(p, {owner_, 0}); }
    void check() const {
        if (owner_ == runtime::no_pe) throw error("this activity has not begun: make it with motet::activity::begin()");
    }
    /// The counters here, which are about to change.
    runtime::activity_counts& count() const;

    runtime::pe_number owner_ = runtime::no_pe;
    std::uint64_t id_ = 0;
};

#if MOTET_BODIES
MOTET_INLINE runtime::activity_counts& activity::count() const {
    check();
    runtime::pe& p = runtime::this_pe();
    runtime::activity_state& here = runtime::local_chares::of(p).activities[id_];
    runtime::note_activity(p, id_, owner(p), here);
    return here.own;
}

MOTET_INLINE future<void> activity::completed() const {
    check();
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<void>(p);
    made.held().awaited = [] { return std::string("for the completion of an activity"); };
    runtime::post<&runtime::want_completion>(p, owner(p), id_, to);
    return std::move(made);
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT
