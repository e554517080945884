// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/phases.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

/// What the distributed strategy does on each PE: it hears of PEs with little to do, tells others of them, and gives
/// away.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

/// How many PEs gossip speaks of at a time, and how many a PE remembers, whatever the number of all.
inline constexpr std::size_t most_told = 64;
inline constexpr std::size_t most_known = 256;

inline void hear(pe& p, part& c, const std::vector<known_load>& more, pe_number from) {
    balancing_state& s = balancing_state::of(c);
    for (const known_load& each : more)
        if (s.known.size() < most_known && each.pe != p.number &&
            std::none_of(s.known.begin(), s.known.end(), [&](const known_load& k) { return k.pe == each.pe; }))
            s.known.push_back(each);
    post_part<&one_arrived>(p, from, c.info->id);
}

inline void gossip(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    const pe_number pes = p.job.pe_total();
    std::vector<known_load> told(s.known.begin(),
                                 s.known.begin() + static_cast<std::ptrdiff_t>(std::min(s.known.size(), most_told)));
    if (s.load < s.average && pes > 1) told.push_back({p.number, s.load});
    if (told.empty()) return finish_part_of_phase(p, c, {});
    s.moving = 1; // until all have been told
    for (std::uint64_t i = 0; i < 2; ++i) {
        const std::uint64_t chance =
            scrambled((std::uint64_t{p.number} << 32) + 64 * s.rounds + std::uint64_t{2} * s.steps + i);
        const auto to = static_cast<pe_number>((p.number + 1 + chance % (pes - 1)) % pes);
        ++s.moving;
        post_part<&hear>(p, to, c.info->id, told, p.number);
    }
    one_arrived(p, c);
}

/// Gives what is more than the average to PEs that are known to have less, each more likely the less it has.
inline void give(pe& p, part& c) {
    balancing_state& s = balancing_state::of(c);
    std::vector<element_header*> movable;
    for (element_header* e : c.table.elements)
        if (e->pins == 0 && e->extension && e->extension->last_load > 0) movable.push_back(e);
    std::sort(movable.begin(), movable.end(), [](const element_header* a, const element_header* b) {
        const double x = a->extension->last_load, y = b->extension->last_load;
        return x != y ? x > y : a->index < b->index;
    });
    std::vector<move_order> orders;
    std::uint64_t chance = (std::uint64_t{p.number} << 32) + s.rounds;
    for (element_header* e : movable) {
        const double load = e->extension->last_load;
        if (s.load <= refine_strategy::tolerance * s.average) break;
        if (s.load - load < s.average - load) continue; // too heavy: it would only move the trouble
        double room = 0;
        for (const known_load& k : s.known) room += std::max(0.0, s.average - k.load);
        if (room <= 0) break;
        chance = scrambled(chance);
        double pick = room * unit_of(chance);
        known_load* to = nullptr;
        for (known_load& k : s.known) {
            if (k.load >= s.average) continue;
            to = &k;
            pick -= s.average - k.load;
            if (pick < 0) break;
        }
        if (to == nullptr || to->load + load > s.load) continue;
        to->load += load;
        s.load -= load;
        orders.push_back({e->index, to->pe});
    }
    s.known = {};
    s.report.moved += static_cast<std::int64_t>(orders.size());
    move_for_balance(p, c, orders);
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
