// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/bind.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace motet::reflect {

// Probes: things that convert to some types only. Whether `T{…, probe, …}` is well-formed tells what the field at that
// place can be. None can be copied, or fields such as std::any would take the probe itself.
struct probe {
    probe() = default;
    probe(const probe&) = delete;
};

struct any_value : probe {
    template <class U>
    operator U() const noexcept;
};

struct any_but_union : probe {
    template <class U>
    operator U() const noexcept(!std::is_union_v<U>);
};

struct union_value : probe {
    template <class U>
        requires std::is_union_v<U>
    operator U() const noexcept;
};

struct class_value : probe {
    template <class U>
        requires std::is_class_v<U>
    operator U() const noexcept;
};

template <class T>
struct base_value : probe {
    template <class U>
        requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>)
    operator U() const noexcept;
};

/// Converts to nothing: what takes it would take everything, so that a probe there tells nothing.
struct no_value : probe {};

template <std::size_t, class Probe>
using repeated = Probe;

template <class T, class... Probes>
inline constexpr bool takes = requires { T{Probes{}...}; };

template <class T, class Probe, std::size_t... I>
constexpr bool takes_n(std::index_sequence<I...>) {
    return takes<T, repeated<I, Probe>...>;
}

/// Whether T{any_value, any_value, …} with `n` of them is well-formed.
template <class T, std::size_t N>
inline constexpr bool takes_values = takes_n<T, any_value>(std::make_index_sequence<N>{});

template <class T, std::size_t... I>
constexpr bool takes_without_union(std::index_sequence<I...>) {
    return requires {
        {
            T { repeated<I, any_but_union>{}... }
        } noexcept;
    };
}

/// How the fields of a struct were counted: every field can be written as {} (so arrays count once), or some can not
/// and all are probed by any_value (then the elements of a C array count singly, for it takes no value itself).
enum class counted { by_braces, by_values, not_at_all };

struct field_count_result {
    counted how;
    std::size_t count;
};

template <class T, std::size_t N = 0>
constexpr field_count_result count_braces() {
    if constexpr (N < max_field_count) {
        if constexpr (bind_fields<N + 1>::template takes_braces<T>) return count_braces<T, N + 1>();
    }
    if constexpr (bind_fields<N>::template takes_braces_then<T, any_value>)
        return {N == max_field_count ? counted::by_braces : counted::not_at_all, N + 1};
    return {counted::by_braces, N};
}

// The first number of values that fits is the least that gives each field without a default one; then on to the most.
template <class T, std::size_t N, bool Found>
constexpr field_count_result count_values() {
    if constexpr (N > max_field_count + 1) {
        return {Found ? counted::by_values : counted::not_at_all, max_field_count + 1};
    } else if constexpr (takes_values<T, N>) {
        return count_values<T, N + 1, true>();
    } else if constexpr (Found) {
        return {counted::by_values, N - 1};
    } else {
        return count_values<T, N + 1, false>();
    }
}

template <class T>
constexpr field_count_result braces_first() {
    if constexpr (requires { T{}; })
        return count_braces<T>();
    else
        return {counted::not_at_all, 0};
}

template <class T>
constexpr field_count_result count_fields() {
    if constexpr (constexpr field_count_result braces = braces_first<T>(); braces.how == counted::by_braces)
        return braces;
    else // else, for what follows a return is compiled all the same: a hundred functions
        return count_values<T, 1, false>();
}

/// The number of fields of the aggregate T, and how it was found; max_field_count + 1 stands for too many.
template <class T>
inline constexpr field_count_result counted_fields = count_fields<T>();

template <class T, class Probe, std::size_t... Before, std::size_t... After>
constexpr bool takes_among(std::index_sequence<Before...>, std::index_sequence<After...>) {
    return takes<T, repeated<Before, any_value>..., Probe, repeated<After, any_value>...>;
}

/// Whether the field at place I of T can be initialized by a Probe.
template <class T, std::size_t I, class Probe>
constexpr bool takes_at() {
    if constexpr (counted_fields<T>.how == counted::by_braces)
        return bind_fields<I>::template takes_braces_then<T, Probe>;
    else
        return takes_among<T, Probe>(std::make_index_sequence<I>{},
                                     std::make_index_sequence<counted_fields<T>.count - I - 1>{});
}

// Whether the initializer at a place can be put in braces, as it can for all but the elements of a C array. Asked step
// by step, for a compiler may look into the constructor that a probe in braces chooses.
template <class T, std::size_t... Before, std::size_t... After>
constexpr bool takes_braced_among(std::index_sequence<Before...>, std::index_sequence<After...>) {
    if constexpr (requires { T{repeated<Before, any_value>{}..., {}, repeated<After, any_value>{}...}; })
        return true;
    else if constexpr (requires {
                           T{repeated<Before, any_value>{}..., {class_value{}}, repeated<After, any_value>{}...};
                       })
        return true;
    else
        return requires { T{repeated<Before, any_value>{}..., {any_value{}}, repeated<After, any_value>{}...}; };
}

} // namespace motet::reflect
