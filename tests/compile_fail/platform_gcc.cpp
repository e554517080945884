// expect: Motet needs g++ 12 or newer.
// flags: -U__clang__ -U__GNUC__ -D__GNUC__=11
// SPDX-License-Identifier: BSL-1.0
#include <motet/platform.hpp>
