// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/fiber/sanitizer.hpp>
#include <motet/fiber/stack.hpp>

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>
#include <cstdio>
#include <cxxabi.h>
#include <exception>
#include <new>

namespace motet::fiber {

/// What the C++ runtime keeps per thread about exceptions (Itanium C++ ABI, 2.2.2), and we per fiber: a fiber that
/// waits inside a `catch` must find its own exception again.
struct [[gnu::may_alias]] exception_state {
    void* caught = nullptr;
    unsigned int uncaught = 0;

    /// That of the calling thread. Never inlined: compilers take the address for a constant, also across a switch.
    [[gnu::noinline]] static exception_state* of_thread() noexcept {
        return reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
    }
};

/// Thrown by the runtime into a parked fiber, to end it by unwinding its frames. Not a std::exception, so that a
/// program's `catch (const std::exception&)` lets it pass.
struct unwind {};

/// One execution context: a stack and where it stands. Address-stable; stays on the thread that first switched to it.
/// The control block lies at the top of the fiber's own stack, just above the frames that a switch touches anyway.
class alignas(64) fiber {
public:
    /// What a fiber runs. No exception may leave it: that ends the program. When it returns, the fiber has finished and
    /// `successor()` goes on.
    using entry = void (*)(void* argument);

    /// A fiber that will call run(argument) when first switched to. Throws motet::error when no stack is left.
    static fiber* create(stack_pool& pool, entry run, void* argument) {
        const stack memory = pool.acquire();
        return new (static_cast<std::byte*>(memory.top) - sizeof(fiber)) fiber(memory, run, argument);
    }

    /// Gives back the stack of a fiber that is not the current one: finished, never started, or parked for ever.
    /// Frames that stand on it are forgotten, not unwound.
    static void destroy(stack_pool& pool, fiber* dead) noexcept {
        const stack memory = dead->memory_;
        auto* const lowest = static_cast<std::byte*>(dead->context_);
        sanitizer_view::forget(lowest, static_cast<std::size_t>(static_cast<std::byte*>(memory.top) - lowest));
        dead->view_.end();
        dead->~fiber();
        pool.release(memory);
    }

    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;

    /// Whether the entry has returned.
    bool finished() const noexcept { return finished_; }

    /// The stack it runs on; empty for a thread's own.
    const stack& memory() const noexcept { return memory_; }

    /// One word for the runtime.
    void* user = nullptr;

    /// Who goes on when the entry returns: the fiber that started this one, unless another is set before that.
    fiber*& successor() noexcept { return successor_; }

protected:
    fiber() = default;
    ~fiber() = default;

private:
    friend class thread_fiber;
    friend void switch_to(fiber& current, fiber& next) noexcept;

    fiber(const stack& memory, entry run, void* argument) noexcept
        : context_(boost::context::detail::make_fcontext(
              this, static_cast<std::size_t>(reinterpret_cast<std::byte*>(this) - memory.bottom()), &begin)),
          seal_(memory.seal), run_(run), argument_(argument), memory_(memory) {
        view_.describe_stack(memory.bottom(), memory.size);
        view_.start();
    }

    /// Runs a fiber from its first switch to its end.
    [[noreturn]] static void begin(boost::context::detail::transfer_t arrival) noexcept {
        fiber& self = *static_cast<fiber*>(arrival.data);
        self.arrive(arrival.fctx);
        if (self.successor_ == nullptr) self.successor_ = self.resumer_;
        try {
            self.run_(self.argument_);
        } catch (const std::exception& problem) {
            std::fprintf(stderr, "motet: an exception left the entry function of a fiber: %s\n", problem.what());
            std::terminate();
        } catch (...) {
            std::fputs("motet: an exception left the entry function of a fiber\n", stderr);
            std::terminate();
        }
        self.finished_ = true;
        fiber& next = *self.successor_;
        self.depart(next);
        sanitizer_view::leave_for_ever(self.view_, next.view_);
        boost::context::detail::jump_fcontext(next.context_, &next);
        std::terminate(); // a finished fiber was switched to
    }

    /// All that a switch does before the jump, but for the sanitizers' part.
    [[gnu::always_inline]] void depart(fiber& next) noexcept {
        if (seal_ != nullptr && !seal::intact(seal_)) [[unlikely]]
            report_overflow(memory_.size);
        exception_state* const thread = thread_;
        exceptions_ = *thread;
        *thread = next.exceptions_;
        next.thread_ = thread;
        next.resumer_ = this;
    }

    /// All that a switch does after the jump. The one that came here stands at `context` now.
    [[gnu::always_inline]] void arrive(void* context) noexcept {
        resumer_->context_ = context;
        sanitizer_view::arrive(view_, resumer_->view_);
    }

    // What a switch touches; one cache line with `user`.
    void* context_ = nullptr;           ///< where it stands while it does not run
    fiber* resumer_ = nullptr;          ///< who last switched to it
    exception_state exceptions_;        ///< its own while it does not run
    exception_state* thread_ = nullptr; ///< where the current one's are; handed on by each switch
    std::uint64_t* seal_ = nullptr;

    entry run_ = nullptr;
    void* argument_ = nullptr;
    fiber* successor_ = nullptr;
    stack memory_;
    bool finished_ = false;
    [[no_unique_address]] sanitizer_view view_;
};

/// The calling OS thread's own stack as a fiber: the first `current` of a thread. Must be destroyed on that thread,
/// as the current fiber.
class thread_fiber : public fiber {
public:
    thread_fiber() noexcept {
        thread_ = exception_state::of_thread();
        view_.adopt_thread();
    }
};

/// Parks `current`, which must be the running fiber, and goes on with `next`, another one that is not finished.
/// Returns when somebody switches back. The state of exceptions and of the floating-point unit belongs to the fiber.
inline void switch_to(fiber& current, fiber& next) noexcept {
    current.depart(next);
    sanitizer_view::leave(current.view_, next.view_);
    current.arrive(boost::context::detail::jump_fcontext(next.context_, &next).fctx);
}

} // namespace motet::fiber
