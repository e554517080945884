// expect: motet: what is sent or kept (an argument, a result, a contribution) must be default constructible
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct account {
    explicit account(int n) : owner(n) {}
    int owner;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(owner);
    }
};
struct bank {
    void open(account) {}
};

int main() { motet::array<bank>()[1].tell<&bank::open>(account(3)); }
