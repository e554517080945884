// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/errors.hpp>
#include <motet/chare/local.hpp>
#include <motet/chare/target.hpp>
#include <motet/runtime/call.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

namespace runtime {

#if MOTET_BODIES
[[noreturn, gnu::cold, gnu::noinline]] MOTET_INLINE void refuse_to_wait(pe& p) {
    if (p.current_frame == nullptr)
        throw error("this waits, and only main and entry methods of chares can: the caller runs outside of them");
    throw error("this waits inside a `when`, a condition, a reducer, on(motet::departing) or the body of a parallel "
                "loop, which may not: " +
                p.state->place(p, *p.current_frame));
}
#else
[[noreturn]] void refuse_to_wait(pe& p);
#endif // MOTET_BODIES

/// The frame that is about to wait. Throws `error` where nobody may.
inline frame& waiting_frame(pe& p) {
    if (p.current_frame == nullptr || !p.current_frame->may_wait) [[unlikely]]
        refuse_to_wait(p);
    return *p.current_frame;
}

class future_state_base;

/// A fiber that waits for one of some futures.
struct future_waiter : waiter {
    explicit future_waiter(std::span<future_state_base*> which);
    future_waiter(const future_waiter&) = delete;
    future_waiter& operator=(const future_waiter&) = delete;
    ~future_waiter();

    std::span<future_state_base*> states; ///< null where the future is gone
    bool lost = false;                    ///< one is gone
};

/// What a future waits for. Belongs to the future, on the PE that made it.
class future_state_base {
public:
    explicit future_state_base(pe& on) : home(on), name(local_chares::of(on).futures.add(this)) {}
    future_state_base(const future_state_base&) = delete;
    future_state_base& operator=(const future_state_base&) = delete;
    virtual ~future_state_base() {
        if (run_is_over) return;
        if (timer != nullptr && !ready) home.cancel_timer(timer);
        local_chares::of(home).futures.remove(name);
        if (waiting != nullptr) [[unlikely]]
            leave_waiter();
        if (failed && !told) fail_unseen(home, why);
    }

    void become_ready() {
        ready = true;
        if (waiting != nullptr) home.make_ready(*waiting);
    }
    void fail(failure&& reason) {
        if (ready) return;
        failed = true;
        why = std::move(reason);
        become_ready();
    }
    /// Throws `error` where nobody may wait, when another fiber waits for it already, and when it is destroyed
    /// meanwhile.
    void wait() {
        if (!ready) park();
    }
    void check_home(const pe& p) const {
        if (run_is_over) [[unlikely]]
            throw error("this future belongs to a run that is over");
        if (&p != &home) [[unlikely]]
            throw error("a future of PE " + std::to_string(home.number) + " is used on PE " + std::to_string(p.number) +
                        ": a future stays where it was made; send its promise");
    }
    void rethrow() {
        told = true;
        if (failed) raise(failure(why));
    }

    pe& home;
    const index_bits name;
    future_waiter* waiting = nullptr;
    bool ready = false;
    bool failed = false;
    bool told = false;                  ///< somebody has seen the failure
    bool run_is_over = false;           ///< `home` does not exist any more
    message* timer = nullptr;           ///< that will make it ready
    std::string (*awaited)() = nullptr; ///< what a fiber that waits for it waits for, for reports
    failure why;

private:
    void park();
    void leave_waiter();
};

/// Destroys a state where its table is. Chares bring futures (as transient fields) to other PEs of their process.
struct future_owner {
    void operator()(future_state_base* state) const {
        if (state->run_is_over || pe::current_slot() == &state->home) [[likely]]
            delete state;
        else
            bring_home(state);
    }
    static void bring_home(future_state_base* state);
};
using owned_state = std::unique_ptr<future_state_base, future_owner>;

/// Parks until one of the states is ready, and says which.
MOTET_INLINE std::size_t wait_for_one(std::vector<future_state_base*> states);

#if MOTET_BODIES

MOTET_INLINE future_waiter::future_waiter(std::span<future_state_base*> which) : states(which) {
    pe& p = this_pe();
    waiting_frame(p);
    for (const auto* s : states) {
        s->check_home(p);
        if (s->waiting != nullptr) throw error("two fibers wait for one future: make a future for each");
    }
    for (auto* s : states) s->waiting = this;
}
MOTET_INLINE future_waiter::~future_waiter() {
    for (auto* s : states)
        if (s != nullptr) s->waiting = nullptr;
}

inline void park_for_future(future_waiter& w) {
    this_pe().park(w);
    if (w.lost) throw error("a future was destroyed while this fiber waited for it: keep it until the wait is over");
}

MOTET_INLINE void future_state_base::park() {
    future_state_base* self = this;
    future_waiter w({&self, 1});
    w.describe = [](waiter& own) {
        const future_state_base* state = static_cast<future_waiter&>(own).states.front();
        return state != nullptr && state->awaited != nullptr ? state->awaited() : std::string("for a future");
    };
    park_for_future(w);
}

/// Another fiber waits for this future, which is destroyed.
MOTET_INLINE void future_state_base::leave_waiter() {
    for (auto*& s : waiting->states)
        if (s == this) s = nullptr;
    waiting->lost = true;
    home.make_ready(*waiting);
}

/// The message that brings a state home owns it: what it waits for may come meanwhile.
inline void come_home(pe&, const owned_state&) {}
[[gnu::noinline]] MOTET_INLINE void future_owner::bring_home(future_state_base* state) {
    if (pe* const p = pe::current_slot())
        post<&come_home>(*p, state->home.number, owned_state(state));
    else
        post_from_outside<&come_home>(state->home, owned_state(state)); // at the end of the run it goes with that
}

MOTET_INLINE std::size_t wait_for_one(std::vector<future_state_base*> states) {
    for (;;) {
        for (std::size_t i = 0; i < states.size(); ++i)
            if (states[i]->ready) return i;
        future_waiter w(states);
        w.describe = [](waiter&) { return std::string("for one of several futures"); };
        park_for_future(w);
    }
}

#endif // MOTET_BODIES

template <class T>
class future_state final : public future_state_base {
public:
    using future_state_base::future_state_base;
    void set(T&& made) {
        if (ready) return;
        value.emplace(std::move(made));
        become_ready();
    }
    T take() {
        wait();
        rethrow();
        return std::move(*value);
    }

private:
    std::optional<T> value;
};
template <>
class future_state<void> final : public future_state_base {
public:
    /// Ready when it was set so many times.
    explicit future_state(pe& on, std::size_t count = 1) : future_state_base(on), missing(count) {
        if (count == 0) become_ready();
    }
    void set() {
        if (!ready && --missing == 0) become_ready();
    }
    void take() {
        wait();
        rethrow();
    }

private:
    std::size_t missing;
};
/// A future of several values.
template <class T>
class several_state final : public future_state_base {
public:
    several_state(pe& on, std::size_t count) : future_state_base(on), missing(count) {
        if (count == 0) become_ready();
    }
    void set(T&& made) {
        if (ready) return;
        values.push_back(std::move(made));
        if (--missing == 0) become_ready();
    }
    std::vector<T> take() {
        wait();
        rethrow();
        return std::exchange(values, {});
    }

private:
    std::size_t missing;
    std::vector<T> values;
};

/// How failures reach futures.
MOTET_INLINE void fail_future(pe& p, const address& to, failure&& why);

#if MOTET_BODIES
inline void fail_future_here(pe& p, const index_bits& name, failure why) {
    const future_table& futures = local_chares::of(p).futures;
    if (auto* state = futures.find(name))
        state->fail(std::move(why));
    else if (!why.erased && !futures.is_of_earlier_run(name))
        fail_unseen(p, why);
}
MOTET_INLINE void fail_future(pe& p, const address& to, failure&& why) {
    do_at<&fail_future_here>(p, to.pe, to.index, std::move(why));
}
#endif // MOTET_BODIES

/// How values reach futures: from this PE at once, from others as a message.
template <class State, class T>
struct future_delivery {
    static void set(pe& p, const index_bits& name, T made) {
        if (auto* state = static_cast<State*>(local_chares::of(p).futures.find(name))) state->set(std::move(made));
    }
    static void give_value(pe& p, const address& to, void* value) {
        do_at<&future_delivery::set>(p, to.pe, to.index, std::move(*static_cast<T*>(value)));
    }
    static inline const delivery operations{&give_value, &fail_future};
    static std::uint32_t id() { return registered<future_delivery, operations>::id(); }
};
template <class State>
struct future_delivery<State, void> {
    static void set(pe& p, const index_bits& name) {
        if (auto* state = static_cast<State*>(local_chares::of(p).futures.find(name))) state->set();
    }
    static void give_value(pe& p, const address& to, void*) { do_at<&future_delivery::set>(p, to.pe, to.index); }
    static inline const delivery operations{&give_value, &fail_future};
    static std::uint32_t id() { return registered<future_delivery, operations>::id(); }
};

} // namespace runtime

/// A value that will come. Stays on the PE where it was made (send its promise to others); moves, but does not copy.
/// A failure that comes to a future nobody holds any more, or that nobody looks at, ends the program.
template <class T>
class future {
public:
    using value_type = T;

    future() = default;

    /// Waits for the value and takes it out. Throws motet::remote_error if the call it came from threw, motet::erased
    /// if the element does not exist, and motet::error when called twice or on another PE.
    T get() {
        runtime::future_state_base& state = held();
        const auto take = std::exchange(take_, nullptr);
        if (take == nullptr) throw error("the value of this future was taken before: get() can be called once");
        return take(state);
    }
    /// Waits for the value and leaves it where it is. Does not throw what the call threw.
    void wait() const { held().wait(); }
    /// Whether get() would return (or throw) at once.
    bool ready() const { return held().ready; }
    /// Whether there is a future at all: it was not moved away, and its value not taken.
    bool valid() const { return state_ != nullptr && take_ != nullptr; }

    // For the runtime.
    template <class State>
    explicit future(std::unique_ptr<State> state)
        : state_(state.release()),
          take_([](runtime::future_state_base& s) -> T { return static_cast<State&>(s).take(); }) {}
    runtime::future_state_base& held() const {
        if (state_ == nullptr) throw error("this future is empty: it was moved away, or never came from a call");
        return *state_;
    }

private:
    runtime::owned_state state_;
    T (*take_)(runtime::future_state_base&) = nullptr;
};

/// The other end of a future: can be copied, sent to anyone, set from anywhere, and be the target of a reduction.
/// The first value counts (of a future of several values: each).
template <class T>
class promise : public target<T> {
public:
    using target<T>::target;
    /// Sets the value. Returns at once.
    template <class... V>
    void set(V&&... value) const {
        this->send(std::forward<V>(value)...);
    }
};

namespace runtime {

template <class T>
address address_of_future(const future_state<T>& state) {
    return {future_delivery<future_state<T>, T>::id(), state.home.number, {}, state.name};
}

/// A future and where to send its value (one of void: where to send so many).
template <class T, class... Count>
std::pair<future<T>, address> new_future(pe& p, Count... count) {
    auto state = std::make_unique<future_state<T>>(p, count...);
    const address to = address_of_future(*state);
    return {future<T>(std::move(state)), to};
}

} // namespace runtime

/// A future and the promise that sets it.
template <class T>
std::pair<future<T>, promise<T>> make_future() {
    if constexpr (!std::is_void_v<T>) serial::check_owning<T>();
    auto [made, to] = runtime::new_future<T>(runtime::this_pe());
    return {std::move(made), promise<T>(to)};
}

/// A future of `count` values, a std::vector<T> of them in the order of their arrival, and the promise that takes each.
/// Of void: a future<void>, which is ready when the promise was set so many times. Throws `error` if that is a negative
/// number.
template <class T>
auto make_future(std::integral auto count) {
    if (std::cmp_less(count, 0))
        throw error("motet::make_future: a future of " + std::to_string(count) + " values: there must be 0 at least");
    runtime::pe& p = runtime::this_pe();
    const auto missing = static_cast<std::size_t>(count);
    if constexpr (std::is_void_v<T>) {
        auto [made, to] = runtime::new_future<void>(p, missing);
        return std::pair(std::move(made), promise<void>(to));
    } else {
        serial::check_owning<T>();
        using state_type = runtime::several_state<T>;
        auto state = std::make_unique<state_type>(p, missing);
        const runtime::address to{runtime::future_delivery<state_type, T>::id(), state->home.number, {}, state->name};
        return std::pair(future<std::vector<T>>(std::move(state)), promise<T>(to));
    }
}

/// Waits until every one of the futures is ready. Their get() then returns or throws at once.
template <class... T>
void wait_all(const future<T>&... each) {
    (each.wait(), ...);
}
/// The same for any number of them.
template <class T>
void wait_all(const std::vector<future<T>>& all) {
    for (const auto& each : all) each.wait();
}

/// Waits until one of the futures is ready, and says which: the first of them, counted from 0.
template <class T>
std::size_t wait_any(const std::vector<future<T>>& all) {
    if (all.empty()) throw error("wait_any waits for one of no futures: that would be for ever");
    std::vector<runtime::future_state_base*> states;
    for (const auto& each : all) states.push_back(&each.held());
    return runtime::wait_for_one(states);
}
/// The same for some given one by one.
template <class... T>
    requires(sizeof...(T) > 0)
std::size_t wait_any(const future<T>&... each) {
    return runtime::wait_for_one({&each.held()...});
}

} // namespace motet::inline MOTET_VARIANT
