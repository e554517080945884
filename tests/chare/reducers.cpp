// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace motet_test;

namespace reducers_test {

struct item {
    std::string name;
    double weight = 0;
    friend bool operator==(const item&, const item&) = default;
};

struct giver {
    int salt = 0;

    std::int64_t index() const { return motet::this_index(); }
    int small() const { return static_cast<int>(motet::this_index() % 3) + 1; }
    double real() const { return static_cast<double>(motet::this_index()) + 0.5; }
    bool even() const { return motet::this_index() % 2 == 0; }
    bool yes() const { return true; }
    std::uint32_t bits() const { return 1u << (motet::this_index() % 20); }
    std::string letter() const { return std::string(1, static_cast<char>('a' + motet::this_index())); }
    std::vector<int> some() const {
        return std::vector<int>(static_cast<std::size_t>(motet::this_index() % 3),
                                static_cast<int>(motet::this_index()));
    }
    std::vector<double> three() const { return {real(), -real(), 1}; }
    std::array<int, 2> two() const { return {static_cast<int>(motet::this_index()), 1}; }
    std::vector<int> uneven() const { return std::vector<int>(motet::this_index() == 3 ? 3 : 2); }
    std::tuple<std::pair<int, int>> paired() const { return {{1, static_cast<int>(motet::this_index())}}; }
    std::tuple<double, int, std::string> mixed() const { return {real(), small(), letter()}; }
    item thing() const { return {letter(), 10 - real()}; }
    std::unique_ptr<int> owned() const { return std::make_unique<int>(small()); }
    void nothing() {}
};

/// Function objects of a user.
struct longest {
    std::string operator()(const std::string& a, const std::string& b) const { return b.size() > a.size() ? b : a; }
};
inline constexpr auto heavier = [](item a, item b) { return a.weight < b.weight ? b : a; };
inline constexpr auto sum_owned = [](std::unique_ptr<int> a, std::unique_ptr<int> b) {
    *a += *b;
    return a;
};
inline constexpr auto append = [](std::vector<int>&& a, std::vector<int>&& b) -> std::vector<int>&& {
    a.insert(a.end(), b.begin(), b.end());
    return std::move(a);
};
struct thrower {
    int operator()(int, int) const { throw std::domain_error("these two do not mix"); }
};
struct waiting_reducer {
    int operator()(int a, int b) const {
        motet::yield();
        return a + b;
    }
};

} // namespace reducers_test

using namespace reducers_test;

TEST_CASE("the reducers of numbers") {
    everywhere([] {
        const std::int64_t n = 11;
        const auto all = motet::array<giver>::create(n);
        CHECK(all.reduce<&giver::index>(motet::sum).get() == n * (n - 1) / 2);
        CHECK(all.reduce<&giver::real>(motet::sum).get() == doctest::Approx(60.5));
        CHECK(all.reduce<&giver::small>(motet::product).get() == 1 * 2 * 3 * 1 * 2 * 3 * 1 * 2 * 3 * 1 * 2);
        CHECK(all.reduce<&giver::real>(motet::min).get() == 0.5);
        CHECK(all.reduce<&giver::real>(motet::max).get() == 10.5);
        CHECK(!all.reduce<&giver::even>(motet::logical_and).get());
        CHECK(all.reduce<&giver::yes>(motet::logical_and).get());
        CHECK(all.reduce<&giver::even>(motet::logical_or).get());
        CHECK(all.reduce<&giver::yes>(motet::logical_xor).get()); // 11 of them
        CHECK(all.reduce<&giver::bits>(motet::bit_or).get() == (1u << 11) - 1);
        CHECK(all.reduce<&giver::bits>(motet::bit_xor).get() == (1u << 11) - 1);
        CHECK(all.reduce<&giver::bits>(motet::bit_and).get() == 0);
    });
}

TEST_CASE("gather, set, concatenate: in index order") {
    everywhere([] {
        const auto all = motet::array<giver>::create(12);
        std::vector<std::int64_t> indices(12);
        std::iota(indices.begin(), indices.end(), 0);
        CHECK(all.reduce<&giver::index>(motet::gather).get() == indices);
        CHECK(all.reduce<&giver::small>(motet::set).get() == std::set<int>{1, 2, 3});
        CHECK(all.reduce<&giver::letter>(motet::concatenate).get() == "abcdefghijkl");
        CHECK(all.reduce<&giver::some>(motet::concatenate).get() ==
              std::vector<int>{1, 2, 2, 4, 5, 5, 7, 8, 8, 10, 11, 11});
        CHECK(all.gather<&giver::thing>().get()[3] == item{"d", 6.5});
    });
}

TEST_CASE("min_at and max_at name the element; of equal ones the first") {
    everywhere([] {
        const auto all = motet::array<giver>::create(12);
        const auto low = all.reduce<&giver::real>(motet::min_at).get();
        CHECK(low == motet::located<double>{0.5, 0});
        CHECK(all.reduce<&giver::real>(motet::max_at).get() == motet::located<double>{11.5, 11});
        CHECK(all.reduce<&giver::small>(motet::max_at).get() == motet::located<int>{3, 2});
        CHECK(all.reduce<&giver::small>(motet::min_at).get() == motet::located<int>{1, 0});
        const auto sparse = motet::array<giver>::create();
        for (const std::int64_t i : {5, -6, 11, -1}) sparse.insert(i).get();
        CHECK(sparse.reduce<&giver::yes>(motet::max_at).get() == motet::located<bool>{true, -6});
        CHECK(sparse.reduce<&giver::index>(motet::max_at).get() == motet::located<std::int64_t>{11, 11});
    });
}

TEST_CASE("arrays of numbers, element by element; of different lengths they are refused") {
    everywhere([] {
        const auto all = motet::array<giver>::create(10);
        CHECK(all.reduce<&giver::three>(motet::sum).get() == std::vector<double>{50, -50, 10});
        CHECK(all.reduce<&giver::three>(motet::max).get() == std::vector<double>{9.5, -0.5, 1});
        CHECK(all.reduce<&giver::two>(motet::sum).get() == std::array<int, 2>{45, 10});
        CHECK(all.reduce<&giver::two>(motet::min).get() == std::array<int, 2>{0, 1});
        CHECK(contains(thrown_by([&] { all.reduce<&giver::uneven>(motet::sum).get(); }),
                       "all must have the same length"));
    });
}

TEST_CASE("a tuple of reducers over the parts of a tuple") {
    everywhere([] {
        const auto all = motet::array<giver>::create(5);
        const auto [total, most, joined] =
            all.reduce<&giver::mixed>(motet::reducers(motet::sum, motet::max_at, motet::concatenate)).get();
        CHECK(total == doctest::Approx(12.5));
        CHECK(most == motet::located<int>{3, 2});
        CHECK(joined == "abcde");
        using alone = std::tuple<std::pair<int, int>>; // one part that is a pair stays one part
        CHECK(all.reduce<&giver::paired>(motet::reducers(motet::max)).get() == alone({1, 4}));
    });
}

TEST_CASE("a user's own reducers: function objects and lambdas without state, also of what can only be moved") {
    everywhere([] {
        const auto all = motet::array<giver>::create(9);
        CHECK(all.reduce<&giver::letter>(longest()).get().size() == 1);
        CHECK(all.reduce<&giver::thing>(heavier).get() == item{"a", 9.5});
        CHECK(*all.reduce<&giver::owned>(sum_owned).get() == 18);
        CHECK(all.reduce<&giver::some>(append).get().size() == 9); // it gives its first argument back
    });
}

TEST_CASE("one value is its own reduction; of none there is none, but for collections of values") {
    everywhere([] {
        const auto one = motet::array<giver>::create(1);
        CHECK(one.reduce<&giver::small>(thrower()).get() == 1);
        const auto none = motet::array<giver>::create();
        CHECK(none.reduce<&giver::index>(motet::gather).get().empty());
        CHECK(none.reduce<&giver::small>(motet::set).get().empty());
        CHECK(none.reduce<&giver::letter>(motet::concatenate).get().empty());
        CHECK(contains(thrown_by([&] { none.reduce<&giver::index>(motet::sum).get(); }),
                       "without elements has no result"));
        CHECK(contains(thrown_by([&] { none.reduce<&giver::index>(motet::max_at).get(); }),
                       "without elements has no result"));
        none.all<&giver::nothing>().get();
    });
}

TEST_CASE("what a reducer throws reaches whoever waits for the result; a reducer cannot wait") {
    everywhere([] {
        const auto all = motet::array<giver>::create(9);
        CHECK(contains(thrown_by([&] { all.reduce<&giver::small>(thrower()).get(); }),
                       "these two do not mix (std::domain_error)"));
        CHECK(contains(thrown_by([&] { all.reduce<&giver::small>(waiting_reducer()).get(); }), "this waits inside"));
        CHECK(all.reduce<&giver::small>(motet::sum).get() == 18);
    });
}

namespace reducers_test {

struct bits_holder {
    int value = 0;
    std::vector<bool> bits() const { return {motet::this_index() == 0, motet::this_index() == 2, false}; }
};

} // namespace reducers_test

TEST_CASE("logical reducers work on std::vector<bool>") {
    using reducers_test::bits_holder;
    everywhere([] {
        const auto all = motet::array<bits_holder>::create(3);
        CHECK(all.reduce<&bits_holder::bits>(motet::logical_or).get() == std::vector<bool>{true, true, false});
        CHECK(all.reduce<&bits_holder::bits>(motet::logical_and).get() == std::vector<bool>{false, false, false});
    });
}
