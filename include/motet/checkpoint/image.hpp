// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/balance.hpp>
#include <motet/chare/activity.hpp>
#include <motet/chare/section.hpp>
#include <motet/chare/self.hpp>
#include <motet/checkpoint/file.hpp>
#include <motet/serial/by_name.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// What a checkpoint holds of a PE, in a file of its own. All numbers of registered things are those of the program
/// that wrote it; the manifest says what they stand for. The records of such a file: a saved_pe; for each of its
/// collections a saved_part and its elements, a saved_element with the fields behind it each; the messages, a
/// saved_message each.
namespace motet::inline MOTET_VARIANT::checkpointing {

using namespace runtime; // NOLINT: a checkpoint is about what the runtime has

/// Of messages. Who waits for a reply is not saved, but that somebody does: what fails is not the program's end then.
inline constexpr std::uint8_t kept_flags = message::prioritized | message::expedited | message::replies;

/// A message that had not run yet.
struct saved_message {
    std::uint32_t type = 0;
    collection_id collection;
    index_bits index;
    std::int32_t priority = 0;
    std::uint8_t flags = 0;
    std::vector<std::byte> arguments;
};

struct saved_element {
    index_bits index;
    std::uint64_t round = 0;
    std::uint8_t flags = 0;
    std::vector<saved_message> held;
    postponed_call postponed;
    std::map<channel_key, channel_end> channels;
    std::map<std::uint64_t, std::uint64_t> section_rounds;
};

/// What elements have contributed to a reduction that is not over.
struct saved_round {
    std::uint64_t number = 0;
    std::uint32_t type = 0;
    address target;
    partial result;
};

/// The same for a section, at the home of one of its members.
struct saved_section_round {
    std::array<std::uint64_t, 3> key{}; ///< section, round and node
    std::vector<index_bits> path;       ///< the member, and those above it
    std::vector<index_bits> awaited;    ///< those below it
    std::uint32_t reported = 0;         ///< a bit for the member itself, and for those below it
    std::uint32_t type = 0;
    address target;
    partial result;
};

struct saved_part {
    collection_id id;
    std::uint64_t elements = 0;
    std::vector<saved_round> rounds;
    std::vector<saved_section_round> section_rounds;
    std::vector<index_bits> erased;
};

/// An object of the program outside of all chares (kept.hpp).
struct saved_object {
    std::string name;
    std::string schema;
    std::vector<std::byte> bytes;
};

/// What this PE has counted of an activity.
struct saved_activity {
    std::uint64_t id = 0;
    activity_counts counts;
};

struct saved_pe {
    pe_number number = 0;
    std::vector<saved_activity> activities;
    std::vector<saved_object> kept; ///< of its process, if it is the first one there
    std::uint64_t parts = 0;
    std::uint64_t messages = 0;
};

/// What is one for a collection on all PEs, put together on the way up the tree.
struct saved_summary {
    collection_id id;
    std::uint64_t passed = 0; ///< the least
    std::uint64_t begun = 0;  ///< the most
    std::uint64_t births = 0;
    std::uint64_t released = 0;
    bool sealed = false;
};

#if MOTET_BODIES

inline saved_message save_message(const message& m) {
    const message_type& type = pe::type_of(m);
    if (type.encode == nullptr)
        throw error("a checkpoint: a message that cannot be serialized is under way, " + type.name());
    saved_message saved{m.type,
                        m.collection,
                        m.index,
                        m.has(message::prioritized) ? m.priority : 0,
                        static_cast<std::uint8_t>(m.flags & kept_flags),
                        {}};
    serial::writer out;
    type.encode(m, out);
    saved.arguments = out.to_vector();
    return saved;
}

inline saved_element save_element(const element_header& e) {
    saved_element saved{e.index, e.round, static_cast<std::uint8_t>(e.flags & element_header::created_due), {}, {},
                        {},      {}};
    if (!e.extension) return saved;
    const element_extension& x = *e.extension;
    for (const message* m = x.held.front(); m != nullptr; m = m->next) saved.held.push_back(save_message(*m));
    saved.postponed = x.postponed;
    saved.section_rounds = x.section_rounds;
    serial::decode_into(serial::encode(x.channels).bytes(), saved.channels); // boxed values do not copy
    return saved;
}

/// Calls `f` with every part that is saved.
template <class F>
void for_each_saved_part(pe& p, F&& f) {
    for (auto& [bits, c] : local_chares::of(p).parts)
        if (c->type->saved) f(*c);
}

/// Calls `f` with every message that a PE keeps or holds, but for those that go with an element.
template <class F>
void for_each_loose_message(pe& p, F&& f) {
    local_chares& here = local_chares::of(p);
    for (const message_list* all : {&p.kept, &p.successors})
        for (const message* m = all->front(); m != nullptr; m = m->next) {
            const auto to = here.parts.find(m->collection.bits());
            if (to == here.parts.end() || to->second->type->saved) f(*m);
        }
    for (auto& [bits, c] : here.parts)
        for (const auto& [index, record] : c->homes)
            for (const message* m = record.held.front(); m != nullptr; m = m->next) f(*m);
}

/// Writes the file of a PE. Throws `error` for what cannot be saved.
inline void save_pe(pe& p, std::vector<saved_object> kept, record_writer& file, std::vector<saved_summary>& summaries) {
    local_chares& here = local_chares::of(p);
    serial::writer out; // for one record after the other
    const auto write = [&](const auto& record) {
        out.clear();
        serial::write(out, record);
    };
    saved_pe all{p.number, {}, std::move(kept), 0, 0};
    for_each_saved_part(p, [&](part&) { ++all.parts; });
    for (const auto& [id, activity] : here.activities)
        if (activity.own != activity_counts{}) all.activities.push_back({id, activity.own});
    for_each_loose_message(p, [&](const message&) { ++all.messages; });
    write(all);
    file.put(out.bytes());
    for_each_saved_part(p, [&](part& c) {
        saved_part saved{c.info->id, c.table.elements.size(), {}, {}, {}};
        for (const auto& [key, round] : c.section_rounds)
            saved.section_rounds.push_back(
                {key, round.path, round.awaited, round.children, round.type, round.target, round.result.copy()});
        for (std::size_t i = 0; i < c.rounds.size(); ++i)
            if (const reduction_round& r = c.rounds[i]; r.type != 0)
                saved.rounds.push_back({c.passed + 1 + i, r.type, r.target, r.result.copy()});
        if (p.number == root_of(p, c.info->id)) // the others have what the root has
            for (const shared_round& round : c.shares)
                for (const auto& share : round.parts)
                    if (share.type != 0)
                        saved.rounds.push_back({round.number, share.type, share.target, share.result.copy()});
        for (const auto& [index, record] : c.homes)
            if (record.now == home_record::state::erased) saved.erased.push_back(index);
        write(saved);
        file.put(out.bytes());
        for (element_header* e : c.table.elements) {
            write(save_element(*e));
            c.type->save(c.type->object(*e), out);
            file.put(out.bytes());
        }
        summaries.push_back({c.info->id, c.passed, c.begun, c.births, c.released, c.sealed});
    });
    for_each_loose_message(p, [&](const message& m) {
        write(save_message(m));
        file.put(out.bytes());
    });
}

inline void add_summaries(std::vector<saved_summary>& all, const std::vector<saved_summary>& more) {
    for (const saved_summary& each : more) {
        const auto known =
            std::find_if(all.begin(), all.end(), [&](const saved_summary& s) { return s.id == each.id; });
        if (known == all.end()) {
            all.push_back(each);
            continue;
        }
        known->passed = std::min(known->passed, each.passed);
        known->begun = std::max(known->begun, each.begun);
        known->births = std::max(known->births, each.births);
        known->released = std::max(known->released, each.released);
        known->sealed = known->sealed || each.sealed;
    }
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::checkpointing
