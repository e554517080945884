// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/errors.hpp>
#include <motet/chare/local.hpp>
#include <motet/runtime/call.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Where elements are. The home of an index is the PE that its collection's map names; it always knows.
namespace motet::inline MOTET_VARIANT::runtime {

/// Whether a step of a protocol does what the program says, so that a frozen PE keeps it.
template <auto F>
inline constexpr bool is_of_program = false;

/// A step of a protocol addressed to a collection on one PE: `F(pe&, part&, arguments...)`. Where the collection is not
/// known yet, it waits for it.
template <auto F>
struct part_call;

template <class... P, void (*F)(pe&, part&, P...)>
struct part_call<F> {
    using arguments = std::tuple<std::remove_cvref_t<P>...>;
    using payload = payload_of<arguments>;

    static void run(pe& p, message* m) {
        part* c = local_chares::of(p).find(p, m->collection);
        if (c == nullptr) return local_chares::of(p).remember(m);
        frame f{.below = p.current_frame, .type = m->type};
        p.current_frame = &f;
        bool goes_on = true;
        try {
            apply(p, *c, payload::in(*m), std::index_sequence_for<P...>{});
        } catch (const fiber::unwind&) {
            goes_on = false;
        } catch (...) {
            p.job.fail(exception_text::current().whole() + ", in the collection of " + c->type->name() + " on PE " +
                       std::to_string(p.number));
        }
        p.current_frame = f.below;
        if (!f.parked) ++p.processed;
        if (goes_on && !p.loose.empty()) p.settle_loose(); // a hook or a broadcast ran a method
        payload::destroy(*m);
        p.release(m);
    }
    template <std::size_t... I>
    static void apply(pe& p, part& c, [[maybe_unused]] arguments& a, std::index_sequence<I...>) {
        F(p, c, static_cast<P&&>(std::get<I>(a))...);
    }
    static std::string name() { return called_function(typeid(part_call)); }
    static inline const message_type operations{.run = &run,
                                                .destroy = &payload::destroy,
                                                .encode = &payload::encode,
                                                .decode = &payload::decode,
                                                .payload_bytes = payload::bytes,
                                                .system = !is_of_program<F>,
                                                .name = &name,
                                                .plain = payload::plain};
    static std::uint32_t id() { return registered<part_call, operations>::id(); }
};

template <auto F, class... A>
message* part_message(pe& from, collection_id id, A&&... a) {
    using what = part_call<F>;
    message* m = from.template allocate<what::payload::bytes>(what::id());
    new (m->payload()) typename what::arguments(std::forward<A>(a)...);
    m->set(message::constructed);
    m->collection = id;
    return m;
}
template <auto F, class... A>
void post_part(pe& from, pe_number to, collection_id id, A&&... a) {
    from.send(to, part_message<F>(from, id, std::forward<A>(a)...));
}

/// Does it on the PE of `to`, in its collection: at once if that is here.
template <auto F, class... A>
void do_at_part(pe& p, const address& to, A&&... a) {
    if (to.pe == p.number)
        F(p, *local_chares::of(p).find(p, to.collection), std::forward<A>(a)...);
    else if (to.pe < p.job.pe_total()) // else it is of a run with more PEs, before a restart: nobody waits there
        post_part<F>(p, to.pe, to.collection, std::forward<A>(a)...);
}

/// The same as post_part before all other messages, for what a home must learn: a message that goes before others could
/// else be sent to where the element was, and back to the home, for ever. On the way to another process it goes with
/// others: one packet for each move would cost more than the move.
template <auto F, class... A>
void post_part_first(pe& from, pe_number to, collection_id id, A&&... a) {
    message* m = part_message<F>(from, id, std::forward<A>(a)...);
    m->set(message::expedited);
    m->set(message::prioritized);
    from.send(to, m);
}

/// The first PE of a process.
inline pe_number first_pe_of(const pe& p, std::uint64_t process) {
    return static_cast<pe_number>(process * p.home.pe_count);
}

__extension__ using wide = unsigned __int128;

/// The first place of an extent of `total` that lies on PE `number` of `pes`.
inline std::uint64_t block_begin(std::uint64_t total, std::uint64_t number, std::uint64_t pes) {
    return static_cast<std::uint64_t>((static_cast<wide>(total) * number + pes - 1) / pes);
}

/// The PE on which that place lies.
inline pe_number block_owner(std::uint64_t total, std::uint64_t place, std::uint64_t pes) {
    if ((place | pes) >> 32 == 0) [[likely]]
        return static_cast<pe_number>(place * pes / total);
    return static_cast<pe_number>(static_cast<wide>(place) * pes / total);
}

/// What block_owner may multiply by 2^64-fold instead of dividing by `total`; 0 where that would not be exact. It is if
/// numerator times denominator is below 2^64 (Granlund and Montgomery, "Division by invariant integers", 1994).
inline std::uint64_t block_reciprocal(std::uint64_t total, std::uint64_t pes) {
    const std::uint64_t all = ~std::uint64_t{0};
    return total > 1 && total <= all / total / pes ? all / total + 1 : 0;
}
inline pe_number block_owner(const part& c, std::uint64_t place, std::uint64_t pes) {
    if (c.reciprocal != 0) [[likely]]
        return static_cast<pe_number>((static_cast<wide>(place * pes) * c.reciprocal) >> 64);
    return block_owner(c.info->total, place, pes);
}

/// Whether it is a member of a group whose PE or process a restart did without.
MOTET_INLINE bool is_gone(pe& p, const address& to);

/// The PE that answers for an index.
MOTET_INLINE pe_number home_of(const pe& p, const part& c, const index_bits& index);

#if MOTET_BODIES

// The sentences about indices that cannot be stand apart, so that what is called for every message stays small.

[[noreturn, gnu::cold, gnu::noinline]] inline void
refuse_member(const part& c, const index_bits& index, const char* what, const char* whats, std::uint64_t count) {
    throw error("there is no " + std::string(what) + " " + std::to_string(static_cast<std::int64_t>(index.low)) +
                " for " + element_text(c, index) + ": this run has " + whats + " 0 to " + std::to_string(count - 1));
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_place(const part& c, const index_bits& index,
                                                                std::int64_t chosen, std::uint64_t pes) {
    throw error("the map of " + c.type->name() + " places " + element_text(c, index) + " on PE " +
                std::to_string(chosen) + ": this run has PEs 0 to " + std::to_string(pes - 1));
}

/// What a map has thrown, which is handled now.
[[noreturn, gnu::cold, gnu::noinline]] inline void pass_on_of_map(const part& c, const index_bits& index) {
    try {
        throw;
    } catch (const fiber::unwind&) {
        throw; // of motet::exit
    } catch (...) {
        const exception_text thrown = exception_text::current();
        throw error("the map of " + c.type->name() + " threw " + thrown.type + " for " + element_text(c, index) + ": " +
                    thrown.text);
    }
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_index(const part& c, const index_bits& index) {
    throw error("there is no element " + element_text(c, index) + ": the array has the extent " +
                c.type->index_text(c.info->extent));
}

/// Whether a collection that has one chare on each PE or process has this one in this run.
inline bool has_member(const pe& p, collection_kind kind, const index_bits& index) {
    return (kind != collection_kind::group || index.low < p.job.pe_total()) &&
           (kind != collection_kind::node_group || index.low < p.job.process_total());
}

/// Whether a restart did without the PE or process of this member: what was under way for it is dropped.
inline bool is_gone(const pe& p, const part& c, const index_bits& index) {
    return p.job.shrunk && !has_member(p, c.info->kind, index);
}
MOTET_INLINE bool is_gone(pe& p, const address& to) {
    const part* const c = local_chares::of(p).find(p, to.collection);
    return c != nullptr && is_gone(p, *c, to.index);
}

MOTET_INLINE pe_number home_of(const pe& p, const part& c, const index_bits& index) {
    const collection_info& info = *c.info;
    const std::uint64_t pes = p.job.pe_total();
    switch (info.kind) {
    case collection_kind::single: return root_of(p, {static_cast<pe_number>(index.high >> 32), 0});
    case collection_kind::group:
        if (!has_member(p, collection_kind::group, index)) [[unlikely]]
            refuse_member(c, index, "PE", "PEs", pes);
        return static_cast<pe_number>(index.low);
    case collection_kind::node_group:
        if (!has_member(p, collection_kind::node_group, index)) [[unlikely]]
            refuse_member(c, index, "process", "processes", p.job.process_total());
        return first_pe_of(p, index.low);
    case collection_kind::array: break;
    }
    if (info.map != 0) { // asked where there is one PE, too: that it is wrong shall be seen there
        std::int64_t chosen = 0;
        try {
            chosen = registry::get<map_type>(info.map).place(info.map_state.pointer(), index, info.extent,
                                                             static_cast<std::int64_t>(pes));
        } catch (...) {
            pass_on_of_map(c, index);
        }
        if (chosen < 0 || static_cast<std::uint64_t>(chosen) >= pes) [[unlikely]]
            refuse_place(c, index, chosen, pes);
        return static_cast<pe_number>(chosen);
    }
    if (pes == 1) return 0;
    if (info.dense) {
        const std::uint64_t place = info.linear ? index.low : c.type->linear(info.extent, index);
        if (place < info.total) return block_owner(c, place, pes);
    }
    return static_cast<pe_number>(hash_of(index) % pes);
}

/// Refuses an index that a dense array can never have.
inline void check_index(const part& c, const index_bits& index) {
    const collection_info& info = *c.info;
    if (info.dense && (info.linear ? index.low : c.type->linear(info.extent, index)) >= info.total) [[unlikely]]
        refuse_index(c, index);
}
#endif // MOTET_BODIES

/// Refuses the name in a proxy that was default-constructed.
inline void check_name(collection_id id) {
    if (id.root == no_pe) [[unlikely]]
        throw error("this proxy is empty: assign to it what create() gave");
}

/// Where to send a message for an index. Throws `error` for an index that cannot be.
#if MOTET_BODIES
[[gnu::noinline]] MOTET_INLINE pe_number where_else(const pe& p, const part& c, const index_bits& index) {
    check_index(c, index);
    if (!c.settled) {
        if (c.table.find(index) != nullptr) return p.number;
        if (const auto known = c.cache.find(index); known != c.cache.end()) return known->second.first;
        if (const auto known = c.homes.find(index);
            known != c.homes.end() && known->second.now == home_record::state::there)
            return known->second.pe;
    }
    return home_of(p, c, index);
}
#else
pe_number where_else(const pe& p, const part& c, const index_bits& index);
#endif // MOTET_BODIES

inline pe_number where(const pe& p, const part& c, const index_bits& index) {
    if (c.settled && index.low - c.own_first < c.own_count && index.high == 0) [[likely]]
        return p.number;
    if (index.low < c.members) return static_cast<pe_number>(index.low);
    return where_else(p, c, index);
}

/// Counts a message from the chare that runs, if messages of its collection to itself are counted.
MOTET_INLINE void count_message(pe& p, const message& m);
#if MOTET_BODIES
[[gnu::cold]] MOTET_INLINE void count_message(pe& p, const message& m) {
    const frame* f = p.current_frame;
    if (f == nullptr || f->element == nullptr) return;
    const part& c = *static_cast<const part*>(f->part);
    if (!c.counts_messages || !c.measured || !(c.info->id == m.collection)) return;
    auto& sent = static_cast<element_header*>(f->element)->extend().sent;
    for (sent_count& each : sent)
        if (each.to == m.index) return void(++each.count);
    constexpr std::size_t most_partners = 256;
    if (sent.size() < most_partners) sent.push_back({m.index, 1});
}
#endif // MOTET_BODIES

/// Sends a message to the element whose index it bears. `to`: what `where` said; no_pe where the collection is unknown.
[[gnu::always_inline]] inline void submit(pe& p, pe_number to, message* m) {
    if (p.counts_messages) [[unlikely]]
        count_message(p, *m);
    m->from = static_cast<std::uint16_t>(std::min<pe_number>(p.number, message::nobody));
    if (to != no_pe) [[likely]]
        return p.send(to, m);
    p.count_sent(m);
    local_chares::of(p).remember(m);
}
inline pe_number where(pe& p, collection_id id, const index_bits& index) {
    if (const part* c = local_chares::of(p).find(p, id)) [[likely]]
        return where(p, *c, index);
    check_name(id);
    return no_pe;
}

/// A message reached this PE, and the element is not here (move.hpp).
MOTET_INLINE void misdelivered(pe& p, part& c, message* m);

} // namespace motet::inline MOTET_VARIANT::runtime
