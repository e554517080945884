// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/identity.hpp>

#include <cstddef>
#include <cstdint>

namespace motet::inline MOTET_VARIANT::runtime {

/// The envelope of a message. The arguments follow it in the same block; with two small ones it is one cache line.
struct message {
    enum flag : std::uint8_t {
        replies = 1,   ///< an `address` for the result stands behind the arguments
        forwarded = 2, ///< reached a PE that no longer had the element: only the home knows the way now
        expedited = 4, ///< goes before all others, and is not batched; if prioritized too, it is between processes
        uncounted = 8, ///< part of the quiescence protocol itself
        prioritized = 16,
        constructed = 32, ///< the arguments exist (and have to be destroyed)
        cancelled = 64,   ///< a timer that nobody waits for any more
        stamped = 128,    ///< its stamp is valid
    };

    message* next = nullptr; ///< of the list in which it stands
    index_bits index;
    collection_id collection;
    std::uint32_t type = 0;  ///< registered id of what runs it
    std::uint32_t bytes = 0; ///< serialized size, where it was serialized
    std::int32_t priority = 0;
    std::uint8_t size_class = 0;
    std::uint8_t flags = 0;
    std::uint16_t from = nobody; ///< the PE that sent it to an element, which may be told where that is; or nobody

    static constexpr std::uint16_t nobody = 0xFFFF;
    bool has(flag f) const { return (flags & f) != 0; }
    /// Leaves for another process at once.
    bool leaves_at_once() const { return (flags & (expedited | prioritized)) == expedited; }
    void set(flag f) { flags = static_cast<std::uint8_t>(flags | f); }
    void unset(flag f) { flags = static_cast<std::uint8_t>(flags & ~f); }
    void* payload() { return this + 1; }
    const void* payload() const { return this + 1; }
};
static_assert(sizeof(message) == 48 && alignof(message) <= 16);

/// What stands before each message in memory, in a run that is traced (--motet-trace).
struct stamp {
    std::uint64_t flow = 0; ///< the number of this message among those of all PEs
    double time = 0;        ///< when it was sent
};
static_assert(sizeof(stamp) == 16);
inline stamp& stamp_of(message& m) { return reinterpret_cast<stamp*>(&m)[-1]; }
inline const stamp& stamp_of(const message& m) { return reinterpret_cast<const stamp*>(&m)[-1]; }

/// How urgent messages are.
struct urgency {
    std::int32_t priority = 0;
    std::uint8_t flags = 0;

    message* mark(message* m) const {
        m->flags = static_cast<std::uint8_t>(m->flags | flags);
        m->priority = priority;
        return m;
    }
};

/// A first-in first-out list of messages, linked through the envelopes.
class message_list {
public:
    bool empty() const { return first == nullptr; }
    message* front() const { return first; }
    void push(message* m) {
        m->next = nullptr;
        (last != nullptr ? last->next : first) = m;
        last = m;
    }
    message* pop() {
        message* m = first;
        first = m->next;
        if (first == nullptr) last = nullptr;
        return m;
    }
    /// Removes `m`, which stands behind `before` (null: at the front).
    void remove(message* before, message* m) {
        (before != nullptr ? before->next : first) = m->next;
        if (last == m) last = before;
    }
    std::size_t size() const {
        std::size_t n = 0;
        for (const message* m = first; m != nullptr; m = m->next) ++n;
        return n;
    }

private:
    message* first = nullptr;
    message* last = nullptr;
};

} // namespace motet::inline MOTET_VARIANT::runtime
