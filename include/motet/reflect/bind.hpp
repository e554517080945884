// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

namespace motet::reflect {

/// The largest number of fields a reflected struct may have.
inline constexpr std::size_t max_field_count = 100;

/// What needs the number of fields written out: a structured binding, and a list of empty initializers.
///
/// `takes_braces<T>` says whether `T{ {}, {}, … }` with N of them is well-formed, `takes_braces_then<T, Probe>` whether
/// N of them and a Probe are; `addressable<T>` is false if T has a bit-field (a bit-field is the one member that no
/// reference can be bound to).
template <std::size_t N>
struct bind_fields;

template <>
struct bind_fields<0> {
    template <class T>
    static constexpr bool takes_braces = requires { T{}; };
    template <class T, class Probe>
    static constexpr bool takes_braces_then = requires { T{Probe{}}; };
    template <class T>
    static constexpr bool addressable = true;
};

void refer_to(auto&...);

// clang-format does not know what these macros stand for.
// clang-format off

// Each macro MOTET_FIELDS_n(p) lists n names that begin with p, MOTET_BRACES_n lists n empty initializers.
#define MOTET_FIELDS_1(p) p##0
#define MOTET_FIELDS_2(p) MOTET_FIELDS_1(p), p##1
#define MOTET_FIELDS_3(p) MOTET_FIELDS_2(p), p##2
#define MOTET_FIELDS_4(p) MOTET_FIELDS_3(p), p##3
#define MOTET_FIELDS_5(p) MOTET_FIELDS_4(p), p##4
#define MOTET_FIELDS_6(p) MOTET_FIELDS_5(p), p##5
#define MOTET_FIELDS_7(p) MOTET_FIELDS_6(p), p##6
#define MOTET_FIELDS_8(p) MOTET_FIELDS_7(p), p##7
#define MOTET_FIELDS_9(p) MOTET_FIELDS_8(p), p##8
#define MOTET_FIELDS_10(p) MOTET_FIELDS_9(p), p##9
#define MOTET_BRACES_1 {}
#define MOTET_BRACES_2 MOTET_BRACES_1, {}
#define MOTET_BRACES_3 MOTET_BRACES_2, {}
#define MOTET_BRACES_4 MOTET_BRACES_3, {}
#define MOTET_BRACES_5 MOTET_BRACES_4, {}
#define MOTET_BRACES_6 MOTET_BRACES_5, {}
#define MOTET_BRACES_7 MOTET_BRACES_6, {}
#define MOTET_BRACES_8 MOTET_BRACES_7, {}
#define MOTET_BRACES_9 MOTET_BRACES_8, {}
#define MOTET_BRACES_10 MOTET_BRACES_9, {}

// One bind_fields<count>: `braces` in parentheses, the names behind.
#define MOTET_UNWRAP(...) __VA_ARGS__
#define MOTET_BIND(count, braces, ...)                                                                                 \
    template <>                                                                                                        \
    struct bind_fields<count> {                                                                                        \
        template <class T>                                                                                             \
        static constexpr bool takes_braces = requires { T{MOTET_UNWRAP braces}; };                                     \
        template <class T, class Probe>                                                                                \
        static constexpr bool takes_braces_then = requires { T{MOTET_UNWRAP braces, Probe{}}; };                       \
        template <class T>                                                                                             \
        static auto refer(T& object) {                                                                                 \
            static auto& [__VA_ARGS__] = object; /* static, or clang 14 refuses them inside of requires */            \
            return std::bool_constant < requires {                                                                     \
                refer_to(__VA_ARGS__);                                                                                 \
            } > {};                                                                                                    \
        }                                                                                                              \
        template <class T>                                                                                             \
        static constexpr bool addressable = decltype(refer(*static_cast<T*>(nullptr)))::value;                         \
    };

// Ten of them: 1 to 10 fields after `tens` times ten, which `braces` and the names behind list.
#define MOTET_BIND_TEN(tens, next, p, braces, ...)                                                                     \
    MOTET_BIND(tens##1, (MOTET_UNWRAP braces MOTET_BRACES_1), __VA_ARGS__ MOTET_FIELDS_1(p))                           \
    MOTET_BIND(tens##2, (MOTET_UNWRAP braces MOTET_BRACES_2), __VA_ARGS__ MOTET_FIELDS_2(p))                           \
    MOTET_BIND(tens##3, (MOTET_UNWRAP braces MOTET_BRACES_3), __VA_ARGS__ MOTET_FIELDS_3(p))                           \
    MOTET_BIND(tens##4, (MOTET_UNWRAP braces MOTET_BRACES_4), __VA_ARGS__ MOTET_FIELDS_4(p))                           \
    MOTET_BIND(tens##5, (MOTET_UNWRAP braces MOTET_BRACES_5), __VA_ARGS__ MOTET_FIELDS_5(p))                           \
    MOTET_BIND(tens##6, (MOTET_UNWRAP braces MOTET_BRACES_6), __VA_ARGS__ MOTET_FIELDS_6(p))                           \
    MOTET_BIND(tens##7, (MOTET_UNWRAP braces MOTET_BRACES_7), __VA_ARGS__ MOTET_FIELDS_7(p))                           \
    MOTET_BIND(tens##8, (MOTET_UNWRAP braces MOTET_BRACES_8), __VA_ARGS__ MOTET_FIELDS_8(p))                           \
    MOTET_BIND(tens##9, (MOTET_UNWRAP braces MOTET_BRACES_9), __VA_ARGS__ MOTET_FIELDS_9(p))                           \
    MOTET_BIND(next, (MOTET_UNWRAP braces MOTET_BRACES_10), __VA_ARGS__ MOTET_FIELDS_10(p))

#define MOTET_B1 MOTET_BRACES_10,
#define MOTET_B2 MOTET_B1 MOTET_BRACES_10,
#define MOTET_B3 MOTET_B2 MOTET_BRACES_10,
#define MOTET_B4 MOTET_B3 MOTET_BRACES_10,
#define MOTET_B5 MOTET_B4 MOTET_BRACES_10,
#define MOTET_B6 MOTET_B5 MOTET_BRACES_10,
#define MOTET_B7 MOTET_B6 MOTET_BRACES_10,
#define MOTET_B8 MOTET_B7 MOTET_BRACES_10,
#define MOTET_B9 MOTET_B8 MOTET_BRACES_10,
#define MOTET_F1 MOTET_FIELDS_10(a),
#define MOTET_F2 MOTET_F1 MOTET_FIELDS_10(b),
#define MOTET_F3 MOTET_F2 MOTET_FIELDS_10(c),
#define MOTET_F4 MOTET_F3 MOTET_FIELDS_10(d),
#define MOTET_F5 MOTET_F4 MOTET_FIELDS_10(e),
#define MOTET_F6 MOTET_F5 MOTET_FIELDS_10(g),
#define MOTET_F7 MOTET_F6 MOTET_FIELDS_10(h),
#define MOTET_F8 MOTET_F7 MOTET_FIELDS_10(i),
#define MOTET_F9 MOTET_F8 MOTET_FIELDS_10(j),

MOTET_BIND_TEN(, 10, a, (), )
MOTET_BIND_TEN(1, 20, b, (MOTET_B1), MOTET_F1)
MOTET_BIND_TEN(2, 30, c, (MOTET_B2), MOTET_F2)
MOTET_BIND_TEN(3, 40, d, (MOTET_B3), MOTET_F3)
MOTET_BIND_TEN(4, 50, e, (MOTET_B4), MOTET_F4)
MOTET_BIND_TEN(5, 60, g, (MOTET_B5), MOTET_F5)
MOTET_BIND_TEN(6, 70, h, (MOTET_B6), MOTET_F6)
MOTET_BIND_TEN(7, 80, i, (MOTET_B7), MOTET_F7)
MOTET_BIND_TEN(8, 90, j, (MOTET_B8), MOTET_F8)
MOTET_BIND_TEN(9, 100, k, (MOTET_B9), MOTET_F9)

#undef MOTET_FIELDS_1
#undef MOTET_FIELDS_2
#undef MOTET_FIELDS_3
#undef MOTET_FIELDS_4
#undef MOTET_FIELDS_5
#undef MOTET_FIELDS_6
#undef MOTET_FIELDS_7
#undef MOTET_FIELDS_8
#undef MOTET_FIELDS_9
#undef MOTET_FIELDS_10
#undef MOTET_BRACES_1
#undef MOTET_BRACES_2
#undef MOTET_BRACES_3
#undef MOTET_BRACES_4
#undef MOTET_BRACES_5
#undef MOTET_BRACES_6
#undef MOTET_BRACES_7
#undef MOTET_BRACES_8
#undef MOTET_BRACES_9
#undef MOTET_BRACES_10
#undef MOTET_UNWRAP
#undef MOTET_BIND
#undef MOTET_BIND_TEN
#undef MOTET_B1
#undef MOTET_B2
#undef MOTET_B3
#undef MOTET_B4
#undef MOTET_B5
#undef MOTET_B6
#undef MOTET_B7
#undef MOTET_B8
#undef MOTET_B9
#undef MOTET_F1
#undef MOTET_F2
#undef MOTET_F3
#undef MOTET_F4
#undef MOTET_F5
#undef MOTET_F6
#undef MOTET_F7
#undef MOTET_F8
#undef MOTET_F9

// clang-format on

} // namespace motet::reflect
