// SPDX-License-Identifier: BSL-1.0
#include <motet/chare/element.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace {

using motet::runtime::element_header;
using motet::runtime::element_table;
using motet::runtime::index_bits;

/// A table beside a map that says what must be in it.
struct checked_table {
    element_table table;
    std::map<index_bits, std::unique_ptr<element_header>> expected;

    void insert(const index_bits& index) {
        auto made = std::make_unique<element_header>();
        made->index = index;
        table.insert(made.get());
        expected[index] = std::move(made);
    }
    void remove(const index_bits& index) {
        const auto found = expected.find(index);
        table.remove(found->second.get());
        expected.erase(found);
    }
    void check() const {
        REQUIRE(table.elements.size() == expected.size());
        for (const auto& [index, e] : expected) REQUIRE(table.find(index) == e.get());
        for (std::uint32_t i = 0; i < table.elements.size(); ++i) REQUIRE(table.elements[i]->position == i);
    }
};

} // namespace

TEST_CASE("a row of indices is found, and nothing beside it") {
    checked_table t;
    t.table.reserve_row(100, 50);
    CHECK(t.table.find({100, 0}) == nullptr);
    for (std::uint64_t i = 100; i < 150; ++i) t.insert({i, 0});
    t.check();
    for (const index_bits none : {index_bits{99, 0}, {150, 0}, {100, 1}, {~std::uint64_t{0}, 0}, {0, 0}})
        CHECK(t.table.find(none) == nullptr);
}

TEST_CASE("a row that ends is found all the same") {
    const auto row = [] {
        checked_table t;
        t.table.reserve_row(7, 20);
        for (std::uint64_t i = 7; i < 27; ++i) t.insert({i, 0});
        return t;
    };
    SUBCASE("by a removal at the front") {
        checked_table t = row();
        t.remove({7, 0});
        t.check();
        CHECK(t.table.find({7, 0}) == nullptr);
        t.insert({7, 0});
        t.check();
    }
    SUBCASE("by a removal at the back, and what follows") {
        checked_table t = row();
        t.remove({26, 0});
        t.check();
        t.insert({26, 0});
        t.insert({27, 0});
        t.check();
    }
    SUBCASE("by an insertion elsewhere") {
        checked_table t = row();
        t.insert({27, 0}); // this one goes on with the row
        t.check();
        t.insert({500, 3});
        t.check();
        CHECK(t.table.find({28, 0}) == nullptr);
    }
    SUBCASE("until nothing is left") {
        checked_table t = row();
        while (!t.expected.empty()) t.remove(t.expected.begin()->first);
        t.check();
        t.insert({7, 0});
        t.check();
    }
}

TEST_CASE("a row that was expected and does not come") {
    checked_table t;
    t.table.reserve_row(10, 5);
    t.insert({3, 0});
    t.insert({10, 0});
    t.check();
}

TEST_CASE("random insertions and removals, from a row and from nothing") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        checked_table t;
        if (seed % 2 == 0) {
            t.table.reserve_row(1000, 64);
            for (std::uint64_t i = 0; i < 64; ++i) t.insert({1000 + i, 0});
        }
        for (int step = 0; step < 400; ++step) {
            const index_bits index{960 + random() % 160, random() % 16 == 0 ? 1u : 0u};
            if (t.expected.count(index) != 0)
                t.remove(index);
            else
                t.insert(index);
            if (step % 8 == 0) t.check();
        }
        t.check();
    }
}

TEST_CASE("an element counts more frames than 16 bits could") {
    motet::runtime::element_header e;
    for (int i = 0; i < 100'000; ++i) ++e.pins;
    CHECK(std::uint32_t{e.pins} == 100'000);
    CHECK(e.flags == 0);
}
