// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

using namespace motet_test;

namespace {
struct circle {
    double radius = 0;
    bool operator==(const circle&) const = default;
};
using shape = std::variant<std::monostate, circle, std::string, std::vector<int>>;

struct throwing {
    throwing() = default;
    throwing(const throwing&) { throw 1; }
    throwing& operator=(const throwing&) = default;
    template <class Archive>
    void serialize(Archive&) {}
};
} // namespace

TEST_CASE("optional values come back") {
    round_trip(std::optional<int>());
    round_trip(std::optional<int>(3));
    round_trip(std::vector<std::optional<std::string>>{{}, "x", {}});
    std::optional<std::string> used = "old";
    motet::serial::decode_into(motet::serial::encode(std::optional<std::string>()), used);
    CHECK_FALSE(used.has_value());
    CHECK_THROWS_AS(motet::serial::decode<std::optional<char>>(bytes_of(2, 1)), motet::decode_error);
}

TEST_CASE("variants come back") {
    round_trip(shape());
    round_trip(shape(circle{2}));
    round_trip(shape("text"));
    round_trip(std::vector<shape>{circle{1}, "x", std::vector<int>{1, 2}, std::monostate()});
    round_trip(std::variant<int, int>(std::in_place_index<1>, 5));
    shape used = circle{1};
    motet::serial::decode_into(motet::serial::encode(shape("now text")), used);
    CHECK(used == shape("now text"));
}

TEST_CASE("a variant has only its alternatives") {
    CHECK(failure_of<shape>(bytes_of(4, 0)).reason == "a variant of 4 alternatives has none of number 4");
}

TEST_CASE("a variant that lost its value is not written") {
    std::variant<int, throwing> lost = 1;
    const throwing thrower;
    CHECK_THROWS_AS(lost.emplace<1>(thrower), int);
    REQUIRE(lost.valueless_by_exception());
    CHECK_THROWS_AS(motet::serial::encode(lost), motet::error);
}

TEST_CASE("tuples and pairs come back") {
    round_trip(std::tuple<>());
    round_trip(std::tuple<int, std::string, std::vector<bool>>(1, "x", {true}));
    round_trip(std::pair<char, double>('a', 2));
    round_trip(std::vector<std::pair<std::string, std::tuple<int, float>>>{{"a", {1, 2.0f}}});
    const auto bytes = motet::serial::encode(std::pair<char, double>('a', 2));
    CHECK(bytes.size() == 9);
    CHECK_THROWS_AS(motet::serial::decode<std::tuple<>>(bytes_of(1, 0)), motet::decode_error);
    const auto two = motet::serial::encode(std::tuple<std::string, std::string>("a", "bcd"));
    CHECK(failure_of<std::tuple<std::string, std::string>>(two.bytes().first(4)).path == "[1]");
}
