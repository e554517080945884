// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/frame.hpp>
#include <motet/chare/move.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

/// Calls that wait for something the runtime does with a whole collection, such as balancing it.
///
/// 1. A method says what is to be called after it (`postpone`); the call is kept with its element, encoded, and
///    travels with it. It counts as a message held back. Releases are numbered from 1 on. Before one comes, every
///    PE knows that it is decided: that all who have to wait for it do. The call waits for the first of which
///    its PE does not know that.
/// 2. When the runtime has done it, every PE is told (`release`): the calls that waited for this one become messages.
/// 3. An element that comes later, from a PE that has not been told yet, finds that it need not wait any more.
namespace motet::inline MOTET_VARIANT::runtime {

/// Keeps `m`, a message for `e`, until the next release of its collection.
MOTET_INLINE void postpone(pe& p, part& c, element_header& e, message* m);
/// Lets run what waited for the release `number`, and for those before it.
MOTET_INLINE void release(pe& p, part& c, std::uint64_t number);

#if MOTET_BODIES

/// Whether all elements here wait has become another thing.
inline void look_who_waits(pe& p, part& c) {
    if (c.when_all_wait != nullptr && c.waiting == c.table.elements.size()) c.when_all_wait(p, c);
}

MOTET_INLINE void postpone(pe& p, part& c, element_header& e, message* m) {
    const message_type& type = pe::type_of(*m);
    serial::writer out;
    type.encode(*m, out);
    postponed_call& call = e.extend().postponed;
    call.until = c.decided + 1;
    call.type = m->type;
    call.reply = m->has(message::replies) ? reply_of(*m) : address{};
    call.arguments = out.to_vector();
    p.discard(m);
    ++p.sent;
    ++local_chares::of(p).postponed;
    ++c.waiting;
    look_who_waits(p, c);
}

inline void let_run(pe& p, part& c, element_header& e) {
    const postponed_call call = std::exchange(e.extension->postponed, {});
    --local_chares::of(p).postponed;
    --c.waiting;
    const message_type& type = registry::get<message_type>(call.type);
    const bool replies = call.reply.how != 0;
    message* m = p.allocate(call.type, type.payload_bytes + (replies ? sizeof(address) : 0));
    m->collection = c.info->id;
    m->index = e.index;
    if (replies) {
        m->set(message::replies);
        reply_of(*m) = call.reply;
    }
    serial::reader in(call.arguments);
    try {
        type.decode(*m, in);
    } catch (...) {
        fail_on_the_way(p, c, e.index, "a call after balancing");
        p.discard(m);
        return;
    }
    p.send_successor_again(m);
}

MOTET_INLINE void release(pe& p, part& c, std::uint64_t number) {
    c.released = std::max(c.released, number);
    if (c.waiting > 0)
        for (element_header* e : c.table.elements)
            if (e->extension && e->extension->postponed.until != 0 && e->extension->postponed.until <= c.released)
                let_run(p, c, *e);
    look_who_waits(p, c); // it may have been asked for the next release already
}

inline void postponed_arrives(pe& p, part& c, element_header& e) {
    ++local_chares::of(p).postponed;
    ++c.waiting;
    if (e.extension->postponed.until <= c.released)
        let_run(p, c, e);
    else
        look_who_waits(p, c);
}

inline void postponed_dies(pe& p, part& c, element_header& e) {
    const postponed_call call = std::exchange(e.extension->postponed, {});
    --local_chares::of(p).postponed;
    --c.waiting;
    ++p.processed;
    if (call.reply.how != 0)
        deliver_failure(p, call.reply,
                        {"it was erased while it waited to be balanced", "motet::erased", element_text(c, e.index),
                         registry::get<message_type>(call.type).name(), true});
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
