// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <motet/runtime/payload.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace motet_test;

namespace {
enum unscoped { first, second };
enum class scoped : std::int16_t { some = -7 };
enum class answer : bool { no, yes };
} // namespace

TEST_CASE("numbers, characters and enums come back") {
    round_trip(true);
    round_trip('x');
    round_trip(char8_t{1});
    round_trip(char32_t{0x10ffff});
    round_trip(L'x');
    round_trip(std::byte{200});
    round_trip(std::int8_t{-1});
    round_trip(std::numeric_limits<std::int64_t>::min());
    round_trip(std::numeric_limits<std::uint64_t>::max());
    round_trip(1.5f);
    round_trip(-std::numeric_limits<double>::infinity());
    round_trip(1.0L / 3);
    round_trip(second);
    round_trip(scoped::some);
}

TEST_CASE("a bool has one byte of two values") {
    CHECK(motet::serial::decode<bool>(bytes_of(1)));
    CHECK_FALSE(motet::serial::decode<bool>(bytes_of(0)));
    CHECK(failure_of<bool>(bytes_of(2)).reason == "a bool is neither 0 nor 1");
}

TEST_CASE("so has an enum of bools, alone and among others") {
    round_trip(answer::yes);
    CHECK(failure_of<answer>(bytes_of(2)).reason == "a bool is neither 0 nor 1");
    CHECK(failure_of<std::array<answer, 2>>(bytes_of(1, 2)).reason == "a bool is neither 0 nor 1");
    CHECK(failure_of<std::vector<answer>>(bytes_of(1, 2)).reason == "a bool is neither 0 nor 1");
    CHECK_FALSE(motet::runtime::is_number<answer>);
}

TEST_CASE("a NaN keeps its bits") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double back = motet::serial::decode<double>(motet::serial::encode(nan));
    CHECK(std::memcmp(&nan, &back, sizeof nan) == 0);
}
