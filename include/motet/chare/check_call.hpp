// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/entry.hpp>

#include <type_traits>

/// What a call must be, told in sentences: the notes that the compiler adds show position, type and entry.
namespace motet::inline MOTET_VARIANT::runtime {

/// Argument number `Position` (from 1) of a call of `Entry`.
template <int Position, class Given, class Parameter, class Entry>
struct argument {
    static constexpr bool fits = takes<Parameter, Given>;
    static_assert(fits, "motet: an argument of this call cannot be converted to the parameter of the entry method; see "
                        "argument<Position, Given, Parameter, entry<Method>> in the note");
};

template <class T>
concept method_pointer = std::is_member_function_pointer_v<T>;

template <class Entry, class Method, class... A>
struct arguments_fit;
template <class Entry, class R, class T, class... P, class... A>
struct arguments_fit<Entry, R (T::*)(P...), A...> {
    template <std::size_t... I>
    static consteval bool all(std::index_sequence<I...>) {
        return (argument<static_cast<int>(I) + 1, A, P, Entry>::fits && ...);
    }
    static consteval bool check() {
        static_assert(sizeof...(A) <= sizeof...(P),
                      "motet: this call gives more arguments than the entry method takes");
        static_assert(sizeof...(A) >= sizeof...(P),
                      "motet: this call gives fewer arguments than the entry method takes "
                      "(default arguments do not count: give all)");
        if constexpr (sizeof...(A) == sizeof...(P))
            return all(std::index_sequence_for<A...>{});
        else
            return false;
    }
};
template <class Entry, class R, class T, class... P, class... A>
struct arguments_fit<Entry, R (T::*)(P...) const, A...> : arguments_fit<Entry, R (T::*)(P...), A...> {};
template <class Entry, class R, class T, class... P, class... A>
struct arguments_fit<Entry, R (T::*)(P...) noexcept, A...> : arguments_fit<Entry, R (T::*)(P...), A...> {};
template <class Entry, class R, class T, class... P, class... A>
struct arguments_fit<Entry, R (T::*)(P...) const noexcept, A...> : arguments_fit<Entry, R (T::*)(P...), A...> {};

/// Stops the compilation with a sentence if entry method M of a chare T cannot be called with arguments A. True if it
/// can.
template <auto M, class T, class... A>
consteval bool check_call() {
    static_assert(method_pointer<decltype(M)>,
                  "motet: what is called must be a member function of the chare: proxy.tell<&T::method>(arguments...)");
    if constexpr (method_pointer<decltype(M)>) {
        static_assert(
            requires { typename traits_of<M>::owner; },
            "motet: an entry method cannot be volatile, qualified with & or &&, or have C-style variable arguments");
        if constexpr (requires { typename traits_of<M>::owner; }) {
            static_assert(std::is_same_v<owner_of<M>, T>,
                          "motet: this entry method belongs to another type of chare than the proxy");
            if constexpr (std::is_same_v<owner_of<M>, T>) {
                constexpr bool fit = arguments_fit<entry<M>, decltype(M), A...>::check();
                if constexpr (fit) {
                    using stored = typename traits_of<M>::stored;
                    serial::check_owning<stored>();
                    return serial::owning<stored>;
                }
            }
        }
    }
    return false;
}

/// The same for a call that gives a result.
template <auto M, class T, class... A>
consteval bool check_ask() {
    if constexpr (check_call<M, T, A...>()) {
        if constexpr (!std::is_void_v<result_of<M>>) {
            static_assert(!std::is_reference_v<typename traits_of<M>::returns>,
                          "motet: the result of an entry method is a reference: it would refer into another process. "
                          "Return a value");
            static_assert(
                !std::is_pointer_v<result_of<M>>,
                "motet: the result of an entry method is a pointer: it would point into another process. Return "
                "a value or a proxy");
            static_assert(!is_future<result_of<M>>, "motet: the result of an entry method is a future, which stays on "
                                                    "the PE where it was made: return its value, or take a promise");
            if constexpr (!std::is_pointer_v<result_of<M>>) {
                serial::check_owning<result_of<M>>();
                return serial::owning<result_of<M>>;
            }
        }
        return true;
    }
    return false;
}

template <class T>
struct only_parameter;
template <class P>
struct only_parameter<std::tuple<P>> {
    using type = P;
};
template <>
struct only_parameter<std::tuple<>> {
    using type = void;
};

} // namespace motet::inline MOTET_VARIANT::runtime
