// SPDX-License-Identifier: BSL-1.0
#include "stopping_page.hpp"

#include <motet/runtime/inbox.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

using motet::runtime::inbox;
using motet::runtime::message;

namespace {
double seconds_of(auto&& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
} // namespace

TEST_CASE("an inbox gives all there is, the oldest first") {
    inbox box;
    CHECK(box.empty());
    CHECK(box.take() == nullptr);
    message m[3];
    for (message& each : m) box.push(&each);
    CHECK(!box.empty());
    message* first = box.take();
    CHECK(first == &m[0]);
    CHECK(first->next == &m[1]);
    CHECK(first->next->next == &m[2]);
    CHECK(first->next->next->next == nullptr);
    CHECK(box.empty());
}

TEST_CASE("sleep ends at its time, at once where a message is there, and at once when stopped") {
    inbox box;
    std::atomic<bool> stop{false};
    CHECK(seconds_of([&] { box.sleep(0, stop); }) < 0.5);
    const double slept = seconds_of([&] { box.sleep(0.02, stop); });
    CHECK(slept >= 0.019);
    CHECK(slept < 1);
    message m;
    box.push(&m);
    CHECK(seconds_of([&] { box.sleep(-1, stop); }) < 0.5);
    box.take();
    stop = true;
    CHECK(seconds_of([&] { box.sleep(-1, stop); }) < 0.5);
}

TEST_CASE("sleeping longer than the clock can say is sleeping until woken") {
    inbox box;
    std::atomic<bool> stop{false};
    for (const double seconds : {1e19, 1e300, std::numeric_limits<double>::infinity()}) {
        message m;
        std::thread other([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            box.push(&m);
        });
        const double slept = seconds_of([&] { box.sleep(seconds, stop); });
        CHECK(slept > 0.005);
        other.join();
        CHECK(box.take() == &m);
    }
}

TEST_CASE("stopping wakes a sleeper") {
    for (int i = 0; i < 200; ++i) {
        inbox box;
        std::atomic<bool> stop{false};
        std::thread sleeper([&] {
            while (!stop) box.sleep(-1, stop);
        });
        if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i));
        stop = true;
        box.wake();
        sleeper.join();
    }
}

TEST_CASE("many producers, one owner that sleeps: every message comes once, in the order of its sender") {
    constexpr int producers = 4;
    constexpr int each = 20'000;
    inbox box;
    std::atomic<bool> stop{false};
    std::vector<std::vector<message>> sent(producers, std::vector<message>(each));
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            std::mt19937 random(static_cast<unsigned>(p));
            for (int i = 0; i < each; ++i) {
                message& m = sent[static_cast<std::size_t>(p)][static_cast<std::size_t>(i)];
                m.type = static_cast<std::uint32_t>(p);
                m.bytes = static_cast<std::uint32_t>(i);
                box.push(&m);
                if (random() % 500 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 100));
                if (random() % 100 == 0) std::this_thread::yield();
            }
        });
    std::uint32_t next[producers] = {};
    int wrong = 0;
    for (int count = 0; count < producers * each;) {
        message* m = box.take();
        if (m == nullptr) {
            box.sleep(-1, stop); // a lost wake-up would hang here
            continue;
        }
        for (; m != nullptr; m = m->next, ++count) wrong += m->bytes != next[m->type]++;
    }
    for (std::thread& t : threads) t.join();
    CHECK(wrong == 0);
    CHECK(box.empty());
}

namespace {
/// A message with the bytes that a copy of it takes along.
struct small_message : message {
    std::int64_t arguments[2] = {};
};
static_assert(sizeof(small_message) == motet::runtime::slot_ring::line);
} // namespace

TEST_CASE("copies come out as they went in, in their order, and after a quarter of a full ring there is room again") {
    constexpr auto count = static_cast<std::int64_t>(motet::runtime::slot_ring::count);
    inbox box;
    std::int64_t put = 0;
    std::int64_t taken = 0;
    const auto leave = [&] {
        small_message m;
        m.index = {static_cast<std::uint64_t>(put), 7};
        m.type = 3;
        m.set(message::constructed);
        m.arguments[0] = 2 * put;
        m.arguments[1] = ~put;
        put += box.leave(m);
        m = {}; // what was left is a copy
        return put;
    };
    const auto take = [&] {
        REQUIRE(box.has_copy());
        small_message block;
        const auto* m = static_cast<const small_message*>(box.take_copy(&block));
        CHECK(m == &block);
        CHECK(m->index == motet::runtime::index_bits{static_cast<std::uint64_t>(taken), 7});
        CHECK(m->type == 3);
        CHECK(m->has(message::constructed));
        CHECK(m->arguments[0] == 2 * taken);
        CHECK(m->arguments[1] == ~taken);
        ++taken;
    };
    for (int lap = 0; lap < 3; ++lap) {
        CHECK(box.empty());
        CHECK(!box.has_copy());
        for (std::int64_t i = 0; i < count; ++i) CHECK(leave() == taken + i + 1);
        CHECK(!box.empty());
        CHECK(leave() == taken + count); // full
        for (std::int64_t i = 0; i < count / 4; ++i) take();
        for (std::int64_t i = 0; i < count / 4; ++i) leave();
        CHECK(put == taken + count);
        while (taken < put) take();
    }
    CHECK(box.empty());
    CHECK(box.take() == nullptr);
}

TEST_CASE("an owner does not sleep while a copy is there") {
    inbox box;
    const std::atomic<bool> stop{false};
    const small_message m;
    CHECK(box.leave(m));
    CHECK(seconds_of([&] { box.sleep(-1, stop); }) < 0.5);
    small_message block;
    box.take_copy(&block);
    CHECK(seconds_of([&] { box.sleep(0.02, stop); }) >= 0.019);
}

TEST_CASE(
    "a sender that is interrupted while it copies: what stands behind waits, nothing is lost, and nobody sleeps") {
    constexpr auto count = static_cast<std::int64_t>(motet::runtime::slot_ring::count);
    inbox box;
    const std::atomic<bool> stop{false};
    small_message block;
    const auto leave = [&](std::int64_t number) {
        small_message m;
        m.arguments[0] = number;
        return box.leave(m);
    };
    const auto take = [&] { return static_cast<const small_message*>(box.take_copy(&block))->arguments[0]; };
    for (const std::int64_t before : {0, 3, 31}) { // in line before it; the ring goes on from lap to lap
        for (std::int64_t i = 0; i < before; ++i) CHECK(leave(i));
        const motet_test::stopping_page page;
        auto* const slow = new (page.data()) small_message;
        slow->arguments[0] = before;
        page.arm();
        std::thread sender([&] { CHECK(box.leave(*slow)); });
        page.wait_for_reader();
        std::int64_t put = before + 1;
        while (leave(put)) ++put;
        CHECK(put <= count);
        CHECK(put > count / 2);
        message elsewhere;
        box.push(&elsewhere); // what there is no room for goes on
        CHECK(box.take() == &elsewhere);
        for (std::int64_t i = 0; i < before; ++i) {
            REQUIRE(box.has_copy());
            CHECK(take() == i);
        }
        CHECK(!box.has_copy());
        CHECK(box.empty());
        CHECK(seconds_of([&] { box.sleep(-1, stop); }) < 0.5);
        page.let_go();
        sender.join();
        for (std::int64_t i = before; i < put; ++i) {
            REQUIRE(box.has_copy());
            CHECK(take() == i);
        }
        CHECK(box.empty());
        CHECK(seconds_of([&] { box.sleep(0.01, stop); }) >= 0.009);
    }
}

TEST_CASE("many producers of copies, pushing what does not fit: everything comes once, each sender's copies in order") {
    constexpr int producers = 4;
    constexpr int each = 20'000;
    inbox box;
    const std::atomic<bool> stop{false};
    std::vector<std::vector<message>> pushed(producers, std::vector<message>(each));
    std::atomic<int> copies{0};
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            std::mt19937 random(static_cast<unsigned>(p));
            int left = 0;
            for (int i = 0; i < each; ++i) {
                small_message m;
                m.type = static_cast<std::uint32_t>(p);
                m.bytes = static_cast<std::uint32_t>(i);
                m.arguments[1] = i + p;
                if (box.leave(m)) {
                    ++left;
                } else {
                    message& whole = pushed[static_cast<std::size_t>(p)][static_cast<std::size_t>(i)];
                    whole = m;
                    box.push(&whole);
                }
                if (random() % 500 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 100));
                if (random() % 20 == 0) std::this_thread::yield();
            }
            copies += left;
        });
    std::vector<std::vector<int>> seen(producers, std::vector<int>(each));
    std::int64_t newest[producers] = {-1, -1, -1, -1};
    int wrong = 0;
    int copied = 0;
    for (int count = 0; count < producers * each;) {
        if (box.empty()) box.sleep(-1, stop); // a lost wake-up would hang here
        for (; box.has_copy(); ++count, ++copied) {
            small_message m;
            box.take_copy(&m);
            wrong += m.arguments[1] != std::int64_t{m.bytes} + m.type || m.bytes <= newest[m.type];
            newest[m.type] = m.bytes;
            ++seen[m.type][m.bytes];
        }
        for (message* m = box.take(); m != nullptr; m = m->next, ++count) ++seen[m->type][m->bytes];
    }
    for (std::thread& t : threads) t.join();
    for (const auto& of_one : seen)
        for (const int times : of_one) wrong += times != 1;
    CHECK(wrong == 0);
    CHECK(copied == copies);
    CHECK(copied > 0);
    CHECK(box.empty());
}

TEST_CASE("two threads that sleep wake each other by copies, again and again") {
    constexpr std::int64_t rounds = 20'000;
    inbox boxes[2];
    const std::atomic<bool> stop{false};
    auto player = [&](int self) {
        small_message ball;
        for (std::int64_t i = 0; i < rounds; ++i) {
            while (!boxes[self].has_copy()) boxes[self].sleep(-1, stop);
            boxes[self].take_copy(&ball);
            ++ball.arguments[0];
            boxes[1 - self].leave(ball);
        }
    };
    std::thread other(player, 1);
    boxes[0].leave(small_message());
    player(0);
    other.join();
    small_message ball;
    REQUIRE(boxes[0].has_copy());
    boxes[0].take_copy(&ball);
    CHECK(ball.arguments[0] == 2 * rounds);
}

TEST_CASE("two threads that sleep wake each other, again and again") {
    constexpr int rounds = 20'000;
    inbox boxes[2];
    std::atomic<bool> stop{false};
    message ball;
    auto player = [&](int self) {
        for (int i = 0; i < rounds; ++i) {
            message* m = nullptr;
            while ((m = boxes[self].take()) == nullptr) boxes[self].sleep(-1, stop);
            boxes[1 - self].push(m);
        }
    };
    std::thread other(player, 1);
    boxes[0].push(&ball);
    player(0);
    other.join();
    CHECK(boxes[0].take() == &ball);
}
