// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <string>
#include <vector>

using namespace motet_test;
using motet::decode_error;
using motet::serial::reader;

TEST_CASE("a reader never passes its end") {
    const auto bytes = bytes_of(1, 2, 3);
    reader in(bytes);
    in.take(2);
    CHECK(in.position() == 2);
    CHECK(in.remaining() == 1);
    CHECK_THROWS_AS(in.take(2), decode_error);
    CHECK_THROWS_AS(in.take(SIZE_MAX), decode_error);
    in.take(1);
    CHECK_THROWS_AS(in.take_size(), decode_error);
    reader none({});
    CHECK(none.remaining() == 0);
    none.take(0);
    CHECK_THROWS_AS(none.take(1), decode_error);
}

TEST_CASE("a count is checked against the bytes left before anything is allocated") {
    const auto huge = bytes_of(255, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0);
    CHECK_THROWS_WITH_AS(motet::serial::decode<std::vector<int>>(huge),
                         doctest::Contains("announces 18446744073709551615 elements, but only 2 bytes are left"),
                         decode_error);
    CHECK_THROWS_AS(motet::serial::decode<std::vector<std::string>>(huge), decode_error);
    CHECK_THROWS_AS(motet::serial::decode<std::string>(huge), decode_error);
    CHECK_THROWS_AS(motet::serial::decode<std::vector<bool>>(huge), decode_error);
}

TEST_CASE("the error says what, where, and at which byte") {
    const decode_error short_size = failure_of<std::uint64_t>(bytes_of(1, 2, 3));
    CHECK(std::string(short_size.what()) == "cannot decode the value at byte 0: needs 8 bytes, but 3 are left");
    CHECK(short_size.offset == 0);
    CHECK(short_size.path.empty());
}
