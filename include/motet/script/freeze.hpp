// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/installed_hooks.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// A program that stands still (debug.hpp, steps 2 to 4).
///
/// A plain MPI program stands still at a poll, the same on all ranks, and its step is one to a later poll: all ranks go
/// on, and freeze again at the first gate (service/poll_rounds.hpp) that lies so far ahead.
namespace motet::inline MOTET_VARIANT::script {

class freezer {
public:
    freezer(order_queue& by, event_board& to, const installed_hooks& with) : orders(by), events(to), hooks(with) {}

    void take(runtime::pe& p, client_number who, const freeze_request& request, answer_to answer);
    void take(runtime::pe& p, client_number who, const go_request& request, answer_to answer);
    void take(runtime::pe& p, const step_request& request, answer_to answer);
    /// The client is gone.
    void lose(runtime::pe& p, client_number who) {
        held.lose(who);
        go_if_free(p, {});
    }

    /// Whether the program stands still, or is about to.
    bool is_frozen() const { return frozen; }
    /// A dict.
    value state(runtime::pe& p) const;

    /// A PE stands still, which has seen so many freezes.
    void hear_stop(runtime::pe& p, std::uint64_t seen) {
        if (seen == freezes) freeze(p, [] {});
    }
    /// A plain MPI program is at a poll. Whether it is to go on at once, for a step that does not end here.
    bool passes_poll(runtime::pe& p);
    /// Whether a step of such a program is under way.
    bool is_stepping() const { return stop_at != 0; }
    void check_leases(runtime::pe& p);
    /// Waits until nothing is on the way.
    void settle(runtime::pe& p);

private:
    static constexpr std::size_t most_steps = 1000;

    void freeze(runtime::pe& p, std::function<void()> then);
    void stand(runtime::pe& p, report all);
    void go_if_free(runtime::pe& p, std::function<void()> then);
    void step_to_poll(runtime::pe& p, const step_request& request, answer_to answer);

    order_queue& orders;
    event_board& events;
    const installed_hooks& hooks;
    leases held;
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
    std::uint64_t stop_at = 0; ///< the poll at which a step ends; 0: none is under way
    answer_to stepped;         ///< who has asked for it
};

/// On PE 0 (debug.hpp).
inline void settle_again(runtime::pe& first);

inline value freezer::state(runtime::pe& p) const {
    value::dict all;
    add(all, "frozen", {standing});
    add(all, "pe", {stopped_at});
    const double until = held.until();
    add(all, "holders", number_value(held.size()));
    add(all, "seconds", frozen && std::isfinite(until) ? value{std::max(0.0, until - p.now())} : value{});
    add(all, "last", number_value(events.last()));
    return {std::move(all)};
}

inline void freezer::freeze(runtime::pe& p, std::function<void()> then) {
    if (standing) return then();
    when_standing.push_back(std::move(then));
    if (std::exchange(frozen, true)) return;
    order o;
    o.what = order::verb::freeze;
    o.serial = ++freezes;
    orders.give(p, std::move(o), [this, &p](report all) {
        settling = {std::move(all), 0, p.now(), 20e-6};
        settle(p);
    });
}

inline void freezer::settle(runtime::pe& p) {
    constexpr double patience = 10; // seconds: something never rests
    order o;
    o.what = order::verb::count;
    orders.give(p, std::move(o), [this, &p](report all) {
        const bool rests = all.sent == all.here + all.standing + 1;
        if ((rests && all.sent == settling.sent + 1) || p.now() - settling.began > patience)
            return stand(p, std::exchange(settling.why, {}));
        settling.sent = rests ? all.sent : 0;
        if (rests) return settle(p);
        settling.pause = std::min(1.125 * settling.pause, 10e-3);
        later<&settle_again>(p, settling.pause);
    });
}

inline void freezer::stand(runtime::pe& p, report all) {
    standing = true;
    stopped_at = -1;
    std::vector<value::dict> why;
    for (value& each : all.said) {
        auto& event = std::get<value::dict>(each.data);
        const std::string kind = each.find("kind")->text();
        if (const value* hook = each.find("hook")) {
            hooks.hold(p, held, static_cast<std::uint32_t>(hook->integer()));
        } else {
            held.hold(p, 0, p.job.options.freeze_hold);
            ends = ends || kind == "error";
        }
        if (stopped_at < 0) stopped_at = each.find("pe")->integer();
        why.push_back(std::move(event));
    }
    value::dict now;
    add(now, "kind", text_value("frozen"));
    events.remember(p, std::move(now));
    for (value::dict& each : why) events.remember(p, std::move(each));
    events.tell_watchers(p);
    for (const auto& each : std::exchange(when_standing, {})) each();
    go_if_free(p, {}); // whoever wanted it may be gone
}

inline void freezer::check_leases(runtime::pe& p) {
    if (held.empty()) return;
    held.expire(p.now() + 1e-6);
    go_if_free(p, {});
}

inline void freezer::go_if_free(runtime::pe& p, std::function<void()> then) {
    if (!held.empty() || !frozen || !standing) { // if it is not standing yet, this is asked again when it is
        if (then) then();
        return;
    }
    standing = false;
    order o;
    if (ends) {
        if (then) then();
        o.what = order::verb::end;
        return orders.give(p, std::move(o), [](report) {});
    }
    o.what = order::verb::go;
    orders.give(p, std::move(o), [this, &p, then = std::move(then)](report) {
        frozen = false;
        stopped_at = -1;
        value::dict event;
        add(event, "kind", text_value("go"));
        events.tell(p, std::move(event));
        if (then) then();
        runtime::stir(p);
        if (!when_standing.empty()) freeze(p, [] {}); // somebody has asked for it meanwhile
    });
}

inline void freezer::take(runtime::pe& p, client_number who, const freeze_request& request, answer_to answer) {
    if (!leases::may_hold(request.hold, answer)) return;
    held.hold(p, who, request.hold > 0 || who != 0 ? request.hold : leases::longest);
    freeze(p, [this, &p, answer = std::move(answer)] { answer(finding(state(p))); });
}

inline void freezer::take(runtime::pe& p, client_number who, const go_request& request, answer_to answer) {
    if (!frozen) return answer(refusal("the program is not frozen"));
    held.let_go(who, request.all);
    go_if_free(p, [this, &p, answer = std::move(answer)] { answer(finding(state(p))); });
}

inline void freezer::take(runtime::pe& p, const step_request& request, answer_to answer) {
    if (!standing) return answer(refusal("the program is not frozen: only then it can be stepped"));
    if (p.job.options.embedded) return step_to_poll(p, request, std::move(answer));
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
    orders.give(
        p, std::move(o),
        [this, &p, answer = std::move(answer)](report all) {
            value::list ran;
            for (value& each : all.said) {
                if (each.find("kind") == nullptr) {
                    ran.items.push_back(std::move(each));
                } else {
                    stopped_at = each.find("pe")->integer();
                    events.tell(p, std::get<value::dict>(each.data));
                }
            }
            value now = state(p);
            add(std::get<value::dict>(now.data), "ran", {std::move(ran)});
            answer(finding(std::move(now)));
        },
        at);
}

inline void freezer::step_to_poll(runtime::pe& p, const step_request& request, answer_to answer) {
    if (request.pe >= 0) return answer(refusal("the ranks of a plain MPI program step together: name no PE"));
    if (request.count < 1) return answer(refusal("at least one poll"));
    if (stop_at != 0) return answer(refusal("another step is under way"));
    stop_at = p.job.polls + request.count;
    stepped = std::move(answer);
    standing = false;
    order o;
    o.what = order::verb::go;
    orders.give(p, std::move(o), [this](report) { frozen = false; });
}

inline bool freezer::passes_poll(runtime::pe& p) {
    if (stop_at == 0 || frozen) return false;
    if (p.job.polls < stop_at) return true;
    stop_at = 0;
    freeze(p, [this, &p, answer = std::exchange(stepped, {})] {
        value::dict here;
        add(here, "pe", number_value(p.number));
        add(here, "entry", text_value("poll " + std::to_string(p.job.polls)));
        value now = state(p);
        add(std::get<value::dict>(now.data), "ran", {value::list{{value{std::move(here)}}}});
        answer(finding(std::move(now)));
    });
    return false;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
