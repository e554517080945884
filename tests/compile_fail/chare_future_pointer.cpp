// expect: motet: a raw pointer cannot be serialized
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

int main() { motet::make_future<int*>(); }
