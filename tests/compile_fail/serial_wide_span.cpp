// expect: motet: a span cannot show elements aligned to more than 16 bytes
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <span>

struct alignas(64) line {
    double value = 0;
};

int main() { motet::serial::encode(std::span<const line>()); }
