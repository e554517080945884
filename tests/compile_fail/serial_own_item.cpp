// expect: motet: a raw pointer cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

class holder {
public:
    template <class Archive>
    void serialize(Archive& archive) {
        archive(where_);
    }

private:
    int* where_ = nullptr;
};

int main() { motet::serial::encode(holder()); }
