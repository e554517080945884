// SPDX-License-Identifier: BSL-1.0
#include <motet/chare/index.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
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
        for (const Index& b : all) REQUIRE(before(a, b) == (a < b));
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
