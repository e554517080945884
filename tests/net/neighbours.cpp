// SPDX-License-Identifier: BSL-1.0
#include "../runtime/stopping_page.hpp"

#include <motet/net/neighbours.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <vector>

using motet::net::shared_inbox;

namespace {

/// A packet of `size` bytes that begins with a number and ends with it.
std::vector<std::byte> packet_of(std::uint32_t number, std::size_t size) {
    std::vector<std::byte> made(size);
    std::memcpy(made.data(), &number, sizeof number);
    std::memcpy(made.data() + size - sizeof number, &number, sizeof number);
    return made;
}
std::uint32_t number_of(std::span<const std::byte> packet) {
    std::uint32_t first = 0;
    std::uint32_t last = 1;
    REQUIRE(packet.size() >= sizeof first);
    std::memcpy(&first, packet.data(), sizeof first);
    std::memcpy(&last, packet.data() + packet.size() - sizeof last, sizeof last);
    REQUIRE(first == last);
    return first;
}

} // namespace

TEST_CASE("an inbox in shared memory takes what there is room for, lap after lap, and gives it back in order") {
    const auto inbox = std::make_unique<shared_inbox>();
    shared_inbox::view sender{inbox.get()};
    std::uint64_t next = 0;
    std::uint32_t sent = 0;
    CHECK(inbox->look(next) == nullptr);
    for (int lap = 0; lap < 5; ++lap) {
        while (shared_inbox::put(sender, 7, packet_of(sent, 8 + sent % 4025))) ++sent;
        CHECK(sent - next <= shared_inbox::slots);
        CHECK(sent - next > shared_inbox::slots / 2); // the owner tells only now and then how far it is
        for (std::size_t left = sent - next; left > static_cast<std::size_t>(lap); --left) {
            const shared_inbox::slot* const came = inbox->look(next);
            REQUIRE(came != nullptr);
            CHECK(came->from == 7);
            CHECK(came->packet().size() == 8 + next % 4025);
            CHECK(number_of(came->packet()) == next);
            inbox->taken(++next);
        }
    }
}

TEST_CASE("a process that is interrupted while it copies: what stands behind waits, and then all is there in order") {
    const auto inbox = std::make_unique<shared_inbox>();
    shared_inbox::view others{inbox.get()};
    std::uint64_t next = 0;
    for (const std::uint32_t before : {0u, 5u, 63u}) { // in line before it; in the second lap, too
        for (std::uint32_t i = 0; i < before; ++i) REQUIRE(shared_inbox::put(others, 1, packet_of(i, 100)));
        const motet_test::stopping_page page;
        const auto slow = packet_of(before, 100);
        std::memcpy(page.data(), slow.data(), slow.size());
        page.arm();
        std::thread sender([&] {
            shared_inbox::view own{inbox.get(), next};
            CHECK(shared_inbox::put(own, 2, {page.data(), slow.size()}));
        });
        page.wait_for_reader();
        std::uint32_t sent = before + 1;
        while (shared_inbox::put(others, 1, packet_of(sent, 100))) ++sent;
        CHECK(sent <= shared_inbox::slots);
        CHECK(sent > shared_inbox::slots / 2);
        for (std::uint32_t i = 0; i < sent; ++i) {
            if (i == before) {
                CHECK(inbox->look(next) == nullptr);
                page.let_go();
                sender.join();
            }
            const shared_inbox::slot* const came = inbox->look(next);
            REQUIRE(came != nullptr);
            CHECK(came->from == (i == before ? 2 : 1));
            CHECK(number_of(came->packet()) == i);
            inbox->taken(++next);
        }
        CHECK(inbox->look(next) == nullptr);
    }
}

TEST_CASE("many senders into one inbox: nothing is lost, and each one's packets come in order") {
    constexpr std::uint32_t each = 20'000;
    constexpr std::int32_t senders = 3;
    const auto inbox = std::make_unique<shared_inbox>();
    std::vector<std::thread> threads;
    for (std::int32_t s = 0; s < senders; ++s)
        threads.emplace_back([&, s] {
            shared_inbox::view to{inbox.get()};
            for (std::uint32_t i = 0; i < each; ++i)
                while (!shared_inbox::put(to, s, packet_of(i, 8 + i % 200))) std::this_thread::yield();
        });
    std::vector<std::uint32_t> wanted(senders);
    for (std::uint64_t next = 0; next < std::uint64_t{each} * senders;) {
        const shared_inbox::slot* const came = inbox->look(next);
        if (came == nullptr) {
            std::this_thread::yield();
            continue;
        }
        CHECK(number_of(came->packet()) == wanted[static_cast<std::size_t>(came->from)]++);
        inbox->taken(++next);
    }
    for (std::thread& t : threads) t.join();
    CHECK(inbox->look(std::uint64_t{each} * senders) == nullptr);
}
