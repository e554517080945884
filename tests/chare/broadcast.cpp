// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace motet_test;

namespace broadcast_test {

struct listener {
    std::vector<int> heard = {};
    int sum = 0;
    std::string last = {};

    void hear(int n) { heard.push_back(n); }
    void hear_slowly(int n) {
        motet::sleep_for(std::chrono::microseconds(20 + 13 * ((n + motet::this_index()) % 5)));
        heard.push_back(n);
    }
    int answer(int n) {
        heard.push_back(n);
        motet::yield();
        return n + static_cast<int>(motet::this_index());
    }
    std::vector<int> all_heard() const { return heard; }
    int fails_at(std::int64_t index) const {
        if (motet::this_index() == index) throw std::runtime_error("here it fails");
        return 1;
    }
    void hop(int step) {
        heard.push_back(step);
        motet::move_this((motet::my_pe() + motet::this_index() + step) % motet::pe_count());
    }
    void hear_and_end(int n) {
        heard.push_back(n);
        if (motet::this_index() % 2 != 0) motet::erase_this();
    }
    void breed(motet::array<listener> all, std::int64_t offset) {
        if (motet::this_index() < offset) all.insert(motet::this_index() + offset, {.sum = 1}).get();
    }
    void shout(motet::array<listener> all, int n) const { all.tell<&listener::hear>(n); }
    const std::string& by_reference(const std::string& text) {
        last = text;
        motet::yield();
        last += text; // the argument is still there
        return last;
    }
    void keep(const std::string& text) { by_reference(text); }
    std::string get_last() const { return last; }
};

/// Its hooks wait, so that much comes while they run.
struct slow_to_settle {
    std::vector<int> heard = {};

    void on(motet::created) { motet::sleep_for(std::chrono::microseconds(30)); }
    void on(motet::arrived) { motet::sleep_for(std::chrono::microseconds(10 + motet::this_index() % 3 * 20)); }
    void hear(int n) { heard.push_back(n); }
    void give(int n, motet::target<int> to) {
        heard.push_back(n);
        motet::contribute(n, motet::max, to);
    }
    std::vector<int> all_heard() const { return heard; }
};

/// Its copy number `fuse` throws.
struct brittle {
    static inline std::atomic<int> fuse{0};
    int n = 0;

    brittle() = default;
    explicit brittle(int given) : n(given) {}
    brittle(const brittle& other) : n(other.n) {
        if (--fuse == 0) throw std::runtime_error("it breaks");
    }
    brittle(brittle&& other) noexcept : n(other.n) {}
    template <class Archive>
    void serialize(Archive& archive) {
        archive(n);
    }
};
struct careful {
    int heard = 0;

    void take(brittle b) { heard += b.n; }
    void take_slowly(brittle b) {
        motet::sleep_for(std::chrono::microseconds(20));
        heard += b.n;
    }
    void take_freely(brittle b) { heard += b.n; }
    bool when(motet::entry<&careful::take>, const brittle&) const { return true; }
    bool when(motet::entry<&careful::take_slowly>, const brittle&) const { return true; }
    int get() const { return heard; }
};

std::vector<int> sorted(std::vector<int> v) {
    std::sort(v.begin(), v.end());
    return v;
}
std::vector<int> up_to(int n) {
    std::vector<int> v;
    for (int i = 0; i < n; ++i) v.push_back(i);
    return v;
}

} // namespace broadcast_test

using namespace broadcast_test;

TEST_CASE("every element gets broadcasts in the order of their numbers, while it moves and its hooks wait") {
    everywhere([] {
        const auto all = motet::array<slow_to_settle>::create(6);
        std::vector<motet::future<int>> rounds;
        std::vector<motet::future<void>> ends;
        for (int n = 0; n < 20; ++n) {
            if (n % 4 == 0) all[n % 6].move_to((n / 4) % motet::pe_count());
            if (n % 3 == 0) {
                auto [round, to] = motet::make_future<int>();
                all.tell<&slow_to_settle::give>(n, motet::target<int>(to));
                rounds.push_back(std::move(round));
            } else {
                ends.push_back(all.all<&slow_to_settle::hear>(n));
            }
            if (n % 5 == 0) motet::sleep_for(std::chrono::microseconds(15));
        }
        for (int i = 0; i < 7; ++i) CHECK(rounds[static_cast<std::size_t>(i)].get() == 3 * i);
        for (auto& each : ends) each.get();
        const auto heard = all.gather<&slow_to_settle::all_heard>().get();
        CHECK(sorted(heard[0]) == up_to(20));
        for (const auto& each : heard) CHECK(each == heard[0]);
        const auto members = motet::group<slow_to_settle>::create();
        for (int n = 0; n < 5; ++n) members.tell<&slow_to_settle::hear>(n);
        motet::quiescence().get();
        const auto heard_by_members = members.gather<&slow_to_settle::all_heard>().get();
        CHECK(sorted(heard_by_members[0]) == up_to(5));
        for (const auto& each : heard_by_members) CHECK(each == heard_by_members[0]);
    });
}

TEST_CASE("every element gets each broadcast once, in handlers that wait too") {
    everywhere([] {
        const auto all = motet::array<listener>::create(9);
        for (int i = 0; i < 10; ++i) {
            if (i % 2 == 0)
                all.tell<&listener::hear>(i);
            else
                all.tell<&listener::hear_slowly>(i);
        }
        motet::quiescence().get();
        all.all<&listener::hear_slowly>(10).get();
        for (const auto& heard : all.gather<&listener::all_heard>().get()) CHECK(sorted(heard) == up_to(11));
        std::vector<motet::future<int>> sums;
        for (int i = 0; i < 6; ++i) sums.push_back(all.reduce<&listener::answer>(motet::sum, 100 * i));
        for (int i = 0; i < 6; ++i) CHECK(sums[static_cast<std::size_t>(i)].get() == 9 * 100 * i + 36);
    });
}

TEST_CASE("broadcasts from many elements at once") {
    everywhere([] {
        const auto all = motet::array<listener>::create(8);
        for (int i = 0; i < 8; ++i) all[i].tell<&listener::shout>(all, i);
        motet::quiescence().get();
        for (const auto& heard : all.gather<&listener::all_heard>().get()) CHECK(sorted(heard) == up_to(8));
    });
}

TEST_CASE("elements that move between and during broadcasts hear each once") {
    everywhere([] {
        const auto all = motet::array<listener>::create(7);
        std::vector<motet::future<void>> done;
        for (int i = 0; i < 12; ++i) {
            if (i % 3 == 0)
                done.push_back(all.all<&listener::hop>(i));
            else if (i % 3 == 1)
                done.push_back(all.all<&listener::hear_slowly>(i));
            else
                all.tell<&listener::hear>(i);
            done.push_back(all[i % 7].move_to((i * 3) % motet::pe_count()));
        }
        for (auto& each : done) each.get();
        motet::quiescence().get();
        for (const auto& heard : all.gather<&listener::all_heard>().get()) CHECK(sorted(heard) == up_to(12));
    });
}

TEST_CASE("elements that end during a broadcast have heard it, or are gone") {
    everywhere([] {
        const auto all = motet::array<listener>::create(10);
        all.all<&listener::hear_and_end>(0).get();
        motet::quiescence().get();
        CHECK(all.gather<&listener::all_heard>().get() == std::vector<std::vector<int>>(5, {0}));
        std::vector<motet::future<void>> gone;
        auto during = all.all<&listener::hear_slowly>(1);
        for (std::int64_t i = 0; i < 10; i += 4) gone.push_back(all.erase(i));
        auto after = all.reduce<&listener::answer>(motet::gather, 2);
        during.get();
        for (auto& each : gone) each.get();
        CHECK(after.get().size() >= 2);
        CHECK(all.gather<&listener::all_heard>().get().size() == 2);
    });
}

TEST_CASE("elements born during a broadcast see later ones only, and those once") {
    everywhere([] {
        const auto all = motet::array<listener>::create();
        for (std::int64_t i = 0; i < 4; ++i) all.insert(i).get();
        auto breeding = all.all<&listener::breed>(all, std::int64_t{100});
        all.tell<&listener::hear>(0);
        breeding.get();
        all.all<&listener::hear>(1).get();
        std::vector<motet::future<void>> born;
        for (std::int64_t i = 0; i < 6; ++i) {
            born.push_back(all.insert(1000 + i, {}, i % motet::pe_count()));
            all.tell<&listener::hear>(2 + static_cast<int>(i));
        }
        for (auto& each : born) each.get();
        all.all<&listener::hear>(8).get();
        motet::quiescence().get();
        const auto heard = all.gather<&listener::all_heard>().get();
        REQUIRE(heard.size() == 14);
        for (std::size_t i = 0; i < 4; ++i) CHECK(sorted(heard[i]) == up_to(9));
        for (std::size_t i = 4; i < 8; ++i) {
            const auto own = sorted(heard[i]);
            CHECK(std::vector<int>(own.end() - 8, own.end()) == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8});
        }
        for (std::size_t i = 8; i < 14; ++i) {
            CHECK(std::count(heard[i].begin(), heard[i].end(), 8) == 1); // issued after the insertion was told
            for (int n = 0; n < 9; ++n) CHECK(std::count(heard[i].begin(), heard[i].end(), n) <= 1);
            CHECK(std::count(heard[i].begin(), heard[i].end(), 1) == 0); // over before its birth
        }
    });
}

TEST_CASE("a broadcast issued after the future of an insertion is ready reaches the new element") {
    everywhere([] {
        const auto all = motet::array<listener>::create();
        for (int i = 0; i < 20; ++i) {
            all.insert(i, {}, (i * 7) % motet::pe_count()).get();
            CHECK(all.gather<&listener::answer>(0).get().size() == static_cast<std::size_t>(i + 1));
        }
    });
}

TEST_CASE("one failure among the calls of a broadcast reaches whoever waits for all of them") {
    everywhere([] {
        const auto all = motet::array<listener>::create(8);
        const auto text = thrown_by([&] { all.all<&listener::fails_at>(std::int64_t{5}).get(); });
        CHECK(contains(text, "here it fails (std::runtime_error), in listener[5] on PE"));
        CHECK(contains(text, "entry broadcast_test::listener::fails_at"));
        CHECK(contains(thrown_by([&] { all.gather<&listener::fails_at>(std::int64_t{0}).get(); }),
                       "in listener[0] on PE"));
        CHECK(contains(thrown_by([&] { all.reduce<&listener::fails_at>(motet::sum, std::int64_t{7}).get(); }),
                       "in listener[7] on PE"));
        CHECK(all.reduce<&listener::fails_at>(motet::sum, std::int64_t{8}).get() == 8);
    });
    for (const auto& chosen : some())
        CHECK(contains(error_of(chosen,
                                [] {
                                    motet::array<listener>::create(8).tell<&listener::fails_at>(std::int64_t{3});
                                    motet::quiescence().get();
                                }),
                       "here it fails (std::runtime_error), in listener[3] on PE"));
}

TEST_CASE("an argument that cannot be copied for one element fails the call there, with a when as without") {
    const auto broken_in = [](const char* entry, auto call) {
        everywhere([&] {
            const auto all = motet::array<careful>::create(16); // some on each process
            brittle::fuse = 3;
            const auto text = thrown_by([&] { call(all).get(); });
            brittle::fuse = 0;
            CHECK(contains(text, "it breaks (std::runtime_error), in careful["));
            CHECK(contains(text, " on PE "));
            CHECK(contains(text, entry));
            CHECK(all.reduce<&careful::get>(motet::sum).get() == 15); // the others had it
        });
    };
    broken_in("careful::take", [](const auto& all) { return all.template all<&careful::take>(brittle(1)); });
    broken_in("careful::take_slowly",
              [](const auto& all) { return all.template all<&careful::take_slowly>(brittle(1)); });
    broken_in("careful::take_freely",
              [](const auto& all) { return all.template all<&careful::take_freely>(brittle(1)); });
}

TEST_CASE("the arguments of a broadcast stay while a handler waits") {
    everywhere([] {
        const auto all = motet::array<listener>::create(6);
        const std::string text = "an argument that is longer than any small string";
        all.all<&listener::keep>(text).get();
        CHECK(all.gather<&listener::get_last>().get() == std::vector<std::string>(6, text + text));
    });
}

namespace urgent_test {

struct taker {
    std::vector<int> order;
    static inline std::atomic<bool> busy{false};
    static inline std::atomic<bool> free{false};
    void block() {
        busy = true;
        while (!free) {}
    }
    void take(int what) { order.push_back(what); }
    std::vector<int> taken() const { return order; }
};

} // namespace urgent_test

TEST_CASE("expedited broadcasts, and those to a section, go before other messages on every PE") {
    using urgent_test::taker;
    one(threads(2), [] {
        const auto all = motet::array<taker>::create(4);
        all.all<&taker::take>(-1).get();
        taker::busy = taker::free = false;
        all[3].tell<&taker::block>();        // on PE 1, which it keeps busy until all others are there
        while (!taker::busy) motet::yield(); // else PE 1 could find the first of them beside it
        for (int i = 0; i < 3; ++i) all[3].tell<&taker::take>(i);
        all.expedited().tell<&taker::take>(10);
        all.expedited().section({2, 3}).tell<&taker::take>(11);
        for (int i = 0; i < 3; ++i) motet::yield();
        taker::free = true;
        auto order = all[3].ask<&taker::taken>().get();
        REQUIRE(order.size() == 6);
        std::sort(order.begin() + 1, order.begin() + 3);
        CHECK(order == std::vector<int>{-1, 10, 11, 0, 1, 2});
    });
}

namespace at_once_test {

struct member {
    static inline std::atomic<int> here{0};
    /// 1 where the other one has come while this one computed.
    int meet() {
        ++here;
        const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (here < 2 && std::chrono::steady_clock::now() < latest) std::this_thread::yield();
        return here == 2 ? 1 : 0;
    }
};

} // namespace at_once_test

TEST_CASE("a PE hands a broadcast on before its own elements run") {
    using at_once_test::member;
    one(threads(2), [] {
        const auto all = motet::group<member>::create();
        member::here = 0;
        CHECK(all.gather<&member::meet>().get() == std::vector<int>{1, 1});
    });
}
