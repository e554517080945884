// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/hook.hpp>
#include <motet/script/pe_debugger.hpp>
#include <motet/script/run_here.hpp>
#include <motet/script/work.hpp>

#if MOTET_BODIES

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Orders: what all PEs are to do for whoever debugs a program (debug.hpp, step 1). One goes down the tree of PEs, each
/// obeys, and their reports come back up it.
namespace motet::inline MOTET_VARIANT::script {

/// What PEs are to do.
struct order {
    enum class verb : std::uint8_t { install, remove, freeze, count, go, end, step, inspect, uncount, run };
    verb what = verb::inspect;
    shared_hook hook;                  ///< to install
    std::uint32_t number = 0;          ///< the handle of a hook; how many steps; lines of a list
    std::uint64_t serial = 0;          ///< of a freeze, or a step: how many of those there are, with this one
    std::string list;                  ///< to inspect
    runtime::collection_id collection; ///< to run a script in each chare of it that is here
    shared_job job;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(what, hook, number, serial, list, collection.root, collection.serial, job);
    }
};
using shared_order = std::shared_ptr<const order>;

/// What PEs have to say.
struct report {
    std::vector<value> said;
    std::vector<script_outcome> outcomes;
    std::string problem;
    std::uint64_t sent = 0;        ///< messages
    std::uint64_t here = 0;        ///< those of them that have been handled, or wait in some list
    std::uint64_t standing = 0;    ///< PEs that do: each counts as a message, as this order does
    std::uint64_t failures = 0;    ///< of a hook that is removed
    trace::totals_table work = {}; ///< of entries

    void add(report&& more) {
        sent += more.sent, here += more.here, standing += more.standing, failures += more.failures;
        for (value& each : more.said) said.push_back(std::move(each));
        for (script_outcome& each : more.outcomes) outcomes.push_back(std::move(each));
        add_totals(work, more.work);
        if (problem.empty()) problem = std::move(more.problem);
    }
};

/// What a PE puts together of its children's reports; one order at a time.
struct order_share final : runtime::upper_state {
    report all;
    std::uint32_t missing = 0; ///< children that have not reported

    static order_share& of(runtime::pe& p) { return runtime::kept_as<order_share>(pe_debugger::of(p).share); }
};

inline report obey(runtime::pe& p, const order& o) {
    pe_debugger& own = pe_debugger::of(p);
    report mine;
    switch (o.what) {
    case order::verb::install: mine.problem = own.install(p, o.hook); break;
    case order::verb::remove:
        if (const hook_here* const hook = own.find(o.number)) mine.failures = hook->off ? 1 : 0;
        own.remove(p, o.number);
        break;
    case order::verb::freeze:
        p.halt();
        own.freezes = o.serial;
        mine.said = std::exchange(own.notices, {});
        break;
    case order::verb::count:
        mine.sent = p.sent;
        mine.here = p.processed + p.state->held() + p.kept.size() + p.sleeping;
        for (const runtime::waiter* w = p.at_hooks.front(); w != nullptr; w = w->next) ++mine.here;
        mine.standing = 1;
        break;
    case order::verb::go: p.go(); break;
    case order::verb::end:
        if (!own.ending.empty()) p.job.fail(std::exchange(own.ending, {}));
        break;
    case order::verb::step:
        own.step_order = o.serial;
        p.step(o.number);
        break;
    case order::verb::inspect:
        if (o.list == "queue") mine.said = messages_of(p, o.number);
        if (o.list == "fibers") mine.said = fibers_of(p, o.number);
        if (o.list == "pes") mine.said.push_back(fields_of(count_pe(p)));
        if (o.list == "entries") mine.work = count_entries(p, true);
        if (o.list == "hooks")
            for (const auto& each : own.hooks) {
                value::dict counts;
                add(counts, "hook", number_value(each->what->handle));
                add(counts, "calls", number_value(each->calls));
                add(counts, "stops", number_value(each->stops));
                mine.said.push_back({std::move(counts)});
            }
        break;
    case order::verb::uncount: stop_counting(p); break;
    case order::verb::run: {
        runtime::part* const c = runtime::local_chares::of(p).find(p, o.collection);
        if (c == nullptr) break;
        const chosen_elements& chosen = o.job->elements;
        std::vector<runtime::index_bits> here = members_of(*c->type, chosen);
        std::erase_if(here, [&](const auto& index) { return c->table.find(index) == nullptr; });
        if (chosen.indices.empty())
            for (const runtime::element_header* e : c->table.elements) // a script may insert, and erase
                if (chosen.slices.empty() || chosen.has(c->type->coordinates(e->index))) here.push_back(e->index);
        for (const runtime::index_bits& index : here) {
            runtime::element_header* const e = c->table.find(index);
            if (e == nullptr) continue;
            runtime::frame f{.element = e, .part = c, .type = script_call::id(), .counted = false, .may_wait = false};
            const runtime::frame_scope scope(p, f);
            ++e->pins;
            script_outcome outcome = run_here(p, *c, *e, f, *o.job);
            if (!chosen.indices.empty()) mine.said.push_back(index_value(c->type->coordinates(index)));
            if (!outcome.skipped) mine.outcomes.push_back(std::move(outcome));
            --e->pins;
            if (e->flags != 0) runtime::after_frame(p, *c, *e);
        }
        break;
    }
    }
    return mine;
}

/// The orders of PE 0, one after the other.
class order_queue {
public:
    /// On PE 0 (debug.hpp).
    static order_queue& of(runtime::pe& first);

    /// `only`: the PE that it is for; -1: all.
    void give(runtime::pe& p, order what, std::function<void(report)> then, std::int64_t only = -1);
    /// Whether one is under way.
    bool is_busy() const { return busy; }
    /// All have said it.
    void hear(runtime::pe& p, report all);
    /// The PE that makes steps has.
    void hear_steps(runtime::pe& p, std::uint64_t number, std::vector<value> ran);

private:
    struct job {
        shared_order what;
        std::int64_t only = -1;
        std::function<void(report)> then;
    };
    void begin_next(runtime::pe& p);

    std::deque<job> orders;
    bool busy = false;
    std::uint64_t order_number = 0;
};

inline void report_up(runtime::pe& p, std::uint64_t number, report all);

inline void pass_report_up(runtime::pe& p, std::uint64_t number, report mine) {
    order_share& share = order_share::of(p);
    share.all.add(std::move(mine));
    if (share.missing-- > 0) return;
    report all = std::exchange(share.all, {});
    if (p.number == 0) return order_queue::of(p).hear(p, std::move(all));
    runtime::post_uncounted<&report_up>(p, runtime::wave_tree(p).parent(p.number), number, std::move(all));
}

inline void report_up(runtime::pe& p, std::uint64_t number, report all) { pass_report_up(p, number, std::move(all)); }

inline void order_down(runtime::pe& p, std::uint64_t number, shared_order what) {
    const runtime::tree over = runtime::wave_tree(p);
    order_share::of(p).missing = over.child_count(p.number);
    over.for_each_child(
        p.number, [&](runtime::pe_number child) { runtime::post_uncounted<&order_down>(p, child, number, what); });
    pass_report_up(p, number, obey(p, *what));
}

inline void answer_order(runtime::pe& p, report all) { order_queue::of(p).hear(p, std::move(all)); }
inline void obey_alone(runtime::pe& p, shared_order what) {
    report mine = obey(p, *what);
    if (what->what != order::verb::step) // the report of that comes when it is done
        runtime::post_uncounted<&answer_order>(p, 0, std::move(mine));
}

inline void order_queue::give(runtime::pe& p, order what, std::function<void(report)> then, std::int64_t only) {
    orders.push_back({std::make_shared<const order>(std::move(what)), only, std::move(then)});
    if (!busy) begin_next(p);
}

inline void order_queue::begin_next(runtime::pe& p) {
    // Meanwhile that counts as a message on the way: whoever waits for it is not taken for dead.
    if (busy) ++p.processed;
    busy = !orders.empty();
    if (!busy) return;
    ++p.sent;
    ++order_number;
    const job& next = orders.front();
    if (next.what->what == order::verb::step) {
        order numbered = *next.what;
        numbered.serial = order_number;
        runtime::post_uncounted<&obey_alone>(p, static_cast<runtime::pe_number>(next.only),
                                             std::make_shared<const order>(std::move(numbered)));
    } else if (next.only >= 0) {
        runtime::post_uncounted<&obey_alone>(p, static_cast<runtime::pe_number>(next.only), next.what);
    } else {
        runtime::post_uncounted<&order_down>(p, 0, order_number, next.what);
    }
}

inline void order_queue::hear(runtime::pe& p, report all) {
    const job done = std::move(orders.front());
    orders.pop_front();
    done.then(std::move(all));
    begin_next(p);
}

inline void order_queue::hear_steps(runtime::pe& p, std::uint64_t number, std::vector<value> ran) {
    if (!busy || number != order_number) return;
    hear(p, {std::move(ran), {}, {}});
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
