// expect: Motet runs on Linux only.
// flags: -U__linux__
// SPDX-License-Identifier: BSL-1.0
#include <motet/platform.hpp>
