// expect: motet: this type is neither a plain struct nor a known container
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

class account {
public:
    explicit account(int owner) : owner_(owner) {}

private:
    int owner_;
};

int main() { motet::serial::encode(account(3)); }
