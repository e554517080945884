// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace motet::reflect {

template <class... T>
struct types {};

template <class T>
struct arguments {
    using list = types<>;
};

template <template <class...> class Template, class... T>
struct arguments<Template<T...>> {
    using list = types<T...>;
};

/// The template arguments of T as `types<…>`, if all of them are types; else none.
template <class T>
using arguments_of = typename arguments<T>::list;

} // namespace motet::reflect
