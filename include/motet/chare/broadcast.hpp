// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/perform.hpp>
#include <motet/chare/reducers.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// Calls of a method of every element, and what becomes of the results.
///
/// 1. The collection's root (the PE that created it) numbers broadcasts and sends each down the tree of PEs. A PE
///    begins them in the order of their numbers, and remembers each until the root says that it is closed everywhere.
/// 2. An element keeps the number of the last broadcast it has seen; it is born with its PE's. A PE delivers number k
///    to each of its elements that has not seen it. A handler that waits leaves the rest of the loop to another fiber.
/// 3. An element that moves from A to B, and has seen less than B has begun, gets the rest at B (`deliver_late`), on
///    account of A: results go to A. Then B tells A (`acknowledge`). An element whose hook waits when it is to get k
///    gets that, and what comes after it, in the same way when the hook has returned, on its PE's own account. So every
///    element gets broadcasts in the order of their numbers.
/// 4. A PE has settled k when all its elements have had it and none that had not seen k when it left is
///    unacknowledged. No call of k will then begin on its account any more.
/// 5. When k is settled, every call of k on the PE's account has returned and all its children in the tree have
///    reported, the PE reports what came back, put together, to its parent; the root hands the result to whoever
///    wanted it.
/// 6. The numbers that are closed at the root travel with the next broadcast, and their records are dropped.
/// 7. Where the arguments cannot be serialized for a child in the tree the reason goes there in their place: the
///    elements below have then seen the broadcast, and each call there has failed. At the root, as long as no child has
///    it, the broadcast was never issued.
namespace motet::inline MOTET_VARIANT::runtime {

/// A broadcast under way. Inside a process all PEs share one; its arguments are not changed.
struct broadcast {
    std::uint32_t type = 0;  ///< registered broadcast_type
    std::uint32_t reply = 0; ///< registered delivery of one call's result
    urgency urgent;          ///< its messages are
    boxed arguments;
    address target;
    std::unique_ptr<failure> lost; ///< why there are no arguments, below a PE that could not send them

    template <class Archive>
    void serialize(Archive& archive) {
        archive(type, reply, urgent, arguments, target, lost);
        if constexpr (!Archive::is_writing) take_numbers();
    }

private:
    /// Those that were read, maybe from the checkpoint of another program.
    void take_numbers();
};

/// What is done with broadcasts of one method and one kind of result.
struct broadcast_type {
    bool (*deliver)(pe&, part&, element_header&, const broadcast&, const address& reply); ///< calls it on one element
    void (*combine)(partial& into, partial&& more);
    void (*finish)(pe&, const address&, partial&& all);
    message* (*message_for)(pe&, part&, const index_bits&, const broadcast&, const address* reply); ///< for one element
};

inline void broadcast::take_numbers() {
    const registry& known = registry::instance();
    const bool is_told = reply != 0;
    type = registry::translated(type), reply = registry::translated(reply);
    if (!known.is<broadcast_type>(type) || (is_told && !known.is<delivery>(reply)))
        throw decode_error("a call of many chares that this program does not have", "", 0);
}

inline const broadcast_type& type_of(const broadcast& b) { return registry::get<broadcast_type>(b.type); }

inline std::uint32_t child_count(const pe& p, part& c) {
    if (c.children == part::not_counted) c.children = tree(p, root_of(p, c.info->id)).child_count(p.number);
    return c.children;
}
inline pe_number parent_of(const pe& p, const part& c) { return tree(p, root_of(p, c.info->id)).parent(p.number); }

/// While it lives, what runs may not wait: it is a reducer.
class no_waiting {
public:
    explicit no_waiting(const pe& p) : within(p.current_frame), could(within != nullptr && within->may_wait) {
        if (within != nullptr) within->may_wait = false;
    }
    no_waiting(const no_waiting&) = delete;
    no_waiting& operator=(const no_waiting&) = delete;
    ~no_waiting() {
        if (within != nullptr) within->may_wait = could;
    }

private:
    frame* within;
    bool could;
};

/// Puts `more` to `all`. What the reducer throws goes to whoever waits for the result.
template <class Operations>
void combine_into(const pe& p, const part& c, const Operations& how, partial& all, partial&& more) {
    try {
        const no_waiting in_the_reducer(p);
        how.combine(all, std::move(more));
    } catch (...) {
        all.fail(failure::current(c.type->name(), "a reducer"));
    }
}

/// Sends what calls or contributions have given, or that it cannot be serialized: the last argument of F.
template <auto F, class... A>
void post_result(pe& p, const part& c, pe_number to, partial&& result, A... a) {
    try {
        post_part<F>(p, to, c.info->id, a..., std::move(result));
    } catch (...) {
        partial failed;
        failed.fail(failure::current(c.type->name(), "a result of it"));
        post_part<F>(p, to, c.info->id, std::move(a)..., std::move(failed));
    }
}

/// The same at the collection that an address names: at once if that is here.
template <auto F, class... A>
void give_result_to(pe& p, const address& to, partial&& result, A... a) {
    part& c = *local_chares::of(p).find(p, to.collection);
    if (to.pe == p.number)
        F(p, c, std::move(a)..., std::move(result));
    else if (to.pe < p.job.pe_total()) // else it is of a run with more PEs, before a restart: nobody waits there
        post_result<F>(p, c, to.pe, std::move(result), std::move(a)...);
}

/// What this PE knows of the results of broadcast `number`.
MOTET_INLINE open_broadcast& results_of(part& c, std::uint64_t number);
/// One call on this PE's account is over; its result has been combined into `all`.
MOTET_INLINE void returned(pe& p, part& c, std::uint64_t number, open_broadcast& all);
/// Puts what one call gave to the results on the PE `to`, on whose account it ran. `type`: of the broadcast.
MOTET_INLINE void give_result(pe& p, const address& to, std::uint32_t type, partial one);
/// Step 1: sends a broadcast to the root.
MOTET_INLINE void issue_broadcast(pe& p, collection_id id, std::shared_ptr<broadcast> what);

#if MOTET_BODIES

/// Step 5, at a parent.
inline void report_broadcast(pe& p, part& c, std::uint64_t number, partial result);

/// Steps 4 and 5. True if broadcast `number` is done with here.
inline bool close_broadcast(pe& p, part& c, std::uint64_t number, open_broadcast& b) {
    if (!b.begun || b.owed != 0 || c.delivered < number || b.children != child_count(p, c)) return false;
    if (!c.away_seen.empty() && c.away_seen.begin()->first < number) return false;
    const std::shared_ptr<broadcast> record = c.broadcasts[number];
    if (c.fixed()) c.broadcasts.erase(number); // nothing moves that may still need it
    partial result = std::move(b.result);
    if (p.number != root_of(p, c.info->id)) {
        post_result<&report_broadcast>(p, c, parent_of(p, c), std::move(result), number);
        return true;
    }
    c.broadcasts.erase(number);
    if (!c.fixed() && p.job.pe_total() > 1) c.closed_broadcasts.push_back(number);
    if (record->target.how != 0) {
        try {
            type_of(*record).finish(p, record->target, std::move(result));
        } catch (...) {
            deliver_failure(p, record->target, failure::current(c.type->name(), "a reducer"));
        }
    } else if (result.why) {
        fail_program(p, *result.why);
    }
    return true;
}

inline void look_at_broadcasts(pe& p, part& c) {
    for (auto each = c.open.begin(); each != c.open.end();)
        each = close_broadcast(p, c, each->first, each->second) ? c.open.erase(each) : std::next(each);
}

inline void report_broadcast(pe& p, part& c, std::uint64_t number, partial result) {
    const auto found = c.open.find(number);
    if (found == c.open.end()) broken("a report for a broadcast that is closed");
    open_broadcast& b = found->second;
    ++b.children;
    combine_into(p, c, type_of(*c.broadcasts[number]), b.result, std::move(result));
    if (close_broadcast(p, c, number, b)) c.open.erase(found);
}

MOTET_INLINE open_broadcast& results_of(part& c, std::uint64_t number) { return c.open[number]; }

MOTET_INLINE void returned(pe& p, part& c, std::uint64_t number, open_broadcast& all) {
    if (--all.owed == 0 && close_broadcast(p, c, number, all)) c.open.erase(number);
}

/// Step 3: an element has had what it had not seen.
inline void caught_up(pe& p, part& c, std::uint64_t had_seen) {
    if (const auto away = c.away_seen.find(had_seen); --away->second == 0) c.away_seen.erase(away);
    look_at_broadcasts(p, c);
}

/// Step 3, at A: B has delivered what the element had not seen, and A answers for it.
inline void acknowledge(pe& p, part& c, std::uint64_t had_seen, std::uint64_t has_seen, std::uint64_t had_done,
                        std::uint64_t sponsored) {
    for (std::uint64_t number = had_seen + 1; number <= has_seen; ++number) ++c.open[number].owed;
    for (std::uint64_t number = had_done + 1; number <= sponsored; ++number) ++c.round(number).owed;
    if (const auto away = c.away_round.find(had_done); --away->second == 0) c.away_round.erase(away);
    caught_up(p, c, had_seen);
    look_at_rounds(p, c);
}

/// The call on one element. False if its handler waits: another fiber has gone on then.
inline bool call_one(pe& p, part& c, element_header& e, const broadcast& record, const address& reply) {
    if (!record.lost) [[likely]]
        return type_of(record).deliver(p, c, e, record, reply);
    deliver_failure(p, reply, failure(*record.lost));
    return true;
}

/// Step 2: goes on with deliveries until none is left, or somebody must go before. A handler that waits leaves the loop
/// to another fiber; it comes back to whatever is left then.
MOTET_INLINE void local_chares::proceed(pe& p) {
    while (!work.empty()) {
        if (!p.may_proceed()) {
            p.work_open = false;
            p.work_pending = p.attention = true;
            return;
        }
        delivery_work& w = work.front();
        part& c = *w.where;
        p.work_open = true;
        if (w.late != nullptr) {
            element_header& e = *w.late;
            if (e.in_a_hook()) {
                later.push_back(w);
                work.pop_front();
                continue;
            }
            if (e.seen < c.current) {
                const std::uint64_t number = ++e.seen;
                if (w.from == p.number) ++c.open[number].owed;
                const broadcast& record = *c.broadcasts[number];
                const address reply{record.reply, w.from, c.info->id, {number, 0}};
                if (!call_one(p, c, e, record, reply)) return;
                continue;
            }
            const delivery_work done = w;
            work.pop_front();
            if (done.from == p.number)
                caught_up(p, c, done.had_seen);
            else
                post_part<&acknowledge>(p, done.from, c.info->id, done.had_seen, e.seen, done.had_done, done.sponsored);
            e.unset(element_header::catching_up);
            --e.pins;
            if (e.flags != 0) after_frame(p, c, e);
            continue;
        }
        w.cursor = std::min(w.cursor, c.table.elements.size());
        if (w.cursor == 0) {
            c.delivered = w.number;
            work.pop_front();
            look_at_broadcasts(p, c);
            continue;
        }
        element_header& e = *c.table.elements[--w.cursor];
        if (e.seen >= w.number || e.has(element_header::catching_up)) continue;
        if (e.in_a_hook()) {
            ++c.away_seen[e.seen];
            ++e.pins;
            e.set(element_header::catching_up);
            later.push_back({.where = &c, .late = &e, .had_seen = e.seen, .from = p.number});
            continue;
        }
        e.seen = w.number;
        ++w.open->owed;
        const address reply{w.record->reply, p.number, c.info->id, {w.number, 0}};
        if (!call_one(p, c, e, *w.record, reply)) return;
    }
    p.work_open = false;
}

inline void deliver_late(pe& p, part& c, element_header& e, const delivery_work& what) {
    ++e.pins; // it stays until it has caught up
    e.set(element_header::catching_up);
    local_chares& here = local_chares::of(p);
    here.work.push_back(what);
    (void)c;
    if (here.work.size() == 1) here.proceed(p);
}

/// Step 2, at each PE but the root.
inline void begin_broadcast(pe& p, part& c, std::uint64_t number, std::shared_ptr<broadcast> what,
                            const std::vector<std::uint64_t>& closed);

/// Hands it down to the PEs below this one, or why it cannot be (step 7).
inline void hand_down(pe& p, part& c, std::uint64_t number, const std::shared_ptr<broadcast>& what,
                      const std::vector<std::uint64_t>& closed) {
    const auto hand_to = [&](pe_number child, const std::shared_ptr<broadcast>& it) {
        p.send(child, it->urgent.mark(part_message<&begin_broadcast>(p, c.info->id, number, it, closed)));
    };
    bool nobody_has_it = p.number == root_of(p, c.info->id);
    tree(p, root_of(p, c.info->id)).for_each_child(p.number, [&](pe_number child) {
        try {
            hand_to(child, what);
        } catch (...) {
            if (nobody_has_it) throw;
            auto without = std::make_shared<broadcast>();
            without->type = what->type, without->reply = what->reply, without->urgent = what->urgent;
            without->target = what->target;
            without->lost = std::make_unique<failure>(failure::current(c.type->name(), "a call of all"));
            hand_to(child, without);
        }
        nobody_has_it = false;
    });
}

/// Step 2, on this PE.
inline void begin_here(pe& p, part& c, std::uint64_t number, std::shared_ptr<broadcast> what,
                       const std::vector<std::uint64_t>& closed) {
    for (const std::uint64_t old : closed) c.broadcasts.erase(old);
    c.broadcasts[number] = std::move(what);
    local_chares& here = local_chares::of(p);
    const bool idle = here.work.empty();
    while (c.broadcasts.count(c.current + 1) != 0) {
        ++c.current;
        open_broadcast& open = c.open[c.current];
        open.begun = true;
        here.work.push_back({.where = &c,
                             .number = c.current,
                             .cursor = c.table.elements.size(),
                             .record = c.broadcasts[c.current].get(),
                             .open = &open});
    }
    if (!idle) return;
    p.flush(); // what the elements here do may take long, and the children wait
    here.proceed(p);
}

inline void begin_broadcast(pe& p, part& c, std::uint64_t number, std::shared_ptr<broadcast> what,
                            const std::vector<std::uint64_t>& closed) {
    hand_down(p, c, number, what, closed);
    begin_here(p, c, number, std::move(what), closed);
}

/// Step 1, at the root.
inline void take_broadcast(pe& p, part& c, std::shared_ptr<broadcast> what) {
    try {
        hand_down(p, c, c.issued + 1, what, c.closed_broadcasts);
    } catch (...) { // it was never issued
        return tell_failure(p, what->target, failure::current(c.type->name(), "a call of all"));
    }
    begin_here(p, c, ++c.issued, std::move(what), std::exchange(c.closed_broadcasts, {}));
}

template <>
inline constexpr bool is_of_program<& take_broadcast> = true;

MOTET_INLINE void issue_broadcast(pe& p, collection_id id, std::shared_ptr<broadcast> what) {
    check_name(id);
    const urgency urgent = what->urgent;
    p.send(root_of(p, id), urgent.mark(part_message<&take_broadcast>(p, id, std::move(what))));
}

inline void take_result(pe& p, part& c, std::uint64_t number, std::uint32_t type, partial one) {
    open_broadcast& all = results_of(c, number);
    combine_into(p, c, registry::get<broadcast_type>(type), all.result, std::move(one));
    returned(p, c, number, all);
}

MOTET_INLINE void give_result(pe& p, const address& to, std::uint32_t type, partial one) {
    give_result_to<&take_result>(p, to, std::move(one), to.index.low, type);
}
#endif // MOTET_BODIES

/// The kinds of results of a broadcast: nobody wants to know that it is over.
struct untold {};

template <auto M, class Op, class Index>
struct delivery_of_broadcast {};

/// Broadcasts of method M whose results `Op` puts together.
template <auto M, class Op, class Index>
struct broadcast_of {
    using call = entry_call<M>;
    using T = owner_of<M>;
    using traits = traits_of<M>;
    using stored = typename traits::stored;
    using reducer = std::conditional_t<std::is_same_v<Op, untold>, nothing_reducer, Op>;
    using value = std::conditional_t<std::is_void_v<result_of<M>>, no_value, result_of<M>>;
    using how = reduction<reducer, value>;
    using accumulator = typename how::accumulator;
    static constexpr bool counts_only = std::is_same_v<accumulator, no_value>;

    static bool deliver_one(pe& p, part& c, element_header& e, const broadcast& record, const address& reply) {
        const stored& arguments = record.arguments.template as<stored>();
        if (call::conditional || e.has(element_header::hooks_running) || (can_be_debugged && p.hooks != nullptr)) {
            message* m;
            try {
                m = call::make_stored(p, c.info->id, e.index, &reply, copy_of(arguments));
            } catch (...) {
                const std::string chare = element_text(c, e.index) + " on PE " + std::to_string(p.number);
                deliver_failure(p, reply, failure::current(chare, call::name()));
                return true;
            }
            ++p.sent;
            return call::run_at(p, c, e, m);
        } else {
            frame f{.element = &e,
                    .part = &c,
                    .reply = &reply,
                    .below = p.current_frame,
                    .type = call::id(),
                    .counted = false};
            return run_method<typename traits::returns>(p, c, e, f, nullptr, [&]() -> decltype(auto) {
                if constexpr (traits::shareable) {
                    return traits::call_shared(static_cast<element<T>&>(e).object, M, arguments);
                } else {
                    stored own = copy_of(arguments);
                    return traits::call(static_cast<element<T>&>(e).object, M, own);
                }
            });
        }
    }
    static void combine(partial& all, partial&& more) {
        if (more.why) return all.fail(std::move(*more.why));
        if constexpr (!counts_only) {
            if (!more.value) return;
            if (!all.value)
                all.value = std::move(more.value);
            else
                how::combine(all.value.template as<accumulator>(), std::move(more.value.template as<accumulator>()));
        }
    }
    static void finish(pe& p, const address& target, partial&& all) {
        if (all.why) return deliver_failure(p, target, std::move(*all.why));
        if constexpr (counts_only) {
            deliver_nothing(p, target);
        } else if (all.value) {
            auto result = how::template finish<Index>(std::move(all.value.template as<accumulator>()));
            deliver(p, target, &result);
        } else if constexpr (accumulates<reducer, value> &&
                             std::is_default_constructible_v<reduced<reducer, value, Index>> &&
                             requires(reduced<reducer, value, Index> r) { r.begin(); }) {
            reduced<reducer, value, Index> none;
            deliver(p, target, &none);
        } else {
            deliver_failure(p, target,
                            {"a reduction over a collection without elements has no result",
                             "motet::error",
                             {},
                             call::name(),
                             false});
        }
    }

    // How one call's result gets to the PE on whose account it ran.
    static void give_value(pe& p, const address& to, [[maybe_unused]] void* result) {
        if (to.pe != p.number) {
            partial one;
            if constexpr (!counts_only) one.value = boxed::of<accumulator>(lift(p, result));
            return give_result(p, to, id(), std::move(one));
        }
        part& c = *local_chares::of(p).find(p, to.collection);
        open_broadcast& open = results_of(c, to.index.low);
        if constexpr (!counts_only) {
            partial& all = open.result;
            if (!all.value)
                all.value = boxed::of<accumulator>(lift(p, result));
            else {
                accumulator one = lift(p, result);
                const no_waiting in_the_reducer(p);
                how::combine(all.value.template as<accumulator>(), std::move(one));
            }
        }
        returned(p, c, to.index.low, open);
    }
    static void give_failure(pe& p, const address& to, failure&& why) {
        if constexpr (std::is_same_v<Op, untold>) {
            if (!why.erased) fail_program(p, why);
            why = {};
        }
        partial one;
        if (!std::is_same_v<Op, untold>) one.fail(std::move(why));
        give_result(p, to, id(), std::move(one));
    }

    static inline const delivery delivering{&give_value, &give_failure};
    static message* message_for(pe& p, part& c, const index_bits& index, const broadcast& record,
                                const address* reply) {
        return record.urgent.mark(
            call::make_stored(p, c.info->id, index, reply, copy_of(record.arguments.template as<stored>())));
    }
    static inline const broadcast_type operations{&deliver_one, &combine, &finish, &message_for};
    static std::uint32_t id() { return registered<broadcast_of, operations>::id(); }

    static std::shared_ptr<broadcast> make(const address& target, stored&& arguments) {
        auto b = std::make_shared<broadcast>();
        b->type = id();
        b->reply = registered<delivery_of_broadcast<M, Op, Index>, delivering>::id();
        b->target = target;
        b->arguments = boxed::of<stored>(std::move(arguments));
        return b;
    }

    static accumulator lift(pe& p, void* result) {
        const auto& e = *static_cast<const element_header*>(p.current_frame->element);
        const auto& c = *static_cast<const part*>(p.current_frame->part);
        return how::lift(std::move(*static_cast<value*>(result)), e.index,
                         accumulates<reducer, value> || is_tuple_reducer<reducer> ? c.type->order(e.index)
                                                                                  : index_bits{});
    }
    /// Arguments that cannot be copied are copied through their bytes.
    static stored copy_of(const stored& arguments) {
        if constexpr (serial::copyable<stored>) {
            return arguments;
        } else {
            stored made;
            serial::decode_into(serial::encode(arguments).bytes(), made);
            return made;
        }
    }
};

} // namespace motet::inline MOTET_VARIANT::runtime
