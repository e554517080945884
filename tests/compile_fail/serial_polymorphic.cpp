// expect: motet: a polymorphic class cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <memory>
#include <vector>

struct shape {
    virtual ~shape() = default;
    virtual double area() const { return 0; }
};

int main() { motet::serial::encode(std::vector<std::unique_ptr<shape>>()); }
