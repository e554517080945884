// expect: motet: a chare is a plain struct
// SPDX-License-Identifier: BSL-1.0
#include <motet/motet.hpp>

int main() { motet::chare<int>::create(); }
