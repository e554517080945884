// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace motet::fiber {

/// Writes what runs on the current fiber ("heat::Tile[3,4]::run") into `buffer`, as a C string of at most `size` bytes.
/// Called in a signal handler: it must not allocate or lock.
using describe_current = void (*)(char* buffer, std::size_t size);

/// What the calling thread names its current fiber with; null until an overflow_guard is made.
[[gnu::noinline]] inline describe_current& thread_description() noexcept {
    static thread_local describe_current describe = nullptr;
    return describe;
}

/// Says on stderr which fiber overflowed its stack of `size` bytes, and aborts. Safe in a signal handler.
[[noreturn, gnu::cold, gnu::noinline]] inline void report_overflow(std::size_t size) noexcept {
    char who[512] = "a fiber";
    if (thread_description() != nullptr) thread_description()(who, sizeof who);
    char line[768];
    const int length = std::snprintf(line, sizeof line,
                                     "motet: stack overflow in %s: the stack of a fiber has %zu KiB; raise it with "
                                     "--motet-stack\n",
                                     who, (size + 1023) / 1024);
    // Nothing is left to do about a failed write.
    [[maybe_unused]] const auto written = write(STDERR_FILENO, line, static_cast<std::size_t>(length));
    std::abort();
}

} // namespace motet::fiber
