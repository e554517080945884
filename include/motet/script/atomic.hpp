// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/broadcast.hpp>
#include <motet/script/call.hpp>

#if MOTET_BODIES

#include <motet/serial/serial.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Atomic scripts: all or nothing.
///
/// 1. An atomic script begins when no frame stands in its chare. Until then its message is held back, as one whose
///    `when` does not hold; others go before. A method that runs for the whole run, or waits for what only this script
///    would bring, would keep it for ever: after `longest_wait` it
///    is refused, with what stands in the chare.
/// 2. The chare is serialized. Then the script runs to its end, on the PE's own thread: it may call methods, but
///    nothing in it waits, so nothing else runs in the chare. What it sends is kept (pe::hold_sends), and so is what it
///    prints. What could not be taken back by dropping messages is refused: reductions, moves, erasures, new
///    collections.
/// 3. If it raises, the chare is read back over what has become of it, but for what is transient, and what was kept is
///    dropped. Else what was kept goes out.
/// 4. Over a collection the root does one such transaction after the other: the script runs everywhere, to the end of
///    step 2. A chare that has got there is locked: messages to it are held back, and it does not move. The outcomes
///    come to the root, which sends out the decision: step 3 everywhere, the same way, and the locks end.
/// 5. A locked chare may be what another one waits for, that the script has not reached yet: step 1's bound ends that,
///    too, and nothing has happened.
namespace motet::inline MOTET_VARIANT::script {

/// What one chare was before an atomic script, and what that has sent and printed.
struct transaction {
    std::uint64_t key = 0;
    serial::buffer before;
    std::vector<runtime::pe::held_send> sends;
    std::string lines; ///< for the program's own output
};

/// Those of a PE.
class transactions final : public runtime::upper_state {
public:
    static transactions& of(runtime::pe& p) { return runtime::kept_as<transactions>(p.transactions, p); }
    explicit transactions(runtime::pe& on) : p(on) {}
    ~transactions() override {
        for (auto& [e, t] : locked) drop(t);
    }

    /// Of a whole collection, at its root.
    struct queued {
        shared_job job;
        runtime::address reply;
        std::uint64_t key = 0;
        std::vector<script_outcome> outcomes;
        std::string failure; ///< on the way
        bool commit = false;
    };

    void commit(transaction& t) {
        p.send_held(t.sends);
        std::fwrite(t.lines.data(), 1, t.lines.size(), stdout);
        if (!t.lines.empty()) std::fflush(stdout);
    }
    /// Empty, or why the chare could not be read back.
    std::string restore(runtime::part& c, runtime::element_header& e, transaction& t) {
        drop(t);
        try {
            serial::reader in(t.before.bytes());
            c.type->restore(e, in);
        } catch (const std::exception& why) {
            return why.what();
        }
        return {};
    }
    void drop(transaction& t) {
        for (const auto& each : t.sends) p.take_back(each.m);
        t.sends.clear();
    }

    transaction* running = nullptr; ///< that of the script that runs
    std::unordered_map<runtime::element_header*, transaction> locked;
    /// The time of a script that is held back (step 1). Its chare may have left with it meanwhile, and another one have
    /// come to the same address.
    struct bound {
        std::uint64_t number = 0;
        runtime::message* timer = nullptr;
        std::weak_ptr<const script_job> of;
    };
    std::unordered_map<const runtime::message*, bound> waiting;
    std::uint64_t last_bound = 0;
    std::map<std::uint64_t, std::deque<queued>> queues; ///< by collection

private:
    runtime::pe& p;
};

inline std::string& held_lines(runtime::pe& p) { return transactions::of(p).running->lines; }

// Step 1.

/// Seconds: what the request allows it in all, but not long, for a whole collection may be locked meanwhile.
inline double longest_wait(const runtime::message* m) {
    constexpr double longest = 10;
    const double limit = std::get<0>(script_call::payload::in(*m))->request.limit;
    return limit > 0 ? std::min(limit, longest) : longest;
}

inline script_outcome refused_outcome(const runtime::part& c, const runtime::element_header& e, std::string why) {
    script_outcome outcome;
    if (c.info->kind != runtime::collection_kind::single) outcome.index = c.type->coordinates(e.index);
    outcome.error_type = "RuntimeError";
    outcome.error = std::move(why);
    return outcome;
}

/// The time of a script that is held back is over.
inline void refuse_waiting(runtime::pe& p, runtime::collection_id id, runtime::index_bits index, std::uintptr_t address,
                           std::uint64_t number) {
    p.timer_runs();
    auto& waiting = transactions::of(p).waiting;
    const auto found = waiting.find(reinterpret_cast<const runtime::message*>(address));
    if (found == waiting.end() || found->second.number != number) return;
    waiting.erase(found);
    runtime::part* const c = runtime::local_chares::of(p).find(p, id);
    runtime::element_header* const e = c != nullptr ? c->table.find(index) : nullptr;
    if (e == nullptr || !e->extension) return;
    runtime::message* before = nullptr;
    for (runtime::message* m = e->extension->held.front(); m != nullptr; before = m, m = m->next) {
        if (reinterpret_cast<std::uintptr_t>(m) != address) continue;
        e->extension->held.remove(before, m);
        --runtime::local_chares::of(p).when_held;
        std::string why = "an atomic script begins when nothing else stands in its chare, and " +
                          reflect::to_text(longest_wait(m)) + " s were not enough for that:";
        for (const runtime::waiter* w = p.parked; w != nullptr; w = w->after)
            if (w->running->element == e)
                why += " " + p.state->place(p, *w->running) + " waits " +
                       runtime::awaited(*const_cast<runtime::waiter*>(w)) + ".";
        if (e->has(runtime::element_header::hooks_running)) why += " It is in the middle of another transaction.";
        script_outcome outcome = refused_outcome(*c, *e, std::move(why));
        ++p.processed;
        if (m->has(runtime::message::replies)) script_call::answer(p, *m, outcome);
        p.discard(m);
        return;
    }
}

MOTET_INLINE bool may_begin(runtime::pe& p, runtime::part& c, runtime::element_header& e, runtime::message* m) {
    transactions& all = transactions::of(p);
    const auto& job = std::get<0>(script_call::payload::in(*m));
    const auto known = all.waiting.find(m);
    const bool waits = known != all.waiting.end() && known->second.of.lock() == job;
    if (known != all.waiting.end() && (!waits || e.pins == 0)) {
        p.cancel_timer(known->second.timer);
        all.waiting.erase(known);
    }
    if (e.pins != 0) {
        runtime::hold_back(p, e, m);
        if (waits) return false;
        auto* const timer = runtime::call<&refuse_waiting>::make(p, c.info->id, e.index,
                                                                 reinterpret_cast<std::uintptr_t>(m), ++all.last_bound);
        all.waiting[m] = {all.last_bound, timer, job};
        p.send_after(longest_wait(m), timer);
        return false;
    }
    return true;
}

// Steps 2 and 3.

/// Runs `script`, which gives an outcome, as an atomic one.
template <class Script>
script_outcome run_atomically(runtime::pe& p, runtime::part& c, runtime::element_header& e, std::uint64_t key,
                              Script&& script) {
    transactions& all = transactions::of(p);
    transaction t;
    t.key = key;
    try {
        if (c.type->restore == nullptr) throw error("it is not serialized");
        serial::writer out;
        c.type->encode(e, out);
        t.before = out.release();
    } catch (const std::exception& why) {
        return refused_outcome(c, e, "the chare cannot be kept as it was before: " + std::string(why.what()));
    }
    p.hold_sends(t.sends);
    transaction* const outer = std::exchange(all.running, &t);
    script_outcome outcome = script();
    all.running = outer;
    p.stop_holding();
    if (outcome.failed()) outcome.output.clear();
    if (key != 0) { // step 4
        all.locked.emplace(&e, std::move(t));
        e.set(runtime::element_header::hooks_running);
        e.set(runtime::element_header::locked);
        ++e.pins;
    } else if (!outcome.failed()) {
        all.commit(t);
    } else if (const std::string why = all.restore(c, e, t); !why.empty()) {
        outcome.error += " (and the chare could not be restored: " + why + ")";
    }
    return outcome;
}

// Step 4.

struct decision {
    std::uint64_t key = 0;
    bool commit = false;
};

inline void decide(runtime::pe& p, runtime::part& c, runtime::element_header& e, const decision& what) {
    transactions& all = transactions::of(p);
    const auto found = all.locked.find(&e);
    if (found == all.locked.end() || found->second.key != what.key) return;
    transaction t = std::move(found->second);
    all.locked.erase(found);
    e.unset(runtime::element_header::hooks_running);
    e.unset(runtime::element_header::locked);
    --e.pins;
    if (what.commit)
        all.commit(t);
    else if (const std::string why = all.restore(c, e, t); !why.empty())
        runtime::fail_program(p, {"after an atomic script the chare could not be restored: " + why, "motet::error",
                                  runtime::element_text(c, e.index), "a script", false});
    if (e.flags != 0) runtime::after_frame(p, c, e);
}

struct decision_broadcast {
    static bool deliver_one(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                            const runtime::broadcast& record, const runtime::address& reply) {
        decide(p, c, e, record.arguments.as<decision>());
        runtime::give_result(p, reply, id(), {});
        return true;
    }
    static void combine(runtime::partial&, runtime::partial&&) {}
    static void finish(runtime::pe& p, const runtime::address& target, runtime::partial&&) {
        runtime::deliver_nothing(p, target);
    }
    static runtime::message* message_for(runtime::pe&, runtime::part&, const runtime::index_bits&,
                                         const runtime::broadcast&, const runtime::address*) {
        runtime::broken("a decision about a transaction goes to a section");
    }
    static inline const runtime::broadcast_type operations{&deliver_one, &combine, &finish, &message_for};
    static std::uint32_t id() { return runtime::registered<decision_broadcast, operations>::id(); }
};

/// The root of a collection, which does its transactions one after the other.
struct transaction_root {
    using queued = transactions::queued;
    static std::deque<queued>& queue(runtime::pe& p, runtime::collection_id id) {
        return transactions::of(p).queues[id.bits()];
    }
    static void add(runtime::pe& p, runtime::collection_id id, shared_job job, runtime::address reply) {
        auto& all = queue(p, id);
        all.push_back({std::move(job), reply, p.created.next_name(p.number), {}, {}, false});
        if (all.size() == 1) prepare(p, id);
    }
    static void prepare(runtime::pe& p, runtime::collection_id id) {
        queued& now = queue(p, id).front();
        script_job job = *now.job;
        job.request.transaction = now.key;
        const runtime::address to{runtime::registered<prepared_key, of_prepared>::id(), p.number, id, {now.key, 0}};
        try {
            issue_to_many(p, *runtime::local_chares::of(p).find(p, id)->type, id, to, std::move(job));
        } catch (const error& why) { // there are no such elements
            now.failure = why.what();
            finish(p, id);
        }
    }
    static void take_prepared(runtime::pe& p, const runtime::address& to, void* value) {
        queued& now = queue(p, to.collection).front();
        now.outcomes = std::move(*static_cast<std::vector<script_outcome>*>(value));
        now.commit = std::none_of(now.outcomes.begin(), now.outcomes.end(), [](const auto& o) { return o.failed(); });
        send_decision(p, to.collection, now);
    }
    static void fail_prepared(runtime::pe& p, const runtime::address& to, runtime::failure&& why) {
        queued& now = queue(p, to.collection).front();
        now.failure = why.text;
        send_decision(p, to.collection, now);
    }
    static void send_decision(runtime::pe& p, runtime::collection_id id, const queued& now) {
        auto b = std::make_shared<runtime::broadcast>();
        b->type = decision_broadcast::id();
        b->reply = 0;
        b->target = {runtime::registered<decided_key, of_decided>::id(), p.number, id, {now.key, 0}};
        b->arguments = runtime::boxed::of<decision>({now.key, now.commit});
        runtime::issue_broadcast(p, id, std::move(b));
    }
    static void take_decided(runtime::pe& p, const runtime::address& to, void*) { finish(p, to.collection); }
    static void finish(runtime::pe& p, runtime::collection_id id) {
        auto& all = queue(p, id);
        queued done = std::move(all.front());
        all.pop_front();
        if (!done.commit) mark_undone(done.outcomes);
        if (done.failure.empty())
            runtime::deliver(p, done.reply, &done.outcomes);
        else
            runtime::deliver_failure(p, done.reply, {done.failure, "motet::error", {}, "a script", false});
        if (!all.empty()) prepare(p, id);
    }
    static void fail_decided(runtime::pe& p, const runtime::address& to, runtime::failure&&) {
        take_decided(p, to, nullptr);
    }
    /// The outcomes where the script itself did not fail.
    static void mark_undone(std::vector<script_outcome>& outcomes) {
        std::string where;
        for (const script_outcome& each : outcomes)
            if (each.failed() && where.empty()) where = reflect::to_text(each.index) + ": " + each.error_type;
        for (script_outcome& each : outcomes) {
            if (each.failed()) continue;
            each.error_type = "Undone";
            each.error = "what the script did here is undone, for it failed in " + where;
            each.result = {};
            each.output.clear();
        }
    }
    struct prepared_key {};
    struct decided_key {};
    static inline const runtime::delivery of_prepared{&take_prepared, &fail_prepared};
    static inline const runtime::delivery of_decided{&take_decided, &fail_decided};
};

MOTET_INLINE void begin_transaction(runtime::pe& p, runtime::collection_id id, shared_job job,
                                    const runtime::address& reply) {
    runtime::do_at<&transaction_root::add>(p, runtime::root_of(p, id), id, std::move(job), reply);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
