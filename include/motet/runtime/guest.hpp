// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <chrono>
#include <pthread.h>
#include <sched.h>
#include <semaphore>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

struct waiter;

/// A thread that a PE is lent to, like a baton: exactly one of the two runs at any time. For what may wait and cannot
/// be a fiber, because a library under it (Python) keeps its state by thread.
///
/// 1. The PE's thread lends the PE (`pe::lend`) and blocks until it has it back.
/// 2. What waits on the guest's thread gives the PE back (`pe::park`), and the loop goes on without it.
/// 3. When what it waited for is there, the PE is lent to it again.
/// 4. At its end the guest gives the PE back for good.
/// 5. Who has slept wakes up on the core of the other, which is about to be free: another one that sleeps too takes
///    several times as long. From then on it may run where it could before.
class guest {
public:
    /// On the PE's thread: the other one goes on, until it gives the PE back.
    void lend() {
        owner = pthread_self();
        call_here(thread);
        go.release();
        back.acquire();
        spread();
    }
    /// On the guest's thread: returns when the PE is lent (again).
    void wait() {
        go.acquire();
        thread = pthread_self();
        spread();
    }
    void give_back() {
        call_here(owner);
        back.release();
    }

    waiter* waiting = nullptr; ///< what it stands in, if it waits
    bool finished = false;     ///< it has given the PE back for good
    bool abandoned = false;    ///< and its thread never ends

private:
    using clock = std::chrono::steady_clock;
    static constexpr auto falls_asleep = std::chrono::microseconds(10); ///< until then it may still look for the PE

    void call_here(pthread_t who) {
        const auto before = std::exchange(handed, clock::now());
        called =
            who != pthread_t{} && handed - before > falls_asleep && pthread_getaffinity_np(who, sizeof may, &may) == 0;
        if (!called) return;
        cpu_set_t here;
        CPU_ZERO(&here);
        CPU_SET(static_cast<unsigned>(sched_getcpu()), &here);
        pthread_setaffinity_np(who, sizeof here, &here);
    }
    void spread() const {
        if (called) pthread_setaffinity_np(pthread_self(), sizeof may, &may);
    }

    std::binary_semaphore go{0};
    std::binary_semaphore back{0};
    pthread_t owner{};  ///< the PE's
    pthread_t thread{}; ///< its own, once it has run
    clock::time_point handed = clock::now();
    bool called = false; ///< whoever gets the PE, to a core
    cpu_set_t may{};     ///< where that could run before
};

} // namespace motet::inline MOTET_VARIANT::runtime
