// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/broadcast.hpp>
#include <motet/chare/proxy.hpp>
#include <motet/script/open.hpp>
#include <motet/script/request.hpp>

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

/// How a request gets to the chares it is for, as every call does: a message to one, or a broadcast to all of a
/// collection. It runs as a method of the chare would, and pins it as long.
namespace motet::inline MOTET_VARIANT::script {

/// A request on its way to chares.
struct script_job {
    std::uint32_t opened = 0; ///< registered opened_type of the chares
    script_request request;
};
using shared_job = std::shared_ptr<const script_job>;

/// Runs a request in a chare that is here, as its frame `f`.
MOTET_INLINE script_outcome run_here(runtime::pe& p, runtime::part& c, runtime::element_header& e, runtime::frame& f,
                                     const script_job& job);

/// Whether an atomic script may begin in a chare; else its message is taken care of (atomic.hpp).
MOTET_INLINE bool may_begin(runtime::pe& p, runtime::part& c, runtime::element_header& e, runtime::message* m);
/// Runs an atomic script in every element of a collection, or in none, and gives `reply` the outcomes (atomic.hpp).
MOTET_INLINE void begin_transaction(runtime::pe& p, runtime::collection_id id, shared_job job,
                                    const runtime::address& reply);

/// Lets the desk have an outcome before those of all other chares are there.
MOTET_INLINE void stream_outcome(runtime::pe& p, const script_request& request, const script_outcome& outcome);

inline shared_job make_job(std::uint32_t opened, script_request request) {
    return std::make_shared<const script_job>(script_job{opened, std::move(request)});
}

/// Messages that run a request in one chare.
struct script_call {
    using stored = std::tuple<shared_job>;
    using payload = runtime::payload_of<stored>;

    static void run(runtime::pe& p, runtime::message* m) {
        runtime::part* c = nullptr;
        if (runtime::element_header* e = runtime::find_element(p, m, c)) run_at(p, *c, *e, m);
    }
    /// False if the fiber was unwound.
    static bool run_at(runtime::pe& p, runtime::part& c, runtime::element_header& e, runtime::message* m) {
        const bool atomic = std::get<0>(payload::in(*m))->request.atomic;
        if (e.has(runtime::element_header::hooks_running)) {
            runtime::hold_back(p, e, m);
            return true;
        }
        if (atomic && !may_begin(p, c, e, m)) return true;
        runtime::frame f{.element = &e,
                         .part = &c,
                         .reply = m->has(runtime::message::replies) ? &runtime::reply_of(*m) : nullptr,
                         .below = p.current_frame,
                         .type = m->type};
        const bool goes_on = runtime::run_method<script_outcome>(p, c, e, f, m, [&] {
            const script_job& job = *std::get<0>(payload::in(*m));
            script_outcome outcome = run_here(p, c, e, f, job);
            if (job.request.stream) stream_outcome(p, job.request, outcome);
            return outcome;
        });
        if (!f.parked) ++p.processed;
        if (goes_on && !p.loose.empty()) p.settle_loose();
        payload::destroy(*m);
        p.release(m);
        return goes_on;
    }
    /// Asked where it is held back.
    static bool admitted(const void* e, const runtime::message& m) {
        return !std::get<0>(payload::in(m))->request.atomic ||
               static_cast<const runtime::element_header*>(e)->pins == 0;
    }
    static std::string entry_name() { return "a script"; }
    static inline const runtime::message_type operations{
        &run,  &payload::destroy, &payload::encode, &payload::decode, payload::bytes,
        false, &entry_name,       &admitted,        nullptr,          true};
    static std::uint32_t id() { return runtime::registered<script_call, operations>::id(); }

    static runtime::message* make(runtime::pe& from, runtime::collection_id name, const runtime::index_bits& index,
                                  const runtime::address& reply, shared_job job) {
        runtime::message* m = from.allocate<payload::bytes + sizeof(runtime::address)>(id());
        new (m->payload()) stored(std::move(job));
        m->set(runtime::message::constructed);
        m->set(runtime::message::replies);
        runtime::reply_of(*m) = reply;
        m->collection = name;
        m->index = index;
        return m;
    }
};

/// Broadcasts of a request; the outcomes come back in the order of the indices.
struct script_broadcast {
    using outcomes = std::vector<script_outcome>;

    static bool deliver_one(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                            const runtime::broadcast& record, const runtime::address& reply) {
        ++p.sent;
        return script_call::run_at(p, c, e, message_for(p, c, e.index, record, &reply));
    }
    static void combine(runtime::partial& all, runtime::partial&& more) {
        if (more.why) return all.fail(std::move(*more.why));
        if (!more.value) return;
        if (!all.value) {
            all.value = std::move(more.value);
            return;
        }
        auto& into = all.value.as<outcomes>();
        for (auto& each : more.value.as<outcomes>()) into.push_back(std::move(each));
    }
    static void finish(runtime::pe& p, const runtime::address& target, runtime::partial&& all) {
        if (all.why) return runtime::deliver_failure(p, target, std::move(*all.why));
        outcomes result;
        if (all.value) result = std::move(all.value.as<outcomes>());
        std::sort(result.begin(), result.end(),
                  [](const script_outcome& a, const script_outcome& b) { return a.index < b.index; });
        runtime::deliver(p, target, &result);
    }
    static runtime::message* message_for(runtime::pe& p, runtime::part& c, const runtime::index_bits& index,
                                         const runtime::broadcast& record, const runtime::address* reply) {
        return script_call::make(p, c.info->id, index, *reply, record.arguments.as<shared_job>());
    }
    static void give_value(runtime::pe& p, const runtime::address& to, void* outcome) {
        runtime::partial one;
        outcomes all;
        all.push_back(std::move(*static_cast<script_outcome*>(outcome)));
        one.value = runtime::boxed::of<outcomes>(std::move(all));
        runtime::give_result(p, to, id(), std::move(one));
    }
    static void give_failure(runtime::pe& p, const runtime::address& to, runtime::failure&& why) {
        runtime::partial one;
        one.fail(std::move(why));
        runtime::give_result(p, to, id(), std::move(one));
    }
    struct reply {};
    static inline const runtime::delivery delivering{&give_value, &give_failure};
    static inline const runtime::broadcast_type operations{&deliver_one, &combine, &finish, &message_for};
    static std::uint32_t id() { return runtime::registered<script_broadcast, operations>::id(); }

    static std::shared_ptr<runtime::broadcast> make(const runtime::address& target, shared_job what) {
        auto b = std::make_shared<runtime::broadcast>();
        b->type = id();
        b->reply = runtime::registered<reply, delivering>::id();
        b->target = target;
        b->arguments = runtime::boxed::of<shared_job>(std::move(what));
        return b;
    }
};

} // namespace motet::inline MOTET_VARIANT::script

namespace motet::inline MOTET_VARIANT {

/// Runs a script in one chare. The future gives what it did there; it is motet::erased if there is no such chare.
template <class T, class Index>
future<script_outcome> run_script(const element_proxy<T, Index>& chare, script_request request) {
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<script_outcome>(p);
    const auto [id, index] = std::pair(chare.collection_name(), chare.index_name());
    runtime::submit(
        p, runtime::where(p, id, index),
        script::script_call::make(p, id, index, to, script::make_job(script::opening<T>::id(), std::move(request))));
    return std::move(made);
}

/// Runs a script in every chare of a collection, in each with variables of its own. The future gives what it did in
/// each, in the order of the indices.
template <class T, class Index>
future<std::vector<script_outcome>> run_script(const collection<T, Index>& chares, script_request request) {
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<std::vector<script_outcome>>(p);
    const bool atomic = request.atomic;
    auto job = script::make_job(script::opening<T>::id(), std::move(request));
    if (atomic)
        script::begin_transaction(p, chares.name(), std::move(job), to);
    else
        runtime::issue_broadcast(p, chares.name(), script::script_broadcast::make(to, std::move(job)));
    return std::move(made);
}

} // namespace motet::inline MOTET_VARIANT
