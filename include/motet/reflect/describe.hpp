// SPDX-License-Identifier: BSL-1.0
#pragma once

#ifdef MOTET_WITH_SCRIPT
#include <motet/reflect/access.hpp>
#endif
#include <motet/reflect/arguments.hpp>
#include <motet/reflect/fields.hpp>
#include <motet/reflect/kind.hpp>
#include <motet/reflect/names.hpp>
#include <motet/reflect/to_text.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace motet::reflect {

struct access;
struct type_description;

/// One field of a struct, as a type_description lists it.
struct field_description {
    std::string_view name;
    const type_description* type;
    std::size_t index;
    void* (*locate)(void* object, std::size_t index); ///< one function for all fields of a struct: see address()

    /// The place of this field in an object of the struct. What is declared const must not be changed there.
    void* address(void* object) const { return locate(object, index); }
};

/// What a type is made of, without its C++ type: for hooks, inspectors and checkpoints. Made by describe().
struct type_description {
    std::string_view name;       ///< as the compiler spells it, with namespaces
    std::string_view short_name; ///< without namespaces and template arguments, the same with every compiler
    reflect::kind kind;
    std::size_t size;      ///< bytes of an object, without what it points to
    std::size_t alignment; ///< bytes
    /// The fields of a structure, in the order of their declaration; empty for all other kinds.
    std::span<const field_description> fields;
    /// The types it is made from: of a sequence, an optional or a pointer its value; of a map key and value; of a tuple
    /// or variant all; of an enumeration the integer; of an opaque type its template arguments.
    std::span<const type_description* const> parts;
    /// The numbers that belong to its type: the length of a std::array or std::bitset, both of a std::ratio.
    std::span<const std::int64_t> numbers;
    bool is_signed; ///< of an integer
    /// The object's value for people: see to_text().
    std::string (*text)(const void* object, std::size_t limit);
    /// What can be done with such a value; null in programs without scripts, which nobody asks.
    const reflect::access* access;
};

template <class T>
constexpr type_description make_description();

template <class T>
inline constexpr type_description description = make_description<T>();

/// The description of T, of static storage duration. A struct in it that cannot be reflected stops the compilation.
template <class T>
constexpr const type_description& describe() {
    return description<std::remove_cv_t<T>>;
}

template <class T>
constexpr auto find_parts() {
    if constexpr (kind_of<T> == kind::enumeration)
        return types<std::underlying_type_t<T>>{};
    else if constexpr (kind_of<T> == kind::map)
        return types<typename T::key_type, typename T::mapped_type>{};
    else if constexpr (kind_of<T> == kind::sequence || kind_of<T> == kind::optional)
        return types<typename T::value_type>{};
    else if constexpr (kind_of<T> == kind::pointer)
        return types<typename T::element_type>{};
    else if constexpr (kind_of<T> == kind::structure || kind_of<T> == kind::text)
        return types<>{};
    else
        return arguments_of<T>{};
}

// Among the arguments of an opaque type may be what nobody would reflect: allocators, function objects.
template <class T>
inline constexpr bool can_be_described = kind_of<T> != kind::structure || obstacle_of<T> == obstacle::none;

template <class Opaque, class... T>
constexpr auto list_parts(types<T...>) {
    if constexpr (kind_of<Opaque> != kind::opaque || (can_be_described<T> && ...)) {
        return std::array<const type_description*, sizeof...(T)>{&description<std::remove_cv_t<T>>...};
    } else {
        std::array<const type_description*, (std::size_t{can_be_described<T>} + ...)> parts;
        std::size_t next = 0;
        const auto add = [&]<class Part>(types<Part>) {
            if constexpr (can_be_described<Part>) parts[next++] = &description<std::remove_cv_t<Part>>;
        };
        (add(types<T>{}), ...);
        return parts;
    }
}

template <class T>
void* locate_field(void* object, std::size_t index) {
    return apply_to_fields(*static_cast<T*>(object), [index](auto&... field) {
        const std::array<const volatile void*, sizeof...(field)> places{&field...};
        return const_cast<void*>(places[index]);
    });
}

template <class T, std::size_t... I>
constexpr auto list_fields(std::index_sequence<I...>) {
    return std::array<field_description, sizeof...(I)>{
        field_description{field_name<T, I>, &description<std::remove_cv_t<field_type<T, I>>>, I, locate_field<T>}...};
}

// Asked from the type itself: compilers differ in which templates with numbers match a template of given parameters.
template <class T>
constexpr auto find_numbers() {
    if constexpr (!std::is_class_v<T>)
        return std::array<std::int64_t, 0>{};
    else if constexpr (kind_of<T> == kind::sequence && requires { std::tuple_size<T>::value; })
        return std::array<std::int64_t, 1>{static_cast<std::int64_t>(std::tuple_size_v<T>)};
    else if constexpr (requires(T bits) { bits.to_ullong(); })
        return std::array<std::int64_t, 1>{static_cast<std::int64_t>(T{}.size())};
    else if constexpr (requires {
                           typename T::type;
                           T::num;
                           T::den;
                       })
        return std::array<std::int64_t, 2>{T::num, T::den};
    else
        return std::array<std::int64_t, 0>{};
}

template <class T>
inline constexpr auto number_list = find_numbers<T>();

template <class T>
inline constexpr auto part_list = list_parts<T>(find_parts<T>());

template <class T>
inline constexpr auto field_list = [] {
    if constexpr (kind_of<T> == kind::structure)
        return list_fields<T>(std::make_index_sequence<field_count<T>>{});
    else
        return std::array<field_description, 0>{};
}();

template <class T>
constexpr type_description make_description() {
    type_description made{};
    made.name = type_name<T>;
    made.short_name = short_type_name<T>;
    made.kind = kind_of<T>;
    made.fields = field_list<T>;
    made.parts = part_list<T>;
    made.numbers = number_list<T>;
    made.is_signed = std::is_signed_v<T>;
#ifdef MOTET_WITH_SCRIPT
    if constexpr (std::is_object_v<T>) made.access = &access_of<T>; // a promise<void> has a part that is none
#endif
    if constexpr (std::is_object_v<T> && complete<T>) {
        made.size = sizeof(T);
        made.alignment = alignof(T);
        made.text = [](const void* object, std::size_t limit) {
            return to_text(*static_cast<const T*>(object), limit);
        };
    }
    return made;
}

} // namespace motet::reflect
