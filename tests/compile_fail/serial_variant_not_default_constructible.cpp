// expect: motet: what a container, optional, variant or smart pointer holds must be default constructible
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <variant>

struct account {
    explicit account(int n) : owner(n) {}
    int owner;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(owner);
    }
};

int main() { motet::serial::encode(std::variant<int, account>()); }
