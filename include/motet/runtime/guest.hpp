// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/variant.hpp>

#include <semaphore>

namespace motet::inline MOTET_VARIANT::runtime {

struct waiter;

/// A thread that a PE is lent to, like a baton: exactly one of the two runs at any time. For what may wait and cannot
/// be a fiber, because a library under it (Python) keeps its state by thread.
///
/// 1. The PE's thread lends the PE (`pe::lend`) and blocks until it has it back.
/// 2. What waits on the guest's thread gives the PE back (`pe::park`), and the loop goes on without it.
/// 3. When what it waited for is there, the PE is lent to it again.
/// 4. At its end the guest gives the PE back for good.
class guest {
public:
    /// On the PE's thread: the other one goes on, until it gives the PE back.
    void lend() {
        go.release();
        back.acquire();
    }
    /// On the guest's thread: returns when the PE is lent (again).
    void wait() { go.acquire(); }
    void give_back() { back.release(); }

    waiter* waiting = nullptr; ///< what it stands in, if it waits
    bool finished = false;     ///< it has given the PE back for good
    bool abandoned = false;    ///< and its thread never ends

private:
    std::binary_semaphore go{0};
    std::binary_semaphore back{0};
};

} // namespace motet::inline MOTET_VARIANT::runtime
