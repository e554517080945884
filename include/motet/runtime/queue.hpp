// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

/// A first-in first-out queue of messages in a ring that grows. It fetches the envelope after the next ahead of time.
class ring {
public:
    bool empty() const { return head == tail; }
    std::size_t size() const { return tail - head; }
    void push(message* m) {
        if (tail - head > mask) [[unlikely]]
            grow();
        slots[tail++ & mask] = m;
    }
    /// Puts one before all others.
    void push_front(message* m) {
        if (tail - head > mask) [[unlikely]]
            grow();
        slots[--head & mask] = m;
    }
    message* pop() {
        message* m = slots[head++ & mask];
        __builtin_prefetch(slots[(head + 1) & mask]);
        return m;
    }
    /// The message that is `i`-th in line.
    message* at(std::size_t i) const { return slots[(head + i) & mask]; }

private:
    [[gnu::noinline]] void grow() {
        const std::size_t capacity = 2 * (mask + 1);
        std::unique_ptr<message*[]> larger(new message*[capacity]());
        for (std::size_t i = head; i != tail; ++i) larger[i & (capacity - 1)] = slots[i & mask];
        slots = std::move(larger);
        mask = capacity - 1;
    }

    std::size_t head = 0;
    std::size_t tail = 0;
    std::size_t mask = 63;
    std::unique_ptr<message*[]> slots{new message*[64]()};
};

} // namespace motet::inline MOTET_VARIANT::runtime
