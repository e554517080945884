// SPDX-License-Identifier: BSL-1.0
#include "../fiber/child.hpp"
#include "runs.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace motet_test;

namespace when_test {

/// Takes numbered messages in the order of their numbers, whatever the order in which they come.
struct sequence {
    int next = 0;
    std::vector<int> taken;

    void take(int number) {
        taken.push_back(number);
        ++next;
    }
    bool when(motet::entry<&sequence::take>, int number) const { return number == next; }
    std::vector<int> get() const { return taken; }
    int slow(int number) {
        taken.push_back(number);
        motet::sleep_for(std::chrono::microseconds(50));
        ++next;
        return number * 10;
    }
    bool when(motet::entry<&sequence::slow>, int number) const { return number == next; }
    void jump(int to) { next = to; }
};

/// Several conditions, over different methods.
struct gate {
    bool open = false;
    int credit = 0;
    std::vector<std::string> log;

    void set(bool state) { open = state; }
    void give(int n) { credit += n; }
    void enter(std::string who) { log.push_back(who); }
    bool when(motet::entry<&gate::enter>, const std::string&) const { return open; }
    int pay(int n) {
        credit -= n;
        return credit;
    }
    bool when(motet::entry<&gate::pay>, int n) const { return credit >= n; }
    void shut_after(std::string who) {
        log.push_back(who);
        open = false;
    }
    bool when(motet::entry<&gate::shut_after>, std::string_view) const { return open; }
    std::vector<std::string> get() const { return log; }
    int left() const { return credit; }
};

/// What a `when` sees are the arguments, not copies.
struct looker {
    int released = 0;
    int copies_seen = -1;
    struct counting {
        int copies = 0;
        counting() = default;
        counting(const counting& other) : copies(other.copies + 1) {}
        counting(counting&& other) noexcept : copies(other.copies) {}
        counting& operator=(const counting&) = default;
        counting& operator=(counting&&) = default;
        ~counting() = default;
        template <class Archive>
        void serialize(Archive& archive) {
            archive(copies);
        }
    };
    int value(counting c) const { return c.copies; }
    bool when(motet::entry<&looker::value>, const counting&) const { return released > 0; }
    int unwrap(std::unique_ptr<int> p) { return *p; }
    bool when(motet::entry<&looker::unwrap>, const std::unique_ptr<int>& p) const { return *p <= released; }
    std::string view(std::string_view s, std::span<const int> v) { return std::string(s) + std::to_string(v.back()); }
    bool when(motet::entry<&looker::view>, std::string_view s, std::span<const int> v) const {
        return static_cast<int>(s.size()) + v.front() <= released;
    }
    void release(int n) { released = n; }
};

struct broken {
    int value = 0;
    void asked(int n) { value = n; }
    bool when(motet::entry<&broken::asked>, int n) const {
        if (n == 13) throw std::runtime_error("thirteen");
        return true;
    }
    void waiting(int) {}
    bool when(motet::entry<&broken::waiting>, int) const {
        motet::yield();
        return true;
    }
};

/// Looks, when its condition is asked, whether its hook has returned.
struct keeper {
    bool prepared = false;
    bool is_open = false;
    mutable int asked_early = 0;
    std::vector<int> order = {};

    void on(motet::created) {
        motet::yield();
        prepared = true;
    }
    void take(int n) { order.push_back(n); }
    bool when(motet::entry<&keeper::take>, int) const {
        if (!prepared) ++asked_early;
        return is_open;
    }
    void note(int n) { order.push_back(n); }
    void open() { is_open = true; }
    /// Waits for what its opening lets through.
    void open_for(int count) {
        is_open = true;
        motet::wait([&] { return static_cast<int>(order.size()) == count; });
        order.push_back(-1);
    }
    int early() const { return asked_early; }
    std::vector<int> get() const { return order; }
};

} // namespace when_test

using namespace when_test;

TEST_CASE("messages that come too early wait for their turn") {
    everywhere([] {
        const auto all = motet::array<sequence>::create(4);
        const int count = 30;
        for (int i = count; i-- > 0;)
            for (std::int64_t k = 0; k < 4; ++k) all[k].tell<&sequence::take>((i * 7 + static_cast<int>(k)) % count);
        motet::quiescence().get();
        for (const auto& taken : all.gather<&sequence::get>().get()) {
            REQUIRE(static_cast<int>(taken.size()) == count);
            for (int i = 0; i < count; ++i) CHECK(taken[static_cast<std::size_t>(i)] == i);
        }
    });
}

TEST_CASE("messages asked for, in handlers that wait, each when its turn has come") {
    everywhere([] {
        const auto all = motet::array<sequence>::create(3);
        std::vector<motet::future<int>> answers;
        for (int i = 10; i-- > 0;) answers.push_back(all[2].ask<&sequence::slow>(i));
        for (auto& each : answers) each.wait();
        for (int i = 0; i < 10; ++i) CHECK(answers[static_cast<std::size_t>(9 - i)].get() == 10 * i);
        CHECK(all[2].ask<&sequence::get>().get() == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    });
}

TEST_CASE("a broadcast with a condition is held back by each element for itself") {
    everywhere([] {
        const auto all = motet::array<sequence>::create(6);
        for (int i = 5; i >= 2; --i) all.tell<&sequence::take>(i);
        auto second = all.all<&sequence::take>(1);
        motet::yield();
        CHECK(!second.ready());
        for (std::int64_t k = 0; k < 6; ++k) all[k].tell<&sequence::take>(0);
        second.get();
        motet::quiescence().get();
        CHECK(all.gather<&sequence::get>().get() == std::vector<std::vector<int>>(6, {0, 1, 2, 3, 4, 5}));
    });
}

TEST_CASE("several conditions at once, each looked at again when the state changes") {
    everywhere([] {
        const auto gates = motet::array<gate>::create(3);
        const auto g = gates[1];
        for (int i = 0; i < 10; ++i) g.tell<&gate::enter>("a");
        std::vector<motet::future<int>> paid;
        for (int i = 0; i < 10; ++i) paid.push_back(g.ask<&gate::pay>(3));
        motet::yield();
        CHECK(g.ask<&gate::get>().get().empty());
        for (int i = 0; i < 15; ++i) g.tell<&gate::give>(2); // pays for all ten, however it comes
        for (auto& each : paid) CHECK(each.get() >= 0);
        CHECK(g.ask<&gate::get>().get().empty());
        g.tell<&gate::set>(true);
        motet::quiescence().get();
        CHECK(g.ask<&gate::get>().get() == std::vector<std::string>(10, "a"));
        CHECK(g.ask<&gate::left>().get() == 0);
    });
}

TEST_CASE("a condition is asked when the hook has returned, and again when a method begins to wait") {
    everywhere([] {
        const auto all = motet::array<keeper>::create(3);
        for (std::int64_t i = 0; i < 3; ++i) {
            all[i].tell<&keeper::take>(7);
            all[i].tell<&keeper::take>(7);
        }
        all.all<&keeper::open_for>(2).get();
        CHECK(all.gather<&keeper::get>().get() == std::vector<std::vector<int>>(3, {7, 7, -1}));
        CHECK(all.reduce<&keeper::early>(motet::sum).get() == 0);
    });
}

TEST_CASE("a message whose time has come goes before those that came after it") {
    one(threads(1), [] {
        const auto k = motet::chare<keeper>::create();
        CHECK(k.ask<&keeper::get>().get().empty()); // its hook has returned
        k.tell<&keeper::take>(1);
        k.tell<&keeper::take>(2);
        k.tell<&keeper::open>();
        k.tell<&keeper::note>(3);
        motet::quiescence().get();
        CHECK(k.ask<&keeper::get>().get() == std::vector<int>{1, 2, 3});
    });
}

TEST_CASE("a message let through closes the gate for those that come after it") {
    everywhere([] {
        const auto gates = motet::array<gate>::create(2);
        for (int i = 0; i < 5; ++i) gates[0].tell<&gate::shut_after>("x");
        for (int opened = 1; opened <= 5; ++opened) {
            motet::yield();
            gates[0].ask<&gate::set>(true).get();
            while (static_cast<int>(gates[0].ask<&gate::get>().get().size()) < opened) motet::yield();
            CHECK(static_cast<int>(gates[0].ask<&gate::get>().get().size()) == opened);
        }
        motet::quiescence().get();
    });
}

TEST_CASE("a condition sees the arguments themselves, views and what can only be moved among them") {
    everywhere([] {
        const auto all = motet::array<looker>::create(3);
        auto a = all[2].ask<&looker::value>(looker::counting());
        auto b = all[2].ask<&looker::unwrap>(std::make_unique<int>(3));
        auto c = all[2].ask<&looker::view>("abcdefghijklmnopqrstuvwxyz0123456789", std::vector<int>{2, 5});
        auto d = all.gather<&looker::view>("ab", std::vector<int>{1, 7});
        motet::yield();
        CHECK(!a.ready());
        CHECK(!b.ready());
        CHECK(!c.ready());
        all[2].move_to(motet::my_pe()).get();
        all.all<&looker::release>(5).get();
        CHECK(a.get() == 0);
        CHECK(b.get() == 3);
        CHECK(d.get() == std::vector<std::string>(3, "ab7"));
        CHECK(!c.ready());
        all[2].tell<&looker::release>(38);
        CHECK(c.get() == "abcdefghijklmnopqrstuvwxyz01234567895");
    });
}

TEST_CASE("held messages follow their chare from PE to PE") {
    everywhere([] {
        const auto all = motet::array<sequence>::create(3);
        for (int i = 20; i-- > 1;) all[1].tell<&sequence::take>(i);
        for (int round = 0; round < 6; ++round) {
            all[1].move_to(round % motet::pe_count()).get();
            motet::yield();
        }
        all[1].tell<&sequence::take>(0);
        motet::quiescence().get();
        CHECK(all[1].ask<&sequence::get>().get().size() == 20);
    });
}

TEST_CASE("held messages fail with motet::erased when their chare ends") {
    everywhere([] {
        const auto all = motet::array<sequence>::create(3);
        auto asked = all[1].ask<&sequence::slow>(5);
        auto broadcast = all.all<&sequence::slow>(1);
        all[1].tell<&sequence::take>(7);
        motet::sleep_for(std::chrono::milliseconds(1));
        CHECK(!asked.ready());
        all[1].move_to(motet::pe_count() - 1).get();
        all.erase(1).get();
        CHECK_THROWS_AS(asked.get(), motet::erased);
        all[0].tell<&sequence::jump>(1);
        all[2].tell<&sequence::jump>(1);
        CHECK_THROWS_AS(broadcast.get(), motet::erased);
    });
}

TEST_CASE("a held message that nothing will ever let through: at the end a warning names it") {
    if (this_job().size > 1) return; // it forks
    for (const auto& chosen : {threads(1), threads(2), simulated(3, 2)}) {
        const auto end = in_child([&] {
            run(chosen, [] {
                const auto all = motet::array<sequence>::create(3);
                all[2].tell<&sequence::take>(5);
                motet::array<sequence>::create()[7].tell<&sequence::jump>(1);
            });
        });
        CHECK(end.signal == 0);
        CHECK(end.code == 0);
        CHECK(contains(end.errors, "motet: warning: the program ends with 2 messages still held back:"));
        CHECK(contains(end.errors, "sequence[2], entry when_test::sequence::take, on PE"));
        CHECK(contains(end.errors, "its `when` is not satisfied"));
        CHECK(contains(end.errors, "sequence[7], entry when_test::sequence::jump, on PE"));
        CHECK(contains(end.errors, "there is no element of that index"));
    }
}

TEST_CASE("an exception in a `when` ends the program with the chare and the method; a `when` cannot wait") {
    for (const auto& chosen : some()) {
        const auto text = [&](auto call) {
            return error_of(chosen, [&] {
                const auto all = motet::array<broken>::create(3);
                call(all);
                motet::quiescence().get();
            });
        };
        for (const std::string& what : {text([](auto& all) { all[1].template tell<&broken::asked>(13); }),
                                        text([](auto& all) { all[1].template ask<&broken::asked>(13).wait(); }),
                                        text([](auto& all) { all.template tell<&broken::asked>(13); })}) {
            CHECK(contains(what, "thirteen (std::runtime_error), in broken["));
            CHECK(contains(what, "the `when` of when_test::broken::asked"));
        }
        CHECK(
            contains(text([](auto& all) { all[1].template tell<&broken::waiting>(1); }), "this waits inside a `when`"));
    }
}
