// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

using namespace motet_test;

namespace {

/// Knows where it was read.
template <std::size_t Size>
struct placed {
    std::array<char, Size> content{};
    const void* read_at = nullptr;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(content);
        if constexpr (!Archive::is_writing) read_at = this;
    }
    bool operator<(const placed& other) const { return content < other.content; }
};

} // namespace

TEST_CASE("sets and maps come back") {
    round_trip(std::set<int>{3, 1, 2});
    round_trip(std::multiset<std::string>{"a", "a", "b"});
    round_trip(std::map<std::string, std::vector<int>>{{"one", {1}}, {"two", {1, 2}}});
    round_trip(std::multimap<int, std::string>{{1, "x"}, {1, "y"}});
    round_trip(std::unordered_set<std::string>{"a", "b", "c"});
    round_trip(std::unordered_multiset<int>{1, 1, 2});
    round_trip(std::unordered_map<int, double>{{1, 0.5}, {2, 1.5}});
    round_trip(std::unordered_multimap<int, int>{{1, 2}, {1, 3}});
    round_trip(std::map<int, std::map<int, std::set<char>>>{{1, {{2, {'a'}}}}, {3, {}}});
    round_trip(std::map<bool, int, std::greater<>>{{true, 1}, {false, 0}});
}

TEST_CASE("a key that occurs twice is refused") {
    const auto bytes = motet::serial::encode(std::vector<std::string>{"a", "b", "a"});
    const motet::decode_error error = failure_of<std::set<std::string>>(bytes);
    CHECK(error.reason == "the key at [2] occurs twice");
    CHECK(motet::serial::decode<std::multiset<std::string>>(bytes).size() == 3);
}

TEST_CASE("an error in a map names the entry") {
    const auto bytes = motet::serial::encode(std::map<std::string, int>{{"a", 1}, {"b", 2}});
    CHECK(failure_of<std::map<std::string, int>>(bytes.bytes().first(bytes.size() - 1)).path == "[1]");
}

TEST_CASE("the values of a map are read where they stay, and large keys not on the stack") {
    using value = placed<1>;
    const auto map = motet::serial::decode<std::map<int, value>>(motet::serial::encode(std::map<int, value>{{1, {}}}));
    CHECK(map.at(1).read_at == &map.at(1));
    const auto many = motet::serial::decode<std::unordered_multimap<int, value>>(
        motet::serial::encode(std::unordered_multimap<int, value>{{1, {}}}));
    CHECK(many.begin()->second.read_at == &many.begin()->second);

    using key = placed<(1 << 16)>;
    const auto keys = motet::serial::decode<std::set<key>>(motet::serial::encode(std::set<key>{{}}));
    const auto stack = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    CHECK(stack - reinterpret_cast<std::uintptr_t>(keys.begin()->read_at) > (1 << 20)); // it grows downwards
}
