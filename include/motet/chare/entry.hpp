// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/registry.hpp>
#include <motet/serial/serial.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

/// The tag of an entry method: `bool when(motet::entry<&Tile::border>, int sent_at, …) const` is the condition under
/// which `border` may run. The rest of the parameters are those of the method.
template <auto Method>
struct entry {};

/// The result of a method that may `return motet::next<…>(…)`: a value, or the word that another call will give it.
template <class R>
struct eventually {
    static_assert(!std::is_void_v<R>, "motet: a method that returns nothing needs no motet::eventually: it returns "
                                      "void, and may `return motet::next<&T::method>();` all the same");
    eventually(R made) : value(std::move(made)) {}
    eventually() = default; ///< another call gives the value
    std::optional<R> value;
};

template <class T>
class future; // future.hpp

namespace runtime {

template <class T>
inline constexpr bool is_shared_to_mutable = false;
template <class T>
inline constexpr bool is_shared_to_mutable<std::shared_ptr<T>> = !std::is_const_v<T>;

template <class T>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<future<T>> = true;

/// How a parameter of an entry method lies in the message, and how the method gets it.
template <class P>
struct parameter {
    using stored = std::remove_cvref_t<P>;
    static_assert(!std::is_pointer_v<stored>,
                  "motet: a parameter of an entry method is a pointer: its target may lie in another process. Pass a "
                  "value, a std::span<const T>, or a proxy");
    static_assert(!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>,
                  "motet: a parameter of an entry method is a reference to non-const: the caller would never see the "
                  "change. Pass a value or a const reference, and return the result");
    static_assert(!is_shared_to_mutable<stored>,
                  "motet: a parameter of an entry method is a shared_ptr to non-const: whether it is shared would "
                  "depend on where the chare lives. Pass a value, a unique_ptr, or a shared_ptr to const");
    static_assert(!is_future<stored>, "motet: a parameter of an entry method is a future, which stays on the PE where "
                                      "it was made: pass its promise");
    static P pass(stored& value) { return static_cast<P&&>(value); }
    static P share(const stored& value) { return value; }            ///< for one of many calls
    static const stored& show(const stored& value) { return value; } ///< to a `when`
};
template <class T>
struct parameter<std::span<const T>> {
    static_assert(std::is_trivially_copyable_v<T>,
                  "motet: a span parameter needs elements that are trivially copyable");
    static_assert(!std::is_same_v<T, bool>,
                  "motet: a parameter of an entry method is a std::span<const bool>, and the std::vector<bool> in the "
                  "message holds bits, not bools: take a const std::vector<bool>&, or a std::span<const char>");
    using stored = std::vector<T>;
    static std::span<const T> pass(const stored& value) { return value; }
    static std::span<const T> share(const stored& value) { return value; }
    static std::span<const T> show(const stored& value) { return value; }
};
template <class T>
    requires(!std::is_const_v<T>)
struct parameter<std::span<T>> {
    static_assert(std::is_const_v<T>, "motet: a parameter of an entry method is a span of non-const: the caller would "
                                      "never see the change. Take a std::span<const T>");
    using stored = std::vector<T>;
};
template <>
struct parameter<std::string_view> {
    using stored = std::string;
    static std::string_view pass(const stored& value) { return value; }
    static std::string_view share(const stored& value) { return value; }
    static std::string_view show(const stored& value) { return value; }
};
template <>
struct parameter<const std::string_view&> : parameter<std::string_view> {};
template <class T>
struct parameter<const std::span<const T>&> : parameter<std::span<const T>> {};

template <class R>
struct result_of_entry {
    using type = R;
};
template <class R>
struct result_of_entry<eventually<R>> {
    using type = R;
};

template <class R>
inline constexpr bool is_eventually = false;
template <class R>
inline constexpr bool is_eventually<eventually<R>> = true;

template <class M>
struct method_traits;

/// Makes what the message stores out of what the caller gave: exactly the conversion that a direct call would make.
template <class Stored, class Given>
Stored store(Given&& given) {
    if constexpr (std::is_integral_v<Stored> && std::is_integral_v<std::remove_cvref_t<Given>>) {
        return static_cast<Stored>(given); // also 3 for a size: some compilers' -Wconversion warns of it in here
    } else if constexpr (std::is_constructible_v<Stored, Given&&> && std::is_convertible_v<Given&&, Stored>) {
        return static_cast<Given&&>(given);
    } else if constexpr (requires { Stored(given.begin(), given.end()); }) {
        return Stored(given.begin(), given.end());
    } else if constexpr (requires { Stored(std::begin(given), std::end(given)); }) {
        return Stored(std::begin(given), std::end(given));
    } else {
        return Stored(static_cast<Given&&>(given));
    }
}

template <class P, class Given>
concept takes = std::is_convertible_v<Given, P> || std::is_convertible_v<Given, typename parameter<P>::stored>;

/// Stands for a number P that a `when` is asked with: converts to the types that hold each value of P, or to the
/// others.
template <class P, bool Narrows>
struct number_shown {
    template <class U>
        requires(std::is_arithmetic_v<U> && requires { U{std::declval<const P&>()}; } != Narrows)
    operator U() const;
};
/// Whether a `when` could be asked with this in place of its argument number `At`.
template <class Object, class Tag, class Shown, std::size_t At, class... P, std::size_t... I>
constexpr bool when_takes(std::index_sequence<I...>) {
    return requires(const Object& object, const std::conditional_t<I == At, Shown, P>&... p) {
        object.when(Tag{}, p...);
    };
}
/// Whether a `when` of this type takes one of the numbers in a type that does not hold all its values. (A template that
/// takes anything takes what stands for them, too.)
template <class Object, class Tag, class... P, std::size_t... I>
constexpr bool some_number_narrows([[maybe_unused]] std::index_sequence<I...> all) {
    return ((std::is_arithmetic_v<P> && when_takes<Object, Tag, number_shown<P, true>, I, P...>(all) &&
             !when_takes<Object, Tag, number_shown<P, false>, I, P...>(all)) ||
            ...);
}

#define MOTET_METHOD_TRAITS(QUALIFIERS)                                                                                \
    template <class R, class T, class... P>                                                                            \
    struct method_traits<R (T::*)(P...) QUALIFIERS> { /* NOLINT(bugprone-macro-parentheses) */                         \
        using owner = T;                                                                                               \
        using returns = R;                                                                                             \
        using result = typename result_of_entry<std::remove_cvref_t<R>>::type;                                         \
        using stored = std::tuple<typename parameter<P>::stored...>;                                                   \
        static constexpr std::size_t count = sizeof...(P);                                                             \
        /* Whether many calls can share the arguments: a by-value parameter is a copy, an rvalue needs its own. */     \
        static constexpr bool shareable = serial::copyable<stored> && !(std::is_rvalue_reference_v<P> || ...);         \
        template <class Object, class F>                                                                               \
        static decltype(auto) call(Object& object, F method, stored& from) {                                           \
            return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {                                \
                return (object.*method)(parameter<P>::pass(std::get<I>(from))...);                                     \
            }(std::index_sequence_for<P...>{});                                                                        \
        }                                                                                                              \
        template <class Object, class F>                                                                               \
        static decltype(auto) call_shared(Object& object, F method, const stored& from) {                              \
            return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {                                \
                return (object.*method)(parameter<P>::share(std::get<I>(from))...);                                    \
            }(std::index_sequence_for<P...>{});                                                                        \
        }                                                                                                              \
        /* What `when` is asked with: the arguments as constants. */                                                   \
        template <class Object, class Tag>                                                                             \
        static constexpr bool when_fits = requires(const Object& object, const std::remove_cvref_t<P>&... p) {         \
            { object.when(Tag{}, p...) } -> std::convertible_to<bool>;                                                 \
        };                                                                                                             \
        template <class Object, class Tag>                                                                             \
        static constexpr bool when_narrows = [] {                                                                      \
            return some_number_narrows<Object, Tag, std::remove_cvref_t<P>...>(std::index_sequence_for<P...>{});       \
        }();                                                                                                           \
        template <class Object, class Tag>                                                                             \
        static bool ask_when(const Object& object, Tag tag, const stored& from) {                                      \
            return [&]<std::size_t... I>(std::index_sequence<I...>) -> bool {                                          \
                return object.when(tag, parameter<P>::show(std::get<I>(from))...);                                     \
            }(std::index_sequence_for<P...>{});                                                                        \
        }                                                                                                              \
    };
MOTET_METHOD_TRAITS()
MOTET_METHOD_TRAITS(const)
MOTET_METHOD_TRAITS(noexcept)
MOTET_METHOD_TRAITS(const noexcept)
#undef MOTET_METHOD_TRAITS

template <auto Method>
using traits_of = method_traits<decltype(Method)>;
template <auto Method>
using owner_of = typename traits_of<Method>::owner;
/// What a call of it gives; void for what is no method, which check_call.hpp refuses by a sentence.
template <auto Method>
struct result_of_method {
    using type = void;
};
template <auto Method>
    requires requires { typename traits_of<Method>::result; }
struct result_of_method<Method> {
    using type = typename traits_of<Method>::result;
};
template <auto Method>
using result_of = typename result_of_method<Method>::type;

/// Converts to anything: stands for the parameters of a `when` whose parameters do not fit.
struct anything {
    template <class T>
    operator T() const;
};
/// The same for those that are references to non-const.
struct anything_there {
    template <class T>
    operator T&() const;
};
template <class Object, class Tag, std::size_t... I>
constexpr bool some_when(std::index_sequence<I...>) {
    return requires(Object& object) { object.when(Tag{}, (static_cast<void>(I), anything{})...); } ||
           requires(Object& object, Tag& tag) { object.when(tag, (static_cast<void>(I), anything_there{})...); };
}
/// A member `when` takes the tag with up to `Most` other parameters, whatever they are.
template <class Object, class Tag, std::size_t Most>
constexpr bool mentions_entry() {
    return []<std::size_t... N>(std::index_sequence<N...>) {
        return (some_when<Object, Tag>(std::make_index_sequence<N>{}) || ...);
    }(std::make_index_sequence<Most + 1>{});
}

/// A `when`, the only one of its struct, that names an entry method of another struct.
template <class When>
inline constexpr bool is_for_another = false;
template <class R, class T, auto M, class... P>
inline constexpr bool is_for_another<R (T::*)(entry<M>, P...) const> = !std::is_same_v<owner_of<M>, T>;
template <class T>
constexpr bool has_when_for_another() {
    if constexpr (requires { &T::when; })
        return is_for_another<decltype(&T::when)>;
    else
        return false;
}

/// Whether a method has a condition. A `when` that names it and does not fit is an error.
template <auto Method>
constexpr bool has_when() {
    using T = owner_of<Method>;
    using tag = entry<Method>;
    if constexpr (traits_of<Method>::template when_fits<T, tag>) {
        static_assert(!traits_of<Method>::template when_narrows<T, tag>,
                      "motet: a `when` takes a number in a type that does not hold every value of the entry method's "
                      "parameter, and would be asked about another one: give it the parameters of the method");
        return true;
    } else {
        static_assert(
            !mentions_entry<T, tag, traits_of<Method>::count + 2>(),
            "motet: a `when` names this entry method, but its parameters (after the tag) are not those of the "
            "method, or it is not const, or it does not return bool");
        static_assert(
            !has_when_for_another<T>(),
            "motet: the `when` of this chare names an entry method of another struct, and would never be asked");
        return false;
    }
}

/// "Tile::border" out of "motet::entry<&Tile::border>", "Tile::total" out of "motet::entry<&(Tile::total() const)>".
MOTET_INLINE std::string method_name(const std::string& entry_type);

#if MOTET_BODIES
MOTET_INLINE std::string method_name(const std::string& entry_type) {
    const auto begin = entry_type.find('&') + 1;
    std::string text = entry_type.substr(begin, entry_type.rfind('>') - begin);
    if (begin == 0 || !text.starts_with('(') || text.starts_with("(anonymous namespace)")) return text;
    text = text.substr(1, text.size() - 2);
    std::size_t word = 0; // behind the result type that templates show
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        for (const std::string_view whole : {std::string_view("(anonymous namespace)"), std::string_view("operator()")})
            if (text.compare(i, whole.size(), whole) == 0) i += whole.size();
        if (i >= text.size()) break;
        if (text[i] == '<') ++depth;
        if (text[i] == '>') --depth;
        if (depth == 0 && text[i] == ' ') word = i + 1;
        if (depth != 0 || text[i] != '(') continue;
        std::size_t end = i; // of the parameters, or of those of the function that a local struct stands in
        for (int open = 0; end < text.size(); ++end) {
            if (text[end] == '(') ++open;
            if (text[end] == ')' && --open == 0) break;
        }
        if (text.compare(end, 3, ")::") != 0) return text.substr(word, i - word);
        i = end;
    }
    return text;
}
#endif // MOTET_BODIES

template <auto Method>
std::string entry_name() {
    return method_name(demangled(typeid(entry<Method>).name()));
}

/// What a fiber that waits for the result of a call waits for, for reports.
template <auto Method>
std::string result_awaited() {
    return "for the result of " + entry_name<Method>();
}

} // namespace runtime
} // namespace motet::inline MOTET_VARIANT
