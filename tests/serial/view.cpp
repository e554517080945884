// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace motet_test;

namespace {
struct padded {
    char letter = 0;
    double value = 0;
    bool flag = false;
    bool operator==(const padded&) const = default;
};
struct message {
    int step = 0;
    std::string_view name;
    std::span<const double> values;
};

bool lies_in(const void* place, std::span<const std::byte> bytes) {
    return bytes.data() <= place && place < bytes.data() + bytes.size();
}
} // namespace

TEST_CASE("views point into the bytes") {
    const std::vector<double> values{1, 2, 3};
    const auto bytes = motet::serial::encode(message{7, "border", values});
    const auto back = motet::serial::decode<message>(bytes);
    CHECK(back.step == 7);
    CHECK(back.name == "border");
    CHECK(std::vector<double>(back.values.begin(), back.values.end()) == values);
    CHECK(lies_in(back.name.data(), bytes));
    CHECK(lies_in(back.values.data(), bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(back.values.data()) % alignof(double) == 0);
}

TEST_CASE("empty views") {
    const auto back = motet::serial::decode<message>(motet::serial::encode(message{}));
    CHECK(back.name.empty());
    CHECK(back.values.empty());
}

TEST_CASE("a view of structs sees them as they are in memory") {
    const std::vector<padded> values{{'a', 1, true}, {'b', 2, false}};
    const auto bytes = motet::serial::encode(std::span<const padded>(values));
    const auto back = motet::serial::decode<std::span<const padded>>(bytes);
    CHECK(std::vector<padded>(back.begin(), back.end()) == values);
}

TEST_CASE("owners and views have the same bytes") {
    const std::vector<padded> values{{'a', 1, true}, {'b', 2, false}};
    const auto bytes = motet::serial::encode(values);
    CHECK(motet::serial::decode<std::span<const padded>>(bytes)[1] == values[1]);
    CHECK(motet::serial::decode<std::string_view>(motet::serial::encode(std::string())).empty());
}

TEST_CASE("a view is refused where a number cannot stand") {
    const auto bytes = motet::serial::encode(std::vector<double>{1, 2});
    std::vector<std::byte> shifted(bytes.size() + 1);
    std::memcpy(shifted.data() + 1, bytes.data(), bytes.size());
    CHECK(failure_of<std::span<const double>>(std::span(shifted).subspan(1)).reason ==
          "a view needs bytes that begin at a multiple of 16 in memory");
}

TEST_CASE("views of broken bytes are refused") {
    const auto bytes = motet::serial::encode(message{7, "border", std::vector<double>{1, 2, 3}});
    for (std::size_t size = 0; size < bytes.size(); ++size) failure_of<message>(bytes.bytes().first(size));
    auto bools = motet::serial::encode(std::vector<padded>(1));
    bools.data()[8 + 16] = std::byte{2};
    CHECK(failure_of<std::span<const padded>>(bools).reason == "a bool is neither 0 nor 1");
}
