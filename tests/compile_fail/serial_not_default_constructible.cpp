// expect: motet: what a container, optional, variant or smart pointer holds must be default constructible
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <vector>

class account {
public:
    explicit account(int owner) : owner_(owner) {}
    template <class Archive>
    void serialize(Archive& archive) {
        archive(owner_);
    }

private:
    int owner_;
};

int main() { motet::serial::encode(std::vector<account>()); }
