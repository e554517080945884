// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/to_text.hpp>

#include <doctest/doctest.h>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

using motet::reflect::to_text;

TEST_CASE("to_text: numbers in their shortest exact form") {
    CHECK(to_text(true) == "true");
    CHECK(to_text(-5) == "-5");
    CHECK(to_text(std::uint8_t{200}) == "200");
    CHECK(to_text(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(to_text(0.1) == "0.1");
    CHECK(to_text(1e300) == "1e+300");
    CHECK(to_text(std::numeric_limits<double>::infinity()) == "inf");
    CHECK(to_text(std::numeric_limits<long double>::max()) == "1.189731495357231765e+4932");
}

TEST_CASE("to_text: characters and strings in quotes") {
    CHECK(to_text('x') == "'x'");
    CHECK(to_text('\'') == R"('\'')");
    CHECK(to_text(u'x') == "120");
    CHECK(to_text(std::string("a\"b\\c\n\x7f")) == R"("a\"b\\c\x0a\x7f")");
    CHECK(to_text(std::string("\xc3\xa9")) == "\"\xc3\xa9\"");
}

TEST_CASE("to_text: structs") {
    CHECK(to_text(sample::particle{"p", {1, 2}, 0.5, sample::color::green}) ==
          R"({name="p", at={x=1, y=2}, mass=0.5, tint=color(7)})");
    CHECK(to_text(sample::empty{}) == "{}");
    CHECK(to_text(sample::node{1, {{2, {}}, {3, {{4, {}}}}}}) ==
          "{value=1, children=[{value=2, children=[]}, {value=3, children=[{value=4, children=[]}]}]}");
    CHECK(to_text(sample::private_state{}) == "<sample::private_state>");
    CHECK(to_text(sample::bit_field{1, 2}) == "<sample::bit_field>");
}

TEST_CASE("to_text: containers") {
    CHECK(to_text(std::vector<int>{}) == "[]");
    CHECK(to_text(std::vector<bool>{true, false}) == "[true, false]");
    CHECK(to_text(std::array<int, 3>{1, 2, 3}) == "[1, 2, 3]");
    CHECK(to_text(std::set<int>{2, 1}) == "[1, 2]");
    CHECK(to_text(std::map<int, std::string>{{1, "x"}, {2, "y"}}) == R"({1: "x", 2: "y"})");
    CHECK(to_text(std::pair{1, 2.5}) == "(1, 2.5)");
    CHECK(to_text(std::tuple<>{}) == "()");
    CHECK(to_text(std::optional<int>{}) == "null");
    CHECK(to_text(std::optional<int>{4}) == "4");
    CHECK(to_text(std::variant<int, std::string>{"s"}) == R"("s")");
    CHECK(to_text(std::make_unique<sample::point>()) == "{x=0, y=0}");
    CHECK(to_text(std::shared_ptr<int>{}) == "null");
    CHECK(to_text(std::shared_ptr<void>(std::make_shared<int>(3))).starts_with("<std::shared_ptr<void"));
    CHECK(to_text(std::chrono::milliseconds(1500)) == "1.5s");
    CHECK(to_text(std::complex<double>(1, 2)) == "(1, 2)");
    CHECK(to_text(std::bitset<4>(5)) == "0101");
    int place = 0;
    CHECK(to_text(&place) == (motet::reflect::type_name<int*> == "int *" ? "<int *>" : "<int*>"));
}

TEST_CASE("to_text: never longer than its limit and three dots") {
    CHECK(to_text(std::vector<int>(1'000'000, 7), 20) == "[7, 7, 7, 7, 7, 7, 7...");
    CHECK(to_text(std::string(100, 'x'), 4) == "\"xxx...");
    CHECK(to_text(12, 2) == "12");
    CHECK(to_text(123, 2) == "12...");
    CHECK(to_text(5, 0) == "...");
    CHECK(to_text(sample::hundred{}, 10) == "{a0=0, a1=...");

    sample::node deep;
    sample::node* last = &deep;
    for (int i = 0; i < 1000; ++i) last = &last->children.emplace_back();
    CHECK(to_text(deep, 100).size() == 103);
    CHECK(to_text(std::vector<std::string>{std::string(200, '\x01')}, 9) == "[\"\\x01\\x0...");
}
