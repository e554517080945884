// expect: Motet needs C++20: compile with -std=c++20.
// flags: -std=c++17
// SPDX-License-Identifier: BSL-1.0
#include <motet/platform.hpp>
