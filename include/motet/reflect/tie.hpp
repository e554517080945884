// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/pfr/core.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace motet::reflect {

/// References to the `Count` fields of `object`, as Boost.PFR binds them. It is told how many there are: on its own it
/// would count them once more, and of a struct with a std::array of vectors g++ 12 does not survive that.
template <std::size_t Count, class T>
constexpr auto tie_fields(T& object) {
    return boost::pfr::detail::tie_as_tuple(object, boost::pfr::detail::size_t_<Count>{});
}

/// Field I of what tie_fields() gives.
template <std::size_t I, class Tied>
constexpr auto& tied_field(Tied& fields) {
    return boost::pfr::detail::sequence_tuple::get<I>(fields);
}

template <class... Field>
constexpr bool tied_array(const boost::pfr::detail::sequence_tuple::tuple<Field&...>*) {
    return (std::is_array_v<Field> || ...);
}

/// Whether one of the `Count` fields of T is a C array.
template <std::size_t Count, class T>
inline constexpr bool ties_an_array =
    tied_array(static_cast<const decltype(tie_fields<Count>(std::declval<T&>()))*>(nullptr));

} // namespace motet::reflect
