// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <new>
#include <stdexcept>
#include <sys/mman.h>

namespace motet_test {

/// A page on which the first reader stands still until it is let go: to others it is a thread that the system has
/// interrupted in the middle of what it does there. One at a time.
class stopping_page {
public:
    stopping_page() : memory(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        if (memory == MAP_FAILED) throw std::bad_alloc();
        where = reinterpret_cast<std::uintptr_t>(memory);
        reached = let = false;
        struct sigaction mine = {};
        mine.sa_sigaction = &stop_reader;
        mine.sa_flags = SA_SIGINFO;
        ::sigaction(SIGSEGV, &mine, &before);
    }
    stopping_page(const stopping_page&) = delete;
    stopping_page& operator=(const stopping_page&) = delete;
    ~stopping_page() {
        ::sigaction(SIGSEGV, &before, nullptr);
        ::munmap(memory, size);
    }

    std::byte* data() const { return static_cast<std::byte*>(memory); }
    /// From now on reading stops.
    void arm() const {
        if (::mprotect(memory, size, PROT_NONE) != 0) throw std::runtime_error("mprotect");
    }
    void wait_for_reader() const {
        while (!reached) nap();
    }
    void let_go() const { let = true; }

    static constexpr std::size_t size = 65536;

private:
    static void nap() {
        const timespec time{0, 100'000};
        ::nanosleep(&time, nullptr);
    }
    static void stop_reader(int, siginfo_t* what, void*) {
        const auto at = reinterpret_cast<std::uintptr_t>(what->si_addr);
        if (at - where >= size) {
            std::signal(SIGSEGV, SIG_DFL); // a fault of another kind: it happens again
            return;
        }
        reached = true;
        while (!let) nap();
        ::mprotect(reinterpret_cast<void*>(where.load()), size, PROT_READ | PROT_WRITE);
    }

    static inline std::atomic<std::uintptr_t> where{0};
    static inline std::atomic<bool> reached{false};
    static inline std::atomic<bool> let{false};
    void* memory;
    struct sigaction before = {};
};

} // namespace motet_test
