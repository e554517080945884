// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/fiber/fiber.hpp>
#include <motet/fiber/overflow_report.hpp>
#include <motet/fiber/sanitizer.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <signal.h>

namespace motet::fiber {

/// While it lives, a stack overflow of a fiber on the calling thread is reported by name before the program aborts.
/// Made and destroyed on the same thread, nested if need be. All other faults go to whatever handled SIGSEGV before.
/// Under AddressSanitizer it does nothing: that reports overflows itself.
class overflow_guard {
public:
    /// The fiber that runs on the calling thread, or null. Called in a signal handler: it must not allocate or lock.
    using current_fiber = fiber* (*)();

    overflow_guard(current_fiber current, describe_current describe)
        : current_(current), outer_description_(thread_description()), outer_(of_thread()) {
        thread_description() = describe;
        of_thread() = this;
#if !defined(MOTET_ADDRESS_SANITIZER)
        const stack_t own = {.ss_sp = signal_stack_.get(), .ss_flags = 0, .ss_size = signal_stack_size};
        sigaltstack(&own, &outer_signal_stack_);
        process_handler().install();
#endif
    }

    overflow_guard(const overflow_guard&) = delete;
    overflow_guard& operator=(const overflow_guard&) = delete;

    ~overflow_guard() {
#if !defined(MOTET_ADDRESS_SANITIZER)
        process_handler().remove();
        sigaltstack(&outer_signal_stack_, nullptr);
#endif
        of_thread() = outer_;
        thread_description() = outer_description_;
    }

private:
    static constexpr std::size_t signal_stack_size = std::size_t{64} << 10;

    /// A signal has one handler per process: ours stands while any thread has a guard.
    class handler {
    public:
        void install() {
            const std::lock_guard lock(mutex_);
            if (users_++ > 0) return;
            struct sigaction ours = {};
            ours.sa_sigaction = &on_fault;
            ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
            sigemptyset(&ours.sa_mask);
            sigaction(SIGSEGV, &ours, &previous_);
        }

        /// Leaves a handler alone that was installed after ours, and may call it.
        void remove() noexcept {
            const std::lock_guard lock(mutex_);
            if (--users_ > 0) return;
            struct sigaction installed = {};
            sigaction(SIGSEGV, nullptr, &installed);
            if ((installed.sa_flags & SA_SIGINFO) != 0 && installed.sa_sigaction == &on_fault)
                sigaction(SIGSEGV, &previous_, nullptr);
        }

        /// What would have happened without us.
        void pass_on(int signal, siginfo_t* info, void* context) noexcept {
            if ((previous_.sa_flags & SA_SIGINFO) != 0) {
                previous_.sa_sigaction(signal, info, context);
            } else if (previous_.sa_handler != SIG_DFL && previous_.sa_handler != SIG_IGN) {
                previous_.sa_handler(signal);
            } else {
                sigaction(signal, &previous_, nullptr); // the fault happens again on return
                if (info->si_code <= 0) raise(signal);  // but one that was sent does not
            }
        }

    private:
        std::mutex mutex_;
        int users_ = 0;
        struct sigaction previous_ = {};
    };

    static handler& process_handler() noexcept {
        static handler only;
        return only;
    }

    [[gnu::noinline]] static const overflow_guard*& of_thread() noexcept {
        static thread_local const overflow_guard* guard = nullptr;
        return guard;
    }

    static void on_fault(int signal, siginfo_t* info, void* context) noexcept {
        if (const auto* guard = of_thread(); guard != nullptr) {
            const auto* running = guard->current_();
            if (running != nullptr && running->memory().overflowed_at(info->si_addr))
                report_overflow(running->memory().size);
        }
        process_handler().pass_on(signal, info, context);
    }

    current_fiber current_;
    describe_current outer_description_;
    const overflow_guard* outer_;
    std::unique_ptr<std::byte[]> signal_stack_{new std::byte[signal_stack_size]};
    stack_t outer_signal_stack_ = {};
};

} // namespace motet::fiber
