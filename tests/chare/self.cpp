// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace self_test {

struct thing {
    int steps = 0;
    std::vector<std::int64_t> places = {};

    std::int64_t index() const { return motet::this_index(); }
    std::string wrong_index() const {
        return thrown_by([] { motet::this_index<motet::grid<2>>(); });
    }
    std::string wrong_collection() const {
        return thrown_by([] { (void)motet::this_collection<thing, motet::grid<2>>(); });
    }
    std::string no_collection() const {
        return thrown_by([] { (void)motet::this_collection<thing>(); });
    }
    std::string no_index() const {
        return thrown_by([] { motet::this_index(); });
    }
    std::string not_single() const {
        return thrown_by([] { (void)motet::this_chare<thing>(); });
    }
    std::string bad_move() const {
        return thrown_by([] { motet::move_this(motet::pe_count()); });
    }
    std::string immovable() const {
        return thrown_by([] { motet::move_this(0); }) + thrown_by([] { motet::erase_this(); });
    }
    motet::chare<thing> own_chare() const { return motet::this_chare<thing>(); }
    motet::array<thing> own_array() const { return motet::this_collection<thing>(); }
    motet::element_proxy<thing, std::int64_t> own_element() const { return motet::this_element<thing>(); }
    int add(int n) { return steps += n; }
    int get() const { return steps; }

    /// Loops for long, and may move, end or be looked at between two rounds.
    motet::eventually<int> run(int rounds) {
        places.push_back(motet::my_pe());
        ++steps;
        if (rounds == 1) return steps;
        motet::move_this((motet::my_pe() + 1) % motet::pe_count());
        if (rounds % 3 == 0) motet::yield();
        return motet::next<&thing::run>(rounds - 1);
    }
    void run_quietly(int rounds) {
        ++steps;
        if (rounds > 1) return motet::next<&thing::run_quietly>(rounds - 1);
    }
    motet::eventually<int> run_and_fail(int rounds) {
        if (rounds == 0) throw std::runtime_error("at the end of the loop");
        return motet::next<&thing::run_and_fail>(rounds - 1);
    }
    motet::eventually<int> fails_after_next() {
        (void)motet::next<&thing::run>(3);
        throw std::runtime_error("after next");
    }
    motet::eventually<int> calls_another(int n) { return motet::next<&thing::add>(n); }
    motet::eventually<int> neither() { return {}; }
    motet::eventually<int> twice() {
        (void)motet::next<&thing::run>(1);
        return motet::next<&thing::run>(1);
    }
    motet::eventually<int> conditional(int n) { return n + steps; }
    bool when(motet::entry<&thing::conditional>, int n) const { return steps >= n; }
    motet::eventually<int> when_told(int n) { return motet::next<&thing::conditional>(n); }
    std::int64_t places_seen() const { return static_cast<std::int64_t>(places.size()); }
};

template <class Index>
struct indexed {
    int value = 0;
    Index index() const { return motet::this_index<Index>(); }
    motet::element_proxy<indexed, Index> self() const { return motet::this_element<indexed, Index>(); }
};

} // namespace self_test

using namespace self_test;

TEST_CASE("a chare knows its index, its collection, itself") {
    everywhere([] {
        const auto all = motet::array<thing>::create(4);
        CHECK(all[3].ask<&thing::index>().get() == 3);
        CHECK(all[2].ask<&thing::own_array>().get() == all);
        CHECK(all[2].ask<&thing::own_element>().get() == all[2]);
        const auto single = motet::chare<thing>::create();
        CHECK(single.ask<&thing::own_chare>().get() == single);
        const auto plane = motet::array<indexed<motet::grid<2>>, motet::grid<2>>::create({2, 2});
        CHECK(plane(1, 0).ask<&indexed<motet::grid<2>>::index>().get() == motet::grid<2>(1, 0));
        CHECK(plane(1, 0).ask<&indexed<motet::grid<2>>::self>().get() == plane(1, 0));
        const auto group = motet::group<thing>::create();
        CHECK(group[0].ask<&thing::index>().get() == 0);
    });
}

TEST_CASE("what a chare is not is said: this_index, this_collection, this_chare of another kind") {
    everywhere([] {
        const auto all = motet::array<thing>::create(3);
        CHECK(contains(all[1].ask<&thing::wrong_index>().get(), "the index of thing[1] is of another type"));
        CHECK(contains(all[1].ask<&thing::wrong_collection>().get(), "motet::this_collection"));
        const auto not_single = all[1].ask<&thing::not_single>().get();
        CHECK(contains(not_single, "motet::this_chare<"));
        CHECK(contains(not_single, "thing>: the method runs in thing[1]"));
        CHECK(contains(not_single, "else motet::this_element<T, Index>()"));
        CHECK(contains(all[1].ask<&thing::bad_move>().get(), "there is no PE"));
        const auto single = motet::chare<thing>::create();
        CHECK(contains(single.ask<&thing::no_collection>().get(), "motet::this_collection"));
        CHECK(contains(single.ask<&thing::no_index>().get(), "motet::this_index"));
        CHECK(contains(motet::group<thing>::create()[0].ask<&thing::immovable>().get(),
                       "cannot move: it belongs to a group"));
        const char* nowhere = "is for methods of chares: there is no chare here";
        CHECK(contains(thrown_by([] { motet::this_index(); }), nowhere));
        CHECK(contains(thrown_by([] { (void)motet::this_collection<thing>(); }), nowhere));
        CHECK(contains(thrown_by([] { (void)motet::this_chare<thing>(); }), nowhere));
        CHECK(contains(thrown_by([] { motet::move_this(0); }), nowhere));
        CHECK(contains(thrown_by([] { motet::erase_this(); }), nowhere));
        CHECK(contains(thrown_by([] { motet::rounds_contributed(); }), nowhere));
        CHECK(contains(thrown_by([] { (void)motet::next<&thing::run>(1); }), nowhere));
    });
}

TEST_CASE("next: the caller's reply passes on, also after moves, through another method, through a `when`") {
    everywhere([] {
        const auto all = motet::array<thing>::create(5);
        std::vector<motet::future<int>> running;
        for (std::int64_t i = 0; i < 5; ++i) running.push_back(all[i].ask<&thing::run>(10));
        for (auto& each : running) CHECK(each.get() == 10);
        CHECK(all.gather<&thing::places_seen>().get() == std::vector<std::int64_t>(5, 10));
        all.all<&thing::run_quietly>(5).get();
        CHECK(all.gather<&thing::get>().get() == std::vector<int>(5, 15));
        CHECK(all.reduce<&thing::run>(motet::sum, 5).get() == 100);
        all.tell<&thing::run_quietly>(5);
        all[0].tell<&thing::run>(3);
        motet::quiescence().get();
        CHECK(all[0].ask<&thing::get>().get() == 28);
        CHECK(all[1].ask<&thing::calls_another>(5).get() == 30);
        auto later = all[2].ask<&thing::when_told>(30);
        motet::yield();
        CHECK(!later.ready());
        all[2].tell<&thing::add>(5);
        CHECK(later.get() == 60);
    });
}

TEST_CASE("next misused, and failures in what it calls") {
    everywhere([] {
        const auto all = motet::array<thing>::create(3);
        CHECK(contains(thrown_by([&] { all[1].ask<&thing::run_and_fail>(4).get(); }), "at the end of the loop"));
        CHECK(contains(thrown_by([&] { all[1].ask<&thing::fails_after_next>().get(); }), "after next"));
        CHECK(contains(thrown_by([&] { all[1].ask<&thing::neither>().get(); }), "an empty motet::eventually"));
        CHECK(contains(thrown_by([&] { all[1].ask<&thing::twice>().get(); }), "called twice in one call"));
        CHECK(contains(thrown_by([&] { all.all<&thing::run_and_fail>(2).get(); }), "at the end of the loop"));
        CHECK(all[1].ask<&thing::get>().get() == 0);
    });
}

namespace self_test {
/// Calls `next` where nothing could follow.
struct hasty {
    int value = 0;
    std::string text;
    void on(motet::created) {
        text = thrown_by([] { motet::next<&hasty::go>(std::string("x")); });
    }
    void go(std::string) { ++value; }
    std::string careful() { return text; }
    bool when(motet::entry<&hasty::careful>) const {
        const_cast<hasty&>(*this).text = thrown_by([] { motet::next<&hasty::go>(std::string("x")); });
        return true;
    }
    std::string get() const { return text; }
};
} // namespace self_test

TEST_CASE("next in a hook or a `when` is refused: there is no call that it could end") {
    everywhere([] {
        const auto all = motet::array<hasty>::create(2);
        CHECK(contains(all[1].ask<&hasty::get>().get(), "motet::next"));
        CHECK(contains(all[1].ask<&hasty::careful>().get(), "motet::next"));
    });
}

namespace self_test {

struct other_kind {
    int value = 0;
    void go() {}
};
struct successor {
    int value = 0;
    void to_other() { motet::next<&other_kind::go>(); }
    void nothing() {}
    int number() { return 7; }
    motet::eventually<std::string> get() {
        motet::next<&successor::nothing>();
        return {};
    }
    void drop() { motet::next<&successor::number>(); }
};

} // namespace self_test

TEST_CASE("next refuses methods of others, and results that the caller does not wait for") {
    using self_test::successor;
    const auto text = [](auto&& ask) { return thrown_by([&] { ask().get(); }); };
    everywhere([&] {
        const auto one = motet::array<successor>::create(2)[1];
        CHECK(contains(
            text([&] { return one.ask<&successor::to_other>(); }),
            "motet::next<&self_test::other_kind::go>: this is no method of the chare that runs, successor[1]"));
        CHECK(contains(
            text([&] { return one.ask<&successor::get>(); }),
            "motet::next<&self_test::successor::nothing> gives void, but the caller of self_test::successor::get"));
        one.ask<&successor::drop>().get();
    });
}
