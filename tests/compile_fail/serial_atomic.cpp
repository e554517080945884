// expect: motet: an atomic cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <atomic>

struct counter {
    std::atomic<int> count{0};
};

int main() {
    counter one;
    motet::serial::encode(one);
}
