// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace motet_test;

namespace create_test {

/// A chare as plain as can be, for any kind of collection.
struct counter {
    int value = 0;
    std::vector<std::int64_t> seen = {};

    void add(int n) { value += n; }
    int get() const { return value; }
    std::int64_t where() const { return motet::my_pe(); }
    std::int64_t process() const { return motet::my_process(); }
};

template <class Index>
struct cell {
    int value = 7;
    Index self() const { return motet::this_index<Index>(); }
    int both() const { return value; }
};

enum class kind : std::int8_t { low = -3, high = 4 };
struct key {
    kind of = kind::low;
    std::int32_t number = 0;
    std::uint16_t part = 0;
    friend bool operator==(const key&, const key&) = default;
    friend auto operator<=>(const key&, const key&) = default;
};

template <class Index, class... C>
std::vector<Index> every_index(const Index& extent) {
    std::vector<Index> all;
    const std::uint64_t count = motet::runtime::index_code<Index>::count(extent);
    for (std::uint64_t i = 0; i < count; ++i) all.push_back(motet::runtime::index_code<Index>::from_linear(extent, i));
    return all;
}

template <class Index>
void check_dense(const Index& extent) {
    const auto cells = motet::array<cell<Index>, Index>::create(extent);
    const auto all = every_index(extent);
    CHECK(cells.template gather<&cell<Index>::self>().get() == all);
    for (const Index& each : all) {
        REQUIRE(cells[each].template ask<&cell<Index>::self>().get() == each);
        CHECK(cells[each].index() == each);
    }
    CHECK(cells.template reduce<&cell<Index>::both>(motet::sum).get() == 7 * static_cast<int>(all.size()));
}

struct shifted {
    std::int64_t by = 0;
    std::vector<std::int64_t> order = {};
    std::int64_t operator()(std::int64_t index, std::int64_t pes) const {
        return (index + by + (order.empty() ? 0 : order.back())) % pes;
    }
};
struct by_column {
    std::int64_t operator()(motet::grid<2> index, motet::grid<2> extent, std::int64_t pes) const {
        return index[1] * pes / extent[1];
    }
};
struct to_pe {
    std::int64_t number = 0;
    std::int64_t operator()(std::int64_t, std::int64_t) const { return number; }
};
struct throwing_map {
    std::int64_t operator()(std::int64_t index, std::int64_t) const {
        if (index == 3) throw std::runtime_error("no place for 3");
        return 0;
    }
};

} // namespace create_test

using namespace create_test;

TEST_CASE("one struct as a single chare, in a group, a node group, dense and sparse arrays") {
    everywhere([] {
        const auto single = motet::chare<counter>::create({.value = 5});
        const auto group = motet::group<counter>::create({.value = 1});
        const auto nodes = motet::node_group<counter>::create({.value = 2});
        const auto dense = motet::array<counter>::create(11, {.value = 3});
        const auto sparse = motet::array<counter>::create();
        sparse.insert(1'000'000'000'000, {.value = 4}).get();
        single.tell<&counter::add>(1);
        CHECK(single.ask<&counter::get>().get() >= 5);
        CHECK(group.reduce<&counter::get>(motet::sum).get() == motet::pe_count());
        CHECK(nodes.reduce<&counter::get>(motet::sum).get() == 2 * motet::process_count());
        CHECK(dense.reduce<&counter::get>(motet::sum).get() == 33);
        CHECK(sparse[1'000'000'000'000].ask<&counter::get>().get() == 4);
        motet::quiescence().get();
        CHECK(single.ask<&counter::get>().get() == 6);
    });
}

TEST_CASE("a group has one chare on each PE, a node group one in each process") {
    everywhere([] {
        const auto group = motet::group<counter>::create();
        const auto nodes = motet::node_group<counter>::create();
        std::vector<std::int64_t> pes, processes;
        for (std::int64_t i = 0; i < motet::pe_count(); ++i) pes.push_back(i);
        for (std::int64_t i = 0; i < motet::process_count(); ++i) processes.push_back(i);
        CHECK(group.gather<&counter::where>().get() == pes);
        CHECK(nodes.gather<&counter::process>().get() == processes);
        CHECK(group.here().index() == 0);
        CHECK(nodes.here().index() == 0);
        for (const std::int64_t i : pes) CHECK(group[i].ask<&counter::where>().get() == i);
        CHECK(contains(thrown_by([&] { group[motet::pe_count()].tell<&counter::add>(1); }), "there is no PE"));
        CHECK(contains(thrown_by([&] { group[-1].tell<&counter::add>(1); }), "there is no PE -1"));
        CHECK(
            contains(thrown_by([&] { nodes[motet::process_count()].tell<&counter::add>(1); }), "there is no process"));
        CHECK(contains(thrown_by([&] { group[0].erase().get(); }), "belongs to a group"));
        CHECK(contains(thrown_by([&] { nodes[0].move_to(0).get(); }), "belongs to a group"));
    });
}

TEST_CASE("dense arrays of 1 to 6 dimensions, and under integers") {
    everywhere([] {
        check_dense(motet::grid<1>(7));
        check_dense(motet::grid<2>(3, 4));
        check_dense(motet::grid<3>(2, 3, 2));
        check_dense(motet::grid<4>(2, 1, 3, 2));
        check_dense(motet::grid<5>(2, 2, 1, 2, 2));
        check_dense(motet::grid<6>(1, 2, 2, 1, 2, 2));
        check_dense<std::int32_t>(9);
        check_dense<std::uint64_t>(5);
        check_dense<std::int16_t>(4);
    });
}

TEST_CASE("a dense array without elements, and with fewer than PEs") {
    everywhere([] {
        const auto none = motet::array<counter>::create(0);
        CHECK(none.gather<&counter::get>().get().empty());
        none.all<&counter::add>(1).get();
        none.tell<&counter::add>(1);
        CHECK(thrown_by([] {
                  motet::array<counter, motet::grid<2>>::create({-1, 5});
              }) == "an array cannot have a side of -1 elements");
        CHECK(contains(thrown_by([] { motet::array<counter>::create(std::int64_t{1} << 62); }),
                       "more elements than the PEs of this run can hold"));
        const auto one = motet::array<counter>::create(1);
        one.all<&counter::add>(3).get();
        CHECK(one.gather<&counter::get>().get() == std::vector<int>{3});
    });
}

TEST_CASE("an array under a struct: indices compare field by field") {
    everywhere([] {
        const std::vector<key> keys{
            {kind::low, -7, 9}, {kind::low, -7, 65535}, {kind::low, 100, 0}, {kind::high, -1, 3}};
        const auto cells = motet::array<cell<key>, key>::create();
        for (auto each = keys.rbegin(); each != keys.rend(); ++each) cells.insert(*each).get();
        CHECK(cells.gather<&cell<key>::self>().get() == keys);
        for (const key& each : keys) CHECK(cells[each].ask<&cell<key>::self>().get() == each);
    });
}

TEST_CASE("a sparse array: gathered in the order of indices, also negative ones") {
    everywhere([] {
        const auto cells = motet::array<cell<std::int64_t>>::create();
        const std::vector<std::int64_t> indices{INT64_MIN, -5, 0, 3, 1'000'000'000'000, INT64_MAX};
        std::vector<motet::future<void>> inserted;
        for (const std::int64_t i : {indices[3], indices[0], indices[5], indices[1], indices[4], indices[2]})
            inserted.push_back(cells.insert(i));
        motet::wait_all(inserted);
        for (auto& each : inserted) each.get();
        CHECK(cells.gather<&cell<std::int64_t>::self>().get() == indices);
        CHECK(contains(thrown_by([&] { cells.insert(3).get(); }), "an element of this index exists already"));
        cells.done_inserting().get();
        CHECK(contains(thrown_by([&] { cells.insert(4).get(); }),
                       "nothing can be inserted after done_inserting(): wait for the futures of insert()"));
        CHECK(contains(thrown_by([&] { cells[4].ask<&cell<std::int64_t>::self>().get(); }), "no such element"));
        const auto grid = motet::array<cell<motet::grid<3>>, motet::grid<3>>::create(motet::sparse);
        grid.insert({-1, 1, -1}).get();
        grid.insert({1, -1, 1}).get();
        CHECK(grid.gather<&cell<motet::grid<3>>::self>().get() == std::vector<motet::grid<3>>{{-1, 1, -1}, {1, -1, 1}});
    });
}

TEST_CASE("a message for an element that does not exist yet waits for it") {
    everywhere([] {
        const auto cells = motet::array<counter>::create();
        cells[5].tell<&counter::add>(3);
        auto asked = cells[5].ask<&counter::get>();
        motet::yield();
        CHECK(!asked.ready());
        cells.insert(5, {.value = 1}).get();
        CHECK(asked.get() >= 1);
        motet::quiescence().get();
        CHECK(cells[5].ask<&counter::get>().get() == 4);
    });
}

TEST_CASE("elements created on demand are copies of the prototype, one for each index") {
    everywhere([] {
        const auto cells = motet::array<counter>::create(motet::on_demand, {.value = 10});
        for (int round = 0; round < 5; ++round)
            for (std::int64_t i = -3; i < 4; ++i) cells[i * 1000].tell<&counter::add>(1);
        motet::quiescence().get();
        CHECK(cells.gather<&counter::get>().get() == std::vector<int>(7, 15));
        cells[0].erase().get();
        CHECK(cells[0].ask<&counter::get>().get() == 10); // a new one
    });
}

TEST_CASE("placement: on a named PE, in turn, in blocks, by a user's map") {
    everywhere(
        [] {
            const std::int64_t pes = motet::pe_count();
            for (std::int64_t i = 0; i < pes; ++i)
                CHECK(motet::chare<counter>::create({}, i).ask<&counter::where>().get() == i);
            std::set<std::int64_t> in_turn;
            for (std::int64_t i = 0; i < pes; ++i)
                in_turn.insert(motet::chare<counter>::create().ask<&counter::where>().get());
            CHECK(static_cast<std::int64_t>(in_turn.size()) == pes);

            const auto blocks = motet::array<counter>::create(4 * pes).gather<&counter::where>().get();
            for (std::int64_t i = 0; i < 4 * pes; ++i) CHECK(blocks[static_cast<std::size_t>(i)] == i / 4);

            const auto mapped =
                motet::array<counter>::create(10, {}, shifted{1, {1, 2}}).gather<&counter::where>().get();
            for (std::int64_t i = 0; i < 10; ++i) CHECK(mapped[static_cast<std::size_t>(i)] == (i + 3) % pes);

            const auto columns = motet::array<counter, motet::grid<2>>::create({2, pes}, {}, by_column{})
                                     .gather<&counter::where>()
                                     .get();
            for (std::int64_t i = 0; i < 2 * pes; ++i) CHECK(columns[static_cast<std::size_t>(i)] == i % pes);

            const auto sparse = motet::array<counter>::create(motet::sparse, shifted{2});
            sparse.insert(5).get();
            CHECK(sparse[5].ask<&counter::where>().get() == 7 % pes);
            sparse.insert(6, {}, pes - 1).get();
            CHECK(sparse[6].ask<&counter::where>().get() == pes - 1);
            const auto demanded = motet::array<counter>::create(motet::on_demand, {}, shifted{2});
            CHECK(demanded[9].ask<&counter::where>().get() == 11 % pes);
        },
        moves::none);
}

TEST_CASE("a map that names a PE that does not exist, or throws, is told with the index") {
    for (const auto& chosen : {threads(1), threads(2), simulated(3, 2), simulated(1, 2)}) {
        CHECK(contains(error_of(chosen, [] { motet::array<counter>::create(3, {}, to_pe{60}); }),
                       "the map of counter places counter[0] on PE 60: this run has PEs 0 to"));
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto cells = motet::array<counter>::create(motet::sparse, to_pe{-2});
                                    cells.insert(8).get();
                                }),
                       "the map of counter places counter[8] on PE -2"));
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto cells = motet::array<counter>::create(motet::on_demand, {}, to_pe{77});
                                    cells[8].ask<&counter::get>().get();
                                }),
                       "the map of counter places counter[8] on PE 77"));
        CHECK(contains(error_of(chosen, [] { motet::array<counter>::create(5, {}, throwing_map{}); }),
                       "the map of counter threw std::runtime_error for counter[3]: no place for 3"));
    }
}

TEST_CASE("a PE that does not exist is refused at the call") {
    for (const auto& chosen : some()) {
        run_well(chosen, [] {
            const std::int64_t pes = motet::pe_count();
            const std::string text = "this run has PEs 0 to " + std::to_string(pes - 1);
            CHECK(contains(thrown_by([&] { motet::chare<counter>::create({}, pes); }), text));
            CHECK(contains(thrown_by([&] { motet::chare<counter>::create({}, -2); }), "there is no PE -2"));
            CHECK(contains(thrown_by([&] { motet::chare<counter>::create({}, -1); }), "there is no PE -1"));
            const auto cells = motet::array<counter>::create(3);
            CHECK(contains(thrown_by([&] { cells[0].move_to(pes); }), text));
            CHECK(contains(thrown_by([&] { cells[0].move_to(INT64_MIN); }), text));
            const auto sparse = motet::array<counter>::create();
            CHECK(contains(thrown_by([&] { sparse.insert(0, {}, pes); }), text));
            CHECK(contains(thrown_by([&] { sparse.insert(0, {}, -1); }), "there is no PE -1"));
        });
    }
}

TEST_CASE("an index outside of a dense array is refused at the call, with the index and the extent") {
    everywhere([] {
        const auto cells = motet::array<counter, motet::grid<2>>::create({3, 4});
        CHECK(thrown_by([&] { cells(3, 0).tell<&counter::add>(1); }) ==
              "there is no element counter[3, 0]: the array has the extent [3, 4]");
        CHECK(contains(thrown_by([&] { cells(0, -1).ask<&counter::get>(); }), "there is no element counter[0, -1]"));
        CHECK(contains(thrown_by([&] { cells(0, 4).move_to(0); }), "there is no element counter[0, 4]"));
        CHECK(contains(thrown_by([&] { cells.insert({5, 5}).get(); }), "there is no element counter[5, 5]"));
        const auto line = motet::array<counter>::create(4);
        CHECK(contains(thrown_by([&] { line[4].tell<&counter::add>(1); }), "there is no element counter[4]"));
        CHECK(contains(thrown_by([&] { line[-1].tell<&counter::add>(1); }), "there is no element counter[-1]"));
        CHECK(contains(thrown_by([&] {
                           (void)motet::array<counter, motet::grid<6>>()[{1 << 20, 0, 0, 0, 0, 0}];
                       }),
                       "the coordinate 1048576 does not fit the 21 bits"));
    });
}

namespace create_test {

struct prepared {
    int value = 0;
    void on(motet::created) {
        motet::sleep_for(std::chrono::milliseconds(1));
        value = 42;
    }
    void on(motet::arrived) {
        motet::yield();
        ++value;
    }
    int get() const { return value; }
    bool when(motet::entry<&prepared::get>) const { return value > 0; }
    int peek() const { return value; }
    int move(std::int64_t to) {
        motet::move_this(to);
        return value;
    }
};

} // namespace create_test

TEST_CASE("no method runs before the hooks have returned, also while they wait") {
    using create_test::prepared;
    everywhere(
        [] {
            const auto one = motet::chare<prepared>::create({}, motet::pe_count() - 1);
            std::vector<motet::future<int>> values;
            for (int i = 0; i < 3; ++i) values.push_back(one.ask<&prepared::peek>());
            for (auto& each : values) CHECK(each.get() == 42);
            const auto all = motet::array<prepared>::create(5);
            CHECK(all.gather<&prepared::peek>().get() == std::vector<int>(5, 42));
            CHECK(all.gather<&prepared::get>().get() == std::vector<int>(5, 42));
            CHECK(all[0].ask<&prepared::move>(motet::pe_count() - 1).get() == 42);
            all[0].move_to(0).get();
            const int moved = all[0].ask<&prepared::peek>().get();
            CHECK(moved >= 42);
            CHECK(all.section({0}).gather<&prepared::peek>().get() == std::vector<int>{moved});
        },
        moves::none);
}

namespace create_test {

/// Cannot be copied where `bad`, as a PE does that makes an element of it.
struct picky {
    bool bad = false;
    picky() = default;
    explicit picky(bool fails) : bad(fails) {}
    picky(const picky& other) : bad(other.bad) {
        if (bad) throw std::runtime_error("not to be copied");
    }
    picky(picky&&) = default;
    picky& operator=(const picky&) = delete;
    picky& operator=(picky&&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(bad);
    }
};
struct guest {
    picky self{};
    int seven() const { return 7; }
    static guest that_fails() {
        guest one;
        one.self.bad = true;
        return one;
    }
};

} // namespace create_test

TEST_CASE("a birth away from home that fails leaves all as it was before") {
    using create_test::guest;
    everywhere([] {
        const std::int64_t pes = motet::pe_count();
        const auto fails = [](motet::future<void>& birth) {
            CHECK(contains(thrown_by([&] { birth.get(); }), "not to be copied (std::runtime_error), in guest["));
        };
        for (std::int64_t on = 0; on < pes; ++on) {
            const auto demanded = motet::array<guest>::create(motet::on_demand);
            auto birth = demanded.insert(on, guest::that_fails(), (on + 1) % pes);
            auto asked = demanded[on].ask<&guest::seven>(); // held at home, or creates the element before
            if (!contains(thrown_by([&] { birth.get(); }), "exists already")) CHECK(asked.get() == 7);
            CHECK(demanded[on].ask<&guest::seven>().get() == 7);

            const auto sparse = motet::array<guest>::create(motet::sparse);
            auto first = sparse.insert(on, guest::that_fails(), on);
            fails(first);
            auto waits = sparse[on].ask<&guest::seven>(); // for another birth
            auto second = sparse.insert(on, guest::that_fails(), (on + 1) % pes);
            fails(second);
            CHECK(!waits.ready());
            sparse.insert(on, {}, on).get();
            CHECK(waits.get() == 7);
            sparse.erase(on).get();
            auto third = sparse.insert(on, guest::that_fails(), (on + 1) % pes);
            auto meanwhile = sparse[on].ask<&guest::seven>();
            fails(third);
            CHECK_THROWS_AS(meanwhile.get(), motet::erased);
            CHECK_THROWS_AS(sparse[on].ask<&guest::seven>().get(), motet::erased);
            sparse.insert(on, {}, (on + 2) % pes).get();
            CHECK(sparse[on].ask<&guest::seven>().get() == 7);
        }
    });
}

TEST_CASE("done_inserting while a birth is under way that fails: what waited for it is refused") {
    using create_test::guest;
    everywhere([] {
        for (std::int64_t i = 0; i < 4; ++i) {
            const auto all = motet::array<guest>::create(motet::sparse);
            auto birth = all.insert(i, guest::that_fails(), (i + 1) % motet::pe_count());
            auto asked = all[i].ask<&guest::seven>();
            auto closed = all.done_inserting();
            CHECK(thrown_by([&] { birth.get(); }) != "");
            CHECK_THROWS_AS(asked.get(), motet::erased);
            closed.get();
        }
    });
}

namespace create_test {
struct inserter {
    int value = 0;
    std::string wrong(motet::array<counter> into) const {
        return thrown_by([&] { into.insert(4).get(); });
    }
};
} // namespace create_test

TEST_CASE("an insertion that cannot be is told also where the array is not known yet") {
    using create_test::inserter;
    everywhere([] {
        const auto inserters = motet::group<inserter>::create();
        motet::quiescence().get();
        for (int round = 0; round < 4; ++round) {
            const auto texts = inserters.gather<&inserter::wrong>(motet::array<counter>::create(4)).get();
            for (const auto& text : texts) CHECK(contains(text, "there is no element counter[4]"));
        }
    });
}
