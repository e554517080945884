// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/broadcast.hpp>
#include <motet/chare/check_call.hpp>
#include <motet/chare/future.hpp>

#include <type_traits>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

/// The calls that collections and sections have in common: of every element, or of every member.
/// `Self::issue<M, Op>(target, arguments...)` sends one whose results `Op` puts together for `target`.
template <class Self, class T, class Index>
class calls_of_many {
public:
    /// Calls method M of every element; nobody waits.
    template <auto M, class... A>
    void tell(A&&... a) const {
        if constexpr (check_call<M, T, A...>()) self().template issue<M, untold>({}, std::forward<A>(a)...);
    }
    /// Calls method M of every element; the future is ready when all have returned.
    template <auto M, class... A>
    future<void> all(A&&... a) const {
        return collect<M, nothing_reducer, void>(std::forward<A>(a)...);
    }
    /// Calls method M of every element and gives the results in index order.
    template <auto M, class... A>
    auto gather(A&&... a) const {
        return reduce<M>(motet::gather, std::forward<A>(a)...);
    }
    /// Calls method M of every element and puts the results together with `op`, along a tree.
    template <auto M, class Op, class... A>
    auto reduce(Op, A&&... a) const {
        if constexpr (check_ask<M, T, A...>()) {
            static_assert(!std::is_void_v<result_of<M>>,
                          "motet: this method returns nothing that could be gathered or reduced: use all<M>()");
            if constexpr (!std::is_void_v<result_of<M>>)
                return collect<M, Op, reduced<Op, result_of<M>, Index>>(std::forward<A>(a)...);
        } else {
            return future<void>();
        }
    }

private:
    const Self& self() const { return static_cast<const Self&>(*this); }
    template <auto M, class Op, class R, class... A>
    future<R> collect(A&&... a) const {
        if constexpr (check_ask<M, T, A...>()) {
            auto [made, to] = new_future<R>(this_pe());
            made.held().awaited = &result_awaited<M>;
            self().template issue<M, Op>(to, std::forward<A>(a)...);
            return std::move(made);
        } else {
            return {};
        }
    }
};

} // namespace motet::inline MOTET_VARIANT::runtime
