// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using namespace motet_test;

namespace channel_test {

struct end {
    int checked = 0;
    std::vector<std::int64_t> visited = {};

    void send(motet::element_proxy<end, std::int64_t> to, int count, std::uint64_t tag) {
        const motet::channel<int> out(to, tag);
        for (int i = 0; i < count; ++i) {
            out.send(i);
            if (i % 7 == 3) motet::yield();
        }
    }
    bool receive(motet::element_proxy<end, std::int64_t> from, int count, std::uint64_t tag) {
        const motet::channel<int> in(from, tag);
        for (int i = 0; i < count; ++i)
            if (in.receive() != i) return false;
        return true;
    }
    /// Receives a piece, moves on, and goes on receiving there.
    motet::eventually<int> receive_on_the_way(motet::element_proxy<end, std::int64_t> from, int from_number,
                                              int count) {
        const motet::channel<int> in(from, 5);
        for (int i = 0; i < 3; ++i, ++from_number) {
            if (from_number == count) return checked;
            if (in.receive() == from_number) ++checked;
        }
        motet::move_this((motet::my_pe() + 1) % motet::pe_count());
        return motet::next<&end::receive_on_the_way>(from, from_number, count);
    }
    motet::eventually<int> send_on_the_way(motet::element_proxy<end, std::int64_t> to, int number, int count) {
        const motet::channel<int> out(to, 5);
        for (int i = 0; i < 4; ++i, ++number) {
            if (number == count) return number;
            out.send(number);
        }
        motet::move_this((motet::my_pe() + 2) % motet::pe_count());
        return motet::next<&end::send_on_the_way>(to, number, count);
    }
    int ping_pong(motet::element_proxy<end, std::int64_t> other, int rounds, bool first) {
        const motet::channel<int> line(other);
        int last = 0;
        if (first) line.send(1);
        for (int i = 0; i < rounds; ++i) {
            last = line.receive();
            if (!first || i + 1 < rounds) line.send(last + 1);
        }
        return last;
    }
    void send_owned(motet::element_proxy<end, std::int64_t> to) const {
        motet::channel<std::unique_ptr<std::string>>(to).send(std::make_unique<std::string>("owned"));
    }
    std::string receive_owned(motet::element_proxy<end, std::int64_t> from) const {
        return *motet::channel<std::unique_ptr<std::string>>(from).receive();
    }
    std::string receive_wrong(motet::element_proxy<end, std::int64_t> from) const {
        return thrown_by([&] { (void)motet::channel<double>(from).receive(); });
    }
    std::string receive_text(motet::element_proxy<end, std::int64_t> from) const {
        return thrown_by([&] { (void)motet::channel<int>(from, 9).receive(); });
    }
};

} // namespace channel_test

using namespace channel_test;

TEST_CASE("values arrive in the order of sending, each tag for itself") {
    everywhere([] {
        const auto ends = motet::array<end>::create(4);
        std::vector<motet::future<bool>> all;
        for (const std::uint64_t tag : {0u, 1u}) {
            all.push_back(ends[3].ask<&end::receive>(ends[0], 40, tag));
            all.push_back(ends[0].ask<&end::receive>(ends[3], 40, tag));
            all.push_back(ends[1].ask<&end::receive>(ends[1], 10, tag + 7)); // with itself
            ends[0].tell<&end::send>(ends[3], 40, tag);
            ends[3].tell<&end::send>(ends[0], 40, tag);
            ends[1].tell<&end::send>(ends[1], 10, tag + 7);
        }
        for (auto& each : all) CHECK(each.get());
    });
}

TEST_CASE("the order holds while both ends move") {
    everywhere([] {
        const auto ends = motet::array<end>::create(3);
        auto received = ends[2].ask<&end::receive_on_the_way>(ends[0], 0, 30);
        auto sent = ends[0].ask<&end::send_on_the_way>(ends[2], 0, 30);
        CHECK(sent.get() == 30);
        CHECK(received.get() == 30);
    });
}

TEST_CASE("back and forth, and values that can only be moved") {
    everywhere([] {
        const auto ends = motet::array<end>::create(4);
        auto a = ends[0].ask<&end::ping_pong>(ends[3], 20, true);
        auto b = ends[3].ask<&end::ping_pong>(ends[0], 20, false);
        CHECK(a.get() == 40);
        CHECK(b.get() == 39);
        ends[1].tell<&end::send_owned>(ends[2]);
        CHECK(ends[2].ask<&end::receive_owned>(ends[1]).get() == "owned");
    });
}

TEST_CASE("another type than was sent, and two that receive at once, are refused") {
    everywhere([] {
        const auto ends = motet::array<end>::create(4);
        ends[0].tell<&end::send>(ends[1], 1, std::uint64_t{0});
        CHECK(contains(ends[1].ask<&end::receive_wrong>(ends[0]).get(),
                       "a channel brings a value of another type than double"));
        CHECK(ends[1].ask<&end::receive>(ends[0], 1, std::uint64_t{0}).get());
        auto first = ends[2].ask<&end::receive_text>(ends[3]);
        auto second = ends[2].ask<&end::receive_text>(ends[3]);
        CHECK(motet::wait_any(first, second) <= 1);
        CHECK(contains((first.ready() ? first : second).get(), "two methods of end[2] wait for one channel"));
        ends[3].tell<&end::send>(ends[2], 1, std::uint64_t{9});
        motet::wait_all(first, second);
        CHECK(
            contains(thrown_by([&] { motet::channel<int> out(ends[0]); }), "motet::channel is for methods of chares"));
    });
}

TEST_CASE("a channel is over with one of its ends: one inserted again is not taken for it") {
    everywhere([] {
        const auto ends = motet::array<end>::create(3);
        ends[0].ask<&end::send>(ends[1], 2, std::uint64_t{9}).get();
        motet::quiescence().get();
        ends.erase(0).get();
        ends.insert(0).get();
        ends[0].ask<&end::send>(ends[1], 2, std::uint64_t{9}).get();
        motet::quiescence().get();
        CHECK(ends[1].ask<&end::receive>(ends[0], 2, std::uint64_t{9}).get()); // those of the first
        CHECK(contains(ends[1].ask<&end::receive_text>(ends[0]).get(),
                       "the other end of a channel of end[1] was erased"));
        ends[0].tell<&end::send>(ends[1], 5, std::uint64_t{10});
        CHECK(ends[1].ask<&end::receive>(ends[0], 5, std::uint64_t{10}).get());
    });
    for (const auto& chosen : some())
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto ends = motet::array<end>::create(2);
                                    ends[0].tell<&end::send>(ends[1], 1, std::uint64_t{9});
                                    ends[1].ask<&end::receive>(ends[0], 1, std::uint64_t{9}).get();
                                    ends.erase(1).get();
                                    ends.insert(1).get();
                                    ends[0].tell<&end::send>(ends[1], 1, std::uint64_t{9});
                                    ends[1].ask<&end::receive>(ends[0], 1, std::uint64_t{9}).get();
                                }),
                       "for a value from a channel of end[0] with tag 9, of which later ones have come"));
}
