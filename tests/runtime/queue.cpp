// SPDX-License-Identifier: BSL-1.0
#include <motet/runtime/queue.hpp>

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <vector>

using motet::runtime::message;
using motet::runtime::ring;

TEST_CASE("a ring is first in, first out, and grows") {
    std::vector<message> m(1'000);
    ring line;
    CHECK(line.empty());
    for (message& each : m) line.push(&each);
    CHECK(line.size() == m.size());
    CHECK(line.at(0) == &m[0]);
    CHECK(line.at(999) == &m[999]);
    for (message& each : m) CHECK(line.pop() == &each);
    CHECK(line.empty());
}

TEST_CASE("a ring that wraps around and grows meanwhile does what a deque does") {
    std::mt19937 random(7);
    std::vector<message> m(97);
    ring line;
    std::deque<message*> model;
    for (int step = 0; step < 100'000; ++step) {
        const bool fills = random() % 1000 < (step / 5'000 % 2 == 0 ? 530u : 470u);
        if (fills) {
            message* each = &m[random() % m.size()];
            line.push(each);
            model.push_back(each);
        } else if (!model.empty()) {
            REQUIRE(line.pop() == model.front());
            model.pop_front();
        }
        REQUIRE(line.size() == model.size());
        if (!model.empty()) REQUIRE(line.at(model.size() - 1) == model.back());
    }
}
