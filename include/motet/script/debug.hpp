// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/lease.hpp>

#include <cstdint>
#include <variant>

namespace motet::inline MOTET_VARIANT::script {

using debug_request = std::variant<hook_request, unhook_request, freeze_request, go_request, step_request,
                                   events_request, inspect_request>;

/// Has PE 0, which calls it, do what somebody asks. The answer may come at once, or later, also while the program
/// stands still. `client`: who asks, for people.
MOTET_INLINE void ask_debugger(runtime::pe& first, client_number who, const debug_request& request, answer_to answer,
                               const std::string& client = {});
/// A hook that somebody has interrupted is removed.
MOTET_INLINE void drop_hook(runtime::pe& first, std::uint32_t handle);
/// That client is gone.
MOTET_INLINE void lose_client(runtime::pe& first, client_number who);
/// PE 0 of a plain MPI program is at a poll. Whether it is to go on at once: a step does not end here.
MOTET_INLINE bool passes_poll(runtime::pe& first);
/// Whether a step of such a program is under way.
MOTET_INLINE bool is_stepping(runtime::pe& first);
/// Whether PEs have not reported yet what they were to do.
MOTET_INLINE bool has_orders(runtime::pe& first);

} // namespace motet::inline MOTET_VARIANT::script

#if MOTET_BODIES

#include <motet/script/freeze.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Hooks, and a program that stands still, as PE 0 knows them: orders (order.hpp), events (event.hpp), hooks
/// (installed_hooks.hpp), freezes (freeze.hpp) and their leases (lease.hpp).
///
/// 1. What all PEs are to do is an *order*: it goes down the tree of PEs, each obeys, and what they say comes back up
///    it. One order is under way at a time. An order to let messages run goes to one PE only.
/// 2. To freeze: each PE stands still from the moment at which the order reaches it, between two messages, and says why
///    if one of its hooks has stopped it before. What the runtime has begun ends by itself (a move under way arrives):
///    orders to count messages follow, until two in succession find the same, and none on the way. Then all stands
///    still, but for scripts that are asked for.
/// 3. A PE that a hook stops asks for a freeze, with the number of freezes that it has seen: one that has begun since
///    then was for it, too, and brings its reason.
/// 4. A freeze is a lease. Each client that freezes holds it for some seconds, or as long as it is connected; a hook
///    does so for the client that has installed it. When nobody holds it any more the program goes on.
/// 5. While a PE stands still that counts as a message on the way, so no quiescence and no deadlock is found.
namespace motet::inline MOTET_VARIANT::script {

/// What PE 0 keeps.
class debug_desk final : public runtime::upper_state {
public:
    static debug_desk& of(runtime::pe& first) { return runtime::kept_as<debug_desk>(desk::of(first).debugging); }
    debug_desk() = default;
    debug_desk(const debug_desk&) = delete;
    debug_desk& operator=(const debug_desk&) = delete;
    ~debug_desk() override = default;

    void take(runtime::pe& p, const asker& who, const debug_request& request, answer_to answer);
    /// The client is gone.
    void lose(runtime::pe& p, client_number who);
    /// A script in every chare of a collection of a frozen program, whose broadcasts stand still.
    void run_in_all(runtime::pe& p, runtime::collection_id collection, shared_job what, std::uint32_t handle);

    order_queue orders;
    event_board events{[this](runtime::pe& p) { return freezing.state(p); }};
    installed_hooks hooks{orders, events};
    freezer freezing{orders, events, hooks};

private:
    void inspect(runtime::pe& p, client_number who, const inspect_request& request, answer_to answer);

    std::set<client_number> counting; ///< clients that have asked what entries do
};

inline void debug_desk::take(runtime::pe& p, const asker& who, const debug_request& request, answer_to answer) {
    struct visitor {
        debug_desk& desk;
        runtime::pe& p;
        const asker& who;
        answer_to answer;
        void operator()(const hook_request& r) { desk.hooks.take(p, who, r, std::move(answer)); }
        void operator()(const unhook_request& r) { desk.hooks.take(p, r, std::move(answer)); }
        void operator()(const freeze_request& r) { desk.freezing.take(p, who.number, r, std::move(answer)); }
        void operator()(const go_request& r) { desk.freezing.take(p, who.number, r, std::move(answer)); }
        void operator()(const step_request& r) { desk.freezing.take(p, r, std::move(answer)); }
        void operator()(const events_request& r) { desk.events.take(p, who.number, r, std::move(answer)); }
        void operator()(const inspect_request& r) { desk.inspect(p, who.number, r, std::move(answer)); }
    };
    std::visit(visitor{*this, p, who, std::move(answer)}, request);
}

inline void debug_desk::lose(runtime::pe& p, client_number who) {
    desk::of(p).greet(p); // it was there: main need not wait for it any more
    events.lose(who);
    hooks.lose(p, who);
    if (counting.erase(who) != 0 && counting.empty()) {
        order o;
        o.what = order::verb::uncount;
        orders.give(p, std::move(o), [](report) {});
    }
    freezing.lose(p, who);
}

inline void debug_desk::inspect(runtime::pe& p, client_number who, const inspect_request& request, answer_to answer) {
    static constexpr std::string_view known[] = {"queue", "fibers", "hooks", "pes", "entries"};
    if (std::find(std::begin(known), std::end(known), request.what) == std::end(known))
        return answer(
            refusal("'" + request.what + "' cannot be inspected: there are queue, fibers, hooks, pes and entries"));
    if (request.pe >= std::int64_t{p.job.pe_total()})
        return answer(refusal("there is no PE " + std::to_string(request.pe) + ": there are " +
                              std::to_string(p.job.pe_total())));
    if (request.what == "entries" && who != 0) counting.insert(who);
    order o;
    o.list = request.what;
    o.number = request.most;
    orders.give(
        p, std::move(o),
        [this, &p, what = request.what, answer = std::move(answer)](report all) {
            value found = freezing.state(p);
            auto lines = what == "hooks" ? hooks.list(all.said) : std::move(all.said);
            for (const entry_counters& each : entries_of(all.work)) lines.push_back(fields_of(each));
            std::stable_sort(lines.begin(), lines.end(), [](const value& a, const value& b) {
                const value* const pe = a.find("pe");
                return pe != nullptr && pe->integer() < b.find("pe")->integer();
            });
            add(std::get<value::dict>(found.data), what.c_str(), {value::list{std::move(lines)}});
            answer(finding(std::move(found)));
        },
        std::max<std::int64_t>(request.pe, -1));
}

inline void debug_desk::run_in_all(runtime::pe& p, runtime::collection_id collection, shared_job what,
                                   std::uint32_t handle) {
    auto low = *what;
    low.request.high_level = false;
    order o;
    o.what = order::verb::run;
    o.collection = collection;
    const shared_job job = o.job = std::make_shared<const script_job>(std::move(low));
    orders.give(p, std::move(o), [&p, handle, job](report all) {
        for (const auto& index : job->elements.indices) {
            if (!job->elements.has(index) || std::ranges::count(all.said, index_value(index)) != 0) continue;
            all.said.push_back(index_value(index)); // once
            script_outcome none;
            none.index = index;
            none.error_type = "LookupError";
            none.error = "there is no such element: it was erased, or never inserted";
            all.outcomes.push_back(std::move(none));
        }
        auto outcomes = finish_results(p, {.outcomes = std::move(all.outcomes), .across = job->across});
        if (outcomes.empty() && job->across) outcomes.emplace_back();
        desk::of(p).take(handle, std::move(outcomes), {});
    });
}

inline bool is_frozen(runtime::pe& first) { return debug_desk::of(first).freezing.is_frozen(); }
inline void run_in_all(runtime::pe& first, runtime::collection_id collection, shared_job what, std::uint32_t handle) {
    debug_desk::of(first).run_in_all(first, collection, std::move(what), handle);
}

// What PEs tell.

inline order_queue& order_queue::of(runtime::pe& first) { return debug_desk::of(first).orders; }
inline void settle_again(runtime::pe& first) { debug_desk::of(first).freezing.settle(first); }
inline void wake_for_leases(runtime::pe& first) { debug_desk::of(first).freezing.check_leases(first); }
inline void want_freeze(runtime::pe& p, std::uint64_t seen) { debug_desk::of(p).freezing.hear_stop(p, seen); }
inline void take_hook_failure(runtime::pe& p, std::uint32_t handle, value::dict event) {
    debug_desk::of(p).hooks.hear_failure(p, handle, std::move(event));
}
inline void take_hook_output(runtime::pe& p, std::uint32_t handle, std::string text, runtime::pe_number from) {
    desk::of(p).add_output(handle, text);
    runtime::post<&take_output_receipt>(p, from, handle);
}
inline void take_steps(runtime::pe& p, std::uint64_t number, std::vector<value> ran) {
    order_queue::of(p).hear_steps(p, number, std::move(ran));
}

/// What changes the course of the run is logged, well enough to do it again.
struct request_log {
    script_log& to;
    const runtime::pe& p;
    const std::string& client;

    log_line line(const char* does) const {
        log_line made;
        made.add("client", client).add("does", does).add("PE", p.number).add("messages", p.processed);
        return made;
    }
    void operator()(const hook_request& r) const {
        std::string entries;
        for (const std::string& each : r.entries) entries += (entries.empty() ? "" : " ") + each;
        to.write(line("hook")
                     .add("on", r.on)
                     .add("entries", entries)
                     .add("index", r.index)
                     .add("when", r.before ? "before" : "after")
                     .add("filter", r.filter)
                     .add("method", r.method)
                     .add("code", r.code));
    }
    void operator()(const unhook_request& r) const { to.write(line("unhook").add("handle", r.handle)); }
    void operator()(const freeze_request&) const { to.write(line("freeze")); }
    void operator()(const go_request&) const { to.write(line("go")); }
    void operator()(const step_request& r) const {
        to.write(line("step").add("at", std::vector{r.pe}).add("count", r.count));
    }
    void operator()(const auto&) const {}
};

MOTET_INLINE void ask_debugger(runtime::pe& first, client_number who, const debug_request& request, answer_to answer,
                               const std::string& client) {
    if (const auto& log = script_control::of(first.job).log) std::visit(request_log{*log, first, client}, request);
    std::visit(
        [&](const auto& each) {
            debug_desk::of(first).take(first, {who, client}, each, std::move(answer));
        },
        request);
}
MOTET_INLINE void drop_hook(runtime::pe& first, std::uint32_t handle) {
    debug_desk::of(first).hooks.remove(first, handle, {});
}
MOTET_INLINE void lose_client(runtime::pe& first, client_number who) { debug_desk::of(first).lose(first, who); }

MOTET_INLINE bool passes_poll(runtime::pe& first) { return debug_desk::of(first).freezing.passes_poll(first); }
MOTET_INLINE bool is_stepping(runtime::pe& first) { return debug_desk::of(first).freezing.is_stepping(); }
MOTET_INLINE bool has_orders(runtime::pe& first) { return order_queue::of(first).is_busy(); }

/// Before main: this is how a program that would end stands still in place of that.
inline const bool freezes_at_the_end = [] {
    runtime::machine::freeze_in_place_of_end = [](runtime::pe& p, const char* reason, const std::string& what) {
        pe_debugger& own = pe_debugger::of(p);
        if (!own.ending.empty()) return true; // this PE stands still for another error
        value::dict notice;
        add(notice, "kind", text_value(reason));
        add(notice, "pe", number_value(p.number));
        add(notice, "text", text_value(what));
        own.notices.push_back({std::move(notice)});
        if (std::string(reason) == "error") own.ending = what;
        std::fprintf(stderr,
                     "motet: %s: %s\nThe program stands still for %.0f seconds (--motet-freeze-hold), open to "
                     "scripts; `motet go` lets it go on.\n",
                     reason, what.c_str(), p.job.options.freeze_hold);
        own.stop(p);
        return true;
    };
    return true;
}();

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
