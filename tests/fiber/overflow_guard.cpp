// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"

#include <motet/fiber/overflow_guard.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

using motet::fiber::fiber;
using motet::fiber::guarding;
using motet::fiber::overflow_guard;
using motet::fiber::stack_pool;
using motet::fiber::switch_to;
using motet::fiber::thread_fiber;

namespace {

fiber* running = nullptr;
fiber* home_of_thread = nullptr;

fiber* current() { return running; }
void describe(char* buffer, std::size_t size) { std::strncpy(buffer, "heat::Tile[3,4]::run", size); }

/// Runs `entry` on a new fiber, under a guard.
void run_guarded(fiber::entry entry, guarding how = guarding::best, std::size_t stack_size = 256 << 10) {
    thread_fiber home;
    home_of_thread = &home;
    stack_pool pool(stack_size, how);
    const overflow_guard guard(&current, &describe);
    fiber* const neighbour = fiber::create(pool, entry, nullptr); // an overflow of the second must not meet nothing
    running = fiber::create(pool, entry, nullptr);
    switch_to(home, *running);
    fiber::destroy(pool, running);
    running = nullptr;
    fiber::destroy(pool, neighbour);
}

} // namespace

#if !defined(MOTET_ADDRESS_SANITIZER)
namespace {

/// Calls itself until its frame lies below the address `floor`.
[[gnu::noinline]] int recurse_down_to(std::uintptr_t floor) {
    volatile std::byte frame[64];
    for (auto& each : frame) each = std::byte{1};
    return reinterpret_cast<std::uintptr_t>(&frame) < floor ? 1 : recurse_down_to(floor) + static_cast<int>(frame[0]);
}

/// Uses `bytes` of the stack.
void use_stack(std::size_t bytes) {
    const volatile char here = 0;
    recurse_down_to(reinterpret_cast<std::uintptr_t>(&here) - bytes);
}

/// More than there is.
void overflow(void*) { recurse_down_to(0); }

/// 256 KiB of stack, 17 pages of gap, and the seal.
const std::size_t past_the_seal = (256 << 10) + motet::fiber::gap_pages * motet::fiber::page_size() + 512;

const std::string report = "motet: stack overflow in heat::Tile[3,4]::run: the stack of a fiber has "
                           "256 KiB; raise it with --motet-stack\n";

} // namespace

TEST_CASE("an overflow names the fiber, and aborts") {
    for (const auto how : {guarding::best, guarding::mapped}) {
        const auto end = in_child([&] { run_guarded(&overflow, how); });
        CHECK(end.signal == SIGABRT);
        CHECK(end.errors == report);
    }
}

TEST_CASE("an overflow on a thread of its own is reported too") {
    const auto end = in_child([] { std::thread([] { run_guarded(&overflow); }).join(); });
    CHECK(end.signal == SIGABRT);
    CHECK(end.errors == report);
}

TEST_CASE("an overflow without guard pages is reported when the fiber parks, and when it ends") {
    const auto parks = in_child([] {
        run_guarded(
            [](void*) {
                use_stack(past_the_seal);
                switch_to(*running, *home_of_thread);
            },
            guarding::sealed);
    });
    CHECK(parks.signal == SIGABRT);
    CHECK(parks.errors == report);
    const auto ends = in_child([] { run_guarded([](void*) { use_stack(past_the_seal); }, guarding::sealed); });
    CHECK(ends.signal == SIGABRT);
    CHECK(ends.errors == report);
}

TEST_CASE("a description is not needed") {
    const auto end = in_child([] {
        thread_fiber home;
        stack_pool pool(256 << 10, guarding::sealed);
        fiber* const below = fiber::create(
            pool, [](void*) {}, nullptr);
        fiber* const over = fiber::create(
            pool, [](void*) { use_stack(past_the_seal); }, nullptr);
        switch_to(home, *below);
        switch_to(home, *over);
    });
    CHECK(end.signal == SIGABRT);
    CHECK(end.errors == "motet: stack overflow in a fiber: the stack of a fiber has 256 KiB; raise it with "
                        "--motet-stack\n");
}

TEST_CASE("a fault that is no overflow ends the program as it would without a guard") {
    const auto fault = in_child([] {
        run_guarded([](void*) {
            volatile int* volatile nowhere = nullptr;
            *nowhere = 1;
        });
    });
#if defined(MOTET_THREAD_SANITIZER)
    CHECK(fault.signal != SIGABRT);
#else
    CHECK(fault.signal == SIGSEGV);
    CHECK(fault.errors.empty());
    const auto sent = in_child([] { run_guarded([](void*) { raise(SIGSEGV); }); });
    CHECK(sent.signal == SIGSEGV);
#endif
}

TEST_CASE("a fault that is no overflow goes to the handler that was there before") {
    const auto with_information = in_child([] {
        struct sigaction earlier = {};
        earlier.sa_flags = SA_SIGINFO;
        earlier.sa_sigaction = [](int, siginfo_t* info, void*) { _exit(info->si_addr == nullptr ? 42 : 43); };
        sigaction(SIGSEGV, &earlier, nullptr);
        run_guarded([](void*) {
            volatile int* volatile nowhere = nullptr;
            *nowhere = 1;
        });
    });
    CHECK(with_information.code == 42);
    const auto plain = in_child([] {
        signal(SIGSEGV, [](int) { _exit(44); });
        run_guarded([](void*) { raise(SIGSEGV); });
    });
    CHECK(plain.code == 44);
}
#endif

TEST_CASE("a guard restores what it found, also when guards are nested") {
    struct sigaction before = {};
    struct sigaction inside = {};
    struct sigaction after = {};
    stack_t stack_before = {};
    stack_t stack_after = {};
    sigaltstack(nullptr, &stack_before);
    sigaction(SIGSEGV, nullptr, &before);
    {
        const overflow_guard outer(&current, &describe);
        sigaction(SIGSEGV, nullptr, &inside);
        {
            const overflow_guard inner(&current, &describe);
            std::thread([] { const overflow_guard other(&current, &describe); }).join();
        }
        sigaction(SIGSEGV, nullptr, &after);
        CHECK((after.sa_sigaction == inside.sa_sigaction));
    }
    sigaction(SIGSEGV, nullptr, &after);
    sigaltstack(nullptr, &stack_after);
    CHECK((after.sa_sigaction == before.sa_sigaction));
    CHECK(stack_after.ss_sp == stack_before.ss_sp);
}

TEST_CASE("an exception that leaves the entry ends the program, and says so") {
    const auto end = in_child([] { run_guarded([](void*) { throw std::runtime_error("the reason"); }); });
    CHECK(end.signal == SIGABRT);
    CHECK(end.errors.find("motet: an exception left the entry function of a fiber: the reason\n") != std::string::npos);
}
