// expect: Motet needs g++ 12 or clang++ 14, or a newer one.
// flags: -U__GNUC__
// SPDX-License-Identifier: BSL-1.0
#include <motet/platform.hpp>
