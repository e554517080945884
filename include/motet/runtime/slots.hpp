// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Where other threads leave small messages for a PE: a ring of cache lines in which the messages themselves stand, so
/// that one line brings the word that something came, and what it is.
///
/// 1. A sender takes the next place, `claimed`, unless the ring is full by what its owner has said last: then it leaves
///    its message elsewhere.
/// 2. It copies the message into the slot of that place, and last the number of the place, where an envelope has its
///    link: from then on the slot is the owner's. The message was copied bit by bit, so the sender has its block again.
/// 3. The owner looks at one slot only, the next in line. When the number stands there it copies the message out, into
///    a block of its own. It writes nothing that a sender looks at,
/// 4. but after each quarter of the ring, when it says how far it has come, `taken`. Senders look there only when they
///    have come to the `limit` that they derived from it the last time.
///
/// An owner sleeps only when no place is claimed beyond those it has taken, and a sender looks whether the owner sleeps
/// after step 1 and wakes it after step 2: one locked instruction orders both. While a sender is interrupted in step 2
/// its owner keeps looking, and what stands behind that place waits for it.
namespace motet::inline MOTET_VARIANT::runtime {

class alignas(64) slot_ring {
public:
    static constexpr std::size_t line = 64; ///< bytes of the largest message that fits, envelope included
    static constexpr std::uint64_t count = 32;

    /// Called by any thread: leaves a copy of the first `line` bytes of `m`. False if the ring is full.
    [[gnu::always_inline]] bool put(const message& m) {
        std::uint64_t place = claimed.load(std::memory_order_relaxed);
        do {
            if (place >= limit.load(std::memory_order_acquire) && is_full(place)) [[unlikely]]
                return false;
        } while (
            !claimed.compare_exchange_weak(place, place + 1, std::memory_order_seq_cst, std::memory_order_relaxed));
        slot& s = slots[place % count];
        std::memcpy(s.rest.data(), behind_link(&m), s.rest.size());
        s.number.store(place + 1, std::memory_order_release);
        return true;
    }

    // For the owner.

    bool empty() const { return slots[next % count].number.load(std::memory_order_acquire) != next + 1; }
    /// No sender is about to leave anything either.
    bool unclaimed() const { return claimed.load(std::memory_order_seq_cst) == next; }
    /// Copies the oldest message to `block`, which has room for `line` bytes. There must be one.
    message* take(void* block) {
        const slot& s = slots[next % count];
        auto* m = static_cast<message*>(block);
        std::memcpy(behind_link(m), s.rest.data(), s.rest.size());
        if (++next % (count / 4) == 0) taken.store(next, std::memory_order_release);
        return m;
    }

private:
    struct alignas(line) slot {
        std::atomic<std::uint64_t> number{0}; ///< of the place whose message it holds, from 1 on
        std::array<std::byte, line - sizeof(std::uint64_t)> rest;
    };
    static_assert(sizeof(slot) == line && offsetof(message, next) == 0 && sizeof(message*) == sizeof(std::uint64_t));
    static const std::byte* behind_link(const void* m) { return static_cast<const std::byte*>(m) + sizeof(message*); }
    static std::byte* behind_link(void* m) { return static_cast<std::byte*>(m) + sizeof(message*); }

    [[gnu::noinline]] bool is_full(std::uint64_t place) {
        const std::uint64_t may = taken.load(std::memory_order_acquire) + count;
        limit.store(may, std::memory_order_release);
        return place >= may;
    }

    alignas(line) std::atomic<std::uint64_t> claimed{0}; ///< places, by senders
    std::atomic<std::uint64_t> limit{count};             ///< places that may be claimed, as far as senders know
    alignas(line) std::atomic<std::uint64_t> taken{0};   ///< by the owner, as far as it has said
    alignas(line) std::uint64_t next = 0;                ///< taken by the owner
    std::array<slot, count> slots;
};

} // namespace motet::inline MOTET_VARIANT::runtime
