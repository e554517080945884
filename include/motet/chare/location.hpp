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
///
/// The life of a move of element e from PE A to PE B, with home H:
/// 1. A waits until no frame stands in e, runs on(departing), takes e out of its table, adds 1 to e's version, and
/// notes
///    B and the version in its cache.
/// 2. A tells H: `leaving`. If that is newer than what H knows, H notes "moving" and holds messages for e.
/// 3. A sends e to B (inside a process: its address), and sends its held messages after it, by way of H.
/// 4. B puts e into its table and tells H: `there`. H notes B, unless it knows something newer, and sends on what it
/// held.
/// 5. A message that reaches a PE without e goes on to where that PE's cache says, once, and then to H.
/// 6. B delivers to e the broadcasts it has not seen and then tells A: `acknowledge`. Until then A answers for the
///    broadcasts and reduction rounds that e owes (broadcast.hpp, reduction.hpp).
/// 7. An erasure is a move to nowhere: H keeps a tombstone with its version. A birth is decided at H, which gives
///    versions from one counter (high half), so that whatever is told about an earlier life is always older.
namespace motet::inline MOTET_VARIANT::runtime {

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
        try {
            std::apply([&](auto&... argument) { F(p, *c, static_cast<P&&>(argument)...); }, payload::in(*m));
        } catch (const fiber::unwind&) {
        } catch (...) {
            const auto e = exception_text::current();
            p.job.fail(e.text + " (" + e.type + "), in the collection of " + c->type->name() + " on PE " +
                       std::to_string(p.number));
        }
        p.current_frame = f.below;
        if (!f.parked) ++p.processed;
        payload::destroy(*m);
        p.release(m);
    }
    static std::string name() { return demangled(typeid(part_call).name()); }
    static inline const message_type operations{
        &run, &payload::destroy, &payload::encode, &payload::decode, payload::bytes, true, &name};
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

/// The same before all other messages, for what a home must learn: a message that goes before others could else be sent
/// to where the element was, and back to the home, for ever.
template <auto F, class... A>
void post_part_first(pe& from, pe_number to, collection_id id, A&&... a) {
    message* m = part_message<F>(from, id, std::forward<A>(a)...);
    m->set(message::expedited);
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
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_index(const part& c, const index_bits& index) {
    throw error("there is no element " + element_text(c, index) + ": the array has the extent " +
                c.type->index_text(c.info->extent));
}

/// The PE that answers for an index.
inline pe_number home_of(const pe& p, const part& c, const index_bits& index) {
    const collection_info& info = *c.info;
    const std::uint64_t pes = p.job.pe_total();
    switch (info.kind) {
    case collection_kind::single: return static_cast<pe_number>(index.high >> 32);
    case collection_kind::group:
        if (index.low >= pes) [[unlikely]]
            refuse_member(c, index, "PE", "PEs", pes);
        return static_cast<pe_number>(index.low);
    case collection_kind::node_group:
        if (index.low >= p.job.process_total()) [[unlikely]]
            refuse_member(c, index, "process", "processes", p.job.process_total());
        return first_pe_of(p, index.low);
    case collection_kind::array: break;
    }
    if (pes == 1) return 0;
    if (info.map != 0) {
        const std::int64_t chosen = registry::get<map_type>(info.map).place(
            info.map_state.pointer(), index, info.extent, static_cast<std::int64_t>(pes));
        if (chosen < 0 || static_cast<std::uint64_t>(chosen) >= pes) [[unlikely]]
            refuse_place(c, index, chosen, pes);
        return static_cast<pe_number>(chosen);
    }
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

/// Refuses the name in a proxy that was default-constructed.
inline void check_name(collection_id id) {
    if (id.root == no_pe) [[unlikely]]
        throw error("this proxy is empty: assign to it what create() gave");
}

/// Where to send a message for an index. Throws `error` for an index that cannot be.
[[gnu::noinline]] inline pe_number where_else(const pe& p, const part& c, const index_bits& index) {
    check_index(c, index);
    if (!c.settled) {
        if (c.table.find(index) != nullptr) return p.number;
        if (const auto known = c.cache.find(index); known != c.cache.end()) return known->second.first;
    }
    return home_of(p, c, index);
}
inline pe_number where(const pe& p, const part& c, const index_bits& index) {
    if (c.settled && index.low - c.own_first < c.own_count && index.high == 0) [[likely]]
        return p.number;
    return where_else(p, c, index);
}

/// Sends a message to the element whose index it bears. `to`: what `where` said; no_pe where the collection is unknown.
inline void submit(pe& p, pe_number to, message* m) {
    if (to != no_pe) [[likely]]
        return p.send(to, m);
    ++p.sent;
    local_chares::of(p).remember(m);
}
inline pe_number where(pe& p, collection_id id, const index_bits& index) {
    if (const part* c = local_chares::of(p).find(p, id)) [[likely]]
        return where(p, *c, index);
    check_name(id);
    return no_pe;
}

inline address& reply_of(message& m) {
    return *reinterpret_cast<address*>(static_cast<std::byte*>(m.payload()) + pe::type_of(m).payload_bytes);
}

/// The end of a message whose element does not exist (any more).
inline void refuse_erased(pe& p, part& c, message* m) {
    if (m->has(message::replies)) {
        deliver_failure(p, reply_of(*m),
                        {"there is no such element (it was erased, or never inserted)", "motet::erased",
                         element_text(c, m->index), pe::type_of(*m).name(), true});
    } else {
        p.job.erased_tells.fetch_add(1, std::memory_order_relaxed);
    }
    ++p.processed;
    p.discard(m);
}

/// The end of a message that cannot be delivered for a reason that is being handled as an exception.
inline void refuse(pe& p, part& c, message* m) {
    auto [text, type] = exception_text::current();
    failure why{std::move(text), std::move(type), element_text(c, m->index), pe::type_of(*m).name(), false};
    if (m->has(message::replies) && reply_of(*m).how != 0)
        deliver_failure(p, reply_of(*m), std::move(why));
    else
        fail_program(p, why);
    ++p.processed;
    p.discard(m);
}

inline element_header& install_element(pe& p, part& c, element_header* e, const index_bits& index,
                                       std::uint64_t version);

/// Ends the program with what a user's own serialize has thrown where nobody is left to be told.
inline void fail_on_the_way(pe& p, part& c, const index_bits& index, const char* what) {
    auto [text, type] = exception_text::current();
    fail_program(p, {std::move(text), std::move(type), element_text(c, index), what, false});
}

/// Sends on a message that came here, or was held.
inline void send_on(pe& p, part& c, pe_number to, message* m) {
    const index_bits index = m->index;
    try {
        p.send_again(to, m);
    } catch (...) {
        fail_on_the_way(p, c, index, "a message to it, sent on");
    }
}

/// Demand creation.
inline void create_for(pe& p, part& c, message* m) {
    element_header* made = nullptr;
    try {
        made = c.type->make(c.info->prototype);
    } catch (...) { // of a user's own serialize or copy
        return refuse(p, c, m);
    }
    install_element(p, c, made, m->index, ++c.births << 32);
    p.enqueue_again(m);
}

/// A message reached this PE, and the element is not here.
inline void misdelivered(pe& p, part& c, message* m) {
    pe_number home = no_pe;
    try {
        check_index(c, m->index); // its sender may not have known the collection
        home = home_of(p, c, m->index);
    } catch (...) {
        return refuse(p, c, m);
    }
    if (home != p.number) {
        if (!m->has(message::forwarded)) {
            if (const auto known = c.cache.find(m->index); known != c.cache.end()) {
                m->set(message::forwarded);
                return send_on(p, c, known->second.first, m);
            }
        }
        return send_on(p, c, home, m);
    }
    auto found = c.homes.find(m->index);
    if (found == c.homes.end()) {
        if (c.info->on_demand) return create_for(p, c, m);
        if (c.sealed || c.fixed()) return refuse_erased(p, c, m);
        found = c.homes.try_emplace(m->index).first;
    }
    home_record& record = found->second;
    switch (record.now) {
    case home_record::state::erased:
        if (c.info->on_demand) {
            c.homes.erase(found);
            return create_for(p, c, m);
        }
        return refuse_erased(p, c, m);
    case home_record::state::there: return send_on(p, c, record.pe, m);
    case home_record::state::unborn:
    case home_record::state::moving: break;
    }
    record.held.push(m);
    ++c.held;
}

/// Takes a record out, and gives what it held to `f`.
template <class F>
void release_held(part& c, home_record& record, F&& f) {
    while (!record.held.empty()) {
        message* m = record.held.pop();
        --c.held;
        f(m);
    }
}

/// Step 2, at the home.
inline void leaving(pe&, part& c, index_bits index, std::uint64_t version, pe_number to) {
    if (const element_header* e = c.table.find(index); e != nullptr && e->version >= version) return;
    home_record& record = c.homes[index];
    if (record.now != home_record::state::unborn && version <= record.version) return;
    record.now = home_record::state::moving;
    record.version = version;
    record.pe = to;
    c.settled = false;
}

/// Step 4, at the home.
inline void there(pe& p, part& c, index_bits index, std::uint64_t version, pe_number at) {
    if (const element_header* e = c.table.find(index); e != nullptr && e->version >= version) return;
    home_record& record = c.homes[index];
    if (record.now != home_record::state::unborn && version < record.version) return;
    if (record.now == home_record::state::erased && version == record.version) return;
    record.now = home_record::state::there;
    record.version = version;
    record.pe = at;
    c.settled = false;
    release_held(c, record, [&](message* m) { p.send_again(at, m); });
}

inline void tell_all(pe& p, const std::vector<address>& whom) {
    for (const address& each : whom) deliver_nothing(p, each);
}

/// Step 7, at the home. Who waits for the erasure is told here: from then on the index is free.
inline void erased_there(pe& p, part& c, index_bits index, std::uint64_t version, std::vector<address> told) {
    home_record& record = c.homes[index];
    if (record.now == home_record::state::unborn || version >= record.version) {
        record.now = home_record::state::erased;
        record.version = version;
        release_held(c, record, [&](message* m) { refuse_erased(p, c, m); });
    }
    tell_all(p, told);
}

/// An element on its way. Inside a process the pointer travels.
struct travelling {
    std::uint32_t type = 0;
    element_header* what = nullptr;

    travelling() = default;
    travelling(std::uint32_t collection, element_header* e) : type(collection), what(e) {}
    travelling(travelling&& other) noexcept : type(other.type), what(std::exchange(other.what, nullptr)) {}
    travelling& operator=(travelling&&) = delete;
    ~travelling() {
        if (what != nullptr) registry::get<collection_type>(type).destroy(what);
    }
    template <class Archive>
    void serialize(Archive& archive) {
        std::vector<std::byte> object;
        std::uint64_t low = 0, high = 0, seen = 0, round = 0, version = 0;
        std::uint16_t flags = 0;
        element_extension extension;
        const auto& operations = [&]() -> const collection_type& { return registry::get<collection_type>(type); };
        auto all = [&] {
            archive(type, object, low, high, seen, round, version, flags, extension.after_move, extension.sponsors,
                    extension.channels, extension.section_rounds);
        };
        if constexpr (Archive::is_writing) {
            serial::writer out;
            operations().encode(*what, out);
            object.assign(out.bytes().begin(), out.bytes().end());
            low = what->index.low, high = what->index.high, seen = what->seen, round = what->round;
            version = what->version, flags = what->flags;
            if (what->extension) {
                extension.after_move = what->extension->after_move;
                extension.sponsors = what->extension->sponsors;
                extension.channels.swap(what->extension->channels);
                extension.section_rounds = what->extension->section_rounds;
            }
            all();
        } else {
            all();
            if (!registry::instance().knows(type)) throw decode_error("an unknown collection", "", 0);
            serial::reader in(object);
            what = operations().decode(in);
            what->index = {low, high};
            what->seen = seen, what->round = round, what->version = version, what->flags = flags;
            if (!extension.channels.empty() || !extension.section_rounds.empty() || !extension.sponsors.empty() ||
                !extension.after_move.empty()) {
                element_extension& own = what->extend();
                own.after_move = std::move(extension.after_move);
                own.sponsors = std::move(extension.sponsors);
                own.channels = std::move(extension.channels);
                own.section_rounds = std::move(extension.section_rounds);
            }
        }
    }
};

/// The last reduction round that somebody else than the PE where `e` is answers for, or that e has contributed to.
inline std::uint64_t rounds_done(const element_header& e) {
    const bool sponsored = e.extension && !e.extension->sponsors.empty();
    return sponsored ? std::max(e.round, e.extension->sponsors.back().upto) : e.round;
}

// What broadcasts and reductions do when an element comes or goes.
inline void join_reductions(part& c, element_header& e, pe_number from);
inline void leave_reductions(pe& p, part& c, element_header& e);
inline void die_in_reductions(pe& p, part& c, element_header& e);
inline void look_at_rounds(pe& p, part& c);
inline void deliver_late(pe& p, part& c, element_header& e, delivery_work&& what);
inline void run_due_hooks(pe& p, part& c, element_header& e);
inline void after_frame(pe& p, part& c, element_header& e);
inline void run_hook(pe& p, part& c, element_header& e, void (*hook)(element_header&), const char* name,
                     bool may_wait = true);

/// Runs the hooks of an element that no message has reached yet.
inline void run_hooks_of(pe& p, part& c, index_bits index) {
    element_header* e = c.table.find(index);
    if (e == nullptr) return;
    ++e->pins;
    run_due_hooks(p, c, *e);
    --e->pins;
    if (e->flags != 0) after_frame(p, c, *e);
}

/// Steps 3 and 4, at B.
inline void arrive(pe& p, part& c, travelling element, pe_number from) {
    element_header* e = std::exchange(element.what, nullptr);
    if (c.type->arrived != nullptr) e->set(element_header::arrived_due);
    c.table.insert(e);
    c.cache.erase(e->index);
    c.settled = false;
    const pe_number home = home_of(p, c, e->index);
    if (home != p.number) {
        post_part<&there>(p, home, c.info->id, e->index, e->version, p.number);
    } else if (const auto record = c.homes.find(e->index); record != c.homes.end()) {
        release_held(c, record->second, [&](message* m) { p.enqueue_again(m); });
        c.homes.erase(record);
    }
    delivery_work late{.where = &c, .late = e, .had_seen = e->seen, .had_done = rounds_done(*e), .from = from};
    join_reductions(c, *e, from);
    late.sponsored = rounds_done(*e);
    if (e->flags & (element_header::arrived_due | element_header::created_due))
        post_part<&run_hooks_of>(p, p.number, c.info->id, e->index);
    if (e->extension) tell_all(p, std::exchange(e->extension->after_move, {}));
    deliver_late(p, c, *e, std::move(late));
}

/// How many elements a cache remembers.
inline constexpr std::size_t cache_limit = 4096;

/// Step 1 to 3, at A; no frame stands in `e`.
inline void depart(pe& p, part& c, element_header& e, pe_number to) {
    e.unset(element_header::move_pending);
    if (to == p.number) return tell_all(p, std::exchange(e.extension->after_move, {}));
    if (c.type->departing != nullptr) run_hook(p, c, e, c.type->departing, "on(motet::departing)", false);
    ++e.version;
    c.table.remove(&e);
    leave_reductions(p, c, e);
    ++c.away_seen[e.seen];
    c.settled = false;
    const index_bits index = e.index;
    const pe_number home = home_of(p, c, index);
    if (home == p.number) {
        leaving(p, c, index, e.version, to);
    } else {
        if (c.cache.size() >= cache_limit) c.cache.erase(c.cache.begin());
        c.cache[index] = {to, e.version};
        post_part_first<&leaving>(p, home, c.info->id, index, e.version, to);
    }
    message_list held;
    if (e.extension) held = std::exchange(e.extension->held, {});
    e.unset(element_header::watched);
    try {
        post_part<&arrive>(p, to, c.info->id, travelling(c.info->type, &e), p.number);
    } catch (...) {
        fail_on_the_way(p, c, index, "its move to another process");
    }
    while (!held.empty()) {
        --local_chares::of(p).when_held;
        send_on(p, c, home, held.pop());
    }
}

/// Puts a new element into the table.
inline element_header& install_element(pe& p, part& c, element_header* e, const index_bits& index,
                                       std::uint64_t version) {
    e->index = index;
    e->version = version;
    e->seen =
        std::max(c.current, c.round_seen); // it must not hear what made others contribute to a round it does not owe
    e->round = c.begun;
    ++c.population_of(e->round);
    c.table.insert(e);
    if (c.type->created != nullptr) {
        e->set(element_header::created_due);
        post_part<&run_hooks_of>(p, p.number, c.info->id, index);
    }
    return *e;
}

/// A copy of `prototype`, or of the collection's.
inline element_header* make_element(part& c, const boxed& prototype) {
    return c.type->make(prototype ? prototype : c.info->prototype);
}

/// A birth away from home.
inline void create_here(pe& p, part& c, index_bits index, boxed prototype, std::uint64_t version, address told) {
    install_element(p, c, make_element(c, prototype), index, version);
    c.settled = false;
    post_part<&there>(p, home_of(p, c, index), c.info->id, index, version, p.number);
    deliver_nothing(p, told);
}

/// A birth, decided at home. `on`: the PE it shall live on, or no_pe for the home itself.
inline void insert_at_home(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told) {
    auto found = c.homes.find(index);
    const bool exists =
        c.table.find(index) != nullptr || (found != c.homes.end() && (found->second.now == home_record::state::moving ||
                                                                      found->second.now == home_record::state::there));
    if (exists || c.sealed) {
        failure why{exists ? "an element of this index exists already"
                           : "nothing can be inserted after done_inserting()",
                    "motet::error", element_text(c, index), "insert", false};
        if (told.how == 0) return fail_program(p, why);
        return deliver_failure(p, told, std::move(why));
    }
    const std::uint64_t version = ++c.births << 32;
    if (on == no_pe || on == p.number) {
        install_element(p, c, make_element(c, prototype), index, version);
        if (found != c.homes.end()) {
            release_held(c, found->second, [&](message* m) { p.enqueue_again(m); });
            c.homes.erase(index);
        }
        deliver_nothing(p, told);
        return;
    }
    home_record& record = c.homes[index];
    record.now = home_record::state::moving;
    record.version = version;
    record.pe = on;
    c.settled = false;
    post_part<&create_here>(p, on, c.info->id, index, std::move(prototype), version, told);
}

/// Ends an element; no frame stands in it.
inline void erase_now(pe& p, part& c, element_header& e) {
    std::vector<address> told;
    if (e.extension) {
        told.swap(e.extension->after_move);
        while (!e.extension->held.empty()) {
            --local_chares::of(p).when_held;
            refuse_erased(p, c, e.extension->held.pop());
        }
    }
    c.table.remove(&e);
    die_in_reductions(p, c, e);
    const pe_number home = home_of(p, c, e.index);
    c.settled = false;
    if (home == p.number)
        erased_there(p, c, e.index, e.version + 1, std::move(told));
    else
        post_part_first<&erased_there>(p, home, c.info->id, e.index, e.version + 1, std::move(told));
    c.type->destroy(&e);
    look_at_rounds(p, c);
}

/// Asks for a birth, from any PE.
inline void insert_from(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told) {
    check_index(c, index);
    post_part<&insert_at_home>(p, home_of(p, c, index), c.info->id, index, std::move(prototype), on, told);
}

/// Moves an element as soon as no frame stands in it.
inline void move_element(pe& p, part& c, element_header& e, pe_number to, address told) {
    element_extension& x = e.extend();
    if (told.how != 0) x.after_move.push_back(told);
    x.move_to = to;
    e.set(element_header::move_pending);
    if (e.pins == 0 && !e.hooks_due()) depart(p, c, e, to);
}

/// Ends an element as soon as no frame stands in it.
inline void erase_element(pe& p, part& c, element_header& e, address told) {
    if (told.how != 0) e.extend().after_move.push_back(told);
    e.set(element_header::erase_pending);
    if (e.pins == 0) erase_now(p, c, e);
}

} // namespace motet::inline MOTET_VARIANT::runtime
