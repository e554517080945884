// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where Motet runs: what it was written for and is tested on. Everything else is refused here, by a sentence, before it
// fails further down in a less readable way.

#if !defined(__linux__)
#error "Motet runs on Linux only."
#elif !defined(__x86_64__) && !defined(__aarch64__)
#error "Motet runs on x86-64 and arm64 processors only."
#endif

#if !defined(__GNUC__)
#error "Motet needs g++ 12 or clang++ 14, or a newer one."
#elif defined(__clang__)
#if __clang_major__ < 14
#error "Motet needs clang++ 14 or newer."
#endif
#elif __GNUC__ < 12
#error "Motet needs g++ 12 or newer."
#endif

#if __cplusplus < 202002L
#error "Motet needs C++20: compile with -std=c++20."
#endif
