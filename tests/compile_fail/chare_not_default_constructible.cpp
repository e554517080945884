// expect: motet: a chare must be default constructible
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct tile {
    explicit tile(int n) : step(n) {}
    int step;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(step);
    }
};

int main() { motet::chare<tile>::create(tile(1)); }
