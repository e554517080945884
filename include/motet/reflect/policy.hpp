// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/fields.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace motet {

/// Fields of a struct and the unit that they are in: see motet::unit.
template <auto... Member>
struct fields_in {
    std::string_view unit;
};

/// Names fields of a struct: what its `policy` returns.
template <auto... Member>
struct fields {
    static_assert((std::is_member_object_pointer_v<decltype(Member)> && ...),
                  "motet: motet::fields<&T::a, &T::b> names fields of a struct");
    /// These, in a unit.
    static constexpr fields_in<Member...> in(std::string_view unit) { return {unit}; }
};

/// Tags of the functions by which a struct says what scripts, hooks and inspectors may do with its fields:
/// `static constexpr auto policy(motet::hidden) { return motet::fields<&Tile::key>{}; }` in the struct.
struct hidden {};    ///< these are not there for scripts
struct read_only {}; ///< these cannot be changed by scripts; nor can fields that are declared const
/// Which units fields are in, for docstrings: a std::tuple of motet::fields<&Tile::mass>::in("kg") and the like. Times
/// (std::chrono) are in seconds for scripts.
struct unit {};

namespace reflect {

enum class field_policy : std::uint8_t { open, read_only, hidden };

template <class T, class Tag>
concept has_policy = requires { T::policy(Tag{}); };

template <class T>
constexpr bool has_const_field() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
        return (std::is_const_v<field_type<T, I>> || ...);
    }(std::make_index_sequence<field_count<T>>{});
}

/// Whether there is anything to ask about the fields of T.
template <class T>
inline constexpr bool has_policies = has_policy<T, hidden> || has_policy<T, read_only> || has_const_field<T>();

template <class T, auto... Member>
bool is_one_of(const T& object, const volatile void* place, const fields<Member...>&) {
    return ((place == std::addressof(object.*Member)) || ...);
}

/// Whether `field` of `object` is one that its struct hides.
template <class T, class Field>
bool is_hidden([[maybe_unused]] const T& object, [[maybe_unused]] const Field& field) {
    if constexpr (has_policy<T, hidden>)
        return is_one_of(object, std::addressof(field), T::policy(hidden{}));
    else
        return false;
}

/// The unit that `field` of such an object is in; empty: the struct does not say.
template <class T>
std::string_view unit_of(T& object, std::size_t field) {
    return apply_to_fields(object, [&](auto&... each) {
        const volatile void* const places[] = {std::addressof(each)..., nullptr};
        std::string_view found;
        const auto look = [&]<auto... Member>(const fields_in<Member...>& in) {
            if (is_one_of(object, places[field], fields<Member...>{})) found = in.unit;
        };
        std::apply([&](const auto&... in) { (look(in), ...); }, T::policy(unit{}));
        return found;
    });
}

/// What may be done with field number `field` of such an object from outside.
template <class T>
field_policy policy_of(T& object, std::size_t field) {
    return apply_to_fields(object, [&]<class... Field>(Field&... each) {
        const volatile void* const places[] = {std::addressof(each)..., nullptr};
        const bool constants[] = {std::is_const_v<Field>..., false};
        if constexpr (has_policy<T, hidden>)
            if (is_one_of(object, places[field], T::policy(hidden{}))) return field_policy::hidden;
        if constexpr (has_policy<T, read_only>)
            if (is_one_of(object, places[field], T::policy(read_only{}))) return field_policy::read_only;
        return constants[field] ? field_policy::read_only : field_policy::open;
    });
}

} // namespace reflect
} // namespace motet
