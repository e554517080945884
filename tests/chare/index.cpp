// SPDX-License-Identifier: BSL-1.0
#include <motet/chare/index.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

using motet::grid;
using motet::runtime::array_index;
using motet::runtime::index_bits;
using motet::runtime::index_code;

namespace index_test {

enum class face : std::uint8_t { west, east };
struct pair_of {
    std::int16_t a = 0;
    std::uint32_t b = 0;
    friend auto operator<=>(const pair_of&, const pair_of&) = default;
};
struct key {
    face side = face::west;
    pair_of inner;
    std::array<std::uint8_t, 3> tail{};
    friend auto operator<=>(const key&, const key&) = default;
};
struct too_long {
    std::uint64_t a, b, c;
};
struct with_vector {
    std::vector<int> v;
};

struct key_of_many { // one of each kind that has an order
    double x = 0;
    std::array<std::int16_t, 2> at{};
    float y = 0;
    friend auto operator<=>(const key_of_many&, const key_of_many&) = default;
};
struct key_of_times {
    std::pair<std::chrono::duration<float>, std::chrono::sys_time<std::chrono::duration<std::int32_t>>> when;
    std::array<std::array<face, 2>, 2> faces{};
    bool last = false;
    friend auto operator<=>(const key_of_times&, const key_of_times&) = default;
};
struct key_without_order {
    std::complex<float> at;
    std::bitset<12> set;
    std::tuple<> nothing;
    std::array<std::vector<int>, 0> none;
    bool operator==(const key_without_order&) const = default;
};

static_assert(array_index<int> && array_index<std::uint64_t> && array_index<grid<6>> && array_index<key>);
static_assert(!array_index<double> && !array_index<std::string> && !array_index<too_long> && !array_index<with_vector>);

template <class Index>
bool before(const Index& a, const Index& b) {
    return index_code<Index>::order(index_code<Index>::pack(a)) < index_code<Index>::order(index_code<Index>::pack(b));
}

/// Packing and unpacking gives the same, and the order of the bits is the order of the indices.
template <class Index>
void check(std::vector<Index> all) {
    for (const Index& each : all) REQUIRE(index_code<Index>::unpack(index_code<Index>::pack(each)) == each);
    for (const Index& a : all)
        for (const Index& b : all) {
            REQUIRE(before(a, b) == (a < b));
            REQUIRE((index_code<Index>::pack(a) == index_code<Index>::pack(b)) == (a == b));
        }
}

/// A number: often an extreme one, or one of few.
template <class T>
T any(std::mt19937_64& random) {
    using limits = std::numeric_limits<T>;
    const auto r = random();
    if constexpr (std::is_floating_point_v<T>) {
        const T choice[] = {T(0),
                            -T(0),
                            T(1),
                            T(-1),
                            limits::max(),
                            limits::lowest(),
                            limits::min(),
                            -limits::min(),
                            limits::denorm_min(),
                            -limits::denorm_min(),
                            limits::infinity(),
                            -limits::infinity(),
                            limits::epsilon(),
                            std::ldexp(static_cast<T>(static_cast<std::int64_t>(r)), static_cast<int>(r % 90) - 90)};
        return choice[random() % std::size(choice)];
    } else {
        const T choice[] = {T(0), T(1), T(-1), limits::max(), limits::min(), T(255), T(256), T(257), static_cast<T>(r)};
        return choice[random() % std::size(choice)];
    }
}

template <int N>
void check_grid(int bits, std::mt19937_64& random) {
    std::vector<grid<N>> all;
    const std::int64_t most = bits == 64 ? INT64_MAX : (std::int64_t{1} << (bits - 1)) - 1;
    for (int i = 0; i < 60; ++i) {
        grid<N> each;
        for (std::int64_t& c : each.at) {
            const auto r = random();
            const std::int64_t choice[] = {0, -1, 1, most, -most - 1, static_cast<std::int64_t>(r) >> (64 - bits)};
            c = choice[random() % 6];
        }
        all.push_back(each);
    }
    check(all);
}

} // namespace index_test

using namespace index_test;

TEST_CASE("grids of 1 to 6 dimensions keep their coordinates and their order in 16 bytes") {
    std::mt19937_64 random(5);
    check_grid<1>(64, random);
    check_grid<2>(64, random);
    check_grid<3>(42, random);
    check_grid<4>(32, random);
    check_grid<5>(25, random);
    check_grid<6>(21, random);
}

TEST_CASE("integers and structs as indices") {
    check<std::int64_t>({INT64_MIN, -1, 0, 1, INT64_MAX});
    check<std::uint64_t>({0, 1, INT64_MAX, UINT64_MAX});
    check<int>({-2'000'000'000, -1, 0, 2'000'000'000});
    check<std::uint32_t>({0, 1, 4'000'000'000});
    check<std::int8_t>({-128, 0, 127});
    check<key>({{},
                {face::west, {-1, 5}, {}},
                {face::west, {-1, 4'000'000'000}, {}},
                {face::west, {3, 0}, {1, 2, 3}},
                {face::west, {3, 0}, {1, 3, 2}},
                {face::east, {-30'000, 0}, {255, 0, 0}}});
}

TEST_CASE("arrays, fractions, times and tuples in indices keep their value and their order") {
    std::mt19937_64 random(7);
    std::vector<key_of_many> many;
    std::vector<key_of_times> times;
    for (int i = 0; i < 300; ++i) {
        // Often the same first field, so that the others decide.
        const double x = i % 2 == 0 ? any<double>(random) : 1.5;
        many.push_back({x, {any<std::int16_t>(random), any<std::int16_t>(random)}, any<float>(random)});
        const auto side = [&] { return static_cast<face>(random() % 2 * 0xFF); };
        const float seconds = i % 2 == 0 ? any<float>(random) : -1.5f;
        times.push_back({{std::chrono::duration<float>(seconds),
                          std::chrono::sys_time<std::chrono::duration<std::int32_t>>(
                              std::chrono::duration<std::int32_t>(i % 3 == 0 ? any<std::int32_t>(random) : -2))},
                         {{{side(), side()}, {side(), side()}}},
                         random() % 2 == 0});
    }
    check(many);
    check(times);
    check<std::array<long double, 1>>({{-std::numeric_limits<long double>::infinity()},
                                       {-std::numeric_limits<long double>::max()},
                                       {-2.5L},
                                       {-std::numeric_limits<long double>::denorm_min()},
                                       {-0.0L},
                                       {0.0L},
                                       {1.0L},
                                       {std::nextafter(1.0L, 2.0L)},
                                       {std::numeric_limits<long double>::max()}});
    using code = index_code<key_without_order>;
    const key_without_order given{{-0.0f, 2}, 0xA05, {}, {}};
    CHECK(code::unpack(code::pack(given)) == given);
    CHECK(code::pack(given) == code::pack({{0.0f, 2}, 0xA05, {}, {}}));
    CHECK(before(given, key_without_order{{0.0f, 2}, 0xB04, {}, {}}));
}

TEST_CASE("0.0 and -0.0 are one index; NaN is none") {
    using code = index_code<key_of_many>;
    CHECK(code::pack({0.0, {}, -0.0f}) == code::pack({-0.0, {}, 0.0f}));
    CHECK_THROWS_WITH_AS(code::pack({1, {}, std::numeric_limits<float>::quiet_NaN()}),
                         "an index of type key_of_many cannot have NaN in it: NaN equals nothing, so that its element "
                         "would never be found",
                         motet::error);
}

TEST_CASE("a coordinate beyond the bits it has is refused with both numbers") {
    const auto text = [](auto&& action) {
        try {
            action();
        } catch (const motet::error& problem) {
            return std::string(problem.what());
        }
        return std::string();
    };
    CHECK(text([] {
              index_code<grid<3>>::pack({std::int64_t{1} << 41, 0, 0});
          }) == "the coordinate 2199023255552 does not fit the 42 bits that a coordinate of motet::grid<3> has");
    CHECK(text([] {
              index_code<grid<6>>::pack({0, 0, 0, 0, 0, -(1 << 20) - 1});
          }) == "the coordinate -1048577 does not fit the 21 bits that a coordinate of motet::grid<6> has");
    CHECK(text([] { index_code<grid<6>>::pack({0, 0, 0, 0, 0, -(1 << 20)}); }).empty());
}

TEST_CASE("places in an extent, the last coordinate fastest") {
    const grid<3> extent(2, 3, 4);
    CHECK(index_code<grid<3>>::count(extent) == 24);
    for (std::uint64_t i = 0; i < 24; ++i)
        CHECK(index_code<grid<3>>::linear(extent, index_code<grid<3>>::from_linear(extent, i)) == i);
    CHECK(index_code<grid<3>>::from_linear(extent, 1) == grid<3>(0, 0, 1));
    CHECK(index_code<grid<3>>::linear(extent, {0, 3, 0}) == ~std::uint64_t{0});
    CHECK(index_code<grid<3>>::linear(extent, {-1, 0, 0}) == ~std::uint64_t{0});
    CHECK_THROWS_WITH_AS(index_code<grid<2>>::count({2, -3}), "an array cannot have a side of -3 elements",
                         motet::error);
    CHECK_THROWS_WITH_AS(index_code<int>::count(-1), "an array cannot have -1 elements", motet::error);
    CHECK_THROWS_WITH_AS(index_code<grid<2>>::count({std::int64_t{1} << 32, std::int64_t{1} << 32}),
                         "an array of this extent would have more than 2^64 elements", motet::error);
    CHECK(index_code<grid<2>>::count({0, 5}) == 0);
    CHECK(index_code<int>::linear(5, 5) == ~std::uint64_t{0});
}

TEST_CASE("indices from numbers, as scripts give them: what does not fit is refused") {
    const auto refused = [](auto code, std::vector<std::int64_t> numbers) {
        try {
            decltype(code)::from_coordinates(numbers);
        } catch (const motet::error& problem) {
            return std::string(problem.what());
        }
        return std::string();
    };
    using byte = motet::runtime::index_code<std::uint8_t>;
    CHECK(byte::from_coordinates({255}) == byte::pack(255));
    CHECK(refused(byte(), {256}).starts_with("the number 256 does not fit into unsigned char"));
    CHECK(refused(byte(), {-1}) != "");
    CHECK(refused(byte(), {1, 2}).starts_with("an index of 1 numbers is wanted"));
    using whole = index_code<key>; // inner structs and arrays, too
    const auto bits = whole::pack({face::east, {-3, 7}, {1, 2, 255}});
    CHECK(whole::coordinates(bits) == std::vector<std::int64_t>{1, -3, 7, 1, 2, 255});
    CHECK(whole::from_coordinates({1, -3, 7, 1, 2, 255}) == bits);
    CHECK(refused(whole(), {1, -3, 7, 1, 2, 256}).starts_with("the number 256 does not fit into unsigned char"));
    CHECK(refused(whole(), {1, -3}).starts_with("an index of 6 numbers is wanted"));
}

TEST_CASE("indices as text") {
    CHECK(index_code<std::int64_t>::text(index_code<std::int64_t>::pack(-3)) == "[-3]");
    CHECK(index_code<grid<2>>::text(index_code<grid<2>>::pack({3, -4})) == "[3, -4]");
    CHECK(index_code<pair_of>::text(index_code<pair_of>::pack({-1, 7})).find("-1") != std::string::npos);
}

TEST_CASE("structured bindings of a grid") {
    const auto [x, y, z] = grid<3>(4, 5, 6);
    CHECK(x == 4);
    CHECK(y == 5);
    CHECK(z == 6);
}
