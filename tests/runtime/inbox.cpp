// SPDX-License-Identifier: BSL-1.0
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
