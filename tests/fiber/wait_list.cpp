// SPDX-License-Identifier: BSL-1.0
#include <motet/fiber/wait_list.hpp>

#include <doctest/doctest.h>

using motet::fiber::thread_fiber;
using motet::fiber::wait_list;

TEST_CASE("fibers leave a wait list in the order in which they came") {
    thread_fiber a, b, c;
    wait_list list;
    CHECK(list.empty());
    CHECK(list.pop() == nullptr);
    list.push(a);
    list.push(b);
    CHECK(!list.empty());
    CHECK(list.pop() == &a);
    list.push(c);
    list.push(a);
    CHECK(list.pop() == &b);
    CHECK(list.pop() == &c);
    CHECK(list.pop() == &a);
    CHECK(list.empty());
    list.push(b);
    CHECK(list.pop() == &b);
}

TEST_CASE("a fiber can be taken out of the middle, the beginning and the end") {
    thread_fiber a, b, c, d;
    wait_list list;
    for (auto* each : {&a, &b, &c}) list.push(*each);
    CHECK(!list.remove(d));
    CHECK(list.remove(b));
    CHECK(!list.remove(b));
    CHECK(list.remove(c)); // the last: what comes next goes behind `a`
    list.push(d);
    CHECK(list.remove(a));
    list.push(b);
    CHECK(list.pop() == &d);
    CHECK(list.pop() == &b);
    CHECK(list.empty());
    list.push(a);
    CHECK(list.remove(a)); // the only one
    CHECK(list.empty());
    list.push(c);
    CHECK(list.pop() == &c);
}
