// expect: motet: a span of fixed extent cannot be read back
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <array>
#include <span>

int main() {
    const std::array<int, 3> values{1, 2, 3};
    motet::serial::encode(std::span<const int, 3>(values));
}
