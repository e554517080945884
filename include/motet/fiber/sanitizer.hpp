// SPDX-License-Identifier: BSL-1.0
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define MOTET_ADDRESS_SANITIZER 1
#endif
#if defined(__SANITIZE_THREAD__)
#define MOTET_THREAD_SANITIZER 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOTET_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define MOTET_THREAD_SANITIZER 1
#endif
#endif

#if defined(MOTET_ADDRESS_SANITIZER)
#include <cstddef>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

namespace motet::fiber {

/// What AddressSanitizer is told about a fiber. All of this is empty in other builds.
struct sanitizer_view {
    void* fake_stack = nullptr;
    const void* bottom = nullptr;
    std::size_t size = 0;

    void describe_stack(const void* lowest, std::size_t bytes) noexcept {
        bottom = lowest;
        size = bytes;
    }
    static void leave(sanitizer_view& from, sanitizer_view& to) noexcept {
        __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
    }
    static void leave_for_ever(sanitizer_view&, sanitizer_view& to) noexcept {
        __sanitizer_start_switch_fiber(nullptr, to.bottom, to.size);
    }
    static void arrive(sanitizer_view& self, sanitizer_view& from) noexcept {
        __sanitizer_finish_switch_fiber(self.fake_stack, &from.bottom, &from.size);
    }
    /// Frames that will never return leave their marks on `bytes` from `lowest`.
    static void forget(const void* lowest, std::size_t bytes) noexcept { __asan_unpoison_memory_region(lowest, bytes); }
    void start() noexcept {}
    void adopt_thread() noexcept {}
    void end() noexcept {}
};

} // namespace motet::fiber

#elif defined(MOTET_THREAD_SANITIZER)
#include <cstddef>
#include <sanitizer/tsan_interface.h>

namespace motet::fiber {

/// What ThreadSanitizer is told about a fiber. A switch orders what was done before it and after it (flag 0).
struct sanitizer_view {
    void* context = nullptr;

    void describe_stack(const void*, std::size_t) noexcept {}
    [[gnu::always_inline]] static void leave(sanitizer_view&, sanitizer_view& to) noexcept {
        __tsan_switch_to_fiber(to.context, 0);
    }
    [[gnu::always_inline]] static void leave_for_ever(sanitizer_view& from, sanitizer_view& to) noexcept {
        leave(from, to);
    }
    static void arrive(sanitizer_view&, sanitizer_view&) noexcept {}
    static void forget(const void*, std::size_t) noexcept {}
    void start() noexcept { context = __tsan_create_fiber(0); }
    void adopt_thread() noexcept { context = __tsan_get_current_fiber(); }
    void end() noexcept { __tsan_destroy_fiber(context); }
};

} // namespace motet::fiber

#else
#include <cstddef>

namespace motet::fiber {

/// What the sanitizers are told about a fiber: nothing in this build.
struct sanitizer_view {
    void describe_stack(const void*, std::size_t) noexcept {}
    static void leave(sanitizer_view&, sanitizer_view&) noexcept {}
    static void leave_for_ever(sanitizer_view&, sanitizer_view&) noexcept {}
    static void arrive(sanitizer_view&, sanitizer_view&) noexcept {}
    static void forget(const void*, std::size_t) noexcept {}
    void start() noexcept {}
    void adopt_thread() noexcept {}
    void end() noexcept {}
};

} // namespace motet::fiber

#endif
