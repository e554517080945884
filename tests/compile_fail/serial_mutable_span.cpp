// expect: motet: a span to non-const cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <span>

struct border {
    int side = 0;
    std::span<double> values;
};

int main() { motet::serial::encode(border{}); }
