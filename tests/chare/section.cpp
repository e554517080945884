// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace section_test {

struct player {
    int calls = 0;
    int waited = 0;

    void play(int n) { calls += n; }
    int played() const { return calls; }
    std::int64_t index() const { return motet::this_index(); }
    int slow(int n) {
        motet::sleep_for(std::chrono::microseconds(30));
        ++waited;
        return n;
    }
    void fail() const { throw std::runtime_error("no " + std::to_string(motet::this_index())); }
    void give(motet::section<player> some, motet::target<long> to) {
        motet::contribute(some, long{motet::this_index()}, motet::sum, to);
    }
    void come(motet::section<player> some, motet::target<void> to) {
        motet::yield();
        ++calls;
        motet::contribute(some, to);
    }
    std::string give_wrongly(motet::section<player> some, motet::target<long> to) {
        return thrown_by([&] { motet::contribute(some, 1L, motet::sum, to); });
    }
    void rounds(motet::section<player> some, int count, motet::target<long> to) {
        for (int i = 0; i < count; ++i) {
            motet::contribute(some, long{1} << i, motet::sum, to);
            if (i % 3 == motet::this_index() % 3) motet::yield();
        }
    }
    int late(int n) { return n + static_cast<int>(motet::this_index()); }
    bool when(motet::entry<&player::late>, int n) const { return calls >= n; }
    motet::section<player> of_all(motet::array<player> all) const { return all.section({motet::this_index(), 0}); }
};

} // namespace section_test

using namespace section_test;

TEST_CASE("the indices of a section stand in the order of what is gathered, negative ones before others") {
    everywhere([] {
        const auto all = motet::array<player>::create();
        for (const std::int64_t each : {3, -2, 0, -256}) all.insert(each, {}).get();
        const auto some = all.section({3, -2, 0, -256});
        CHECK(some.indices() == std::vector<std::int64_t>{-256, -2, 0, 3});
        CHECK(some.gather<&player::index>().get() == some.indices());
    });
}

TEST_CASE("a section is called and reduced like a collection, and the others hear nothing") {
    everywhere([] {
        const auto all = motet::array<player>::create(20);
        const auto some = all.section({17, 2, 3, 5, 7, 11, 13, 2, 2});
        CHECK(some.size() == 7);
        CHECK(some.indices() == std::vector<std::int64_t>{2, 3, 5, 7, 11, 13, 17});
        some.tell<&player::play>(1);
        some.all<&player::play>(10).get();
        motet::quiescence().get();
        CHECK(some.gather<&player::played>().get() == std::vector<int>(7, 11));
        CHECK(all.reduce<&player::played>(motet::sum).get() == 77);
        CHECK(some.reduce<&player::index>(motet::sum).get() == 58);
        CHECK(some.reduce<&player::index>(motet::max_at).get() == motet::located<std::int64_t>{17, 17});
        CHECK(some.gather<&player::index>().get() == some.indices());
        CHECK(some.reduce<&player::slow>(motet::sum, 3).get() == 21);
        auto late = some.gather<&player::late>(20);
        motet::yield();
        CHECK(!late.ready());
        some.tell<&player::play>(9);
        CHECK(late.get() == std::vector<int>{22, 23, 25, 27, 31, 33, 37});
    });
}

TEST_CASE("an empty section, one of one, one of all, one of grids") {
    everywhere([] {
        const auto all = motet::array<player>::create(9);
        const auto none = all.section({});
        none.tell<&player::play>(1);
        none.all<&player::play>(1).get();
        CHECK(none.gather<&player::index>().get().empty());
        CHECK(contains(thrown_by([&] { none.reduce<&player::index>(motet::sum).get(); }),
                       "without elements has no result"));
        CHECK(all.section({4}).reduce<&player::index>(motet::sum).get() == 4);
        CHECK(all.section({0, 1, 2, 3, 4, 5, 6, 7, 8}).reduce<&player::index>(motet::sum).get() == 36);
        CHECK(all[3].ask<&player::of_all>(all).get().gather<&player::index>().get() == std::vector<std::int64_t>{0, 3});
        const auto group = motet::group<player>::create();
        CHECK(group.section({0, motet::pe_count() - 1}).gather<&player::index>().get().back() == motet::pe_count() - 1);
    });
}

TEST_CASE("sections find members that move, and sections of one collection do not meet") {
    everywhere([] {
        const auto all = motet::array<player>::create(16);
        const auto even = all.section({0, 2, 4, 6, 8, 10, 12, 14});
        const auto third = all.section({0, 3, 6, 9, 12, 15});
        std::vector<motet::future<void>> moves;
        std::vector<motet::future<int>> sums;
        for (int i = 0; i < 10; ++i) {
            moves.push_back(all[(i * 3) % 16].move_to((i * 5) % motet::pe_count()));
            sums.push_back(even.reduce<&player::slow>(motet::sum, 1));
            sums.push_back(third.reduce<&player::slow>(motet::sum, 1));
        }
        for (std::size_t i = 0; i < sums.size(); ++i) CHECK(sums[i].get() == (i % 2 == 0 ? 8 : 6));
        for (auto& each : moves) each.get();
    });
}

TEST_CASE("members contribute to reductions of their section, several rounds and sections at a time") {
    everywhere([] {
        const auto all = motet::array<player>::create(14);
        const auto odd = all.section({1, 3, 5, 7, 9, 11, 13});
        const auto low = all.section({0, 1, 2, 3, 4, 5});
        auto [f, p] = motet::make_future<long>();
        auto [g, q] = motet::make_future<long>();
        odd.tell<&player::give>(odd, p);
        low.tell<&player::give>(low, q);
        CHECK(f.get() == 49);
        CHECK(g.get() == 15);
        auto [several, r] = motet::make_future<long>(10);
        odd.tell<&player::rounds>(odd, 10, r);
        for (int i = 0; i < 14; ++i) all[i].move_to((i * 3) % motet::pe_count()).get();
        long sum = 0;
        for (const long each : several.get()) sum += each;
        CHECK(sum == 7 * 1023);
        auto [come, s] = motet::make_future<void>();
        odd.tell<&player::come>(odd, s);
        come.get();
        CHECK(odd.reduce<&player::played>(motet::sum).get() == 7);
        CHECK(contains(all[2].ask<&player::give_wrongly>(odd, p).get(), "player[2] is no member of this section"));
    });
}

TEST_CASE("a failure in one member reaches the caller; a section of an erased member fails") {
    everywhere([] {
        const auto all = motet::array<player>::create(8);
        CHECK(contains(thrown_by([&] { all.section({4}).all<&player::fail>().get(); }), "no 4 (std::runtime_error)"));
        all.erase(5).get();
        CHECK_THROWS_AS((all.section({4, 5, 6}).gather<&player::index>().get()), motet::erased);
        all.section({4, 5, 6}).tell<&player::play>(1);
        motet::quiescence().get();
        CHECK(all.section({4, 6}).gather<&player::played>().get() == std::vector<int>{1, 1});
    });
    for (const auto& chosen : some())
        CHECK(contains(error_of(chosen,
                                [] {
                                    motet::array<player>::create(3).section({0, 7}).tell<&player::play>(1);
                                    motet::quiescence().get();
                                }),
                       "there is no element player[7]"));
}

TEST_CASE("a member that was erased gives nothing to a reduction of its section: the report of the deadlock says so") {
    for (const auto& chosen : some())
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto all = motet::array<player>::create(6);
                                    const auto odd = all.section({1, 3, 5});
                                    all.erase(5).get();
                                    auto [f, p] = motet::make_future<long>();
                                    all[1].tell<&player::give>(odd, p);
                                    all[3].tell<&player::give>(odd, p);
                                    f.get();
                                }),
                       "player[1], on PE"));
}

TEST_CASE("a member that was inserted again and gives a second time to one reduction of its section fails it") {
    everywhere([] {
        const auto all = motet::array<player>::create();
        const auto insert = [&](std::int64_t index) { all.insert(index, {}).get(); };
        for (std::int64_t i = 0; i < 7; ++i) insert(i);
        for (const std::int64_t twice : {0, 1, 6}) { // the root, one with members below it, one without
            const auto some = all.section({0, 1, 2, 3, 4, 5, 6});
            auto [f, p] = motet::make_future<long>();
            const motet::target<long> to = p;
            all[twice].ask<&player::give>(some, to).get();
            all[twice].erase().get();
            insert(twice);
            all[twice].ask<&player::give>(some, to).get();
            motet::quiescence().get();
            CHECK(!f.ready()); // the others have not come
            for (std::int64_t i = 0; i < 7; ++i)
                if (i != twice) all[i].tell<&player::give>(some, to);
            CHECK(contains(thrown_by([&, &of = f] { of.get(); }), "make the section anew"));
        }
    });
}

namespace section_test {

struct odd_one {
    int value = 0;
    void give(motet::section<odd_one> to_section, motet::promise<int> to) {
        if (motet::this_index() == 0)
            motet::contribute(to_section, 5, motet::sum, to);
        else
            motet::contribute(to_section, 5, motet::product, to);
    }
    int get() const { return value; }
    void set(int to) { value = to; }
};

} // namespace section_test

TEST_CASE("different reducers in one reduction of a section are refused") {
    using section_test::odd_one;
    everywhere([] {
        const auto all = motet::array<odd_one>::create(7);
        const auto some = all.section({0, 1, 2, 3, 4, 5, 6});
        auto [sum, to] = motet::make_future<int>();
        some.tell<&odd_one::give>(some, to);
        CHECK(contains(thrown_by([&, &f = sum] { f.get(); }),
                       "elements contribute to one reduction with different reducers or types"));
    });
}

TEST_CASE("a section with an index that the array cannot have fails when called, and ends the program when told") {
    using section_test::odd_one;
    everywhere([] {
        const auto all = motet::array<odd_one>::create(2);
        CHECK(contains(thrown_by([&] {
                           all.section({0, 1, 9}).gather<&odd_one::get>().get();
                       }),
                       "there is no element odd_one[9]: the array has the extent [2]"));
        CHECK(all.section({0, 1}).reduce<&odd_one::get>(motet::sum).get() == 0);
    });
    for (const auto& chosen : {threads(2), simulated(2, 2)})
        CHECK(contains(error_of(chosen, [] { motet::array<odd_one>::create(2).section({9}).tell<&odd_one::set>(1); }),
                       "there is no element odd_one[9]"));
}
