// expect: motet: a const or volatile value cannot be read back
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

struct limits {
    const int most = 3;
};

int main() { motet::serial::encode(limits{}); }
