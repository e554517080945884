// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/future.hpp>
#include <motet/runtime/quiescence.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// A fiber that waits for a condition. What the condition throws is thrown where it waits.
template <class Condition>
struct condition_waiter : waiter {
    explicit condition_waiter(Condition& c) : condition(c) {
        satisfied = [](waiter& w) { return static_cast<condition_waiter&>(w).holds(); };
        describe = [](waiter&) { return std::string("for a condition"); };
    }
    bool holds() {
        if (failure) return true; // it is to be thrown
        pe& p = this_pe();
        frame* const outer = p.current_frame;
        p.current_frame = running;
        const bool could_wait = std::exchange(running->may_wait, false);
        bool result = true;
        try {
            result = condition();
        } catch (...) {
            failure = std::current_exception();
        }
        running->may_wait = could_wait;
        p.current_frame = outer;
        return result;
    }
    Condition& condition;
    std::exception_ptr failure;
};

/// Delivers nothing to `to` after so many seconds.
MOTET_INLINE message* tell_after(pe& p, double seconds, address to);

#if MOTET_BODIES
inline void tell_time(pe& p, address to) {
    p.timer_runs();
    deliver_nothing(p, to);
}
MOTET_INLINE message* tell_after(pe& p, double seconds, address to) {
    if (!(seconds <= 0 || seconds > 0))
        throw error("motet::after and sleep_for take a time, and this one is no number");
    message* timer = call<&tell_time>::make(p, to);
    p.send_after(seconds, timer);
    return timer;
}
#endif // MOTET_BODIES

} // namespace runtime

/// Waits until `condition()` is true. It is looked at whenever a method of this chare has returned or begun to wait
/// (in main: any method on this PE), and may read the chare's state; it may not wait. Meanwhile other messages are
/// handled, by this chare too. What it throws is thrown here.
template <class Condition>
void wait(Condition&& condition) {
    constexpr bool fits = std::is_invocable_r_v<bool, Condition&>;
    static_assert(fits, "motet: what is waited for is a condition, a function without parameters that gives a bool: "
                        "motet::wait([&] { return arrived == 4; })");
    if constexpr (fits) {
        runtime::pe& p = runtime::this_pe();
        runtime::frame& f = runtime::waiting_frame(p);
        runtime::condition_waiter<std::remove_reference_t<Condition>> w(condition);
        w.running = &f;
        if (!w.holds()) p.park(w);
        if (w.failure) std::rethrow_exception(w.failure);
    }
}

/// A future that is ready after so long (in a simulated run: of virtual time). When it is destroyed before, the timer
/// is too: the run does not wait for it. Throws motet::error for a time that is no number (NaN).
template <class Rep, class Period>
future<void> after(std::chrono::duration<Rep, Period> time) {
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<void>(p);
    made.held().awaited = [] { return std::string("for a time to pass"); };
    made.held().timer = runtime::tell_after(p, std::chrono::duration<double>(time).count(), to);
    return std::move(made);
}

/// Waits so long; other messages are handled meanwhile.
template <class Rep, class Period>
void sleep_for(std::chrono::duration<Rep, Period> time) {
    after(time).get();
}

/// Lets everything that is in line on this PE run before it returns.
MOTET_INLINE void yield();

/// A future that is ready when nothing moves any more: every message was handled up to its first wait, and none is
/// under way (Mattern, "Algorithms for distributed termination detection", 1987). A message held back by a `when`
/// delays it.
MOTET_INLINE future<void> quiescence();
/// The same, told to a target: a future's promise, an entry method.
MOTET_INLINE void quiescence(const target<void>& to);

#if MOTET_BODIES
MOTET_INLINE void yield() { after(std::chrono::seconds(0)).get(); }

MOTET_INLINE future<void> quiescence() {
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<void>(p);
    made.held().awaited = [] { return std::string("for quiescence"); };
    runtime::post<&runtime::want_quiescence>(p, 0, to);
    return std::move(made);
}

MOTET_INLINE void quiescence(const target<void>& to) {
    runtime::post<&runtime::want_quiescence>(runtime::this_pe(), 0, to.address());
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT
