// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/fields.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace motet::serial {

class write_archive;

/// How a type is encoded, or why it is not. Containers are known by their structure, not by their names: no header of
/// theirs is included here, and Boost's or one's own are taken like those of the standard library.
enum class kind {
    own, // the user's serialize
    scalar,
    array,
    tuple,
    complex,
    duration,
    time_point,
    bitset,
    packed_bools, // std::vector<bool>
    view,         // std::string_view and std::span<const T>: point into the reader's bytes
    sequence,
    associative,
    optional,
    variant,
    unique_pointer,
    shared_pointer,
    weak_pointer,
    aggregate,
    // From here on refused: serial/check.hpp has the sentences.
    reference,
    const_value,
    raw_pointer,
    c_array,
    mutable_view,
    view_of_objects,
    wide_view,
    fixed_view,
    polymorphic,
    array_pointer,
    custom_deleter,
    atomic,
    function,
    not_default_constructible,
    not_reflectable,
    opaque,
};

/// A member `serialize(archive)`.
template <class T>
concept has_member_serialize = requires(T& value, write_archive& archive) { value.serialize(archive); };

/// A function `serialize(archive, value)` in the namespace of the type.
template <class T>
concept has_free_serialize = requires(T& value, write_archive& archive) { serialize(archive, value); };

template <class T>
concept duration_like = requires(const T& value) {
    typename T::period;
    { value.count() } -> std::same_as<typename T::rep>;
};

template <class T>
concept time_point_like = requires(const T& value) {
    typename T::clock;
    { value.time_since_epoch() } -> std::same_as<typename T::duration>;
};

template <class T>
concept complex_like = std::is_arithmetic_v<typename T::value_type> && requires(const T& value) {
    { value.real() } -> std::same_as<typename T::value_type>;
    { value.imag() } -> std::same_as<typename T::value_type>;
};

template <class T>
concept bitset_like = requires(T& value) {
    value.to_ullong();
    value.set(value.size(), true);
};

template <class T>
concept packed_bools_like = std::same_as<typename T::value_type, bool> && !std::same_as<typename T::reference, bool&> &&
                            requires(T& value) { value.flip(); };

template <class T>
concept string_view_like = requires(T& value) {
    typename T::traits_type;
    value.remove_prefix(value.size());
};

template <class T>
concept span_like = requires(const T& value) {
    typename T::element_type;
    T::extent;
    value.subspan(value.size());
};

template <class T>
concept sequence_like = requires(T& value, std::size_t count) {
    typename T::value_type;
    value.begin() == value.end();
    value.resize(count);
};

template <class T>
concept associative_like = requires(T& value) {
    typename T::key_type;
    value.emplace_hint(value.end(), *value.begin());
    value.clear();
};

template <class T>
concept map_like = associative_like<T> && requires { typename T::mapped_type; };

template <class T>
concept optional_like = requires(T& value) {
    typename T::value_type;
    { value.has_value() } -> std::same_as<bool>;
    { *value } -> std::same_as<typename T::value_type&>;
    value.emplace();
    value.reset();
};

template <class T>
concept variant_like = requires(const T& value) {
    { value.valueless_by_exception() } -> std::same_as<bool>;
    { value.index() } -> std::same_as<std::size_t>;
};

template <class T>
concept unique_pointer_like = requires(T& value) {
    typename T::deleter_type;
    typename T::element_type;
    value.release();
};

template <class T>
concept shared_pointer_like = requires(T& value) {
    typename T::element_type;
    value.use_count();
    value.get();
};

template <class T>
concept weak_pointer_like = requires(T& value) {
    typename T::element_type;
    value.expired();
    value.lock();
};

template <class T>
concept atomic_like = requires(const T& value) {
    { T::is_always_lock_free } -> std::convertible_to<bool>;
    value.load();
};

template <class T>
concept function_like = requires(T& value) {
    typename T::result_type;
    value = nullptr;
    static_cast<bool>(value);
};

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class First, class Second>
inline constexpr bool is_tuple<std::pair<First, Second>> = true;

template <class T>
consteval bool is_flat();

/// What stands behind a smart pointer, or in a container: must be made before it is read.
template <class T>
consteval kind kind_if_constructible(kind otherwise) {
    if constexpr (std::is_reference_v<T>) {
        return kind::reference;
    } else {
        return std::is_default_constructible_v<T> ? otherwise : kind::not_default_constructible;
    }
}

template <class T>
consteval kind kind_of_view() {
    using element = std::remove_reference_t<decltype(*std::declval<const T&>().data())>;
    if constexpr (!std::is_const_v<element>) {
        return kind::mutable_view;
    } else if constexpr (!is_flat<std::remove_const_t<element>>()) {
        return kind::view_of_objects;
    } else if constexpr (alignof(element) > 16) {
        return kind::wide_view;
    } else {
        return std::is_default_constructible_v<T> ? kind::view : kind::fixed_view;
    }
}

template <class T>
consteval kind kind_of_pointer(kind otherwise) {
    using element = typename T::element_type;
    if constexpr (requires(T& pointer) { pointer[0]; }) {
        return kind::array_pointer;
    } else if constexpr (std::is_void_v<element>) {
        return kind::raw_pointer;
    } else if constexpr (std::is_polymorphic_v<element> && !std::is_final_v<element>) {
        return kind::polymorphic;
    } else {
        return kind_if_constructible<element>(otherwise);
    }
}

template <template <class...> class Variant, class... T>
consteval kind kind_of_variant(Variant<T...>*) {
    return (std::is_default_constructible_v<T> && ...) ? kind::variant : kind::not_default_constructible;
}

/// The first that fits.
template <class T>
consteval kind kind_of() {
    if constexpr (std::is_reference_v<T>) {
        return kind::reference;
    } else if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
        return kind::const_value;
    } else if constexpr (has_member_serialize<T> || has_free_serialize<T>) {
        return kind::own;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
        return kind::scalar;
    } else if constexpr (std::is_array_v<T>) {
        return kind::c_array;
    } else if constexpr (!std::is_class_v<T> && !std::is_union_v<T>) {
        return kind::raw_pointer;
    } else if constexpr (is_std_array<T>) {
        return kind::array;
    } else if constexpr (is_tuple<T>) {
        return kind::tuple;
    } else if constexpr (std::is_aggregate_v<T>) {
        return reflect::obstacle_of<T> == reflect::obstacle::none ? kind::aggregate : kind::not_reflectable;
    } else if constexpr (complex_like<T>) {
        return kind::complex;
    } else if constexpr (duration_like<T>) {
        return kind::duration;
    } else if constexpr (time_point_like<T>) {
        return kind::time_point;
    } else if constexpr (bitset_like<T>) {
        return kind::bitset;
    } else if constexpr (packed_bools_like<T>) {
        return kind::packed_bools;
    } else if constexpr (string_view_like<T> || span_like<T>) {
        return kind_of_view<T>();
    } else if constexpr (map_like<T>) {
        return kind_if_constructible<typename T::key_type>(
            kind_if_constructible<typename T::mapped_type>(kind::associative));
    } else if constexpr (associative_like<T>) {
        return kind_if_constructible<typename T::key_type>(kind::associative);
    } else if constexpr (sequence_like<T>) {
        return kind_if_constructible<typename T::value_type>(kind::sequence);
    } else if constexpr (optional_like<T>) {
        return kind_if_constructible<typename T::value_type>(kind::optional);
    } else if constexpr (variant_like<T>) {
        return kind_of_variant(static_cast<T*>(nullptr));
    } else if constexpr (weak_pointer_like<T>) {
        return kind_of_pointer<decltype(std::declval<T&>().lock())>(kind::weak_pointer);
    } else if constexpr (shared_pointer_like<T>) {
        return kind_of_pointer<T>(kind::shared_pointer);
    } else if constexpr (unique_pointer_like<T>) {
        return kind_of_pointer<T>(std::is_constructible_v<T, typename T::element_type*> ? kind::unique_pointer
                                                                                        : kind::custom_deleter);
    } else if constexpr (atomic_like<T>) {
        return kind::atomic;
    } else if constexpr (function_like<T>) {
        return kind::function;
    } else if constexpr (std::is_polymorphic_v<T>) {
        return kind::polymorphic;
    } else {
        return kind::opaque;
    }
}

} // namespace motet::serial
