// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/index.hpp>
#include <motet/error.hpp>
#include <motet/runtime/identity.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

/// A value and the index of the element that gave it: what min_at and max_at result in.
template <class V, class Index = std::int64_t>
struct located {
    V value{};
    Index index{};
    friend bool operator==(const located&, const located&) = default;
};

namespace runtime {

template <class T>
concept array_of_values = requires(T a) {
    typename T::value_type;
    a.size();
    a[0];
    a.begin();
} && !std::is_same_v<typename T::value_type, char>;

/// Puts two arrays of one length together, element by element.
template <class T, class F>
T elementwise(T a, const T& b, F f) {
    if (a.size() != b.size())
        throw error("a reduction of arrays got one of " + std::to_string(a.size()) + " elements and one of " +
                    std::to_string(b.size()) + ": all must have the same length");
    auto from = b.begin();
    for (auto&& value : a) value = static_cast<typename T::value_type>(f(value, *from++));
    return a;
}

/// Whether F takes two T, or two of what arrays of type T hold.
template <class F, class T>
struct works_on : std::is_invocable<F, const T&, const T&> {};
template <class F, array_of_values T>
struct works_on<F, T> : works_on<F, typename T::value_type> {};

/// A reducer made of a function of two numbers; on arrays (std::vector, std::array) it works element by element.
template <class F>
struct number_reducer {
    template <class T>
        requires(works_on<F, T>::value)
    T operator()(T a, const T& b) const {
        if constexpr (array_of_values<T>) {
            using value = typename T::value_type; // not a reference to a bit of std::vector<bool>
            return elementwise(std::move(a), b, [](const value& x, const value& y) { return number_reducer()(x, y); });
        } else {
            constexpr bool adds = std::is_same_v<F, std::plus<>> || std::is_same_v<F, std::multiplies<>>;
            static_assert(!adds || !std::is_same_v<T, bool>,
                          "motet: a sum or product of bool is a bool and counts nothing: give an int");
            static_assert(
                !adds || !requires { typename T::traits_type; },
                "motet: a sum of strings would join them in any order: motet::concatenate does in theirs");
            return static_cast<T>(F()(a, b));
        }
    }
};

struct smaller {
    auto operator()(const auto& a, const auto& b) const -> decltype(b < a ? b : a) { return b < a ? b : a; }
};
struct larger {
    auto operator()(const auto& a, const auto& b) const -> decltype(a < b ? b : a) { return a < b ? b : a; }
};
struct one_of {
    auto operator()(const auto& a, const auto& b) const -> decltype(bool(a) != bool(b)) { return bool(a) != bool(b); }
};

/// Where the value stands that comes next in the order of elements.
struct ordered_place {
    std::pair<std::uint64_t, std::uint64_t> order;
    std::size_t place;
};
MOTET_INLINE void sort_places(std::vector<ordered_place>& places);
#if MOTET_BODIES
MOTET_INLINE void sort_places(std::vector<ordered_place>& places) {
    std::sort(places.begin(), places.end(),
              [](const ordered_place& a, const ordered_place& b) { return a.order < b.order; });
}
#endif // MOTET_BODIES

/// What a reducer needs that does more than combine two values of one type: `accumulator<V>`, made from each value and
/// the order of its element by `lift`, put together by `combine`, turned into the result by `finish<Index>`.
struct gather_reducer {
    template <class V>
    using accumulator = std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, V>>;
    template <class V>
    static accumulator<V> lift(V value, const index_bits&, const index_bits& order) {
        accumulator<V> one;
        one.emplace_back(std::pair(order.high, order.low), std::move(value));
        return one;
    }
    template <class A>
    static void combine(A& all, std::type_identity_t<A>&& more) {
        if (all.empty()) {
            all = std::move(more);
            return;
        }
        all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    template <class Index, class V>
    static std::vector<V> finish(std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, V>>&& all) {
        std::vector<ordered_place> places;
        places.reserve(all.size());
        for (std::size_t i = 0; i < all.size(); ++i) places.push_back({all[i].first, i});
        sort_places(places);
        std::vector<V> result;
        result.reserve(all.size());
        for (const ordered_place& each : places) result.push_back(std::move(all[each.place].second));
        return result;
    }
};

struct set_reducer {
    template <class V>
    using accumulator = std::set<V>;
    template <class V>
    static accumulator<V> lift(V value, const index_bits&, const index_bits&) {
        static_assert(
            requires(const V& a) { a < a; }, "motet: the values of a set are compared: they need an operator <");
        accumulator<V> one;
        one.insert(std::move(value));
        return one;
    }
    template <class A>
    static void combine(A& all, std::type_identity_t<A>&& more) {
        all.merge(more);
    }
    template <class Index, class V>
    static std::set<V> finish(std::set<V>&& all) {
        return std::move(all);
    }
};

/// Joins strings or vectors, in index order.
struct concatenate_reducer {
    template <class V>
    using accumulator = gather_reducer::accumulator<V>;
    template <class V>
    static accumulator<V> lift(V value, const index_bits& index, const index_bits& order) {
        static_assert(
            requires(V a) { a.insert(a.end(), a.begin(), a.end()); },
            "motet: concatenate joins strings and vectors, and this is neither");
        return gather_reducer::lift(std::move(value), index, order);
    }
    template <class A>
    static void combine(A& all, std::type_identity_t<A>&& more) {
        gather_reducer::combine(all, std::move(more));
    }
    template <class Index, class V>
    static V finish(std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, V>>&& all) {
        V joined;
        for (const V& piece : gather_reducer::finish<Index>(std::move(all)))
            joined.insert(joined.end(), piece.begin(), piece.end());
        return joined;
    }
};

/// The extreme value and its index; of equal ones that with the lowest index.
template <class First>
struct extreme_reducer {
    template <class V>
    struct found {
        V value{};
        std::uint64_t low = 0, high = 0, order_low = 0, order_high = 0;
    };
    template <class V>
    using accumulator = found<V>;
    template <class V>
    static found<V> lift(V value, const index_bits& index, const index_bits& order) {
        static_assert(
            requires(const V& a) { a < a; },
            "motet: the values of min_at and max_at are compared: they need an operator <");
        return {std::move(value), index.low, index.high, order.low, order.high};
    }
    template <class A>
    static void combine(A& all, std::type_identity_t<A>&& more) {
        const bool earlier = std::pair(more.order_high, more.order_low) < std::pair(all.order_high, all.order_low);
        if (First()(more.value, all.value) || (!First()(all.value, more.value) && earlier)) all = std::move(more);
    }
    template <class Index, class V>
    static auto finish(found<V>&& all) {
        static_assert(!std::is_void_v<Index>, "motet: min_at and max_at result in a motet::located<Value, Index>: the "
                                              "target must be one for that type");
        return located<V, Index>{std::move(all.value), index_code<Index>::unpack({all.low, all.high})};
    }
};
struct goes_before {
    bool operator()(const auto& a, const auto& b) const { return a < b; }
};
struct goes_after {
    bool operator()(const auto& a, const auto& b) const { return b < a; }
};

/// Several reducers over the parts of a tuple.
template <class... Op>
struct tuple_reducer {};

/// Takes no value: only that everybody has come.
struct nothing_reducer {};
struct no_value {
    friend bool operator==(no_value, no_value) = default;
};

template <class Op>
inline constexpr bool is_tuple_reducer = false;
template <class... Op>
inline constexpr bool is_tuple_reducer<tuple_reducer<Op...>> = true;

template <class Op, class V>
concept accumulates = requires { typename Op::template accumulator<V>; };

/// How the reducer `Op` works on values of type V.
template <class Op, class V>
struct reduction {
    static_assert(std::is_empty_v<Op> && std::is_default_constructible_v<Op>,
                  "motet: a reducer is a function object without state (a captureless lambda): its type is its name on "
                  "every process");
    static_assert(std::is_invocable_v<Op, V, V>,
                  "motet: this reducer cannot take two of the values that the elements give");
    using accumulator = V;
    static V lift(V value, const index_bits&, const index_bits&) { return value; }
    static void combine(V& all, V&& more) {
        auto&& both = Op()(std::move(all), std::move(more));
        if (static_cast<const void*>(std::addressof(both)) != std::addressof(all)) // which would be moved onto itself
            all = std::forward<decltype(both)>(both);
    }
    template <class Index>
    static V finish(V&& all) {
        return std::move(all);
    }
};
template <class Op, class V>
    requires accumulates<Op, V>
struct reduction<Op, V> : Op {
    using accumulator = typename Op::template accumulator<V>;
    template <class Index>
    static auto finish(accumulator&& all) {
        return Op::template finish<Index>(std::move(all));
    }
};
template <class V>
struct reduction<nothing_reducer, V> {
    using accumulator = no_value;
    static no_value lift(const V&, const index_bits&, const index_bits&) { return {}; }
    static void combine(no_value&, no_value&&) {}
    template <class Index>
    static void finish(no_value&&) {}
};
template <class... Op, class... V>
struct reduction<tuple_reducer<Op...>, std::tuple<V...>> {
    static_assert(sizeof...(Op) == sizeof...(V), "motet: a tuple of reducers needs a tuple of as many values");
    using accumulator = std::tuple<typename reduction<Op, V>::accumulator...>;
    static accumulator lift(std::tuple<V...> value, const index_bits& index, const index_bits& order) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return accumulator(reduction<Op, V>::lift(std::move(std::get<I>(value)), index, order)...);
        }(std::index_sequence_for<Op...>{});
    }
    static void combine(accumulator& all, accumulator&& more) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (reduction<Op, V>::combine(std::get<I>(all), std::move(std::get<I>(more))), ...);
        }(std::index_sequence_for<Op...>{});
    }
    template <class Index>
    static auto finish(accumulator&& all) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            using result =
                std::tuple<decltype(reduction<Op, V>::template finish<Index>(std::move(std::get<I>(all))))...>;
            return result(reduction<Op, V>::template finish<Index>(std::move(std::get<I>(all)))...); // not one unpacked
        }(std::index_sequence_for<Op...>{});
    }
};

/// What a reduction of values of type V by `Op` over a collection indexed by `Index` results in.
template <class Op, class V, class Index>
using reduced =
    decltype(reduction<Op, V>::template finish<Index>(std::declval<typename reduction<Op, V>::accumulator>()));

} // namespace runtime

// The reducers. On std::vector and std::array the first ten work element by element.

/// The sum.
inline constexpr runtime::number_reducer<std::plus<>> sum{};
/// The product.
inline constexpr runtime::number_reducer<std::multiplies<>> product{};
/// The smallest.
inline constexpr runtime::number_reducer<runtime::smaller> min{};
/// The largest.
inline constexpr runtime::number_reducer<runtime::larger> max{};
/// Whether all are true.
inline constexpr runtime::number_reducer<std::logical_and<>> logical_and{};
/// Whether one is true.
inline constexpr runtime::number_reducer<std::logical_or<>> logical_or{};
/// Whether an odd number of them is true.
inline constexpr runtime::number_reducer<runtime::one_of> logical_xor{};
/// Bit by bit: set in all.
inline constexpr runtime::number_reducer<std::bit_and<>> bit_and{};
/// Bit by bit: set in one.
inline constexpr runtime::number_reducer<std::bit_or<>> bit_or{};
/// Bit by bit: set in an odd number of them.
inline constexpr runtime::number_reducer<std::bit_xor<>> bit_xor{};
/// All values as a std::vector, in index order.
inline constexpr runtime::gather_reducer gather{};
/// The different values as a std::set.
inline constexpr runtime::set_reducer set{};
/// Strings or vectors joined in index order.
inline constexpr runtime::concatenate_reducer concatenate{};
/// The smallest (largest) value with its index, as a motet::located.
inline constexpr runtime::extreme_reducer<runtime::goes_before> min_at{};
inline constexpr runtime::extreme_reducer<runtime::goes_after> max_at{}; ///< see min_at
/// `reducers(sum, max)` takes std::tuple<A, B> and gives the sum of the first and the maximum of the second parts.
template <class... Op>
constexpr runtime::tuple_reducer<Op...> reducers(Op...) {
    return {};
}

} // namespace motet::inline MOTET_VARIANT
