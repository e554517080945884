// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/balance.hpp>
#include <motet/chare/activity.hpp>
#include <motet/chare/section.hpp>
#include <motet/chare/self.hpp>
#include <motet/serial/by_name.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// What a checkpoint holds of the chares of a PE. All numbers of registered things are those of the program that wrote
/// it; the manifest says what they stand for.
namespace motet::inline MOTET_VARIANT::checkpointing {

using namespace runtime; // NOLINT: a checkpoint is about what the runtime has

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
    std::vector<std::byte> fields;
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

struct saved_part {
    collection_id id;
    std::vector<saved_element> elements;
    std::vector<saved_round> rounds;
    std::vector<index_bits> erased;
};

struct saved_pe {
    pe_number number = 0;
    std::vector<saved_part> parts;
    std::vector<saved_message> messages;
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
                        static_cast<std::uint8_t>(m.flags & message::prioritized),
                        {}};
    serial::writer out;
    type.encode(m, out);
    saved.arguments = out.to_vector();
    return saved;
}

inline saved_element save_element(const part& c, const element_header& e) {
    saved_element saved{e.index, e.round, static_cast<std::uint8_t>(e.flags & element_header::created_due), {}, {}, {},
                        {},      {}};
    serial::writer out;
    c.type->save(c.type->object(const_cast<element_header&>(e)), out);
    saved.fields = out.to_vector();
    if (!e.extension) return saved;
    const element_extension& x = *e.extension;
    for (const message* m = x.held.front(); m != nullptr; m = m->next) saved.held.push_back(save_message(*m));
    saved.postponed = x.postponed;
    saved.section_rounds = x.section_rounds;
    serial::decode_into(serial::encode(x.channels).bytes(), saved.channels); // boxed values do not copy
    return saved;
}

/// Throws `error` for what cannot be saved.
inline saved_pe save_pe(pe& p, std::vector<saved_summary>& summaries) {
    local_chares& here = local_chares::of(p);
    saved_pe all{p.number, {}, {}};
    for (const message* m = p.kept.front(); m != nullptr; m = m->next) all.messages.push_back(save_message(*m));
    for (auto& [bits, c] : here.parts) {
        for (const auto& [key, round] : c->section_rounds)
            if (round.type != 0)
                throw error("a checkpoint: a reduction over a section of " + c->type->name() +
                            " is under way: checkpoint before it begins, or after it has ended");
        saved_part saved{c->info->id, {}, {}, {}};
        for (const element_header* e : c->table.elements) saved.elements.push_back(save_element(*c, *e));
        for (std::size_t i = 0; i < c->rounds.size(); ++i)
            if (const reduction_round& r = c->rounds[i]; r.type != 0)
                saved.rounds.push_back({c->passed + 1 + i, r.type, r.target, r.result.copy()});
        if (p.number == root_of(p, c->info->id)) // the others have what the root has
            for (const auto& [number, round] : c->shares)
                for (const auto& share : round.parts)
                    if (share.type != 0)
                        saved.rounds.push_back({number, share.type, share.target, share.result.copy()});
        for (const auto& [index, record] : c->homes) {
            if (record.now == home_record::state::erased) saved.erased.push_back(index);
            for (const message* m = record.held.front(); m != nullptr; m = m->next)
                all.messages.push_back(save_message(*m));
        }
        summaries.push_back({c->info->id, c->passed, c->begun, c->births, c->released, c->sealed});
        all.parts.push_back(std::move(saved));
    }
    return all;
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
