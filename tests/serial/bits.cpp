// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <bitset>
#include <chrono>
#include <complex>
#include <vector>

using namespace motet_test;

TEST_CASE("complex numbers come back") {
    round_trip(std::complex<double>(1, -2));
    round_trip(std::complex<long double>(1, -2));
    round_trip(std::vector<std::complex<float>>{{1, 2}, {3, 4}});
    round_trip(std::vector<std::complex<long double>>{{1, 2}, {3, 4}});
}

TEST_CASE("durations and points in time come back") {
    using namespace std::chrono;
    round_trip(seconds(7));
    round_trip(duration<double, std::milli>(0.5));
    round_trip(system_clock::now());
    round_trip(std::vector<nanoseconds>{1ns, 2ns});
    round_trip(std::vector<steady_clock::time_point>{steady_clock::now()});
}

TEST_CASE("bits come back, eight to a byte") {
    round_trip(std::bitset<0>());
    round_trip(std::bitset<1>(1));
    round_trip(std::bitset<64>(0x8000000000000001));
    round_trip(std::bitset<70>(5) << 65);
    CHECK(motet::serial::codec<std::bitset<70>>::fixed == 9);
    round_trip(std::vector<bool>{});
    for (std::size_t size = 1; size < 40; ++size) {
        std::vector<bool> bits(size);
        for (std::size_t i = 0; i < size; i += 3) bits[i] = true;
        round_trip(bits);
    }
    CHECK(motet::serial::encode(std::vector<bool>(80, true)).size() == 11);
    round_trip(std::vector<std::vector<bool>>{{true}, {}, {false, true}});
    CHECK(failure_of<std::vector<bool>>(bytes_of(200, 1)).reason == "needs 25 bytes, but 1 are left");
}
