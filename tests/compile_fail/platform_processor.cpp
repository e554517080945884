// expect: Motet runs on x86-64 and arm64 processors only.
// flags: -U__x86_64__ -U__aarch64__
// SPDX-License-Identifier: BSL-1.0
#include <motet/platform.hpp>
