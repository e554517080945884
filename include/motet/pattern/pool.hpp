// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/future.hpp>
#include <motet/chare/proxy.hpp>
#include <motet/chare/run.hpp>
#include <motet/chare/self.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// A pool of workers that map functions over items, several jobs at once (after section III of "CharmPy: A Python
/// Parallel Programming Model", Galvez, Senthil and Kale, 2018). Made of chares, futures and nothing else.
///
/// 1. A pool is a worker on every PE, and a master that knows how many jobs each PE works for.
/// 2. A job is a chare on the PE of its caller. It asks the master for PEs, and gets those that work for the fewest
///    jobs.
/// 3. For each of them a fiber of the job sends a chunk of items to the worker there, waits for the results, and goes
///    on until no items are left. What the function throws comes back as the failure of that call. While there is
///    more than a chunk left for each, a second fiber keeps another chunk in line there: the job's own PE works, too,
///    and cannot answer before its chunk is done. It looks at what has come from the others before it takes its next
///    one.
/// 4. When all fibers are through, the job gives the PEs back, sends results or failure to the caller, and ends.
namespace motet::inline MOTET_VARIANT {

/// How a pool is to do one job.
struct job_options {
    std::optional<std::int64_t> pes = {};   ///< on how many PEs (default: all)
    std::optional<std::int64_t> chunk = {}; ///< items for a worker at a time (default: an eighth of an even share)
};

namespace pattern {

/// Knows which PEs work for how many jobs.
struct pool_master {
    std::vector<std::uint64_t> jobs; ///< of each PE

    /// The `count` PEs that work for the fewest jobs; they work for one more from now on.
    std::vector<std::int64_t> take(std::int64_t count);
    void give_back(const std::vector<std::int64_t>& pes);
};

/// Asks the master of a pool for PEs; waits.
MOTET_INLINE std::vector<std::int64_t> take_pes(const chare<pool_master>& master, std::int64_t count);
MOTET_INLINE void give_back_pes(const chare<pool_master>& master, const std::vector<std::int64_t>& pes);

#if MOTET_BODIES
MOTET_INLINE std::vector<std::int64_t> take_pes(const chare<pool_master>& master, std::int64_t count) {
    return ask<&pool_master::take>(master, count).get();
}

MOTET_INLINE void give_back_pes(const chare<pool_master>& master, const std::vector<std::int64_t>& pes) {
    tell<&pool_master::give_back>(master, pes);
}

MOTET_INLINE std::vector<std::int64_t> pool_master::take(std::int64_t count) {
    jobs.resize(static_cast<std::size_t>(pe_count()));
    std::vector<std::int64_t> pes(jobs.size());
    std::iota(pes.begin(), pes.end(), std::int64_t{0});
    // Of equally busy ones PE 0, where main runs, comes last.
    const auto rank = [&](std::int64_t pe) { return std::tuple(jobs[static_cast<std::size_t>(pe)], pe == 0, pe); };
    std::sort(pes.begin(), pes.end(), [&](std::int64_t a, std::int64_t b) { return rank(a) < rank(b); });
    pes.resize(static_cast<std::size_t>(count));
    for (const std::int64_t pe : pes) ++jobs[static_cast<std::size_t>(pe)];
    return pes;
}

MOTET_INLINE void pool_master::give_back(const std::vector<std::int64_t>& pes) {
    for (const std::int64_t pe : pes)
        if (std::cmp_less(pe, jobs.size())) --jobs[static_cast<std::size_t>(pe)]; // a restart may have fewer
}
#endif // MOTET_BODIES

/// Calls functions on one PE.
struct pool_worker {
    template <class F, class Item, class R>
    std::vector<R> apply(std::vector<Item> items) {
        std::vector<R> results;
        results.reserve(items.size());
        for (Item& item : items) results.push_back(F()(std::move(item)));
        runtime::this_pe().exchange_soon();
        return results;
    }
};

/// A function given as a template argument, as a function object.
template <auto Function>
struct as_object {
    template <class... A>
    decltype(auto) operator()(A&&... a) const {
        return Function(std::forward<A>(a)...);
    }
};

/// The items of one job on their way to becoming results.
template <class Item, class R>
struct pool_job {
    chare<pool_master> master;
    group<pool_worker> workers;
    std::int64_t pes = 0;
    std::int64_t chunk = 0;
    std::vector<Item> items;
    std::size_t next = 0;
    std::vector<R> results;
    promise<std::vector<R>> reply;
    bool failed = false;

    template <class F>
    void run(std::vector<Item> given) {
        items = std::move(given);
        results.resize(items.size());
        const auto chosen = take_pes(master, pes);
        std::vector<future<void>> rows;
        for (const std::size_t spare : {std::size_t{0}, chosen.size() * static_cast<std::size_t>(chunk)})
            for (const std::int64_t pe : chosen)
                if (spare == 0 || pe != my_pe())
                    rows.push_back(ask<&pool_job::template feed<F>>(this_chare<pool_job>(), pe, spare));
        for (auto& row : rows) row.get();
        give_back_pes(master, chosen);
        if (!failed) reply.set(std::move(results));
        erase_this();
    }

    /// Keeps the worker of one PE busy until there are no more than `spare` items left.
    template <class F>
    void feed(std::int64_t pe, std::size_t spare) {
        while (items.size() - next > spare && !failed) {
            const std::size_t first = next;
            next = std::min(items.size(), first + static_cast<std::size_t>(chunk));
            const auto at = [this](std::size_t i) { return items.begin() + static_cast<std::ptrdiff_t>(i); };
            std::vector<Item> part(std::make_move_iterator(at(first)), std::make_move_iterator(at(next)));
            try {
                std::vector<R> values = ask<&pool_worker::apply<F, Item, R>>(workers[pe], std::move(part)).get();
                std::move(values.begin(), values.end(), results.begin() + static_cast<std::ptrdiff_t>(first));
            } catch (const remote_error& why) {
                if (!std::exchange(failed, true)) reply.fail(why);
            } catch (const std::exception& why) { // of an item's own serialize
                if (!std::exchange(failed, true)) reply.fail(why.what());
            }
        }
    }
};

/// Stops the compilation with a sentence if a pool cannot call F with items of this type.
template <class F, class Item>
consteval bool check_pool_function() {
    static_assert(
        std::is_empty_v<F> && std::is_default_constructible_v<F>,
        "motet: the function of a pool is a captureless lambda or a function object without state, for its type "
        "is its name on every process; a plain function is given as pool.map<&function>(items)");
    static_assert(std::is_invocable_v<const F&, Item&&>, "motet: the function of this pool does not take the items");
    if constexpr (std::is_invocable_v<const F&, Item&&>) {
        using R = std::remove_cvref_t<std::invoke_result_t<const F&, Item&&>>;
        static_assert(!std::is_void_v<R>,
                      "motet: the function of a pool returns a value: a pool gives all results in order");
        if constexpr (!std::is_void_v<R>)
            static_assert(std::is_default_constructible_v<R>,
                          "motet: the results of a pool must be default constructible");
        return !std::is_void_v<R> && std::is_empty_v<F> && std::is_default_constructible_v<F>;
    }
    return false;
}

} // namespace pattern

/// Workers that map functions over items. A small value that can be sent along; any number of jobs may be under way.
class pool {
public:
    /// A pool that can do nothing yet: see create().
    pool() = default;
    /// A pool with a worker on every PE, and its master on this one. Does not wait.
    static pool create();

    /// Calls `f(item)` for every item, and gives the results in the order of the items; returns at once:
    /// `pool.map(f, items, {.pes = 2})`.
    ///
    /// `f` is a captureless lambda or a function object without state; it may wait. PEs are handed out by load: each
    /// job goes where the fewest others run, and takes its items chunk by chunk, so that fast PEs take more. The future
    /// fails with motet::remote_error when `f` throws; the job then ends early, and the pool goes on.
    /// Throws motet::error for a chunk below 1, a number of PEs that there is not, and a pool that was never created.
    template <class F, class Item>
    auto map(F, std::vector<Item> items, job_options how = {}) const {
        return start<F>(std::move(items), how);
    }
    template <class F, class Item>
    auto map(F, std::initializer_list<Item> items, job_options how = {}) const {
        return start<F>(std::vector<Item>(items), how);
    }
    /// The same for a plain function: `pool.map<&f>(items)`.
    template <auto Function, class Item>
    auto map(std::vector<Item> items, job_options how = {}) const {
        return start<pattern::as_object<Function>>(std::move(items), how);
    }
    template <auto Function, class Item>
    auto map(std::initializer_list<Item> items, job_options how = {}) const {
        return start<pattern::as_object<Function>>(std::vector<Item>(items), how);
    }

    friend bool operator==(const pool& a, const pool& b) { return a.workers_ == b.workers_; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(master_, workers_);
    }

private:
    template <class F, class Item>
    auto start(std::vector<Item>&& items, const job_options& how) const {
        if constexpr (pattern::check_pool_function<F, Item>()) {
            using R = std::remove_cvref_t<std::invoke_result_t<const F&, Item&&>>;
            using job_type = pattern::pool_job<Item, R>;
            if (workers_ == group<pattern::pool_worker>())
                throw error("this pool was never created: make it with motet::pool::create()");
            const std::int64_t pes = how.pes.value_or(pe_count());
            if (pes < 1 || pes > pe_count())
                throw error("a pool cannot do a job on " + std::to_string(pes) + " PEs: this run has 1 to " +
                            std::to_string(pe_count()) + " to choose from");
            const auto size = static_cast<std::int64_t>(items.size());
            std::int64_t chunk = how.chunk.value_or(std::max<std::int64_t>(1, size / (8 * pes)));
            if (chunk < 1)
                throw error("a pool cannot hand out chunks of " + std::to_string(chunk) + " items: at least 1");
            chunk = std::min(chunk, std::max<std::int64_t>(1, size));
            auto [result, reply] = make_future<std::vector<R>>();
            job_type job{.master = master_,
                         .workers = workers_,
                         .pes = std::min(pes, std::max<std::int64_t>(1, (size + chunk - 1) / chunk)),
                         .chunk = chunk,
                         .items = {},
                         .next = 0,
                         .results = {},
                         .reply = reply,
                         .failed = false};
            const auto made = chare<job_type>::create(std::move(job), my_pe());
            made.template tell<&job_type::template run<F>>(std::move(items));
            return std::move(result);
        }
    }

    chare<pattern::pool_master> master_;
    group<pattern::pool_worker> workers_;
};

#if MOTET_BODIES
MOTET_INLINE pool pool::create() {
    pool made;
    made.master_ = chare<pattern::pool_master>::create({}, my_pe());
    made.workers_ = group<pattern::pool_worker>::create();
    return made;
}
#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT
