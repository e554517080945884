// SPDX-License-Identifier: BSL-1.0
// The bodies of the runtime's functions, compiled once for a program of many files: the library motet::separate.
#define MOTET_SEPARATE_HERE
#include <motet/motet.hpp>
