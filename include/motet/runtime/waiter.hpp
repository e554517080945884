// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/fiber/fiber.hpp>
#include <motet/runtime/message.hpp>

#include <cstdint>
#include <string>

namespace motet::inline MOTET_VARIANT::runtime {

class guest;
class pe;

/// One run of a handler: what it runs for, and what becomes of its result. Stands on the stack of its fiber.
struct frame {
    void* element = nullptr;                                    ///< the chare it runs in; null: none
    void* part = nullptr;                                       ///< that chare's collection here
    const address* reply = nullptr;                             ///< whom to tell the result; null: nobody
    message* successor = nullptr;                               ///< what `next` made: the reply passes on to it
    void (*pass_on)(pe&, frame&, message* successor) = nullptr; ///< what happens with it; null: it is sent
    frame* below = nullptr; ///< what called this one on the same fiber: a hook, one delivery of a broadcast
    std::uint32_t type = 0; ///< registered id of the entry
    bool parked = false;    ///< it has waited at least once
    bool counted = true;    ///< it runs a message of its own, which quiescence counts
    bool may_wait = true;
    std::uint32_t unwound = 0; ///< how often the end of the run was thrown into it
    bool watched = false;      ///< it is measured or observed
    double since = unmeasured; ///< from when on its time has not been added to its chare's load
    std::uint64_t run = 0;     ///< its number among the observed runs of its PE; 0: nobody observes it (observer.hpp)
    double running_since = unmeasured; ///< if it is observed: when it began or went on; negative while it waits

    static constexpr double unmeasured = -1;
    static constexpr double paused = -2;

    /// Whether it is observed, and runs.
    bool is_open() const { return run != 0 && running_since >= 0; }
};

/// A parked fiber, or guest. Stands on its stack.
struct waiter {
    fiber::fiber* parked = nullptr;
    guest* on = nullptr; ///< in place of a fiber: the thread of its own that waits
    frame* running = nullptr;
    waiter* next = nullptr;   ///< in a list of waiters or the list of ready ones
    waiter* before = nullptr; ///< in the list of all parked fibers of the PE
    waiter* after = nullptr;
    bool (*satisfied)(waiter&) = nullptr;       ///< the condition; null: resumed by whoever knows
    std::string (*describe)(waiter&) = nullptr; ///< what it waits for, for reports
    double since = 0;
    std::uint64_t turn = 0; ///< of the PE, when its condition held
    bool ready = false;
    bool cancelled = false;
};

/// What a parked fiber waits for, for reports.
inline std::string awaited(waiter& w) { return w.describe != nullptr ? w.describe(w) : "for a condition"; }

/// A first-in first-out list of waiters.
class waiter_list {
public:
    bool empty() const { return first == nullptr; }
    waiter* front() const { return first; }
    waiter* back() const { return last; }
    void push(waiter* w) {
        w->next = nullptr;
        (last != nullptr ? last->next : first) = w;
        last = w;
    }
    waiter* pop() {
        waiter* w = first;
        first = w->next;
        if (first == nullptr) last = nullptr;
        return w;
    }
    bool remove(waiter* gone) {
        waiter* before = nullptr;
        for (waiter* w = first; w != nullptr; before = w, w = w->next) {
            if (w != gone) continue;
            (before != nullptr ? before->next : first) = w->next;
            if (last == w) last = before;
            return true;
        }
        return false;
    }

private:
    waiter* first = nullptr;
    waiter* last = nullptr;
};

} // namespace motet::inline MOTET_VARIANT::runtime
