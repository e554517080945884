// SPDX-License-Identifier: BSL-1.0
#pragma once

// MOTET_FOR_EACH(M, T, a, b, …) is M(T, a) M(T, b) … for up to some 340 names, and nothing for none. The recursion by
// __VA_OPT__ is David Mazières's ("Recursive macros with C++20 __VA_OPT__").
// clang-format off
#define MOTET_EXPAND(...) MOTET_EXPAND4(MOTET_EXPAND4(MOTET_EXPAND4(MOTET_EXPAND4(__VA_ARGS__))))
#define MOTET_EXPAND4(...) MOTET_EXPAND3(MOTET_EXPAND3(MOTET_EXPAND3(MOTET_EXPAND3(__VA_ARGS__))))
#define MOTET_EXPAND3(...) MOTET_EXPAND2(MOTET_EXPAND2(MOTET_EXPAND2(MOTET_EXPAND2(__VA_ARGS__))))
#define MOTET_EXPAND2(...) MOTET_EXPAND1(MOTET_EXPAND1(MOTET_EXPAND1(MOTET_EXPAND1(__VA_ARGS__))))
#define MOTET_EXPAND1(...) __VA_ARGS__
#define MOTET_PARENTHESES ()
#define MOTET_FOR_EACH(M, T, ...) __VA_OPT__(MOTET_EXPAND(MOTET_FOR_EACH_NEXT(M, T, __VA_ARGS__)))
#define MOTET_FOR_EACH_NEXT(M, T, a, ...) \
    M(T, a) __VA_OPT__(MOTET_FOR_EACH_AGAIN MOTET_PARENTHESES (M, T, __VA_ARGS__))
#define MOTET_FOR_EACH_AGAIN() MOTET_FOR_EACH_NEXT
// clang-format on
