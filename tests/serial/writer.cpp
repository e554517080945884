// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

using motet::serial::buffer;
using motet::serial::reader;
using motet::serial::writer;

TEST_CASE("a writer grows and keeps what was written") {
    writer out;
    CHECK(out.size() == 0);
    for (std::uint32_t i = 0; i < 10'000; ++i) out.put(&i, sizeof i);
    CHECK(out.size() == 40'000);
    reader in(out.bytes());
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        std::uint32_t back;
        in.get(&back, sizeof back);
        REQUIRE(back == i);
    }
    CHECK(in.remaining() == 0);
}

TEST_CASE("a cleared writer begins again in the same memory") {
    writer out;
    out.put("abcdef", 6);
    const std::byte* where = out.data();
    out.clear();
    CHECK(out.size() == 0);
    out.put("xyz", 3);
    CHECK(out.data() == where);
    CHECK(out.size() == 3);
}

TEST_CASE("a writer begins in storage that it was given, and leaves it when full") {
    alignas(16) std::array<std::byte, 8> storage{};
    writer out{std::span(storage)};
    out.put("12345678", 8);
    CHECK(out.external());
    CHECK(out.data() == storage.data());
    out.put("9", 1);
    CHECK_FALSE(out.external());
    CHECK(std::memcmp(out.data(), "123456789", 9) == 0);
    writer small{std::span(storage)};
    small.put("abc", 3);
    const buffer copy = small.release();
    CHECK(copy.size() == 3);
    CHECK(copy.data() != storage.data());
    CHECK(std::memcmp(copy.data(), "abc", 3) == 0);
}

TEST_CASE("a writer gives its memory away, and can be moved") {
    writer out;
    out.put("abc", 3);
    writer moved(std::move(out));
    CHECK(moved.size() == 3);
    const std::byte* where = moved.data();
    buffer bytes = moved.release();
    CHECK(bytes.data() == where);
    CHECK(moved.size() == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % 16 == 0);
    const buffer other = std::move(bytes);
    CHECK(other.size() == 3);
    CHECK(bytes.empty()); // NOLINT: the state after a move is part of the interface
    moved.put("d", 1);
    CHECK(moved.size() == 1);
    CHECK(writer().release().empty());
}

TEST_CASE("sizes take one byte up to 253, then five or nine") {
    const std::pair<std::size_t, std::size_t> cases[] = {
        {0, 1},       {253, 1}, {254, 5}, {255, 5}, {65'536, 5}, {UINT32_MAX, 5}, {std::size_t{UINT32_MAX} + 1, 9},
        {SIZE_MAX, 9}};
    for (const auto& [size, bytes] : cases) {
        writer out;
        out.put_size(size);
        CHECK(out.size() == bytes);
        reader in(out.bytes());
        CHECK(in.take_size() == size);
    }
}

TEST_CASE("alignment counts from the first byte and fills with zeros") {
    writer out;
    out.put("abc", 3);
    out.align(8);
    CHECK(out.size() == 8);
    out.align(8);
    CHECK(out.size() == 8);
    for (std::size_t i = 3; i < 8; ++i) CHECK(out.data()[i] == std::byte{0});
    reader in(out.bytes());
    in.take(3);
    in.align(8);
    CHECK(in.position() == 8);
}

TEST_CASE("an allocation that cannot be is std::bad_alloc") {
    writer out;
    out.put("a", 1);
    CHECK_THROWS_AS(out.reserve(SIZE_MAX - 4), std::bad_alloc);
    CHECK(out.size() == 1);
}
