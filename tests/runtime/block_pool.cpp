// SPDX-License-Identifier: BSL-1.0
#include <motet/runtime/block_pool.hpp>

#include <doctest/doctest.h>

#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

using motet::runtime::block_class;
using motet::runtime::block_classes;
using motet::runtime::block_depot;
using motet::runtime::block_pool;
using motet::runtime::block_size;
using motet::runtime::unpooled;

namespace {
void* take(block_pool& pool, std::size_t bytes) { return pool.take(block_class(bytes), bytes); }
void give(block_pool& pool, std::size_t bytes, void* memory) { pool.give(block_class(bytes), memory); }
} // namespace

TEST_CASE("a size belongs to the smallest class that holds it") {
    CHECK(block_class(1) == 0);
    CHECK(block_class(64) == 0);
    CHECK(block_class(65) == 1);
    CHECK(block_class(8192) == 7);
    CHECK(block_class(8193) == unpooled);
    for (std::uint8_t c = 0; c < block_classes; ++c) CHECK(block_class(block_size(c)) == c);
}

TEST_CASE("blocks are distinct, aligned to cache lines, and as large as asked for") {
    block_depot depot;
    block_pool pool(depot);
    for (const std::size_t bytes : {48u, 64u, 100u, 1'000u, 8'192u, 8'193u, 100'000u}) {
        std::set<void*> blocks;
        for (int i = 0; i < 300; ++i) {
            void* block = take(pool, bytes);
            CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
            std::memset(block, i, bytes);
            CHECK(blocks.insert(block).second);
        }
        for (void* block : blocks) give(pool, bytes, block);
    }
}

#ifndef MOTET_PLAIN_BLOCKS
TEST_CASE("a block given back is the next to be taken") {
    block_depot depot;
    block_pool pool(depot);
    void* block = take(pool, 64);
    give(pool, 64, block);
    CHECK(take(pool, 60) == block);
}

TEST_CASE("blocks that one PE takes and another gives back are used again") {
    block_depot depot;
    block_pool sender(depot);
    block_pool receiver(depot);
    std::set<void*> seen;
    for (int i = 0; i < 100'000; ++i) {
        void* block = take(sender, 64);
        seen.insert(block);
        give(receiver, 64, block);
    }
    CHECK(seen.size() <= 5 * block_depot::magazine);
}

TEST_CASE("a pool at the edge of a magazine does not go to the depot each time") {
    block_depot depot;
    block_pool pool(depot);
    std::vector<void*> blocks;
    for (std::uint32_t i = 0; i < block_depot::magazine; ++i) blocks.push_back(take(pool, 64));
    std::set<void*> seen;
    for (int i = 0; i < 1'000; ++i) { // one more, one less
        void* block = take(pool, 64);
        seen.insert(block);
        give(pool, 64, block);
    }
    CHECK(seen.size() == 1);
    for (void* block : blocks) give(pool, 64, block);
}
#endif

TEST_CASE("any sequence of takes and gives keeps the blocks apart") {
    block_depot depot;
    block_pool pools[3] = {block_pool(depot), block_pool(depot), block_pool(depot)};
    struct taken {
        unsigned char* memory;
        std::size_t bytes;
        unsigned char mark;
    };
    std::vector<taken> live;
    std::mt19937 random(3);
    for (int step = 0; step < 50'000; ++step) {
        block_pool& pool = pools[random() % 3];
        const bool grows = random() % 100 < (step / 5'000 % 2 == 0 ? 60u : 40u);
        if (grows) {
            const std::size_t bytes = 1 + random() % (random() % 8 == 0 ? 10'000 : 200);
            const taken t{static_cast<unsigned char*>(take(pool, bytes)), bytes, static_cast<unsigned char>(random())};
            std::memset(t.memory, t.mark, bytes);
            live.push_back(t);
        } else if (!live.empty()) {
            std::swap(live[random() % live.size()], live.back());
            const taken t = live.back();
            live.pop_back();
            REQUIRE(t.memory[0] == t.mark);
            REQUIRE(t.memory[t.bytes - 1] == t.mark);
            give(pool, t.bytes, t.memory);
        }
    }
    for (const taken& t : live) give(pools[0], t.bytes, t.memory);
}

TEST_CASE("threads take and give each other's blocks") {
    block_depot depot;
    constexpr int rounds = 200;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<void*> on_the_way[2];
    bool done[2] = {};
    auto thread = [&](int self) {
        block_pool pool(depot);
        for (int round = 0; round < rounds; ++round) {
            std::vector<void*> blocks;
            for (int i = 0; i < 100; ++i) {
                auto* block = static_cast<int*>(take(pool, 64));
                *block = self;
                blocks.push_back(block);
            }
            const std::lock_guard lock(mutex);
            auto& out = on_the_way[1 - self];
            out.insert(out.end(), blocks.begin(), blocks.end());
            for (void* block : on_the_way[self]) give(pool, 64, block);
            on_the_way[self].clear();
        }
        std::unique_lock lock(mutex);
        done[self] = true;
        changed.notify_all();
        changed.wait(lock, [&] { return done[1 - self]; });
        for (void* block : on_the_way[self]) give(pool, 64, block);
    };
    std::thread other(thread, 1);
    thread(0);
    other.join();
}
