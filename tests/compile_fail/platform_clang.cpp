// expect: Motet needs clang++ 14 or newer.
// flags: -D__clang__ -U__clang_major__ -D__clang_major__=13
// SPDX-License-Identifier: BSL-1.0
#include <motet/platform.hpp>
