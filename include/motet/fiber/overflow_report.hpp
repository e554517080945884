// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace motet::fiber {

/// Writes what runs on the current fiber ("heat::Tile[3,4]::run") into `buffer`, as a C string of at most `size` bytes.
/// Called in a signal handler. What may allocate or lock comes last: it may never come back, for the fiber may have
/// overflowed inside of malloc, and is told what stands there then.
using describe_current = void (*)(char* buffer, std::size_t size);

/// What the calling thread names its current fiber with; null until an overflow_guard is made.
[[gnu::noinline]] inline describe_current& thread_description() noexcept {
    static thread_local describe_current describe = nullptr;
    return describe;
}

/// The end of a process of which a fiber has overflowed its stack.
struct overflow_end {
    static inline char who[512] = "a fiber";
    static inline std::size_t size = 0; ///< of the stack, in bytes

    [[noreturn]] static void tell(int = 0) noexcept {
        char line[768];
        const int length = std::snprintf(line, sizeof line,
                                         "motet: stack overflow in %s: the stack of a fiber has %zu KiB; raise it with "
                                         "--motet-stack\n",
                                         who, (size + 1023) / 1024);
        // Nothing is left to do about a failed write.
        [[maybe_unused]] const auto written = write(STDERR_FILENO, line, static_cast<std::size_t>(length));
        std::abort();
    }
    /// Tells it in a second at the latest, from whatever thread.
    static void tell_soon() noexcept {
        struct sigaction now = {};
        now.sa_handler = &tell;
        sigaction(SIGALRM, &now, nullptr);
        sigset_t wakes;
        sigemptyset(&wakes);
        sigaddset(&wakes, SIGALRM);
        pthread_sigmask(SIG_UNBLOCK, &wakes, nullptr);
        alarm(1);
    }
};

/// Says on stderr which fiber overflowed its stack of `size` bytes, and aborts. Safe in a signal handler.
[[noreturn, gnu::cold, gnu::noinline]] inline void report_overflow(std::size_t size) noexcept {
    overflow_end::size = size;
    overflow_end::tell_soon();
    if (thread_description() != nullptr) thread_description()(overflow_end::who, sizeof overflow_end::who);
    overflow_end::tell();
}

} // namespace motet::fiber
