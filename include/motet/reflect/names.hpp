// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/fields.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace motet::reflect {

// Both compilers spell template arguments in the name of the function that __PRETTY_FUNCTION__ gives.
template <class T>
constexpr const char* spelled_type() {
    return __PRETTY_FUNCTION__;
}

template <auto Place>
constexpr const char* spelled_place() {
    return __PRETTY_FUNCTION__;
}

// What stands before and after a type in spelled_type(), measured on a type whose spelling is known.
struct spelling {
    std::size_t before;
    std::size_t after;
};

constexpr spelling measure_spelling() {
    const std::string_view text = spelled_type<double>();
    const std::size_t before = text.rfind("double");
    return {before, text.size() - before - 6};
}

/// The name of T as the compiler spells it, with its namespaces: for people, and not the same with every compiler.
template <class T>
inline constexpr std::string_view type_name = [] {
    constexpr spelling around = measure_spelling();
    std::string_view text = spelled_type<T>();
    text.remove_prefix(around.before);
    text.remove_suffix(around.after);
    return text;
}();

// From "std::__cxx11::list<int>" to "list", from "main()::point" to "point".
constexpr std::string_view strip_name(std::string_view name) {
    const auto part_of_name = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (name.ends_with('>')) { // the template arguments, in which a '>' may compare inside of parentheses
        std::size_t angles = 0, parentheses = 0;
        do {
            const char last = name.back();
            parentheses += last == ')';
            parentheses -= last == '(';
            angles += parentheses == 0 && last == '>';
            angles -= parentheses == 0 && last == '<';
            name.remove_suffix(1);
        } while (angles > 0 && !name.empty());
    }
    std::size_t begin = name.size();
    while (begin > 0 && part_of_name(name[begin - 1])) --begin;
    name.remove_prefix(begin);
    return name.empty() ? "unnamed" : name;
}

/// The name of T without namespaces and template arguments: the same with every compiler.
template <class T>
inline constexpr std::string_view short_type_name = strip_name(type_name<std::remove_cv_t<T>>);

// An object that is never defined: only the places of its fields are asked for. The pointer has to stand inside of a
// struct, because clang before 18 spells a bare pointer to a subobject without the field's name.
template <class T>
struct holder {
    T value;
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <class T>
extern const holder<T> never_defined;

template <class Field>
struct place {
    const Field* pointer;
};
template <class Field>
place(const Field*) -> place<Field>;

template <class T, std::size_t I>
constexpr std::string_view find_field_name() {
    // g++ ends in "S::field)}]", clang in "value.field}]".
    std::string_view text = spelled_place<place{&get<I>(never_defined<T>.value)}>();
    text.remove_suffix(text.size() - text.find_last_not_of("]})") - 1);
    text.remove_prefix(text.find_last_of(".:>") + 1);
    return text;
}

/// The name of field I of the plain struct T.
template <class T, std::size_t I>
inline constexpr std::string_view field_name = find_field_name<std::remove_cv_t<T>, I>();

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

} // namespace motet::reflect
