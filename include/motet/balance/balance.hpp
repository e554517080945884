// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/balance/points.hpp>
#include <motet/balance/round.hpp>
#include <motet/balance/state.hpp>
#include <motet/chare/future.hpp>
#include <motet/chare/proxy.hpp>
#include <motet/chare/self.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

/// Load balancing, as a program sees it.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// Refuses a balancing point where there can be none, or a second one in the same call.
inline frame& balancing_frame(pe& p, const char* what) {
    frame& f = method_frame(p, what);
    if (part_of(f).info->kind != collection_kind::array)
        throw error(std::string(what) + ": only the elements of arrays move, and " +
                    element_text(part_of(f), element_of(f).index) + " is none");
    const element_header& e = element_of(f);
    if (e.extension && e.extension->postponed.until != 0)
        throw error(std::string(what) + ": " + element_text(part_of(f), e.index) +
                    " waits for a balancing already: one call after another");
    return f;
}

} // namespace runtime

/// From now on the time of the elements of this array is taken, and they are balanced by this strategy: motet::greedy,
/// refine, rotate, random_places, distributed, or your own (see motet::balancing). --motet-balance on the command line
/// goes before it. The future is ready when every PE knows. Not while elements of an array without a strategy come to
/// balancing points: some have passed more of them than others then, and those would wait for ever.
template <class T, class Index, class Strategy>
future<void> balance_with(const collection<T, Index>& which, const Strategy&) {
    static_assert(std::is_empty_v<Strategy> && std::is_default_constructible_v<Strategy>,
                  "motet: a balancing strategy is a function object without state: its type is its name on every "
                  "process");
    static_assert(std::is_same_v<Strategy, distributed_strategy> || std::is_invocable_v<const Strategy&, balancing&>,
                  "motet: a balancing strategy is called as strategy(motet::balancing&), and is const");
    return runtime::tell_every_pe<&runtime::set_strategy>(runtime::this_pe(), which.name(),
                                                          runtime::strategy_of<Strategy>::id());
}

/// Balances this array again whenever its elements have worked for so long (in a simulated run: of virtual time) since
/// the last time. The future is ready when every PE knows.
template <class T, class Index, class Rep, class Period>
future<void> balance_every(const collection<T, Index>& which, std::chrono::duration<Rep, Period> time) {
    const double seconds = std::chrono::duration<double>(time).count();
    if (!(seconds >= 0))
        throw error("motet::balance_every takes a time from 0 (never) on, and this is " + std::to_string(seconds) +
                    " s");
    return runtime::tell_every_pe<&runtime::set_period>(runtime::this_pe(), which.name(), seconds);
}

/// Balances this array now, by what its elements have computed since the last time. Elements in which a method waits
/// stay where they are.
template <class T, class Index>
future<balancing_result> rebalance(const collection<T, Index>& which) {
    runtime::check_name(which.name());
    runtime::pe& p = runtime::this_pe();
    auto [made, to] = runtime::new_future<balancing_result>(p);
    made.held().awaited = [] { return std::string("for a balancing"); };
    runtime::post_part<&runtime::rebalance_on_request>(p, runtime::root_of(p, which.name()), which.name(), to);
    return std::move(made);
}

/// The element is at its balancing point: when all elements of its array have come to theirs, they are balanced, and
/// method M is called on this one, wherever it then is. Without a strategy it is called at once. The calling method
/// goes on; it should end soon, because it holds the element where it is.
template <auto M, class... A>
void balance(A&&... a) {
    if constexpr (runtime::check_call<M, runtime::owner_of<M>, A...>()) {
        runtime::pe& p = runtime::this_pe();
        runtime::frame& f = runtime::balancing_frame(p, "motet::balance");
        const runtime::part& c = runtime::part_of(f);
        runtime::check_own(f, &c.type->describe() == &reflect::describe<runtime::owner_of<M>>(), "motet::balance",
                           &runtime::entry_name<M>);
        runtime::message* m =
            runtime::entry_call<M>::make_stored(p, c.info->id, runtime::element_of(f).index, nullptr,
                                                runtime::entry_call<M>::convert(std::forward<A>(a)...));
        runtime::reach_balancing_point(p, runtime::part_of(f), runtime::element_of(f), m);
    }
}

/// As motet::next, at a balancing point: `return motet::balance_next<&T::run>(n);` ends this call; when all elements of
/// the array have come to their balancing points, they are balanced, and the caller gets what the call of M gives.
template <auto M, class... A>
auto balance_next(A&&... a) {
    if constexpr (runtime::check_call<M, runtime::owner_of<M>, A...>()) {
        runtime::frame& f = runtime::balancing_frame(runtime::this_pe(), "motet::balance_next");
        const auto before = std::exchange(f.pass_on, &runtime::pass_on_when_balanced);
        try {
            return next<M>(std::forward<A>(a)...);
        } catch (...) { // there is no next call
            f.pass_on = before;
            throw;
        }
    } else {
        return next<M>(std::forward<A>(a)...);
    }
}

} // namespace motet::inline MOTET_VARIANT
