// SPDX-License-Identifier: BSL-1.0
#include <motet/runtime/message.hpp>

#include <doctest/doctest.h>

using motet::runtime::message;
using motet::runtime::message_list;

TEST_CASE("an envelope with two small arguments is one cache line") {
    CHECK(sizeof(message) + 2 * sizeof(int) <= 64);
    message m;
    CHECK(m.payload() == reinterpret_cast<std::byte*>(&m) + sizeof(message));
}

TEST_CASE("flags of a message are set one by one") {
    message m;
    CHECK(!m.has(message::expedited));
    m.set(message::expedited);
    m.set(message::uncounted);
    CHECK(m.has(message::expedited));
    CHECK(m.has(message::uncounted));
    CHECK(!m.has(message::replies));
}

TEST_CASE("a list of messages is first in, first out") {
    message m[3];
    message_list list;
    CHECK(list.empty());
    CHECK(list.size() == 0);
    for (message& each : m) list.push(&each);
    CHECK(list.size() == 3);
    CHECK(list.front() == &m[0]);
    CHECK(list.pop() == &m[0]);
    CHECK(list.pop() == &m[1]);
    list.push(&m[0]);
    CHECK(list.pop() == &m[2]);
    CHECK(list.pop() == &m[0]);
    CHECK(list.empty());
    list.push(&m[1]); // an emptied list can be filled again
    CHECK(list.pop() == &m[1]);
}

TEST_CASE("a message is removed from the front, the middle and the end of a list") {
    message m[4];
    message_list list;
    for (message& each : m) list.push(&each);
    list.remove(&m[0], &m[1]);
    list.remove(nullptr, &m[0]);
    list.remove(&m[2], &m[3]);
    CHECK(list.size() == 1);
    list.push(&m[3]);
    CHECK(list.pop() == &m[2]);
    list.remove(nullptr, &m[3]);
    CHECK(list.empty());
    list.push(&m[0]);
    CHECK(list.front() == &m[0]);
}
