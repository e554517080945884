// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/part.hpp>
#include <motet/runtime/pe.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

class future_state_base;

/// Futures by their names, so that a reply finds the one it is for, or finds that nobody wants it any more. A name is a
/// slot, which serves one future after the other, and a generation, which no other future of the slot has had or will
/// have (64 bits: a program that asks for years does not come to their end).
class future_table {
public:
    index_bits add(future_state_base* state) {
        if (vacant.empty()) [[unlikely]]
            return grow(state);
        const std::uint32_t slot = vacant.back();
        vacant.pop_back();
        slots[slot].state = state;
        return {slot, slots[slot].generation};
    }
    void remove(const index_bits& name) {
        const auto slot = static_cast<std::uint32_t>(name.low);
        slots[slot].state = nullptr;
        ++slots[slot].generation;
        vacant.push_back(slot);
    }
    /// What is left when the run is over.
    template <class F>
    void for_each(F&& f) const {
        for (const entry& each : slots)
            if (each.state != nullptr) f(*each.state);
    }
    future_state_base* find(const index_bits& name) const {
        return name.low < slots.size() && slots[name.low].generation == name.high ? slots[name.low].state : nullptr;
    }

    /// After so many restarts, before the first is added: no future has had the generation, or one after it.
    void begin_after(std::uint32_t restarts, std::uint64_t generation) {
        restart_count = restarts;
        first_generation = std::max(first_generation, generation);
    }
    std::uint32_t restarts() const { return restart_count; }
    /// Whether nobody can wait for a future of this name: it is of a run before.
    bool is_of_earlier_run(const index_bits& name) const { return name.high < first_generation; }
    /// The run is over: a promise that somebody keeps finds nobody in the next run of this process.
    void close() { after_earlier_runs = std::max<std::uint64_t>(after_earlier_runs, next_generation()); }
    /// A generation that no future has had.
    std::uint64_t next_generation() const;

private:
    index_bits grow(future_state_base* state);
    struct entry {
        future_state_base* state;
        std::uint64_t generation;
    };
    std::vector<entry> slots;
    std::vector<std::uint32_t> vacant;
    static inline std::atomic<std::uint64_t> after_earlier_runs{0};
    std::uint64_t first_generation = after_earlier_runs;
    std::uint32_t restart_count = 0;
};

#if MOTET_BODIES
MOTET_INLINE index_bits future_table::grow(future_state_base* state) {
    slots.push_back({state, first_generation});
    return {slots.size() - 1, first_generation};
}
MOTET_INLINE std::uint64_t future_table::next_generation() const {
    std::uint64_t next = first_generation;
    for (const entry& each : slots) next = std::max(next, each.generation + 1);
    return next;
}
#endif // MOTET_BODIES

/// Delivering a broadcast to the elements of a PE. A handler that waits in the middle leaves the rest to another fiber.
struct delivery_work {
    part* where = nullptr;
    std::uint64_t number = 0; ///< of the broadcast that every element gets
    std::size_t cursor = 0;   ///< elements below this position have to be looked at
    const broadcast* record = nullptr;
    open_broadcast* open = nullptr;
    element_header* late = nullptr; ///< in place of that: one that catches up with all it has not seen
    std::uint64_t had_seen = 0;     ///< when it left
    std::uint64_t had_done = 0;     ///< reduction rounds, when it left
    std::uint64_t sponsored = 0;    ///< rounds up to this one its former PE answers for
    pe_number from = no_pe;         ///< where it came from, or this PE
};

/// Pieces of work of an activity (activity.hpp).
struct activity_counts {
    std::uint64_t made = 0;
    std::uint64_t done = 0;
    void add(const activity_counts& more) { made += more.made, done += more.done; }
    friend bool operator==(const activity_counts&, const activity_counts&) = default;
};

/// What a PE knows of an activity; the owner alone uses the second half.
struct activity_state {
    activity_counts own;       ///< since a wave took them; at the owner also what the waves have brought
    activity_counts sum;       ///< of the wave that passes through
    std::uint32_t missing = 0; ///< children that have not answered
    bool kept = false;         ///< a PE below did not hand over what it has counted
    bool counted = true;       ///< the owner is told when `own` changes

    struct request {
        std::uint64_t wave; ///< the first one that began after it
        address to;
    };
    std::vector<request> wanted;
    std::uint64_t waves = 0;  ///< begun so far
    bool under_way = false;   ///< a wave, or the pause before one
    bool stirred = false;     ///< counts have changed since
    activity_counts previous; ///< what was known after the last wave
    double pause = 0;
};

/// The chares of one PE.
class local_chares final : public pe_state {
public:
    local_chares();
    ~local_chares() override;
    static local_chares& of(pe& p) { return static_cast<local_chares&>(*p.state); }

    /// The part of a collection here; null if its creation has not come yet.
    part* find(pe& p, collection_id id) {
        const std::uint64_t key = id.key();
        const auto& [known, found] = recent_place(key);
        if (known == key) [[likely]]
            return found;
        return look_up(p, id);
    }
    part& install(std::shared_ptr<collection_info> info);
    void remember(message* m);
    message_list take_unknown(collection_id id);

    void proceed(pe& p) override;
    std::uint64_t held() const override;
    void list_held(pe& p, std::vector<std::string>& lines, bool by_conditions) override;
    void clear(pe& p) override;
    std::string place(pe& p, const frame& f) override;
    void place_in_brief(const frame& f, char* buffer, std::size_t size) override;
    void shake(pe& p, std::uint64_t random) override;

    future_table futures;
    std::unordered_map<std::uint64_t, activity_state> activities;
    std::deque<delivery_work> work;
    std::vector<delivery_work> later; ///< of elements that catch up when their hooks have returned
    std::uint64_t when_held = 0;      ///< messages held back by a `when`
    std::uint64_t postponed = 0;      ///< calls that wait for something the runtime does
    std::unordered_map<std::uint64_t, std::unique_ptr<part>> parts;

private:
    /// The name of a collection and its part, or a null pointer under the name of none.
    struct recent_part {
        std::uint64_t key = collection_id().key();
        part* found = nullptr;
    };
    recent_part& recent_place(std::uint64_t key) { return recent[((key >> 32) ^ (key << 3)) & (recent.size() - 1)]; }
    part* look_up(pe& p, collection_id id);

    std::unordered_map<std::uint64_t, message_list> unknown; ///< messages to collections that are not known here yet
    std::uint64_t unknown_count = 0;
    std::array<recent_part, 64> recent{};
};

#if MOTET_BODIES
MOTET_INLINE local_chares::local_chares() = default;
MOTET_INLINE local_chares::~local_chares() = default;

MOTET_INLINE part& local_chares::install(std::shared_ptr<collection_info> info) {
    const collection_id id = info->id;
    return *(parts[id.bits()] = std::make_unique<part>(std::move(info)));
}

[[gnu::noinline]] MOTET_INLINE part* local_chares::look_up(pe&, collection_id id) {
    const auto it = parts.find(id.bits());
    if (it != parts.end()) {
        recent_place(id.key()) = {id.key(), it->second.get()};
        return it->second.get();
    }
    if (id.root != singles_root) return nullptr;
    auto info = std::make_shared<collection_info>();
    info->id = id;
    info->type = id.serial;
    info->kind = collection_kind::single;
    return &install(std::move(info));
}

MOTET_INLINE void local_chares::remember(message* m) {
    unknown[m->collection.bits()].push(m);
    ++unknown_count;
}

MOTET_INLINE message_list local_chares::take_unknown(collection_id id) {
    const auto it = unknown.find(id.bits());
    if (it == unknown.end()) return {};
    message_list all = it->second;
    unknown.erase(it);
    unknown_count -= all.size();
    return all;
}

MOTET_INLINE std::uint64_t local_chares::held() const {
    std::uint64_t all = unknown_count + when_held + postponed;
    for (const auto& [id, c] : parts) all += c->held;
    return all;
}
#endif // MOTET_BODIES

/// The PE that is the root of a collection's trees: the one that created it. After a restart with fewer PEs there may
/// be none of that number.
inline pe_number root_of(const pe& p, collection_id id) {
    const pe_number pes = p.job.pe_total();
    return id.root < pes ? id.root : id.root % pes;
}

/// "Tile[3, 4]"
inline std::string element_text(const part& c, const index_bits& index) {
    return c.type->name() + (c.info->kind == collection_kind::single ? "" : c.type->index_text(index));
}

#if MOTET_BODIES
MOTET_INLINE std::string local_chares::place(pe& p, const frame& f) {
    const std::string where = ", on PE " + std::to_string(p.number);
    if (f.element == nullptr) {
        const std::string name = f.type != 0 ? registry::get<message_type>(f.type).name() : "the scheduler";
        return (name.find("run_main") != std::string::npos ? "main" : name) + where;
    }
    const auto& c = *static_cast<const part*>(f.part);
    return element_text(c, static_cast<const element_header*>(f.element)->index) + ", " +
           (f.type != 0 ? "entry " + registry::get<message_type>(f.type).name() : "a hook") + where;
}

/// "Tile::run" out of the mangled name of its entry, where that is a plain one; else the name as it is.
inline void write_plain_name(const char* mangled, char* buffer, std::size_t size) {
    const char* at = std::strstr(mangled, "L_ZN");
    std::size_t used = 0;
    if (at != nullptr) at += at[4] == 'K' ? 5 : 4; // of a const method
    while (at != nullptr && *at >= '1' && *at <= '9') {
        char* name = nullptr;
        const unsigned long length = std::strtoul(at, &name, 10);
        const int written =
            std::snprintf(buffer + used, size - used, "%s%.*s",
                          used == 0 ? "" : "::", static_cast<int>(std::min(length, std::strlen(name))), name);
        used = std::min(size - 1, used + static_cast<std::size_t>(written));
        at = name + std::min(length, std::strlen(name));
    }
    if (at == nullptr || *at != 'E') std::snprintf(buffer, size, "%s", mangled);
}

MOTET_INLINE void local_chares::place_in_brief(const frame& f, char* buffer, std::size_t size) {
    if (f.type == 0) return;
    char entry[256];
    write_plain_name(registry::instance().name(f.type), entry, sizeof entry);
    if (f.element == nullptr) return void(std::snprintf(buffer, size, "%s", entry));
    const std::string_view chare = static_cast<const part*>(f.part)->type->describe().short_name;
    std::snprintf(buffer, size, "%.*s, entry %s", static_cast<int>(chare.size()), chare.data(), entry);
}

MOTET_INLINE void local_chares::list_held(pe& p, std::vector<std::string>& lines, bool by_conditions) {
    if (by_conditions && when_held == 0) return;
    const std::string where = ", on PE " + std::to_string(p.number);
    auto line = [&](const part& c, const message* m, const char* why) {
        lines.push_back(element_text(c, m->index) + ", entry " + pe::type_of(*m).name() + where + ": " + why);
    };
    for (const auto& named : parts) {
        const part* const c = named.second.get();
        for (const element_header* e : c->table.elements)
            if (e->extension)
                for (const message* m = e->extension->held.front(); m != nullptr; m = m->next)
                    line(*c, m,
                         e->has(element_header::hooks_running) ? "a hook of the chare has not returned"
                                                               : "its `when` is not satisfied");
        if (by_conditions) continue;
        for (const element_header* e : c->table.elements)
            if (e->extension && e->extension->postponed.until != 0)
                lines.push_back(element_text(*c, e->index) + ", entry " +
                                registry::get<message_type>(e->extension->postponed.type).name() + where +
                                ": it waits for all elements to be balanced");
        for (const auto& [index, record] : c->homes)
            for (const message* m = record.held.front(); m != nullptr; m = m->next)
                line(*c, m, "there is no element of that index");
        const auto name_missing = [&](const auto& is_missing, const char* what) {
            const element_header* first = nullptr;
            std::size_t count = 0;
            for (const element_header* e : c->table.elements)
                if (is_missing(*e) && ++count == 1) first = e;
            if (first != nullptr)
                lines.push_back(element_text(*c, first->index) +
                                (count > 1 ? " and " + std::to_string(count - 1) + " more of its collection" : "") +
                                where + what);
        };
        if (c->begun > c->passed) // a reduction has begun
            name_missing([&](const element_header& e) { return rounds_done(e) <= c->passed; },
                         ": a reduction to which others have contributed waits for it");
        if (c->waiting > 0 || c->asked > c->released)
            name_missing([](const element_header& e) { return !e.extension || e.extension->postponed.until == 0; },
                         ": others of its collection wait for it at a balancing point");
        for (const auto& [key, round] : c->section_rounds)
            lines.push_back(element_text(*c, round.path.front()) + where +
                            ": what it gives to a reduction over a section, or a member behind it in the list, has not "
                            "come");
    }
    if (by_conditions) return;
    for (const delivery_work& each : later)
        lines.push_back(element_text(*each.where, each.late->index) + where +
                        ": calls of all elements wait until a hook of the chare has returned");
    for (auto& [id, list] : unknown)
        for (const message* m = list.front(); m != nullptr; m = m->next)
            lines.push_back(pe::type_of(*m).name() + where + ": its collection does not exist here");
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
