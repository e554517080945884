// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/fiber/fiber.hpp>

namespace motet::fiber {

/// Parked fibers in the order in which they came. A fiber is in at most one list; the link lies in the fiber, so that
/// nothing allocates. Owns nothing.
class wait_list {
public:
    wait_list() = default;
    wait_list(const wait_list&) = delete;
    wait_list& operator=(const wait_list&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }

    /// Puts a fiber at the end.
    void push(fiber& parked) noexcept {
        parked.next_ = nullptr;
        *end_ = &parked;
        end_ = &parked.next_;
    }

    /// Takes the one that came first; null when there is none.
    fiber* pop() noexcept {
        fiber* const taken = first_;
        if (taken != nullptr) unlink(first_);
        return taken;
    }

    /// Takes a fiber out, wherever it stands; false when it is not here. Linear in the length of the list.
    bool remove(const fiber& parked) noexcept {
        for (fiber** link = &first_; *link != nullptr; link = &(*link)->next_) {
            if (*link != &parked) continue;
            unlink(*link);
            return true;
        }
        return false;
    }

private:
    void unlink(fiber*& link) noexcept {
        if (end_ == &link->next_) end_ = &link;
        link = link->next_;
    }

    fiber* first_ = nullptr;
    fiber** end_ = &first_;
};

} // namespace motet::fiber
