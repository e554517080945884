// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/check.hpp>
#include <motet/serial/codec.hpp>

#include <type_traits>

namespace motet::serial {

// The types a value is made of may come back to themselves (a node with a vector of nodes): `Above` are those whose
// parts are being looked at.

template <class T, class... Above>
consteval bool is_serializable();

template <class... Above, class... Part>
consteval bool are_serializable(types<Part...>) {
    return (is_serializable<Part, Above...>() && ...);
}

template <class T, class... Above>
consteval bool is_serializable() {
    if constexpr ((std::is_same_v<T, Above> || ...)) {
        return true;
    } else if constexpr (kind_of<T>() >= kind::reference) {
        return false;
    } else {
        return are_serializable<T, Above...>(typename codec<T>::parts());
    }
}

/// Types whose values can be encoded and decoded, all the way down.
template <class T>
concept serializable = is_serializable<T>();

template <class T, class... Above>
consteval void explain();

template <class... Above, class... Part>
consteval void explain_parts(types<Part...>) {
    (explain<Part, Above...>(), ...);
}

/// Stops the compilation with the sentence for what is wrong in T. The types it lies in follow T: see the notes below.
template <class T, class... Above>
consteval void explain() {
    constexpr kind how = kind_of<T>();
    static_assert(how != kind::reference,
                  "motet: a reference cannot be serialized, for what it refers to stays behind: hold a value");
    static_assert(how != kind::const_value,
                  "motet: a const or volatile value cannot be read back: drop the const from the field or element");
    static_assert(how != kind::raw_pointer,
                  "motet: a raw pointer cannot be serialized: hold a value, std::unique_ptr, std::shared_ptr, a "
                  "container, or a proxy to another chare");
    static_assert(how != kind::c_array, "motet: a C array cannot be serialized: use std::array");
    static_assert(how != kind::mutable_view,
                  "motet: a span to non-const cannot be serialized, for nobody could see what is written through it: "
                  "use std::span<const T> to look at data, std::vector to own it");
    static_assert(how != kind::view_of_objects,
                  "motet: a span can only show plain data (numbers, bools, enums, and structs and std::array of "
                  "them): use std::vector");
    static_assert(how != kind::wide_view,
                  "motet: a span cannot show elements aligned to more than 16 bytes: use std::vector");
    static_assert(how != kind::fixed_view,
                  "motet: a span of fixed extent cannot be read back: use std::span<const T> or std::array");
    static_assert(how != kind::polymorphic,
                  "motet: a polymorphic class cannot be serialized, for its dynamic type would be lost: use "
                  "std::variant, or give it a member 'serialize' and hold it by value");
    static_assert(how != kind::array_pointer,
                  "motet: a smart pointer to an array does not know its length: use std::vector");
    static_assert(how != kind::custom_deleter,
                  "motet: a std::unique_ptr with a deleter of its own cannot be made again: wrap it in a class with a "
                  "member 'serialize'");
    static_assert(how != kind::atomic,
                  "motet: an atomic cannot be serialized: hold a plain value (a chare never runs two methods at once)");
    static_assert(how != kind::function,
                  "motet: a std::function cannot be serialized, for it holds code: use std::variant of structs, or a "
                  "captureless lambda as a template argument");
    static_assert(
        how != kind::not_default_constructible,
        "motet: what a container, optional, variant or smart pointer holds must be default constructible to be "
        "read back: give it a default constructor");
    static_assert(how != kind::opaque || std::is_copy_constructible_v<T> || !std::is_move_constructible_v<T>,
                  "motet: a type that can only be moved, such as a future or a thread, stays where it is: keep it in a "
                  "local variable or in a motet::transient, and send a promise in place of a future");
    static_assert(how != kind::opaque || std::is_default_constructible_v<T> || std::is_copy_assignable_v<T>,
                  "motet: a lambda with captures cannot be serialized: write a struct that has them as fields, and "
                  "operator()");
    static_assert(how != kind::opaque,
                  "motet: this type is neither a plain struct nor a known container: give it a member "
                  "'template <class Archive> void serialize(Archive& archive) { archive(a, b); }', or a free function "
                  "'serialize(archive, value)' in its namespace");
    if constexpr (how == kind::not_reflectable) {
        reflect::check_reflectable<T>();
    } else if constexpr (how < kind::reference && !(std::is_same_v<T, Above> || ...)) {
        explain_parts<T, Above...>(typename codec<T>::parts());
    }
}

/// Stops the compilation with a sentence that says what is wrong and what to do, if T cannot be serialized.
template <class T>
consteval void check_serializable() {
    if constexpr (!serializable<T>) explain<T>();
}

template <class T, class... Above>
consteval bool is_owning();

template <class... Above, class... Part>
consteval bool are_owning(types<Part...>) {
    return (is_owning<Part, Above...>() && ...);
}

template <class T, class... Above>
consteval bool is_owning() {
    if constexpr ((std::is_same_v<T, Above> || ...)) {
        return true;
    } else if constexpr (kind_of<T>() == kind::view) {
        return false;
    } else {
        return are_owning<T, Above...>(typename codec<T>::parts());
    }
}

/// Values that can be encoded, made and decoded, and have all that they show: no view in them looks at memory of
/// others.
template <class T>
concept owning = serializable<T> && std::is_default_constructible_v<T> && is_owning<T>();

template <class T, class... Above>
consteval void explain_view();

template <class... Above, class... Part>
consteval void explain_views(types<Part...>) {
    (explain_view<Part, Above...>(), ...);
}

template <class T, class... Above>
consteval void explain_view() {
    static_assert(
        kind_of<T>() != kind::view,
        "motet: a std::string_view or std::span inside of what is sent or kept looks at memory that may be "
        "gone when it is used: hold a std::string or std::vector (only a parameter of an entry method that is "
        "itself a std::string_view or std::span<const T> has its data with it)");
    if constexpr (!owning<T> && kind_of<T>() != kind::view && !(std::is_same_v<T, Above> || ...))
        explain_views<T, Above...>(typename codec<T>::parts());
}

/// Stops the compilation with a sentence that says what is wrong and what to do, if values of T cannot be sent, or kept
/// for later.
template <class T>
consteval void check_owning() {
    check_serializable<T>();
    if constexpr (serializable<T>) {
        static_assert(std::is_default_constructible_v<T>,
                      "motet: what is sent or kept (an argument, a result, a contribution) must be default "
                      "constructible: it is made before it is read. Give it a default constructor");
        if constexpr (!owning<T>) explain_view<T>();
    }
}

} // namespace motet::serial
