// SPDX-License-Identifier: BSL-1.0
#include <motet/runtime/waiter.hpp>

#include <doctest/doctest.h>

using motet::runtime::waiter;
using motet::runtime::waiter_list;

TEST_CASE("a list of waiters is first in, first out") {
    waiter w[3];
    waiter_list list;
    CHECK(list.empty());
    for (waiter& each : w) list.push(&each);
    CHECK(list.front() == &w[0]);
    CHECK(list.pop() == &w[0]);
    list.push(&w[0]);
    CHECK(list.pop() == &w[1]);
    CHECK(list.pop() == &w[2]);
    CHECK(list.pop() == &w[0]);
    CHECK(list.empty());
}

TEST_CASE("a waiter leaves a list from anywhere") {
    waiter w[4];
    waiter_list list;
    for (waiter& each : w) list.push(&each);
    CHECK(list.remove(&w[1]));
    CHECK(!list.remove(&w[1]));
    CHECK(list.remove(&w[3]));
    CHECK(list.remove(&w[0]));
    list.push(&w[1]);
    CHECK(list.pop() == &w[2]);
    CHECK(list.remove(&w[1]));
    CHECK(list.empty());
    list.push(&w[3]);
    CHECK(list.pop() == &w[3]);
}
