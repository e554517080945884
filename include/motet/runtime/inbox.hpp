// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace motet::inline MOTET_VARIANT::runtime {

/// Where other threads leave messages for a PE: a stack (Treiber) that the owner empties with one exchange.
class alignas(64) inbox {
public:
    /// Called by any thread. Wakes the owner if it sleeps.
    void push(message* m) {
        message* top = nullptr;
        do {
            m->next = top;
        } while (!head.compare_exchange_weak(top, m, std::memory_order_seq_cst, std::memory_order_relaxed));
        if (asleep.load(std::memory_order_seq_cst) != 0) [[unlikely]]
            wake();
    }
    bool empty() const { return head.load(std::memory_order_relaxed) == nullptr; }
    /// All there is, the oldest first, linked by `next`.
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
        if (head.load(std::memory_order_seq_cst) == nullptr && !stop.load(std::memory_order_seq_cst)) {
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
    std::atomic<std::uint32_t> asleep{0};
};

} // namespace motet::inline MOTET_VARIANT::runtime
