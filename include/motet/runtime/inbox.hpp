// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>
#include <motet/runtime/slots.hpp>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace motet::inline MOTET_VARIANT::runtime {

/// Where other threads leave messages for a PE: a stack (Treiber) that the owner empties with one exchange, and a ring
/// for copies of small ones (slots.hpp). What stands in the one may overtake what stands in the other.
class alignas(64) inbox {
public:
    /// Called by any thread: leaves a copy of the first slot_ring::line bytes of `m`. Wakes the owner if it sleeps.
    /// False, and nothing is done, if there is no room.
    bool leave(const message& m) {
        if (!small.put(m)) [[unlikely]]
            return false;
        if (asleep.load(std::memory_order_seq_cst) != 0) [[unlikely]]
            wake();
        return true;
    }
    /// Called by any thread. Wakes the owner if it sleeps.
    void push(message* m) {
        message* top = nullptr;
        do {
            m->next = top;
        } while (!head.compare_exchange_weak(top, m, std::memory_order_seq_cst, std::memory_order_relaxed));
        if (asleep.load(std::memory_order_seq_cst) != 0) [[unlikely]]
            wake();
    }
    bool empty() const { return small.empty() && head.load(std::memory_order_relaxed) == nullptr; }
    /// Whether there is a copy that was left; `take_copy` moves the oldest to a block with room for slot_ring::line
    /// bytes.
    bool has_copy() const { return !small.empty(); }
    message* take_copy(void* block) { return small.take(block); }
    /// All that was pushed, the oldest first, linked by `next`.
    message* take() {
        message* top = head.load(std::memory_order_relaxed);
        if (top == nullptr) return nullptr;
        __builtin_prefetch(top);
        top = head.exchange(nullptr, std::memory_order_acquire);
        message* oldest = nullptr;
        while (top != nullptr) {
            message* next = top->next;
            top->next = oldest;
            oldest = top;
            top = next;
        }
        return oldest;
    }
    /// Sleeps until a message comes, `stop` is set and wake() called, or `seconds` have passed (negative: no limit).
    void sleep(double seconds, const std::atomic<bool>& stop) {
        asleep.store(1, std::memory_order_seq_cst);
        if (!small.unclaimed()) {
            sched_yield(); // its sender may need this core
        } else if (head.load(std::memory_order_seq_cst) == nullptr && !stop.load(std::memory_order_seq_cst)) {
            timespec limit{};
            if (seconds >= 0) {
                seconds = std::min(seconds, 1e6); // waking up early does no harm
                limit.tv_sec = static_cast<std::time_t>(seconds);
                limit.tv_nsec = static_cast<long>((seconds - static_cast<double>(limit.tv_sec)) * 1e9);
            }
            syscall(SYS_futex, &asleep, FUTEX_WAIT_PRIVATE, 1, seconds >= 0 ? &limit : nullptr, nullptr, 0);
        }
        asleep.store(0, std::memory_order_relaxed);
    }
    void wake() {
        if (asleep.exchange(0, std::memory_order_seq_cst) != 0)
            syscall(SYS_futex, &asleep, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

private:
    std::atomic<message*> head{nullptr};
    alignas(64) std::atomic<std::uint32_t> asleep{0}; ///< senders look at it, and need not write it
    slot_ring small;
};

} // namespace motet::inline MOTET_VARIANT::runtime
