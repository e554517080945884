// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/check.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace motet::reflect {

/// What a value is, seen from outside. Standard containers are recognized by what they offer, so that no header of
/// theirs is needed and others of their kind (Boost's, one's own) are recognized as well.
enum class kind : std::uint8_t {
    boolean,
    character,
    integer,
    real,
    enumeration,
    text,      ///< chars in a row
    structure, ///< a plain struct: has fields
    sequence,  ///< values of one type; a set too
    map,       ///< keys and values
    tuple,     ///< a pair too
    optional,
    variant,
    pointer, ///< that owns what it points to
    opaque,  ///< all else: only its name is known
};

// Stands for any archive, to ask whether there is a `serialize` for it.
struct any_archive {
    any_archive& operator()(auto&&...);
    any_archive& operator&(auto&&);
};

struct names_serialize {
    void serialize();
};

// A name is ambiguous in a class that derives from two which have it: this finds overloads and templates as well.
template <class T>
struct derives_serialize : T, names_serialize {};

template <class T>
constexpr bool has_serialize_member() {
    if constexpr (!std::is_class_v<T>)
        return false;
    else if constexpr (std::is_final_v<T>)
        return requires(T& value, any_archive& archive) { value.serialize(archive); };
    else
        return !requires { &derives_serialize<T>::serialize; };
}

/// Whether T says itself how it is serialized: by a member of this name, or by a function `serialize(archive, value)`
/// in its namespace. Such a type is opaque, whatever its fields.
template <class T>
concept has_serialize =
    has_serialize_member<T>() || requires(T& value, any_archive& archive) { serialize(archive, value); };

template <class T>
concept complete = requires { sizeof(T); };

// std::vector<bool> gives something that converts to bool; the elements of a path are paths, not its value_type.
template <class Element, class Value>
concept element_of = std::same_as<std::remove_cvref_t<Element>, Value> || std::convertible_to<Element, Value>;

template <class T>
concept range = requires(const T& value) {
    typename T::value_type;
    { *value.begin() } -> element_of<typename T::value_type>;
    value.begin() != value.end();
};

template <class T>
concept owning_pointer =
    requires(const T& value) {
        typename T::element_type;
        { value.get() } -> std::same_as<typename T::element_type*>;
    } &&
    (
        requires { typename T::deleter_type; } || requires(const T& value) { value.use_count(); });

template <class T>
constexpr kind find_kind() {
    if constexpr (std::same_as<T, bool>)
        return kind::boolean;
    else if constexpr (std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                       std::same_as<T, char16_t> || std::same_as<T, char32_t>)
        return kind::character;
    else if constexpr (std::is_integral_v<T>)
        return kind::integer;
    else if constexpr (std::is_floating_point_v<T>)
        return kind::real;
    else if constexpr (std::is_enum_v<T>)
        return kind::enumeration;
    else if constexpr (!std::is_class_v<T> || !complete<T>)
        return kind::opaque;
    else if constexpr (has_serialize<T>)
        return kind::opaque;
    else if constexpr (range<T> && std::convertible_to<const T&, std::string_view>)
        return kind::text;
    else if constexpr (range<T>)
        return requires { typename T::mapped_type; } ? kind::map : kind::sequence;
    else if constexpr (requires { std::tuple_size<T>::value; })
        return kind::tuple;
    else if constexpr (requires(T& value) {
                           typename T::value_type;
                           value.has_value();
                           value.reset();
                           *value;
                       })
        return kind::optional;
    else if constexpr (requires(const T& value) {
                           value.index();
                           value.valueless_by_exception();
                       })
        return kind::variant;
    else if constexpr (owning_pointer<T>)
        return kind::pointer;
    else if constexpr (reflectable<T>)
        return kind::structure;
    else
        return kind::opaque;
}

/// What a value of type T is.
template <class T>
inline constexpr kind kind_of = find_kind<std::remove_cv_t<T>>();

} // namespace motet::reflect
