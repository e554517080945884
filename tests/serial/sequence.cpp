// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <forward_list>
#include <list>
#include <span>
#include <string>
#include <vector>

using namespace motet_test;

namespace {
struct atom {
    int id = 0;
    std::array<double, 3> place{};
    bool operator==(const atom&) const = default;
};
struct marked {
    std::int64_t id = 0;
    bool on = false;
    bool operator==(const marked&) const = default;
};
struct alignas(32) wide {
    double value = 0;
    bool operator==(const wide&) const = default;
};
struct nothing {
    bool operator==(const nothing&) const = default;
};
} // namespace

TEST_CASE("sequences come back") {
    round_trip(std::vector<int>{});
    round_trip(std::vector<int>{1, 2, 3});
    round_trip(std::vector<double>(1'000, 0.25));
    round_trip(std::vector<std::string>{"", "short", std::string(300, 'x')});
    round_trip(std::vector<atom>{{1, {1, 2, 3}}, {2, {4, 5, 6}}});
    round_trip(std::vector<marked>{{1, true}, {2, false}});
    round_trip(std::vector<wide>{{1}, {2}});
    round_trip(std::vector<long double>{1.0L, 2.0L / 3});
    round_trip(std::vector<std::vector<std::vector<short>>>{{}, {{}, {1}}, {{2, 3}}});
    round_trip(std::vector<nothing>(5));
    round_trip(std::deque<atom>{{1, {1, 2, 3}}});
    round_trip(std::list<std::string>{"a", "b"});
    round_trip(std::forward_list<int>{3, 2, 1});
    round_trip(std::array<int, 3>{1, 2, 3});
    round_trip(std::array<std::string, 2>{"a", "b"});
    round_trip(std::array<bool, 3>{true, false, true});
    round_trip(std::array<int, 0>{});
    round_trip(std::vector<std::array<bool, 2>>{{true, false}});
}

TEST_CASE("strings of every character type come back") {
    round_trip(std::string("zero \0 inside", 13));
    round_trip(std::u8string(u8"motet"));
    round_trip(std::u16string(u"motet"));
    round_trip(std::u32string(U"motet"));
    round_trip(std::wstring(L"motet"));
}

TEST_CASE("contiguous plain data is one copy, aligned in the bytes") {
    const auto bytes = motet::serial::encode(char{1}, std::vector<double>{1, 2});
    CHECK(bytes.size() == 8 + 2 * sizeof(double));
    double second;
    std::memcpy(&second, bytes.data() + 16, sizeof second);
    CHECK(second == 2);
}

TEST_CASE("bytes at any address can be decoded into owners") {
    const std::vector<double> value{1, 2, 3};
    const auto bytes = motet::serial::encode(value);
    std::vector<std::byte> shifted(bytes.size() + 1);
    std::memcpy(shifted.data() + 1, bytes.data(), bytes.size());
    CHECK(motet::serial::decode<std::vector<double>>(std::span(shifted).subspan(1)) == value);
    const std::vector<marked> others{{1, true}};
    const auto more = motet::serial::encode(others);
    shifted.resize(more.size() + 1);
    std::memcpy(shifted.data() + 1, more.data(), more.size());
    CHECK(motet::serial::decode<std::vector<marked>>(std::span(shifted).subspan(1)) == others);
}

TEST_CASE("a bool in copied memory is checked") {
    auto bytes = motet::serial::encode(std::vector<marked>{{1, true}, {2, true}});
    bytes.data()[bytes.size() - 8] = std::byte{3};
    CHECK(failure_of<std::vector<marked>>(bytes).reason == "a bool is neither 0 nor 1");
}

TEST_CASE("elements that take no memory still take a byte, so that their number is bounded") {
    CHECK(motet::serial::encode(std::vector<nothing>(100)).size() == 101);
    CHECK_THROWS_AS(motet::serial::decode<std::vector<nothing>>(bytes_of(254, 255, 255, 255, 255, 0)),
                    motet::decode_error);
}

TEST_CASE("a vector that is large enough is not allocated again") {
    const auto bytes = motet::serial::encode(std::vector<int>{1, 2, 3});
    std::vector<int> used(100);
    const int* where = used.data();
    motet::serial::decode_into(bytes, used);
    CHECK(used == std::vector<int>{1, 2, 3});
    CHECK(used.data() == where);
}

TEST_CASE("of the memory that is kept, what was kept last is used first") {
    motet::serial::spare_containers spare;
    std::vector<double> sent[] = {std::vector<double>(5000), std::vector<double>(5000)};
    const double* const places[] = {sent[0].data(), sent[1].data()};
    for (auto& each : sent) spare.keep(each);
    std::vector<double> received[3];
    for (auto& each : received) spare.use(each, 4000);
    CHECK(received[0].data() == places[1]);
    CHECK(received[1].data() == places[0]);
    CHECK(received[2].empty());
}

TEST_CASE("what was lent is received in the size that was announced, or refused") {
    const std::vector<double> large(motet::serial::lender::least / sizeof(double), 1.5);
    motet::serial::lender sent;
    motet::serial::writer out;
    out.lends = &sent;
    motet::serial::write(out, large);
    REQUIRE(sent.lent.size() == 1);
    CHECK(out.size() < 16);
    const auto receive = [&](std::span<const std::byte> bytes, std::vector<std::uint64_t> announced) {
        motet::serial::spare_containers spare;
        motet::serial::borrower wanted{announced, spare};
        motet::serial::reader in(bytes);
        in.lends = &wanted;
        std::vector<double> back;
        motet::serial::read(in, back);
        if (!wanted.places.empty())
            std::memcpy(wanted.places[0].data(), sent.lent[0].data.data(), wanted.places[0].size());
        return back;
    };
    CHECK(receive(out.bytes(), {motet::serial::lender::least}) == large);
    CHECK_THROWS_AS(receive(out.bytes(), {}), motet::decode_error);
    CHECK_THROWS_AS(receive(out.bytes(), {motet::serial::lender::least - 8}), motet::decode_error);
    // 2^61 + 1 numbers have 8 bytes more than there can be.
    const auto huge = bytes_of(255, 1, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0);
    CHECK_THROWS_AS(receive(huge, {}), motet::decode_error);
}
