// expect: motet: a raw pointer cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

struct config {
    const char* name = nullptr;
};

int main() { motet::set_readonly(config{}); }
