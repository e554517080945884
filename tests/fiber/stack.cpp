// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"

#include <motet/fiber/fiber.hpp>
#include <motet/fiber/stack.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <sys/resource.h>
#include <vector>

using motet::fiber::fiber;
using motet::fiber::guarding;
using motet::fiber::page_size;
using motet::fiber::stack;
using motet::fiber::stack_pool;
using motet::fiber::switch_to;
using motet::fiber::thread_fiber;

namespace {

/// A number of kB from /proc, as "VmRSS" in "/proc/self/status".
std::size_t kilobytes(const char* file, const std::string& name) {
    std::ifstream lines(file);
    for (std::string word; lines >> word;)
        if (std::size_t value = 0; word == name + ":" && lines >> value) return value;
    return 0;
}

[[maybe_unused]] std::size_t resident() { return kilobytes("/proc/self/status", "VmRSS") * 1024; }

[[maybe_unused]] std::size_t mappings() {
    std::ifstream lines("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) ++count;
    return count;
}

void touch(const stack& memory, std::size_t bytes) { std::memset(static_cast<char*>(memory.top) - bytes, 1, bytes); }

} // namespace

TEST_CASE("stacks are apart, aligned, and as large as was asked for") {
    stack_pool pool(64 << 10);
    std::vector<stack> all;
    for (int i = 0; i < 100; ++i) all.push_back(pool.acquire());
    std::set<std::pair<std::byte*, void*>> ranges;
    for (const auto& each : all) {
        CHECK(reinterpret_cast<std::uintptr_t>(each.top) % 64 == 0);
        CHECK(each.size > (64 << 10) - 4096);
        touch(each, each.size);
        ranges.insert({each.bottom(), each.top});
    }
    CHECK(ranges.size() == 100);
    for (auto low = ranges.begin(), high = std::next(low); high != ranges.end(); ++low, ++high)
        CHECK(static_cast<std::byte*>(low->second) + 17 * page_size() <= high->first);
    for (const auto& each : all) pool.release(each);
    CHECK(pool.spares() == 100);
}

TEST_CASE("the tops of stacks differ in their offset within a page") {
    stack_pool pool;
    std::set<std::uintptr_t> offsets;
    for (int i = 0; i < 16; ++i) offsets.insert(reinterpret_cast<std::uintptr_t>(pool.acquire().top) % page_size());
    CHECK(offsets.size() == 16);
}

TEST_CASE("the newest spare stack is used again first") {
    stack_pool pool;
    const auto first = pool.acquire();
    const auto second = pool.acquire();
    pool.release(first);
    CHECK(pool.spares() == 1);
    CHECK(pool.acquire().top == first.top);
    pool.release(second);
    pool.release(first);
    CHECK(pool.acquire().top == first.top);
    CHECK(pool.acquire().top == second.top);
    CHECK(pool.spares() == 0);
}

TEST_CASE("a pool of many slabs gives out each stack once, in any order of release") {
    stack_pool pool(16 << 10);
    std::vector<stack> used;
    std::uint32_t random = 1;
    for (int round = 0; round < 20'000; ++round) {
        random = random * 1664525 + 1013904223;
        if (used.empty() || random >> 31 != 0 || used.size() < 100) {
            used.push_back(pool.acquire());
            touch(used.back(), 64);
        } else {
            std::swap(used[(random >> 8) % used.size()], used.back());
            pool.release(used.back());
            used.pop_back();
        }
    }
    std::set<void*> tops;
    for (const auto& each : used) tops.insert(each.top);
    CHECK(tops.size() == used.size());
    for (const auto& each : used) pool.release(each);
}

TEST_CASE("sizes that make no sense are refused by a sentence") {
    CHECK_THROWS_WITH_AS(stack_pool(100), "the stack of a fiber cannot have 0 KiB: --motet-stack takes 16 KiB to 1 TiB",
                         motet::error);
    CHECK_THROWS_AS(stack_pool(0), motet::error);
    CHECK_THROWS_AS(stack_pool(std::size_t{1} << 41), motet::error);
    CHECK(stack_pool(100'000).stack_size() % page_size() == 0);
}

#if !defined(MOTET_ADDRESS_SANITIZER) && !defined(MOTET_THREAD_SANITIZER)
TEST_CASE("when address space ends, an exception says so, and the pool goes on") {
    const auto end = in_child([] {
        stack_pool pool(8 << 20);
        std::vector<stack> all;
        all.reserve(1000);
        all.push_back(pool.acquire());
        const rlimit limit{std::size_t{1} << 30, std::size_t{1} << 30};
        setrlimit(RLIMIT_AS, &limit);
        try {
            while (all.size() < 1000) all.push_back(pool.acquire());
        } catch (const motet::error& problem) {
            std::fputs(problem.what(), stderr);
        }
        const auto most = all.size();
        if (most < 80 || most > 128) _exit(1); // smaller slabs were tried
        pool.release(all.back());
        if (pool.acquire().top != all.back().top) _exit(2);
    });
    CHECK(end.code == 0);
    CHECK(end.signal == 0);
    CHECK(end.errors.find("no stack for another fiber: the system refused ") == 0);
    CHECK(end.errors.find("make them smaller with --motet-stack, or raise `ulimit -v`") != std::string::npos);
}

TEST_CASE("spare stacks give their memory back") {
    stack_pool pool;
    const auto before = resident();
    std::vector<stack> all;
    for (int i = 0; i < 2000; ++i) all.push_back(pool.acquire());
    for (const auto& each : all) touch(each, 64 << 10);
    CHECK(resident() - before > 2000 * (60 << 10));
    for (const auto& each : all) pool.release(each);
    CHECK(resident() - before < 1100 * (68 << 10)); // the newest stay as they are
    touch(pool.acquire(), 64 << 10);
}

TEST_CASE("guards that cost mappings end before the mappings do") {
    stack_pool pool(16 << 10, guarding::mapped);
    std::size_t guarded = 0;
    for (int i = 0; i < 40'000; ++i) guarded += pool.acquire().seal == nullptr;
    CHECK(guarded == motet::fiber::most_mapped_guards);
    CHECK(mappings() < 62'000);
    stack_pool other(16 << 10, guarding::mapped);
    CHECK(other.acquire().seal != nullptr);
}

TEST_CASE("guards are counted down when a pool goes") {
    stack_pool pool(16 << 10, guarding::mapped);
    CHECK(pool.acquire().seal == nullptr);
}

TEST_CASE("1,000,000 fibers are parked at once") {
    if (kilobytes("/proc/meminfo", "MemAvailable") < 12'000'000) {
        MESSAGE("left out: it needs 12 GB of free memory");
        return;
    }
    struct run {
        std::size_t count;
        guarding how;
    };
    for (const auto [count, how] : {run{100'000, guarding::sealed}, run{1'000'000, guarding::best}}) {
        thread_fiber home;
        struct state {
            fiber* home;
            fiber* current = nullptr;
            std::size_t started = 0;
            std::size_t resumed = 0;
        } shared{&home};
        auto pool = std::make_unique<stack_pool>(motet::fiber::default_stack_size, how);
        std::vector<fiber*> all(count);
        const auto before = resident();
        const auto tables = kilobytes("/proc/self/status", "VmPTE") * 1024;
        for (auto& each : all) {
            each = fiber::create(
                *pool,
                [](void* argument) {
                    auto& here = *static_cast<state*>(argument);
                    fiber* const self = here.current;
                    ++here.started;
                    switch_to(*self, *here.home);
                    ++here.resumed;
                },
                &shared);
            shared.current = each;
            switch_to(home, *each);
        }
        CHECK(shared.started == count);
        const auto bytes = (resident() - before) / count;
        const auto table_bytes = (kilobytes("/proc/self/status", "VmPTE") * 1024 - tables) / count;
        MESSAGE("each parked fiber holds ", bytes, " bytes, and ", table_bytes, " bytes of page tables");
        CHECK(bytes <= 8192);
        CHECK(mappings() < 5000);
        for (auto* each : all) {
            switch_to(home, *each);
            fiber::destroy(*pool, each);
        }
        CHECK(shared.resumed == count);
        CHECK(resident() < before + (std::size_t{64} << 20));
    }
}
#endif
