// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/schema.hpp>

#include <doctest/doctest.h>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using motet::reflect::schema_hash;
using motet::reflect::schema_of;

namespace {

template <class T>
struct vector_of_three {
    T x, y, z;
};

template <class Key, class Compare = std::less<Key>>
class tree {
public:
    explicit tree(int);
};

struct everything {
    bool flag;
    char letter;
    signed char small;
    unsigned short port;
    long count;
    long long also_count;
    std::size_t size;
    float narrow;
    double wide;
    std::byte raw;
    sample::color tint;
    std::string text;
    std::vector<std::string> texts;
    std::map<int, vector_of_three<double>> places;
    std::array<int, 3> fixed;
    std::variant<int, std::monostate> either;
    std::unique_ptr<sample::node> tree_of_nodes;
    std::chrono::milliseconds wait;
};

} // namespace

TEST_CASE("schema: of numbers, by their size") {
    CHECK(schema_of<bool>() == "bool");
    CHECK(schema_of<char>() == "char");
    CHECK(schema_of<signed char>() == "int8");
    CHECK(schema_of<long>() == "int64");
    CHECK(schema_of<long long>() == "int64");
    CHECK(schema_of<const std::size_t>() == "uint64");
    CHECK(schema_of<float>() == "float32");
    CHECK(schema_of<double>() == "float64");
    CHECK(schema_of<sample::color>() == "color<uint8>");
    CHECK(schema_of<std::byte>() == "byte<uint8>");
    CHECK(schema_of<void>() == "void");
}

TEST_CASE("schema: of containers") {
    CHECK(schema_of<std::string>() == "string");
    CHECK(schema_of<std::string_view>() == "string");
    CHECK(schema_of<std::vector<std::list<int>>>() == "vector<list<int32>>");
    CHECK(schema_of<std::multimap<int, std::set<double>>>() == "multimap<int32, set<float64>>");
    CHECK(schema_of<std::unordered_map<std::string, bool>>() == "unordered_map<string, bool>");
    CHECK(schema_of<std::array<std::array<char, 2>, 3>>() == "array<array<char, 2>, 3>");
    CHECK(schema_of<std::span<const double>>() == "span<float64>");
    CHECK(schema_of<std::bitset<7>>() == "bitset<7>");
    CHECK(schema_of<std::optional<int>>() == "optional<int32>");
    CHECK(schema_of<std::variant<int, bool>>() == "variant<int32, bool>");
    CHECK(schema_of<std::tuple<int, char>>() == "tuple<int32, char>");
    CHECK(schema_of<std::pair<int, char>>() == "pair<int32, char>");
    CHECK(schema_of<std::shared_ptr<const int>>() == "shared_ptr<int32>");
    CHECK(schema_of<std::unique_ptr<int>>() == "unique_ptr<int32>");
    CHECK(schema_of<std::complex<float>>() == "complex<float32>");
    CHECK(schema_of<std::chrono::milliseconds>() == "duration<int64, ratio<1, 1000>>");
    CHECK(schema_of<std::chrono::seconds>() != schema_of<std::chrono::duration<long, std::milli>>());
}

TEST_CASE("schema: of structs, in full where they first occur") {
    CHECK(schema_of<sample::empty>() == "empty{}");
    CHECK(schema_of<sample::particle>() ==
          "particle{name: string, at: point{x: int32, y: int32}, mass: float64, tint: color<uint8>}");
    CHECK(schema_of<std::pair<sample::point, sample::point>>() == "pair<point{x: int32, y: int32}, point>");
    CHECK(schema_of<sample::node>() == "node{value: int32, children: vector<node>}");
    CHECK(schema_of<vector_of_three<float>>() == "vector_of_three{x: float32, y: float32, z: float32}");
    CHECK(schema_of<std::pair<vector_of_three<bool>, vector_of_three<char>>>() ==
          "pair<vector_of_three{x: bool, y: bool, z: bool}, vector_of_three{x: char, y: char, z: char}>");
}

TEST_CASE("schema: a later mention says which of several structs of one name is meant") {
    using one = vector_of_three<bool>;
    using other = vector_of_three<char>;
    const std::string both =
        "tuple<vector_of_three{x: bool, y: bool, z: bool}, vector_of_three{x: char, y: char, z: char}, ";
    CHECK(schema_of<std::tuple<one, other, one>>() == both + "vector_of_three>");
    CHECK(schema_of<std::tuple<one, other, other>>() == both + "vector_of_three#2>");
    CHECK(schema_of<vector_of_three<std::vector<vector_of_three<int>>>>() ==
          "vector_of_three{x: vector<vector_of_three{x: int32, y: int32, z: int32}>, y: vector<vector_of_three#2>, z: "
          "vector<vector_of_three#2>}");
}

TEST_CASE("schema: of what cannot be looked into, its name and what it is made from") {
    CHECK(schema_of<sample::private_state>() == "private_state");
    CHECK(schema_of<tree<int>>() == "tree<int32>");
    CHECK(schema_of<std::future<void>>() == "future<void>");
    CHECK(schema_of<std::queue<int>>() == "queue<int32, deque<int32>>");
    CHECK(schema_of<std::function<void(int)>>() == "function<unnamed>");
}

TEST_CASE(
    "schema: what cannot be looked into names the structs it is made from, and does not change with their fields") {
    CHECK(schema_of<std::queue<vector_of_three<int>>>() == "queue<vector_of_three, deque<vector_of_three>>");
}

TEST_CASE("schema: the hash differs with names, types and order, and is the same with every compiler") {
    CHECK(motet::reflect::fnv_1a("") == 0xcbf29ce484222325u);
    CHECK(motet::reflect::fnv_1a("a") == 0xaf63dc4c8601ec8cu);
    CHECK(motet::reflect::fnv_1a("foobar") == 0x85944171f73967e8u);
    CHECK(schema_hash<sample::point>() == motet::reflect::fnv_1a("point{x: int32, y: int32}"));
    CHECK(schema_hash<sample::first_of_two<int>>() != schema_hash<sample::first_of_two<unsigned>>());
    CHECK(schema_of<everything>() ==
          "everything{flag: bool, letter: char, small: int8, port: uint16, count: int64, also_count: int64, size: "
          "uint64, narrow: float32, wide: float64, raw: byte<uint8>, tint: color<uint8>, text: string, texts: "
          "vector<string>, places: map<int32, vector_of_three{x: float64, y: float64, z: float64}>, fixed: "
          "array<int32, 3>, either: variant<int32, monostate{}>, tree_of_nodes: unique_ptr<node{value: int32, "
          "children: vector<node>}>, wait: duration<int64, ratio<1, 1000>>}");
    CHECK(schema_hash<everything>() == 10136065133554386475u);
}
