// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/serial/serial.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace motet_test {

/// Any bytes may be refused, but by decode_error only.
template <class T>
void decode_anything(std::span<const std::byte> bytes) {
    T value{};
    try {
        motet::serial::decode_into(bytes, value);
        static_cast<void>(motet::serial::encode(value)); // looks at all of it
    } catch (const motet::decode_error&) {}
}

/// A value comes back from its bytes, into new and into used storage; every proper part of its bytes is refused, and so
/// is a byte too many; flipped bits do no harm.
template <class T>
void round_trip(const T& value) {
    const motet::serial::buffer bytes = motet::serial::encode(value);
    CHECK(bytes.size() >= motet::serial::codec<T>::least);
    if (motet::serial::codec<T>::fixed != 0) CHECK(bytes.size() == motet::serial::codec<T>::fixed);
    CHECK(motet::serial::decode<T>(bytes) == value);
    T used = value;
    motet::serial::decode_into(bytes, used);
    CHECK(used == value);

    const std::size_t step = std::max<std::size_t>(1, bytes.size() / 200);
    for (std::size_t size = 0; size < bytes.size(); size += step) {
        T part{};
        CHECK_THROWS_AS(motet::serial::decode_into(bytes.bytes().first(size), part), motet::decode_error);
    }
    std::vector<std::byte> copy(bytes.bytes().begin(), bytes.bytes().end());
    copy.push_back(std::byte{0});
    T more{};
    CHECK_THROWS_WITH_AS(motet::serial::decode_into(copy, more), doctest::Contains("left over"), motet::decode_error);
    copy.pop_back();
    for (std::size_t at = 0; at < copy.size(); at += step) {
        for (const unsigned mask : {0x01u, 0x80u, 0xffu}) {
            copy[at] ^= static_cast<std::byte>(mask);
            decode_anything<T>(copy);
            copy[at] ^= static_cast<std::byte>(mask);
        }
    }
}

/// The message of the decode_error that these bytes give.
template <class T>
motet::decode_error failure_of(std::span<const std::byte> bytes) {
    T value{};
    try {
        motet::serial::decode_into(bytes, value);
    } catch (const motet::decode_error& error) {
        return error;
    }
    FAIL("bad bytes were accepted");
    return {"", "", 0};
}

/// Bytes written out: `bytes_of(1, 2, 255)`.
template <class... Number>
std::vector<std::byte> bytes_of(Number... number) {
    return {static_cast<std::byte>(number)...};
}

} // namespace motet_test
