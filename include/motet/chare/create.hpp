// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/collection_type.hpp>
#include <motet/chare/move.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

MOTET_INLINE collection_id create_collection(pe& p, collection_info&& made);

#if MOTET_BODIES
/// Makes the elements of a new collection that begin their life on this PE.
inline void populate(pe& p, part& c) {
    const collection_info& info = *c.info;
    const std::uint64_t pes = p.job.pe_total();
    auto make = [&](const index_bits& index) { install_element(p, c, c.type->make(info.prototype), index, 0); };
    if (info.kind == collection_kind::group) {
        c.own_first = p.number;
        c.own_count = 1;
        c.members = pes;
        c.table.reserve_row(p.number, 1);
        make({p.number, 0});
    }
    if (info.kind == collection_kind::node_group && p.number == p.home.first_pe) make({p.home.number, 0});
    if (!info.dense) return;
    if (info.map != 0 && pes == 1)
        for (std::uint64_t place = 0; place < info.total; ++place)
            home_of(p, c, c.type->from_linear(info.extent, place)); // refuses what the map should not say
    if (info.map == 0 || pes == 1) {
        const std::uint64_t first = block_begin(info.total, p.number, pes);
        const std::uint64_t end = block_begin(info.total, p.number + 1, pes);
        if (info.linear) {
            c.own_first = first;
            c.own_count = end - first;
            c.table.reserve_row(first, end - first);
        } else {
            c.table.reserve(end - first);
        }
        c.reciprocal = block_reciprocal(info.total, pes);
        for (std::uint64_t place = first; place < end; ++place)
            make(info.linear ? index_bits{place, 0} : c.type->from_linear(info.extent, place));
        return;
    }
    for (std::uint64_t place = 0; place < info.total; ++place) {
        const index_bits index = c.type->from_linear(info.extent, place);
        if (home_of(p, c, index) == p.number) make(index);
    }
}

/// A collection comes into being on this PE, and on those below it in the tree.
inline void create_part(pe& p, std::shared_ptr<collection_info> info) {
    const collection_id id = info->id;
    tree(p, id.root).for_each_child(p.number, [&](pe_number child) { post<&create_part>(p, child, info); });
    local_chares& here = local_chares::of(p);
    part& c = here.install(std::move(info));
    if (c.info->kind == collection_kind::array && !p.job.options.balance.empty()) c.measure(p);
    populate(p, c);
    message_list waiting = here.take_unknown(id);
    while (!waiting.empty()) p.enqueue_again(waiting.pop());
}

MOTET_INLINE collection_id create_collection(pe& p, collection_info&& made) {
    p.refuse_to_hold("creating a collection");
    auto info = std::make_shared<collection_info>(std::move(made));
    if (info->total / p.job.pe_total() >= (std::uint64_t{1} << 32))
        throw error("an array of " + std::to_string(info->total) +
                    " elements has more elements than the PEs of this run can hold: 4 billion each");
    info->id = {p.number, p.created.next_collection()};
    p.job.created_something = true;
    const collection_id id = info->id;
    create_part(p, std::move(info));
    return id;
}
#endif // MOTET_BODIES

inline pe_number checked_pe(const pe& p, std::int64_t number) {
    if (number < 0 || number >= static_cast<std::int64_t>(p.job.pe_total()))
        throw error("there is no PE " + std::to_string(number) + ": this run has PEs 0 to " +
                    std::to_string(p.job.pe_total() - 1));
    return static_cast<pe_number>(number);
}

/// Done inserting: an unknown index is an error from now on.
MOTET_INLINE void close_part(pe& p, part& c, address told);

#if MOTET_BODIES
MOTET_INLINE void close_part(pe& p, part& c, address told) {
    c.sealed = true;
    for (auto each = c.homes.begin(); each != c.homes.end();) {
        if (each->second.now == home_record::state::unborn) {
            release_held(c, each->second, [&](message* m) { refuse_erased(p, c, m); });
            each = c.homes.erase(each);
        } else {
            ++each;
        }
    }
    deliver_nothing(p, told);
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
