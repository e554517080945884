// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/debug_request.hpp>
#include <motet/script/desk.hpp>

#include <cstdint>
#include <variant>

namespace motet::inline MOTET_VARIANT::script {

/// Who asks: a client's number; 0: the program itself.
using client_number = std::uint64_t;

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

} // namespace motet::inline MOTET_VARIANT::script

#if MOTET_BODIES

#include <motet/script/hook.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Hooks, and a program that stands still, as PE 0 knows them.
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

/// What PEs are to do.
struct order {
    enum class verb : std::uint8_t { install, remove, freeze, count, go, end, step, inspect, run };
    verb what = verb::inspect;
    shared_hook hook;                  ///< to install
    std::uint32_t number = 0;          ///< the handle of a hook; how many steps; lines of a list
    std::uint64_t freezes = 0;         ///< how many there are, with this one
    std::string list;                  ///< to inspect
    runtime::collection_id collection; ///< to run a script in each chare of it that is here
    shared_job job;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(what, hook, number, freezes, list, collection.root, collection.serial, job);
    }
};
using shared_order = std::shared_ptr<const order>;

/// What PEs have to say.
struct report {
    std::vector<value> said;
    std::vector<script_outcome> outcomes;
    std::string problem;
    std::uint64_t sent = 0;     ///< messages
    std::uint64_t here = 0;     ///< those of them that have been handled, or wait in some list
    std::uint64_t standing = 0; ///< PEs that do: each counts as a message, as this order does
    std::uint64_t failures = 0; ///< of a hook that is removed

    void add(report&& more) {
        sent += more.sent, here += more.here, standing += more.standing, failures += more.failures;
        for (value& each : more.said) said.push_back(std::move(each));
        for (script_outcome& each : more.outcomes) outcomes.push_back(std::move(each));
        if (problem.empty()) problem = std::move(more.problem);
    }
};

/// Who asks.
struct asker {
    client_number number = 0;
    std::string name = {}; ///< for people
};

/// What PE 0 keeps.
class debug_desk final : public runtime::upper_state {
public:
    static debug_desk& of(runtime::pe& first) {
        auto& kept = desk::of(first).debugging;
        if (!kept) kept = std::make_unique<debug_desk>();
        return static_cast<debug_desk&>(*kept);
    }

    void take(runtime::pe& p, const asker& who, const hook_request& request, answer_to answer);
    void take(runtime::pe& p, const asker& who, const unhook_request& request, answer_to answer);
    void take(runtime::pe& p, const asker& who, const freeze_request& request, answer_to answer);
    void take(runtime::pe& p, const asker& who, const go_request& request, answer_to answer);
    void take(runtime::pe& p, const asker& who, const step_request& request, answer_to answer);
    void take(runtime::pe& p, const asker& who, const events_request& request, answer_to answer);
    void take(runtime::pe& p, const asker& who, const inspect_request& request, answer_to answer);
    /// The client is gone.
    void lose(runtime::pe& p, client_number who);
    /// Somebody has interrupted that hook.
    void drop(runtime::pe& p, std::uint32_t handle) { remove(p, handle, {}); }

    /// Whether the program stands still, or is about to.
    bool is_frozen() const { return frozen; }
    /// A script in every chare of a collection of a frozen program, whose broadcasts stand still.
    void run_in_all(runtime::pe& p, runtime::collection_id collection, shared_job what, std::uint32_t handle);

    // What PEs tell.
    void hear_stop(runtime::pe& p, std::uint64_t seen);
    void hear_failure(runtime::pe& p, std::uint32_t handle, value::dict event);
    void hear_steps(runtime::pe& p, std::uint64_t number, std::vector<value> ran);
    void hear(runtime::pe& p, report all);
    void check_leases(runtime::pe& p);
    /// Waits until nothing is on the way.
    void settle(runtime::pe& p);

private:
    struct job {
        shared_order what;
        std::int64_t only = -1; ///< the PE that it is for; -1: all
        std::function<void(report)> then;
    };
    struct known_hook {
        shared_hook what;
        client_number owner = 0;    ///< it goes with this client; 0: it stays
        std::uint64_t errors = 0;   ///< that PEs have told
        std::uint64_t expected = 0; ///< that they have, when it is gone from all
        bool removed = false;       ///< or about to be
        bool gone = false;          ///< from all PEs
        bool unwanted = false;      ///< nobody asks for it any more, failed or not
    };
    struct lease {
        client_number holder = 0; ///< it ends with this client; 0: it does not
        double until = forever;
    };
    struct watcher {
        std::uint64_t since;
        client_number who;
        answer_to answer;
    };
    static constexpr double forever = std::numeric_limits<double>::infinity();
    static constexpr double longest_hold = 1e9;
    static constexpr std::size_t most_events = 1000;
    static constexpr std::size_t most_steps = 1000;

    void give(runtime::pe& p, order what, std::function<void(report)> then, std::int64_t only = -1);
    void begin_next(runtime::pe& p);
    void freeze(runtime::pe& p, std::function<void()> then);
    void stand(runtime::pe& p, report all);
    static bool may_hold(double seconds, const answer_to& answer);
    void hold(runtime::pe& p, client_number who, double seconds);
    void go_if_free(runtime::pe& p, std::function<void()> then);
    void remove(runtime::pe& p, std::uint32_t handle, std::function<void()> then);
    void forget_if_over(std::uint32_t handle);
    void remember(const runtime::pe& p, value::dict event);
    void tell_watchers(runtime::pe& p);
    void tell(runtime::pe& p, value::dict event) {
        remember(p, std::move(event));
        tell_watchers(p);
    }
    value state(runtime::pe& p) const;
    std::vector<value> hook_list(const std::vector<value>& counts) const;

    std::map<std::uint32_t, known_hook> hooks;
    bool frozen = false;   ///< or about to be
    bool standing = false; ///< every PE is
    bool ends = false;     ///< with an error, when it goes on
    std::uint64_t freezes = 0;
    std::int64_t stopped_at = -1; ///< the PE at which a hook has frozen it
    struct {
        report why;
        std::uint64_t sent = 0; ///< when nothing was on the way; 0: it was
        double began = 0;
        double pause = 0;
    } settling;
    std::vector<std::function<void()>> when_standing;
    std::vector<lease> leases;
    std::deque<value> events;
    std::uint64_t last_event = 0;
    std::vector<watcher> watchers;
    std::deque<job> orders;
    bool busy = false;
    std::uint64_t order_number = 0;
};

inline script_answer refusal(std::string why) { return {.error = std::move(why)}; }
inline script_answer finding(value what) {
    script_answer answer;
    answer.found = std::move(what);
    return answer;
}

// Step 1.

/// What a PE puts together of its children's reports; one order at a time.
struct order_share final : runtime::upper_state {
    report all;
    std::uint32_t missing = 0; ///< children that have not reported

    static order_share& of(runtime::pe& p) {
        auto& kept = pe_debugger::of(p).share;
        if (!kept) kept = std::make_unique<order_share>();
        return static_cast<order_share&>(*kept);
    }
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
        own.freezes = o.freezes;
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
        own.step_order = o.freezes;
        p.step(o.number);
        break;
    case order::verb::inspect:
        if (o.list == "queue") mine.said = messages_of(p, o.number);
        if (o.list == "fibers") mine.said = fibers_of(p, o.number);
        if (o.list == "hooks")
            for (const auto& each : own.hooks) {
                value::dict counts;
                add(counts, "hook", number_value(each->what->handle));
                add(counts, "calls", number_value(each->calls));
                add(counts, "stops", number_value(each->stops));
                mine.said.push_back({std::move(counts)});
            }
        break;
    case order::verb::run: {
        runtime::part* const c = runtime::local_chares::of(p).find(p, o.collection);
        if (c == nullptr) break;
        const chosen_elements& chosen = o.job->elements;
        std::vector<runtime::index_bits> here = script_broadcast::members_of(*c->type, chosen);
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

inline void report_up(runtime::pe& p, std::uint64_t number, report all);

inline void pass_report_up(runtime::pe& p, std::uint64_t number, report mine) {
    order_share& share = order_share::of(p);
    share.all.add(std::move(mine));
    if (share.missing-- > 0) return;
    report all = std::exchange(share.all, {});
    if (p.number == 0) return debug_desk::of(p).hear(p, std::move(all));
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

inline void answer_order(runtime::pe& p, report all) { debug_desk::of(p).hear(p, std::move(all)); }
inline void obey_alone(runtime::pe& p, shared_order what) {
    report mine = obey(p, *what);
    if (what->what != order::verb::step) // the report of that comes when it is done
        runtime::post_uncounted<&answer_order>(p, 0, std::move(mine));
}

inline void debug_desk::give(runtime::pe& p, order what, std::function<void(report)> then, std::int64_t only) {
    orders.push_back({std::make_shared<const order>(std::move(what)), only, std::move(then)});
    if (!busy) begin_next(p);
}

inline void debug_desk::begin_next(runtime::pe& p) {
    // Meanwhile that counts as a message on the way: whoever waits for it is not taken for dead.
    if (busy) ++p.processed;
    busy = !orders.empty();
    if (!busy) return;
    ++p.sent;
    ++order_number;
    const job& next = orders.front();
    if (next.what->what == order::verb::step) {
        order numbered = *next.what;
        numbered.freezes = order_number;
        runtime::post_uncounted<&obey_alone>(p, static_cast<runtime::pe_number>(next.only),
                                             std::make_shared<const order>(std::move(numbered)));
    } else if (next.only >= 0) {
        runtime::post_uncounted<&obey_alone>(p, static_cast<runtime::pe_number>(next.only), next.what);
    } else {
        runtime::post_uncounted<&order_down>(p, 0, order_number, next.what);
    }
}

inline void debug_desk::hear(runtime::pe& p, report all) {
    const job done = std::move(orders.front());
    orders.pop_front();
    done.then(std::move(all));
    begin_next(p);
}

// Events.

inline void debug_desk::remember(const runtime::pe& p, value::dict event) {
    value::dict numbered;
    add(numbered, "number", number_value(++last_event));
    for (auto& each : event.items) numbered.items.push_back(std::move(each));
    events.push_back({std::move(numbered)});
    if (const auto& log = script_control::of(p.job).log) {
        log_line line;
        line.add("does", "event");
        for (const char* name : {"kind", "when", "chare", "entry", "text"})
            if (const value* const found = events.back().find(name)) line.add(name, found->text());
        for (const char* name : {"hook", "pe"})
            if (const value* const found = events.back().find(name)) line.add(name, std::vector{found->integer()});
        log->write(line);
    }
    if (events.size() > most_events) events.pop_front();
}

inline void debug_desk::tell_watchers(runtime::pe& p) {
    const auto last = std::stable_partition(watchers.begin(), watchers.end(),
                                            [&](const watcher& each) { return each.since >= last_event; });
    std::vector<watcher> told(std::make_move_iterator(last), std::make_move_iterator(watchers.end()));
    watchers.erase(last, watchers.end());
    for (watcher& each : told) take(p, {each.who}, events_request{each.since, false}, std::move(each.answer));
}

inline value debug_desk::state(runtime::pe& p) const {
    value::dict all;
    add(all, "frozen", {standing});
    add(all, "pe", {stopped_at});
    double until = 0;
    for (const lease& each : leases) until = std::max(until, each.until);
    add(all, "holders", number_value(leases.size()));
    add(all, "seconds", frozen && until < forever ? value{std::max(0.0, until - p.now())} : value{});
    add(all, "last", number_value(last_event));
    return {std::move(all)};
}

inline void debug_desk::take(runtime::pe& p, const asker& who, const events_request& request, answer_to answer) {
    if (request.wait && request.since >= last_event) {
        watchers.push_back({request.since, who.number, std::move(answer)});
        return;
    }
    value all = state(p);
    value::list news;
    for (const value& each : events)
        if (static_cast<std::uint64_t>(each.find("number")->integer()) > request.since) news.items.push_back(each);
    add(std::get<value::dict>(all.data), "events", {std::move(news)});
    answer(finding(std::move(all)));
}

// Steps 2 to 4.

/// Whether a freeze may be held so long; else that is the answer.
inline bool debug_desk::may_hold(double seconds, const answer_to& answer) {
    if (seconds >= 0 && seconds <= longest_hold) return true;
    answer(refusal("a freeze is held for 0 to 1e9 seconds, and this is " + std::to_string(seconds)));
    return false;
}

inline void debug_desk::freeze(runtime::pe& p, std::function<void()> then) {
    if (standing) return then();
    when_standing.push_back(std::move(then));
    if (std::exchange(frozen, true)) return;
    order o;
    o.what = order::verb::freeze;
    o.freezes = ++freezes;
    give(p, std::move(o), [this, &p](report all) {
        settling = {std::move(all), 0, p.now(), 20e-6};
        settle(p);
    });
}

/// Calls F(pe) on this PE after so many seconds, also while it stands still.
template <auto F>
void later(runtime::pe& p, double seconds) {
    runtime::message* const m = runtime::call<F>::make(p);
    m->set(runtime::message::uncounted);
    m->set(runtime::message::expedited);
    p.send_after(seconds, m);
}
inline void settle_again(runtime::pe& p) { debug_desk::of(p).settle(p); }

inline void debug_desk::settle(runtime::pe& p) {
    constexpr double patience = 10; // seconds: something never rests
    order o;
    o.what = order::verb::count;
    give(p, std::move(o), [this, &p](report all) {
        const bool rests = all.sent == all.here + all.standing + 1;
        if ((rests && all.sent == settling.sent + 1) || p.now() - settling.began > patience)
            return stand(p, std::exchange(settling.why, {}));
        settling.sent = rests ? all.sent : 0;
        if (rests) return settle(p);
        settling.pause = std::min(1.125 * settling.pause, 10e-3);
        later<&settle_again>(p, settling.pause);
    });
}

inline void debug_desk::stand(runtime::pe& p, report all) {
    standing = true;
    stopped_at = -1;
    std::vector<value::dict> why;
    for (value& each : all.said) {
        auto& event = std::get<value::dict>(each.data);
        const std::string kind = each.find("kind")->text();
        if (const value* hook = each.find("hook")) {
            const auto known = hooks.find(static_cast<std::uint32_t>(hook->integer()));
            if (known != hooks.end()) hold(p, known->second.owner, known->second.what->request.hold);
        } else {
            hold(p, 0, p.job.options.freeze_hold);
            ends = ends || kind == "error";
        }
        if (stopped_at < 0) stopped_at = each.find("pe")->integer();
        why.push_back(std::move(event));
    }
    value::dict now;
    add(now, "kind", text_value("frozen"));
    remember(p, std::move(now));
    for (value::dict& each : why) remember(p, std::move(each));
    tell_watchers(p);
    for (const auto& each : std::exchange(when_standing, {})) each();
    go_if_free(p, {}); // whoever wanted it may be gone
}

inline void wake_for_leases(runtime::pe& p) { debug_desk::of(p).check_leases(p); }

inline void debug_desk::hold(runtime::pe& p, client_number who, double seconds) {
    if (seconds <= 0 && who == 0) return; // of a client that is gone
    if (seconds <= 0) {
        if (std::none_of(leases.begin(), leases.end(),
                         [&](const lease& each) { return each.holder == who && each.until == forever; }))
            leases.push_back({who, forever});
        return;
    }
    leases.push_back({0, p.now() + seconds});
    later<&wake_for_leases>(p, seconds);
}

inline void debug_desk::check_leases(runtime::pe& p) {
    if (leases.empty()) return;
    const double now = p.now() + 1e-6;
    std::erase_if(leases, [&](const lease& each) { return each.until <= now; });
    go_if_free(p, {});
}

inline void debug_desk::go_if_free(runtime::pe& p, std::function<void()> then) {
    if (!leases.empty() || !frozen || !standing) { // if it is not standing yet, this is asked again when it is
        if (then) then();
        return;
    }
    standing = false;
    order o;
    if (ends) {
        if (then) then();
        o.what = order::verb::end;
        return give(p, std::move(o), [](report) {});
    }
    o.what = order::verb::go;
    give(p, std::move(o), [this, &p, then = std::move(then)](report) {
        frozen = false;
        stopped_at = -1;
        value::dict event;
        add(event, "kind", text_value("go"));
        tell(p, std::move(event));
        if (then) then();
        runtime::stir(p);
        if (!when_standing.empty()) freeze(p, [] {}); // somebody has asked for it meanwhile
    });
}

inline void debug_desk::take(runtime::pe& p, const asker& who, const freeze_request& request, answer_to answer) {
    if (!may_hold(request.hold, answer)) return;
    hold(p, who.number, request.hold > 0 || who.number != 0 ? request.hold : longest_hold);
    freeze(p, [this, &p, answer = std::move(answer)] { answer(finding(state(p))); });
}

inline void debug_desk::take(runtime::pe& p, const asker& who, const go_request& request, answer_to answer) {
    if (!frozen) return answer(refusal("the program is not frozen"));
    // What no client holds may be ended by any.
    std::erase_if(leases,
                  [&](const lease& each) { return request.all || each.holder == who.number || each.holder == 0; });
    go_if_free(p, [this, &p, answer = std::move(answer)] { answer(finding(state(p))); });
}

inline void debug_desk::take(runtime::pe& p, const asker&, const step_request& request, answer_to answer) {
    if (!standing) return answer(refusal("the program is not frozen: only then it can be stepped"));
    const std::int64_t at = request.pe >= 0 ? request.pe : stopped_at;
    if (at < 0) return answer(refusal("no hook has frozen the program: say which PE is to step"));
    if (at >= p.job.pe_total())
        return answer(
            refusal("there is no PE " + std::to_string(at) + ": there are " + std::to_string(p.job.pe_total())));
    if (request.count < 1 || request.count > most_steps)
        return answer(refusal("1 to " + std::to_string(most_steps) + " steps can be taken at once"));
    order o;
    o.what = order::verb::step;
    o.number = request.count;
    give(
        p, std::move(o),
        [this, &p, answer = std::move(answer)](report all) {
            value::list ran;
            for (value& each : all.said) {
                if (each.find("kind") == nullptr) {
                    ran.items.push_back(std::move(each));
                } else {
                    stopped_at = each.find("pe")->integer();
                    tell(p, std::get<value::dict>(each.data));
                }
            }
            value now = state(p);
            add(std::get<value::dict>(now.data), "ran", {std::move(ran)});
            answer(finding(std::move(now)));
        },
        at);
}

inline void debug_desk::hear_steps(runtime::pe& p, std::uint64_t number, std::vector<value> ran) {
    if (!busy || number != order_number) return;
    hear(p, {std::move(ran), {}, {}});
}

inline void debug_desk::hear_stop(runtime::pe& p, std::uint64_t seen) {
    if (seen == freezes) freeze(p, [] {});
}

inline void debug_desk::lose(runtime::pe& p, client_number who) {
    desk::of(p).greet(p); // it was there: main need not wait for it any more
    std::erase_if(watchers, [&](const watcher& each) { return each.who == who; });
    std::vector<std::uint32_t> gone;
    for (auto& [handle, each] : hooks)
        if (each.owner == who) {
            each.owner = 0;
            each.unwanted = true;
            gone.push_back(handle);
        }
    for (const std::uint32_t handle : gone) {
        remove(p, handle, {});
        forget_if_over(handle);
    }
    std::erase_if(leases, [&](const lease& each) { return each.holder == who; });
    go_if_free(p, {});
}

// Hooks.

/// An entry method that messages may call: its name ("Tile::border") and its registered number.
struct known_entry {
    std::string name;
    std::uint32_t number;
    std::string owner() const {
        const auto at = name.rfind("::");
        return at == std::string::npos ? "" : name.substr(0, at);
    }
};

inline std::vector<known_entry> known_entries() {
    std::vector<known_entry> all;
    const auto& registry = runtime::registry::instance();
    for (std::uint32_t number = 1; registry.knows(number); ++number)
        if (const std::string type = runtime::demangled(registry.name(number)); type.starts_with("motet::entry<"))
            all.push_back({runtime::method_name(type), number});
    return all;
}

/// The names of the methods that fit, for an error.
inline std::string entry_names(const std::vector<known_entry>& all, const std::string& owner) {
    std::string text;
    for (const known_entry& each : all)
        if (owner.empty() || names(each.owner(), owner)) text += (text.empty() ? "" : ", ") + each.name;
    return text.empty() ? "none" : text;
}

inline void debug_desk::take(runtime::pe& p, const asker& who, const hook_request& request, answer_to answer) {
    if (!request.problem.empty()) return answer(refusal(request.problem));
    if (!may_hold(request.hold, answer)) return;
    if (!(request.limit >= 0)) return answer(refusal("the limit of a hook is a time in seconds"));
    if (request.code.empty() && request.filter.empty()) return answer(refusal("the hook has no code"));
    auto made = std::make_shared<hook_order>();
    made->request = request;
    std::string owner = request.on;
    if (const served* what = desk::of(p).find_served(request.on)) {
        made->collection = what->collection;
        made->one_chare = what->kind == runtime::collection_kind::single;
        made->single = what->single;
        owner = what->type;
    }
    if (owner.find('<') != std::string::npos) owner = owner.substr(0, owner.find('<')); // of a template
    const auto all = known_entries();
    const bool known = std::any_of(all.begin(), all.end(), [&](const known_entry& each) {
        return owner.empty() || names(each.owner(), owner) || each.owner().starts_with(owner + "<") ||
               each.owner().find("::" + owner + "<") != std::string::npos;
    });
    if (!known)
        return answer(refusal("nothing is served under the name '" + request.on +
                              "', and no chares of that type are called; methods that are: " + entry_names(all, {})));
    for (const std::string& name : request.entries) {
        const auto before = made->entries.size();
        for (const known_entry& each : all)
            if (names(each.name, name)) made->entries.push_back(each.number);
        if (before == made->entries.size())
            return answer(refusal("no message calls a method '" + name +
                                  "'; methods that are called: " + entry_names(all, owner)));
    }
    std::sort(made->entries.begin(), made->entries.end());
    const client_number owner_of_hook = request.hold > 0 ? 0 : who.number;
    const std::uint32_t handle =
        desk::of(p).open_record(request.on.empty() ? "every collection" : request.on, who.name, owner_of_hook);
    made->handle = handle;
    made->run = script_control::of(p.job).run_of(handle);
    hooks[handle] = {.what = made, .owner = owner_of_hook};
    order o;
    o.what = order::verb::install;
    o.hook = made;
    give(p, std::move(o), [this, &p, handle, answer = std::move(answer)](report said) {
        if (said.problem.empty()) return answer({.handle = handle});
        remove(p, handle, [answer, said] { answer(refusal("the hook cannot be installed: " + said.problem)); });
    });
}

inline void debug_desk::remove(runtime::pe& p, std::uint32_t handle, std::function<void()> then) {
    const auto found = hooks.find(handle);
    if (found == hooks.end() || std::exchange(found->second.removed, true)) {
        if (then) then();
        return;
    }
    script_control::of(p.job).let_leave(found->second.what->run);
    order o;
    o.what = order::verb::remove;
    o.number = handle;
    give(p, std::move(o), [this, &p, handle, then = std::move(then)](report all) {
        known_hook& known = hooks.at(handle);
        known.gone = true;
        known.expected = all.failures;
        forget_if_over(handle);
        desk::of(p).close_record(handle);
        if (then) then();
    });
}

/// A hook that has failed is listed until somebody removes it; what PEs have to say of it may come later than that.
inline void debug_desk::forget_if_over(std::uint32_t handle) {
    const auto found = hooks.find(handle);
    if (found == hooks.end()) return;
    const known_hook& known = found->second;
    if (known.gone && known.errors == known.expected && (known.unwanted || known.errors == 0)) hooks.erase(found);
}

inline void debug_desk::take(runtime::pe& p, const asker&, const unhook_request& request, answer_to answer) {
    const auto found = hooks.find(request.handle);
    if (found == hooks.end()) return answer(refusal("there is no hook " + std::to_string(request.handle)));
    found->second.unwanted = true;
    if (found->second.removed) { // it has failed: it is forgotten now
        forget_if_over(request.handle);
        return answer({.handle = request.handle});
    }
    remove(p, request.handle, [handle = request.handle, answer = std::move(answer)] { answer({.handle = handle}); });
}

inline void debug_desk::hear_failure(runtime::pe& p, std::uint32_t handle, value::dict event) {
    const auto found = hooks.find(handle);
    if (found == hooks.end()) return;
    if (found->second.errors++ == 0) tell(p, std::move(event)); // the others say the same
    remove(p, handle, {});
    forget_if_over(handle);
}

inline std::vector<value> debug_desk::hook_list(const std::vector<value>& counts) const {
    std::vector<value> all;
    for (const auto& [handle, each] : hooks) {
        const hook_request& r = each.what->request;
        value::dict line;
        add(line, "hook", number_value(handle));
        add(line, "on", text_value(r.on));
        value::list entries;
        for (const std::string& name : r.entries) entries.items.push_back(text_value(name));
        add(line, "entries", {std::move(entries)});
        add(line, "index", r.index.empty() ? value{} : index_value(r.index));
        add(line, "when", text_value(r.before ? "before" : "after"));
        add(line, "filter", text_value(r.filter));
        add(line, "code", text_value(r.code));
        add(line, "hold", {r.hold});
        add(line, "limit", {r.limit});
        std::int64_t calls = 0;
        std::int64_t stops = 0;
        for (const value& one : counts)
            if (one.find("hook")->integer() == std::int64_t{handle}) {
                calls += one.find("calls")->integer();
                stops += one.find("stops")->integer();
            }
        add(line, "calls", {calls});
        add(line, "stops", {stops});
        add(line, "errors", number_value(each.errors));
        add(line, "removed", {each.removed});
        all.push_back({std::move(line)});
    }
    return all;
}

inline void debug_desk::take(runtime::pe& p, const asker&, const inspect_request& request, answer_to answer) {
    if (request.what != "queue" && request.what != "fibers" && request.what != "hooks")
        return answer(refusal("'" + request.what + "' cannot be inspected: there are queue, fibers and hooks"));
    if (request.pe >= std::int64_t{p.job.pe_total()})
        return answer(refusal("there is no PE " + std::to_string(request.pe) + ": there are " +
                              std::to_string(p.job.pe_total())));
    order o;
    o.list = request.what;
    o.number = request.most;
    give(
        p, std::move(o),
        [this, &p, what = request.what, answer = std::move(answer)](report all) {
            value found = state(p);
            auto lines = what == "hooks" ? hook_list(all.said) : std::move(all.said);
            std::stable_sort(lines.begin(), lines.end(), [](const value& a, const value& b) {
                const value* const pe = a.find("pe");
                return pe != nullptr && pe->integer() < b.find("pe")->integer();
            });
            add(std::get<value::dict>(found.data), what.c_str(), {value::list{std::move(lines)}});
            answer(finding(std::move(found)));
        },
        std::max<std::int64_t>(request.pe, -1));
}

// Scripts.

inline void debug_desk::run_in_all(runtime::pe& p, runtime::collection_id collection, shared_job what,
                                   std::uint32_t handle) {
    auto low = *what;
    low.request.high_level = false;
    order o;
    o.what = order::verb::run;
    o.collection = collection;
    o.job = std::make_shared<const script_job>(std::move(low));
    give(p, std::move(o), [&p, handle, job = o.job](report all) {
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

inline bool is_frozen(runtime::pe& first) { return debug_desk::of(first).is_frozen(); }
inline void run_in_all(runtime::pe& first, runtime::collection_id collection, shared_job what, std::uint32_t handle) {
    debug_desk::of(first).run_in_all(first, collection, std::move(what), handle);
}

// What PEs tell.

inline void want_freeze(runtime::pe& p, std::uint64_t seen) { debug_desk::of(p).hear_stop(p, seen); }
inline void take_hook_failure(runtime::pe& p, std::uint32_t handle, value::dict event) {
    debug_desk::of(p).hear_failure(p, handle, std::move(event));
}
inline void take_hook_output(runtime::pe& p, std::uint32_t handle, std::string text, runtime::pe_number from) {
    desk::of(p).add_output(handle, text);
    runtime::post<&take_output_receipt>(p, from, handle);
}
inline void take_steps(runtime::pe& p, std::uint64_t number, std::vector<value> ran) {
    debug_desk::of(p).hear_steps(p, number, std::move(ran));
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
MOTET_INLINE void drop_hook(runtime::pe& first, std::uint32_t handle) { debug_desk::of(first).drop(first, handle); }
MOTET_INLINE void lose_client(runtime::pe& first, client_number who) { debug_desk::of(first).lose(first, who); }

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
