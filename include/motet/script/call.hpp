// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/broadcast.hpp>
#include <motet/chare/proxy.hpp>
#include <motet/chare/section.hpp>
#include <motet/script/open.hpp>
#include <motet/script/request.hpp>
#include <motet/script/served.hpp>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// How a request gets to the chares it is for, as every call does: a message to one, a broadcast to all of a
/// collection, or the relays of a section to some of it. It runs as a method of the chare would, and pins it as long.
/// Unlike a call it does not wait for the birth of an element: who asks is told that there is none.
namespace motet::inline MOTET_VARIANT::script {

/// A request on its way to chares: a script, or what a script's proxy asks for (proxies.hpp).
struct script_job {
    std::uint32_t opened = 0; ///< registered opened_type of the chares
    script_request request = {};
    std::string deed = {}; ///< in place of a script: what is done; "call" calls a method
    std::vector<value> arguments = {};
    runtime::address told = {};            ///< of "erase": who is told when the element is gone
    bool many = false;                     ///< its outcomes are put together
    chosen_elements elements = {};         ///< of many, those it is for
    std::shared_ptr<const value> across{}; ///< how the results of many become one; null: they stay as they are
    shared_names names = {};

    template <class Archive>
    void serialize(Archive& archive) {
        archive(opened, request, deed, arguments, told, many, elements, across, names);
        if constexpr (!Archive::is_writing) take_from_checkpoint();
    }
    /// After a restart the names are those of a run that is over, and there is no interpreter to keep variables for.
    void take_from_checkpoint() {
        if (runtime::registry::translation == nullptr) return;
        if ((opened = runtime::registry::translated(opened)) == 0)
            throw decode_error("a script for chares that this program does not open to scripts", "opened", 0);
        names = nullptr;
        request.persistent = false;
    }
};
using shared_job = std::shared_ptr<const script_job>;

/// Outcomes of one request on their way up the tree. With a reduction the results without errors have become few.
struct script_results {
    std::vector<script_outcome> outcomes;
    std::shared_ptr<const value> across; ///< null: nothing is reduced
    std::uint64_t left_out = 0;          ///< errors beyond the first ones

    static constexpr std::size_t most_errors = 20;
};

/// What is served, as far as this PE knows.
MOTET_INLINE shared_names known_names(runtime::pe& p);
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
/// Puts results together, if they are to be reduced and have become many.
MOTET_INLINE void fold(runtime::pe& p, script_results& results);
/// The last step: by index, or one outcome without an index for what was reduced, before the errors.
MOTET_INLINE std::vector<script_outcome> finish_results(runtime::pe& p, script_results results);

/// What one of many has given: what `script_broadcast` puts together.
struct outcome_of_many {
    script_outcome& outcome;
    const script_job& job;
};

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
        runtime::frame f{.element = &e, .part = &c, .below = p.current_frame, .type = m->type};
        const bool goes_on = runtime::run_method<void>(p, c, e, f, m, [&] {
            const script_job& job = *std::get<0>(payload::in(*m));
            try {
                script_outcome outcome = run_here(p, c, e, f, job);
                if (job.request.stream && !outcome.skipped) stream_outcome(p, job.request, outcome);
                answer(p, *m, outcome);
            } catch (const fiber::unwind&) {
                throw;
            } catch (...) {
                runtime::deliver_failure(p, client_of(*m), runtime::failure_of(p, f));
            }
        });
        if (!f.parked) ++p.processed;
        if (goes_on && !p.loose.empty()) p.settle_loose();
        payload::destroy(*m);
        p.release(m);
        return goes_on;
    }
    /// Whom to tell; nobody, where the message comes from a checkpoint.
    static runtime::address client_of(runtime::message& m) {
        return m.has(runtime::message::replies) ? runtime::reply_of(m) : runtime::address{};
    }
    /// Sends off what it came to.
    static void answer(runtime::pe& p, runtime::message& m, script_outcome& outcome) {
        const script_job& job = *std::get<0>(payload::in(m));
        outcome_of_many one{outcome, job};
        runtime::deliver(p, client_of(m), job.many ? static_cast<void*>(&one) : static_cast<void*>(&outcome));
    }
    /// Asked where it is held back.
    static bool admitted(const void* e, const runtime::message& m) {
        return !std::get<0>(payload::in(m))->request.atomic ||
               static_cast<const runtime::element_header*>(e)->pins == 0;
    }
    static std::string entry_name() { return "a script"; }
    static inline const runtime::message_type operations{.run = &run,
                                                         .destroy = &payload::destroy,
                                                         .encode = &payload::encode,
                                                         .decode = &payload::decode,
                                                         .payload_bytes = payload::bytes,
                                                         .system = false,
                                                         .name = &entry_name,
                                                         .admits = &admitted,
                                                         .looks = true,
                                                         .waits_for_birth = false};
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

/// What an element that a request did not get to has given.
inline script_outcome outcome_of_failure(const runtime::failure& why) {
    script_outcome outcome;
    outcome.error_type = why.erased ? "LookupError" : "RuntimeError";
    outcome.error = why.erased ? "there is no " + why.chare + ": it was erased, or never inserted"
                               : why.text + (why.chare.empty() ? "" : ", in " + why.chare);
    return outcome;
}

/// Those of the indices that are chosen, if some are named, that the slices have, too, in order and once each.
/// Throws `error` for indices and slices that cannot be.
inline std::vector<runtime::index_bits> members_of(const runtime::collection_type& chares,
                                                   const chosen_elements& chosen) {
    std::vector<runtime::index_bits> members;
    for (const auto& index : chosen.indices) {
        const runtime::index_bits bits = chares.from_coordinates(index);
        if (chosen.has(index)) members.push_back(bits);
    }
    if (const std::size_t slices = chosen.slices.size(), wanted = chares.coordinates({}).size();
        slices != 0 && slices != wanted)
        throw error("an index of " + std::to_string(wanted) + " numbers takes as many slices, and these are " +
                    std::to_string(slices));
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    return members;
}

/// Requests to all chares of a collection, or to some; the outcomes come back in the order of the indices, or reduced:
/// then there is one, which is None over no elements.
template <bool Reduces>
struct script_broadcast {
    static bool deliver_one(runtime::pe& p, runtime::part& c, runtime::element_header& e,
                            const runtime::broadcast& record, const runtime::address& reply) {
        const script_job& job = *record.arguments.as<shared_job>();
        if (!job.elements.slices.empty() && !job.elements.has(c.type->coordinates(e.index))) {
            runtime::give_result(p, reply, id(), {});
            return true;
        }
        ++p.sent;
        return script_call::run_at(p, c, e, message_for(p, c, e.index, record, &reply));
    }
    static void combine(runtime::partial& all, runtime::partial&& more) {
        if (!more.value) return;
        if (!all.value) {
            all.value = std::move(more.value);
            return;
        }
        auto& into = all.value.as<script_results>();
        auto& from = more.value.as<script_results>();
        std::move(from.outcomes.begin(), from.outcomes.end(), std::back_inserter(into.outcomes));
        into.left_out += from.left_out;
        if (into.across) fold(runtime::this_pe(), into);
    }
    static void finish(runtime::pe& p, const runtime::address& target, runtime::partial&& all) {
        std::vector<script_outcome> outcomes;
        if (all.value) outcomes = finish_results(p, std::move(all.value.as<script_results>()));
        if (Reduces && outcomes.empty()) outcomes.emplace_back();
        runtime::deliver(p, target, &outcomes);
    }
    static runtime::message* message_for(runtime::pe& p, runtime::part& c, const runtime::index_bits& index,
                                         const runtime::broadcast& record, const runtime::address* reply) {
        return script_call::make(p, c.info->id, index, *reply, record.arguments.as<shared_job>());
    }
    static runtime::partial lifted(outcome_of_many& given) {
        runtime::partial one;
        if (given.outcome.skipped) return one;
        script_results all;
        all.outcomes.push_back(std::move(given.outcome));
        all.across = given.job.across;
        one.value = runtime::boxed::of<script_results>(std::move(all));
        return one;
    }
    /// An element that the request did not get to is one of the errors.
    static runtime::partial lifted(const runtime::failure& why) {
        runtime::partial one;
        script_results all;
        all.outcomes.push_back(outcome_of_failure(why));
        one.value = runtime::boxed::of<script_results>(std::move(all));
        return one;
    }
    static void give_value(runtime::pe& p, const runtime::address& to, void* outcome) {
        runtime::give_result(p, to, id(), lifted(*static_cast<outcome_of_many*>(outcome)));
    }
    static void give_failure(runtime::pe& p, const runtime::address& to, runtime::failure&& why) {
        runtime::give_result(p, to, id(), lifted(why));
    }
    static void give_to_section(runtime::pe& p, const runtime::address& to, void* outcome) {
        runtime::give_section_result(p, to, lifted(*static_cast<outcome_of_many*>(outcome)));
    }
    static void fail_section(runtime::pe& p, const runtime::address& to, runtime::failure&& why) {
        runtime::give_section_result(p, to, lifted(why));
    }
    struct reply {};
    struct section_reply {};
    static inline const runtime::delivery delivering{&give_value, &give_failure};
    static inline const runtime::delivery delivering_to_section{&give_to_section, &fail_section};
    static inline const runtime::broadcast_type operations{&deliver_one, &combine, &finish, &message_for};
    static std::uint32_t id() { return runtime::registered<script_broadcast, operations>::id(); }

    /// Sends it. `target` takes a vector of outcomes. Throws `error` as members_of does.
    static void issue(runtime::pe& p, const runtime::collection_type& chares, runtime::collection_id name,
                      const runtime::address& target, script_job what) {
        const std::vector<runtime::index_bits> members = members_of(chares, what.elements);
        const bool some = !what.elements.indices.empty();
        what.many = true;
        auto b = std::make_shared<runtime::broadcast>();
        b->type = id();
        b->target = target;
        b->arguments = runtime::boxed::of<shared_job>(std::make_shared<const script_job>(std::move(what)));
        if (some) {
            b->reply = runtime::registered<section_reply, delivering_to_section>::id();
            runtime::issue_section(p, name, std::move(b), members);
        } else {
            b->reply = runtime::registered<reply, delivering>::id();
            runtime::issue_broadcast(p, name, std::move(b));
        }
    }
};

/// Sends it: see script_broadcast.
inline void issue_to_many(runtime::pe& p, const runtime::collection_type& chares, runtime::collection_id name,
                          const runtime::address& target, script_job what) {
    if (what.across)
        script_broadcast<true>::issue(p, chares, name, target, std::move(what));
    else
        script_broadcast<false>::issue(p, chares, name, target, std::move(what));
}

} // namespace motet::inline MOTET_VARIANT::script

namespace motet::inline MOTET_VARIANT {

/// Runs a script in one chare. The future gives what it did there; it is motet::erased if there is no such chare.
template <class T, class Index>
future<script_outcome> run_script(const element_proxy<T, Index>& chare, script_request request) {
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<script_outcome>(p);
    const auto [id, index] = std::pair(chare.collection_name(), chare.index_name());
    const runtime::pe_number at = runtime::where(p, id, index); // throws, before there is a message
    runtime::submit(
        p, at,
        script::script_call::make(
            p, id, index, to,
            std::make_shared<const script::script_job>(script::script_job{
                .opened = script::opening<T>::id(), .request = std::move(request), .names = script::known_names(p)})));
    return std::move(made);
}

/// Runs a script in every chare of a collection, or in the chosen ones, in each with variables of its own. The future
/// gives what it did in each, in the order of the indices; or the one result that they were reduced to, and the errors
/// (see execute_request::across; request.reduce says the same, unless it iterates).
template <class T, class Index>
future<std::vector<script_outcome>> run_script(const collection<T, Index>& chares, script_request request,
                                               chosen_elements elements = {}, std::string across = {}) {
    runtime::pe& p = runtime::this_pe();
    if (across.empty() && !request.iterate) across = std::exchange(request.reduce, {});
    auto [made, to] = runtime::new_future<std::vector<script_outcome>>(p);
    script::script_job job{.opened = script::opening<T>::id(),
                           .request = std::move(request),
                           .elements = std::move(elements),
                           .across = across.empty() ? nullptr : std::make_shared<const value>(value{std::move(across)}),
                           .names = script::known_names(p)};
    if (job.request.atomic)
        script::begin_transaction(p, chares.name(), std::make_shared<const script::script_job>(std::move(job)), to);
    else
        script::issue_to_many(p,
                              runtime::registry::get<runtime::collection_type>(runtime::collection_of<T, Index>::id()),
                              chares.name(), to, std::move(job));
    return std::move(made);
}

} // namespace motet::inline MOTET_VARIANT
