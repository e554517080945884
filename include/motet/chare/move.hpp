// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/location.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Births, moves and deaths of elements.
///
/// The life of a move of element e from PE A to PE B, with home H:
/// 1. A waits until no frame stands in e, runs on(departing), takes e out of its table, adds 1 to e's version, and
///    notes B and the version in its cache.
/// 2. A tells H: `leaving`. If that is newer than what H knows, H notes "moving" and holds messages for e.
/// 3. A sends e to B (inside a process: its address), and sends its held messages after it, by way of H.
/// 4. B puts e into its table and tells H: `there`. H notes B, unless it knows something newer, and sends on what it
///    held.
/// 5. A message that reaches a PE without e goes on to where that PE's cache says, once, and then to H, which may hold
///    it for a while. Who sent it is told what was known, and notes it unless it knows something newer: its next
///    message takes the short way. One that was sent to where e is not, and nothing is known of it, is told to ask H
///    again. (Over MPI that is who sent the packet: a message that was sent on teaches the PE that did so.)
/// 6. B delivers to e the broadcasts it has not seen and then tells A: `acknowledge`. Until then A answers for the
///    broadcasts and reduction rounds that e owes (broadcast.hpp, reduction.hpp).
/// 7. An erasure is a move to nowhere: H keeps a tombstone with its version. A birth is decided at H, which gives
///    versions from one counter (high bits), so that whatever is told about an earlier life is always older. Of the
///    tombstones H keeps the newest, and forgets older ones: messages for those wait as for one that was never born.
///    What is told of an element that H does not know is told of a forgotten one, for H knows of all others from their
///    birth on, or has them in its table.
namespace motet::inline MOTET_VARIANT::runtime {

/// A birth, decided at home. `on`: the PE it shall live on, or no_pe for the home itself.
MOTET_INLINE void insert_at_home(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told);
/// Asks for a birth, from any PE; throws what a wrong index, a user's map or serialize has thrown.
MOTET_INLINE void insert_from(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told);
/// The same, with the error told to `told`.
MOTET_INLINE void insert_on_request(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told);
/// Moves or erases an element here as soon as no frame stands in it; throws `error` for a member of a group.
MOTET_INLINE void request_move(pe& p, part& c, element_header& e, pe_number to, address told);
MOTET_INLINE void request_erasure(pe& p, part& c, element_header& e, address told);
/// The same, with the error told to `told`.
MOTET_INLINE void move_on_request(pe& p, part& c, element_header& e, pe_number to, address told);
MOTET_INLINE void erase_on_request(pe& p, part& c, element_header& e, address told);

/// Ends the program with what a user's own serialize, copy or map has thrown where nobody is left to be told.
MOTET_INLINE void fail_on_the_way(pe& p, part& c, const index_bits& index, const char* what);

#if MOTET_BODIES

// What broadcasts and reductions do when an element comes or goes.
inline void join_reductions(part& c, element_header& e, pe_number from);
inline void leave_reductions(pe& p, part& c, element_header& e);
inline void die_in_reductions(pe& p, part& c, element_header& e);
inline void look_at_rounds(pe& p, part& c);
inline void deliver_late(pe& p, part& c, element_header& e, const delivery_work& what);
MOTET_INLINE void run_due_hooks(pe& p, part& c, element_header& e);
MOTET_INLINE void after_frame(pe& p, part& c, element_header& e);
inline void postponed_arrives(pe& p, part& c, element_header& e);
inline void postponed_dies(pe& p, part& c, element_header& e);
inline void look_who_waits(pe& p, part& c);
inline void run_hook(pe& p, part& c, element_header& e, void (*hook)(element_header&), const char* name, bool may_wait);

inline element_header& install_element(pe& p, part& c, element_header* e, const index_bits& index,
                                       std::uint64_t version);

/// The end of a message whose element does not exist (any more).
inline void refuse_erased(pe& p, part& c, message* m) {
    if (m->has(message::replies) && reply_of(*m).how != 0) {
        deliver_failure(p, reply_of(*m),
                        {"there is no such element (it was erased, or never inserted)", "motet::erased",
                         element_text(c, m->index), pe::type_of(*m).is_method() ? pe::type_of(*m).name() : "", true});
    } else {
        p.job.erased_tells.fetch_add(1, std::memory_order_relaxed);
    }
    ++p.processed;
    p.discard(m);
}

/// The end of a message that cannot be delivered for a reason that is being handled as an exception.
inline void refuse(pe& p, part& c, message* m) {
    tell_failure(p, m->has(message::replies) ? reply_of(*m) : address{},
                 failure::current(element_text(c, m->index), pe::type_of(*m).name()));
    ++p.processed;
    p.discard(m);
}

MOTET_INLINE void fail_on_the_way(pe& p, part& c, const index_bits& index, const char* what) {
    fail_program(p, failure::current(element_text(c, index), what));
}

/// A message that waited in or for an element which has died. Where calls create elements it goes to the next of its
/// index, as if it had come later: no order is promised.
inline void outlive(pe& p, part& c, message* m) { c.info->on_demand ? p.enqueue_again(m) : refuse_erased(p, c, m); }

/// Sends on a message that came here, or was held.
inline void send_on(pe& p, part& c, pe_number to, message* m) {
    const index_bits index = m->index;
    const std::uint32_t type = m->type;
    const address reply = m->has(message::replies) ? reply_of(*m) : address{};
    try {
        p.send_again(to, m);
    } catch (...) { // of a user's own serialize
        ++p.sent;   // send_again has taken that back, but another PE may have counted it
        ++p.processed;
        tell_failure(p, reply, failure::current(element_text(c, index), registry::get<message_type>(type).name()));
    }
}

/// The home of an element that exists: its map has named it before.
inline pe_number known_home(pe& p, part& c, const index_bits& index) {
    try {
        return home_of(p, c, index);
    } catch (...) {
        fail_on_the_way(p, c, index, "its map");
        return p.number;
    }
}

/// The version of the next birth at a home. The bits below count moves; one that moves more often than they can count
/// does no harm, for the next birth there begins above (bury).
inline constexpr unsigned version_bits_of_moves = 24;
inline std::uint64_t first_version(std::uint64_t birth) { return birth << version_bits_of_moves; }

/// How many tombstones a home keeps of a collection.
inline constexpr std::size_t tombstone_limit = 65536;

/// At the home: an element has died.
inline void bury(part& c, const index_bits& index, home_record& record, std::uint64_t version) {
    record.now = home_record::state::erased;
    record.version = version;
    c.births = std::max(c.births, version >> version_bits_of_moves);
    if (c.tombstones.size() < tombstone_limit) return c.tombstones.push_back({index, version});
    auto& oldest = c.tombstones[c.tombstones_replaced++ % tombstone_limit];
    if (const auto found = c.homes.find(oldest.index); found != c.homes.end() &&
                                                       found->second.now == home_record::state::erased &&
                                                       found->second.version == oldest.version)
        c.homes.erase(found); // not reborn since, nor dead again
    oldest = {index, version};
}

/// Demand creation.
inline void create_for(pe& p, part& c, message* m) {
    element_header* made = nullptr;
    try {
        made = c.type->make(c.info->prototype);
    } catch (...) { // of a user's own serialize or copy
        return refuse(p, c, m);
    }
    install_element(p, c, made, m->index, first_version(++c.births));
    p.enqueue_again(m);
}

/// How many elements a cache remembers.
inline constexpr std::size_t cache_limit = 4096;

inline void remember_place(part& c, const index_bits& index, std::uint64_t version, pe_number at) {
    if (const auto known = c.cache.find(index); known != c.cache.end()) {
        if (known->second.second < version) known->second = {at, version};
        return;
    }
    if (c.cache.size() >= cache_limit) c.cache.erase(c.cache.begin());
    c.cache[index] = {at, version};
    c.settled = false;
}

/// Step 5, at the sender: what a PE that had to send a message on knows of its element.
inline void learn_place(pe& p, part& c, index_bits index, std::uint64_t version, pe_number at) {
    if (at != p.number && home_of(p, c, index) != p.number && c.table.find(index) == nullptr)
        remember_place(c, index, version, at);
}
/// It is not there, and nothing is known of it.
inline void forget_place(pe&, part& c, index_bits index, pe_number at) {
    if (const auto known = c.cache.find(index); known != c.cache.end() && known->second.first == at)
        c.cache.erase(known);
}

/// Step 5: tells the sender of a message of its element, where it is known and another PE.
template <auto F, class... A>
void tell_sender(pe& p, part& c, const message& m, A... of_element) {
    if (m.from != message::nobody && m.from != p.number)
        post_part_first<F>(p, m.from, c.info->id, m.index, of_element...);
}

/// Whether a message waits for its element to be born. That of a single chare is on its way in any case.
inline bool may_be_born(const part& c, const message& m) {
    return c.info->kind == collection_kind::single || pe::type_of(m).waits_for_birth;
}

MOTET_INLINE void misdelivered(pe& p, part& c, message* m) {
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
                tell_sender<&learn_place>(p, c, *m, known->second.second, known->second.first);
                return send_on(p, c, known->second.first, m);
            }
        }
        tell_sender<&forget_place>(p, c, *m, p.number);
        return send_on(p, c, home, m);
    }
    auto found = c.homes.find(m->index);
    if (found == c.homes.end()) {
        if (c.info->on_demand) return create_for(p, c, m);
        if (c.sealed || c.fixed() || !may_be_born(c, *m)) return refuse_erased(p, c, m);
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
    case home_record::state::there:
        tell_sender<&learn_place>(p, c, *m, record.version, record.pe);
        return send_on(p, c, record.pe, m);
    case home_record::state::unborn:
        if (!may_be_born(c, *m)) return refuse_erased(p, c, m);
        break;
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

/// What the home knows of an element away from it that is told of; null where that is known to be over.
inline home_record* known_away(part& c, const index_bits& index) {
    const auto found = c.homes.find(index);
    return found != c.homes.end() && found->second.now != home_record::state::unborn ? &found->second : nullptr;
}

/// Step 2, at the home, where the element was or which knows where.
inline void note_leaving(part& c, home_record& record, std::uint64_t version, pe_number to) {
    record.now = home_record::state::moving;
    record.version = version;
    record.pe = to;
    c.settled = false;
}
inline void leaving(pe&, part& c, index_bits index, std::uint64_t version, pe_number to) {
    if (home_record* record = known_away(c, index); record != nullptr && version > record->version)
        note_leaving(c, *record, version, to);
}

/// Step 4, at the home.
inline void there(pe& p, part& c, index_bits index, std::uint64_t version, pe_number at) {
    home_record* const record = known_away(c, index);
    if (record == nullptr || version < record->version) return;
    if (record->now == home_record::state::erased && version == record->version) return;
    record->now = home_record::state::there;
    record->version = version;
    record->pe = at;
    c.settled = false;
    release_held(c, *record, [&](message* m) {
        tell_sender<&learn_place>(p, c, *m, version, at);
        send_on(p, c, at, m);
    });
}

inline void tell_all(pe& p, const std::vector<address>& whom) {
    for (const address& each : whom) deliver_nothing(p, each);
}

/// Step 7, at the home. Who waits for the erasure is told here: from then on the index is free.
inline void erased_there(pe& p, part& c, index_bits index, std::uint64_t version, const std::vector<address>& told) {
    home_record& record = c.homes[index]; // of this life: there is no other before this is known
    release_held(c, record, [&](message* m) { outlive(p, c, m); });
    bury(c, index, record, version);
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
    /// The object itself comes last, written straight to where all goes.
    template <class Archive>
    void serialize(Archive& archive) {
        const auto with_it = [&](auto& x) {
            archive(x.after_move, x.after_erasure, x.sponsors, x.channels, x.section_rounds, x.postponed, x.load,
                    x.last_load, x.sent);
        };
        if constexpr (Archive::is_writing) {
            const element_header& e = *what;
            const bool extended = e.extension && carries_something(*e.extension);
            archive(type, e.index, e.seen, e.round, e.version, e.flags, extended);
            if (extended) with_it(*e.extension);
            registry::get<collection_type>(type).encode(e, archive.sink());
        } else {
            element_header e;
            bool extended = false;
            archive(type, e.index, e.seen, e.round, e.version, e.flags, extended);
            if (extended) with_it(e.extend());
            if (!registry::instance().is<collection_type>(type)) throw decode_error("an unknown collection", "", 0);
            what = registry::get<collection_type>(type).decode(archive.origin());
            static_cast<element_header&>(*what) = std::move(e);
        }
    }

private:
    static bool carries_something(const element_extension& x) {
        return !x.channels.empty() || !x.section_rounds.empty() || !x.sponsors.empty() || !x.after_move.empty() ||
               !x.after_erasure.empty() || x.postponed.until != 0 || x.load != 0 || x.last_load != 0 || !x.sent.empty();
    }
};

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
    ++c.moves.came;
    c.cache.erase(e->index);
    c.settled = false;
    const pe_number home = known_home(p, c, e->index);
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
    if (e->extension) {
        tell_all(p, std::exchange(e->extension->after_move, {}));
        if (e->extension->postponed.until != 0) postponed_arrives(p, c, *e);
    }
    deliver_late(p, c, *e, late);
}

/// Step 1 to 3, at A; no frame stands in `e`.
inline void depart(pe& p, part& c, element_header& e, pe_number to) {
    e.unset(element_header::move_pending);
    if (to == p.number) return tell_all(p, std::exchange(e.extension->after_move, {}));
    if (c.type->departing != nullptr) {
        run_hook(p, c, e, c.type->departing, "on(motet::departing)", false);
        e.unset(element_header::move_pending); // a wish of the hook: it is on its way
    }
    ++e.version;
    c.table.remove(&e);
    leave_reductions(p, c, e);
    ++c.away_seen[e.seen];
    ++c.moves.left;
    c.settled = false;
    const index_bits index = e.index;
    const pe_number home = known_home(p, c, index);
    if (home == p.number) {
        note_leaving(c, c.homes[index], e.version, to);
    } else {
        remember_place(c, index, e.version, to);
        post_part_first<&leaving>(p, home, c.info->id, index, e.version, to);
    }
    message_list held;
    if (e.extension) {
        held = std::exchange(e.extension->held, {});
        if (e.extension->postponed.until != 0) --local_chares::of(p).postponed, --c.waiting;
    }
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
    look_who_waits(p, c);
}

/// Puts a new element into the table.
inline void place_element(part& c, element_header& e, const index_bits& index, std::uint64_t version) {
    e.index = index;
    e.version = version;
    e.seen =
        std::max(c.current, c.round_seen); // it must not hear what made others contribute to a round it does not owe
    e.round = c.begun;
    ++c.population_of(e.round);
    c.table.insert(&e);
}
/// The same, and its hook is going to run.
inline element_header& install_element(pe& p, part& c, element_header* e, const index_bits& index,
                                       std::uint64_t version) {
    place_element(c, *e, index, version);
    ++c.moves.came, ++c.moves.left; // a PE that has answered for its elements has another one now
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

/// What a user's own copy or serialize has thrown at a birth.
inline failure failed_birth(const part& c, const index_bits& index) {
    return failure::current(element_text(c, index), "its creation");
}
/// At the home: one that was to be born elsewhere was not. What came for it meanwhile finds all as it was before.
inline void unborn(pe& p, part& c, index_bits index, std::uint64_t version, bool erased_before, address told,
                   failure why) {
    if (const auto found = c.homes.find(index); found != c.homes.end() && found->second.version == version) {
        release_held(c, found->second, [&](message* m) { p.enqueue_again(m); });
        if (erased_before)
            bury(c, index, found->second, version);
        else
            c.homes.erase(found);
    }
    tell_failure(p, told, std::move(why));
}

/// A birth away from home.
inline void create_here(pe& p, part& c, index_bits index, boxed prototype, std::uint64_t version, bool erased_before,
                        address told) {
    const pe_number home = known_home(p, c, index);
    element_header* made = nullptr;
    try {
        made = make_element(c, prototype);
    } catch (...) {
        return post_part<&unborn>(p, home, c.info->id, index, version, erased_before, told, failed_birth(c, index));
    }
    install_element(p, c, made, index, version);
    c.settled = false;
    post_part<&there>(p, home, c.info->id, index, version, p.number);
    deliver_nothing(p, told);
}

MOTET_INLINE void insert_at_home(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told) {
    auto found = c.homes.find(index);
    const bool exists =
        c.table.find(index) != nullptr || (found != c.homes.end() && (found->second.now == home_record::state::moving ||
                                                                      found->second.now == home_record::state::there));
    if (exists || c.sealed) {
        failure why{exists ? "an element of this index exists already"
                           : "nothing can be inserted after done_inserting(): wait for the futures of insert() "
                             "before that call",
                    "motet::error", element_text(c, index), "insert", false};
        if (told.how == 0) return fail_program(p, why);
        return deliver_failure(p, told, std::move(why));
    }
    const std::uint64_t version = first_version(++c.births);
    if (on == no_pe || on == p.number) {
        element_header* made = nullptr;
        try {
            made = make_element(c, prototype);
        } catch (...) {
            return tell_failure(p, told, failed_birth(c, index));
        }
        install_element(p, c, made, index, version);
        if (found != c.homes.end()) {
            release_held(c, found->second, [&](message* m) { p.enqueue_again(m); });
            c.homes.erase(index);
        }
        deliver_nothing(p, told);
        return;
    }
    const bool erased_before = found != c.homes.end() && found->second.now == home_record::state::erased;
    try {
        post_part<&create_here>(p, on, c.info->id, index, std::move(prototype), version, erased_before, told);
    } catch (...) {
        return tell_failure(p, told, failed_birth(c, index));
    }
    home_record& record = c.homes[index];
    record.now = home_record::state::moving;
    record.version = version;
    record.pe = on;
    c.settled = false;
}

/// Ends an element; no frame stands in it.
inline void erase_now(pe& p, part& c, element_header& e) {
    std::vector<address> told;
    if (e.extension) {
        told.swap(e.extension->after_erasure);
        for (const address& each : e.extension->after_move)
            deliver_failure(
                p, each, {"it was erased before it moved", "motet::erased", element_text(c, e.index), "move_to", true});
        while (!e.extension->held.empty()) {
            --local_chares::of(p).when_held;
            outlive(p, c, e.extension->held.pop());
        }
        if (e.extension->postponed.until != 0) postponed_dies(p, c, e);
    }
    c.table.remove(&e);
    die_in_reductions(p, c, e);
    const pe_number home = known_home(p, c, e.index);
    c.settled = false;
    if (home == p.number)
        erased_there(p, c, e.index, e.version + 1, told);
    else
        post_part_first<&erased_there>(p, home, c.info->id, e.index, e.version + 1, std::move(told));
    c.type->destroy(&e);
    look_at_rounds(p, c);
    look_who_waits(p, c);
}

MOTET_INLINE void insert_from(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told) {
    check_index(c, index);
    post_part<&insert_at_home>(p, home_of(p, c, index), c.info->id, index, std::move(prototype), on, told);
}

MOTET_INLINE void insert_on_request(pe& p, part& c, index_bits index, boxed prototype, pe_number on, address told) {
    try {
        insert_from(p, c, index, std::move(prototype), on, told);
    } catch (...) {
        tell_failure(p, told, failure::current(element_text(c, index), "insert"));
    }
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
    if (told.how != 0) e.extend().after_erasure.push_back(told);
    e.set(element_header::erase_pending);
    if (e.pins == 0) erase_now(p, c, e);
}

MOTET_INLINE void request_move(pe& p, part& c, element_header& e, pe_number to, address told) {
    if (c.fixed())
        throw error(element_text(c, e.index) +
                    " cannot move: it belongs to a group, which has one chare on each PE or process");
    move_element(p, c, e, to, told);
}

MOTET_INLINE void request_erasure(pe& p, part& c, element_header& e, address told) {
    if (c.fixed())
        throw error(element_text(c, e.index) +
                    " cannot be erased: it belongs to a group, which has one chare on each PE or process");
    erase_element(p, c, e, told);
}

MOTET_INLINE void move_on_request(pe& p, part& c, element_header& e, pe_number to, address told) {
    try {
        request_move(p, c, e, to % p.job.pe_total(), told); // after a restart there may be no PE of that number
    } catch (const error& why) {
        deliver_failure(p, told, {why.what(), "motet::error", {}, {}, false});
    }
}

MOTET_INLINE void erase_on_request(pe& p, part& c, element_header& e, address told) {
    try {
        request_erasure(p, c, e, told);
    } catch (const error& why) {
        deliver_failure(p, told, {why.what(), "motet::error", {}, {}, false});
    }
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
