// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/frame.hpp>
#include <motet/chare/wait.hpp>
#if MOTET_BODIES
#include <motet/runtime/threads.hpp>
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

/// Loops over an index range that the PEs of the caller's process share.
///
/// 1. The range is cut into rounds of two chunks for each PE; a round takes half of what is left ("factoring": Hummel,
///    Schonberg and Flynn, 1992). Chunk number k follows from k alone, so that a claim is one atomic addition, and the
///    chunks are the same in every run.
/// 2. The caller calls every other PE of its process by an expedited message, and starts to work. Whoever takes part
///    has a share of the loop's control block, and claims chunks until there are none. A PE that is busy has one call
///    of each other PE at most, however many loops that begins meanwhile, and finds its newest: no older one of a PE
///    has chunks left, for a loop inside of a body calls nobody before the one around it has none.
/// 3. A helper counts itself in before its first claim. When the caller finds no chunk any more it waits until nobody
///    is counted in: it looks for some time, then parks, and the last to leave sends it a message. A helper that comes
///    later claims nothing, hence never touches the body, which may be gone.
/// 4. A body that throws ends the loop: no chunk is claimed any more, and the caller throws the first exception on.
///    One that ends the run (motet::exit) ends the loop too, and the caller is unwound.
/// 5. The body may not wait. So a chunk that was begun ends without help, and a loop inside a body, and a caller that
///    is unwound because the run ends, can wait for the chunks under way without parking.
/// 6. Simulated PEs take turns: one chunk each, in the order of their clocks. A helper tells the caller by a message
///    when it leaves, so that the clock of the caller shows when the loop was done.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// How many iterations, cut into how many chunks.
class loop_chunks {
public:
    loop_chunks() = default;
    loop_chunks(std::uint64_t iterations, std::uint32_t pes, std::uint64_t grain)
        : all(iterations), share(static_cast<unsigned>(std::bit_width(pes - 1u)) + 1) {
        while (((all >> (full_rounds + 1)) >> share) >= grain && (all >> full_rounds) > 1) ++full_rounds;
        const std::uint64_t rest = all >> full_rounds;
        last_chunk = std::max(std::max(rest >> share, grain), std::uint64_t{1});
        count = (full_rounds << share) + (rest + last_chunk - 1) / last_chunk;
    }

    struct range {
        std::uint64_t begin;
        std::uint64_t end;
    };
    range operator[](std::uint64_t chunk) const {
        const std::uint64_t round = chunk >> share;
        const std::uint64_t left = all >> round; // before this round
        const std::uint64_t first = all - left;
        if (round >= full_rounds) {
            const std::uint64_t place = first_of_rest() + (chunk - (full_rounds << share)) * last_chunk;
            return {place, std::min(all, place + last_chunk)};
        }
        const std::uint64_t in_round = left - (left >> 1);
        const std::uint64_t size = in_round >> share;
        const std::uint64_t place = chunk & ((std::uint64_t{1} << share) - 1);
        const bool last = place + 1 == std::uint64_t{1} << share;
        return {first + place * size, last ? first + in_round : first + (place + 1) * size};
    }
    std::uint64_t size() const { return count; }

private:
    std::uint64_t first_of_rest() const { return all - (all >> full_rounds); }

    std::uint64_t all = 0;
    unsigned share = 0;            ///< chunks of a round, as a power of two
    std::uint64_t full_rounds = 0; ///< rounds that take half of what is left; one that takes all of it follows
    std::uint64_t last_chunk = 1;
    std::uint64_t count = 0;
};

/// Runs all chunks of `run(work, chunk, range)` on the PEs of the caller's process.
MOTET_INLINE void run_loop(pe& p, std::uint64_t iterations, std::uint64_t grain, void* work,
                           void (*run)(void*, std::uint64_t, loop_chunks::range), const loop_chunks& chunks);

#if MOTET_BODIES

/// What the PEs that take part in a loop share. Lives until the last message about it is gone.
struct loop_control {
    // Of the caller, valid while somebody is counted in.
    void* work = nullptr;
    void (*run)(void* work, std::uint64_t chunk, loop_chunks::range) = nullptr;

    loop_chunks chunks;
    pe_number home = no_pe;
    waiter* parked = nullptr;  ///< the caller's fiber; used on its PE only
    std::uint64_t helpers = 0; ///< simulated ones that took part and have not told yet that they left
    std::exception_ptr problem;
    alignas(64) std::atomic<std::uint64_t> next{0};
    alignas(64) std::atomic<std::uint32_t> active{0}; ///< helpers counted in
    std::atomic<bool> waiting{false};                 ///< the caller wants a message when nobody is counted in
    std::atomic<bool> failed{false};
    std::atomic<bool> ended{false}; ///< the body has ended the run: the caller does not go on

    bool exhausted() const { return next.load(std::memory_order_acquire) >= chunks.size(); }
    void stop() { next.store(std::uint64_t{1} << 63, std::memory_order_release); }
};
using loop_share = std::shared_ptr<loop_control>;

inline void help_in_loop(pe& p, const loop_share& loop);

/// The frame that a body runs in: it belongs to no chare and may not wait.
struct loop_frame : frame {
    explicit loop_frame(loop_control& of) : loop(of) {
        type = call<&help_in_loop>::id();
        counted = false;
        may_wait = false;
    }
    loop_control& loop;
};

/// The loop whose body runs here, or null.
inline loop_control* surrounding_loop(const pe& p) {
    frame* f = p.current_frame;
    if (f == nullptr || f->may_wait || f->type != call<&help_in_loop>::id()) return nullptr;
    return &static_cast<loop_frame*>(f)->loop;
}

/// Claims a chunk and runs it. False if there was none.
inline bool run_chunk(loop_control& loop) {
    const std::uint64_t chunk = loop.next.fetch_add(1, std::memory_order_acq_rel);
    if (chunk >= loop.chunks.size()) return false;
    try {
        loop.run(loop.work, chunk, loop.chunks[chunk]);
    } catch (const fiber::unwind&) { // motet::exit
        loop.ended = true;
        loop.stop();
        throw;
    } catch (...) {
        if (!loop.failed.exchange(true)) loop.problem = std::current_exception();
        loop.stop();
    }
    return true;
}

inline void expedite(pe& from, pe_number to, message* m) {
    m->set(message::expedited);
    from.send(to, m);
}

/// The caller may go on, if it is parked for that.
inline void resume_loop(pe& p, const loop_share& loop) {
    if (loop->parked != nullptr) p.make_ready(*loop->parked);
}

/// Step 6: a simulated helper has left.
inline void leave_simulated_loop(pe& p, const loop_share& loop) {
    --loop->helpers;
    resume_loop(p, loop);
}

/// Counts a helper in for as long as it lives.
class loop_presence {
public:
    loop_presence(pe& on, const loop_share& in) : p(on), loop(in) {
        loop->active.fetch_add(1, std::memory_order_acq_rel);
    }
    loop_presence(const loop_presence&) = delete;
    loop_presence& operator=(const loop_presence&) = delete;
    ~loop_presence() {
        if (loop->active.fetch_sub(1, std::memory_order_seq_cst) == 1 && loop->waiting.load(std::memory_order_seq_cst))
            expedite(p, loop->home, call<&resume_loop>::make(p, loop));
    }

private:
    pe& p;
    const loop_share& loop;
};

/// A simulated helper that took part before.
inline void go_on_in_simulated_loop(pe& p, const loop_share& loop) {
    bool more = false;
    {
        loop_frame f(*loop);
        const frame_scope scope(p, f);
        more = run_chunk(*loop);
    }
    if (more)
        expedite(p, p.number, call<&go_on_in_simulated_loop>::make(p, loop));
    else
        expedite(p, loop->home, call<&leave_simulated_loop>::make(p, loop));
}

/// A helper starts; it may be late.
inline void help_in_loop(pe& p, const loop_share& loop) {
    if (loop->exhausted()) return;
    if (p.port != nullptr) {
        ++loop->helpers;
        return go_on_in_simulated_loop(p, loop);
    }
    const loop_presence present(p, loop);
    loop_frame f(*loop);
    const frame_scope scope(p, f);
    while (run_chunk(*loop)) {}
}

/// Step 2: the calls of a PE.
class loop_calls : public upper_state {
public:
    explicit loop_calls(std::size_t pes) : unread(pes) {}
    void begin(const loop_share& loop) {
        const std::lock_guard lock(guard);
        newest = loop;
    }
    void end(const loop_share& loop) {
        const std::lock_guard lock(guard);
        if (newest == loop) newest.reset();
    }
    /// False if the PE at this place of the process has a call yet to read. It finds what has begun by then.
    bool send(pe_number place) { return !unread[place].exchange(true); }
    loop_share receive(pe_number place) {
        unread[place] = false;
        const std::lock_guard lock(guard);
        return newest;
    }

private:
    std::mutex guard;
    loop_share newest;
    std::vector<std::atomic<bool>> unread;
};

inline void answer_loop_call(pe& p, pe_number caller) {
    auto& calls = static_cast<loop_calls&>(*p.job.pes[caller - p.home.first_pe]->loops);
    if (const loop_share loop = calls.receive(p.number - p.home.first_pe)) help_in_loop(p, loop);
}

/// Looks until nobody is counted in, for so many turns (0: for ever). True if nobody is.
inline bool wait_for_helpers(const loop_control& loop, std::uint64_t turns) {
    for (std::uint64_t i = 1; loop.active.load(std::memory_order_acquire) != 0; ++i) {
        if (i == turns) return false;
        if (i % 1024 == 0) std::this_thread::yield();
        relax_cpu();
    }
    return true;
}

/// Parks the caller until `done()`.
template <class Done>
void park_for_loop(pe& p, loop_control& loop, Done done) {
    while (!done()) {
        waiter w;
        w.describe = [](waiter&) { return std::string("for the end of a parallel loop"); };
        loop.parked = &w;
        struct reset {
            loop_control& loop;
            ~reset() { loop.parked = nullptr; }
        } const on_return{loop};
        p.park(w);
    }
}

/// Ends the caller's part in a loop, however it leaves: nobody may use its body then.
class loop_end {
public:
    loop_end(const loop_share& of, loop_calls* others) : loop(of), calls(others) {}
    loop_end(const loop_end&) = delete;
    loop_end& operator=(const loop_end&) = delete;
    ~loop_end() {
        loop->stop();
        wait_for_helpers(*loop, 0);
        if (calls != nullptr) calls->end(loop);
    }

private:
    const loop_share& loop;
    loop_calls* calls; ///< null: there were none
};

MOTET_INLINE void run_loop(pe& p, std::uint64_t iterations, std::uint64_t grain, void* work,
                           void (*run)(void*, std::uint64_t, loop_chunks::range), const loop_chunks& chunks) {
    const loop_control* outer = surrounding_loop(p);
    if (outer == nullptr) waiting_frame(p); // throws where nobody may wait
    const bool simulated = p.port != nullptr;
    std::uint64_t helpers = std::min<std::uint64_t>(p.home.pe_count - 1, chunks.size() - 1);
    // Where a chunk of the loop around this one is left, the others have enough to do.
    if (iterations <= grain || (outer != nullptr && (simulated || !outer->exhausted()))) helpers = 0;

    const loop_share loop = std::make_shared<loop_control>();
    loop->work = work;
    loop->run = run;
    loop->chunks = chunks;
    loop->home = p.number;
    {
        loop_calls* const calls =
            helpers > 0 && !simulated ? &kept_as<loop_calls>(p.loops, std::size_t{p.home.pe_count}) : nullptr;
        const loop_end at_the_end(loop, calls);
        if (calls != nullptr) calls->begin(loop);
        for (pe_number i = 1; i <= helpers; ++i) {
            const pe_number place = (p.number - p.home.first_pe + i) % p.home.pe_count, to = p.home.first_pe + place;
            if (calls == nullptr)
                expedite(p, to, call<&help_in_loop>::make(p, loop));
            else if (calls->send(place))
                expedite(p, to, call<&answer_loop_call>::make(p, p.number));
        }
        for (bool more = true; more;) {
            {
                loop_frame f(*loop);
                const frame_scope scope(p, f);
                more = run_chunk(*loop);
            }
            if (simulated && helpers > 0 && more) yield();
        }
        if (simulated) {
            park_for_loop(p, *loop, [&] { return loop->helpers == 0; });
        } else if (!wait_for_helpers(*loop, 1000) && outer == nullptr) {
            loop->waiting.store(true, std::memory_order_seq_cst);
            park_for_loop(p, *loop, [&] { return loop->active.load(std::memory_order_seq_cst) == 0; });
        }
    }
    if (loop->ended) throw fiber::unwind{};
    if (loop->problem) std::rethrow_exception(loop->problem);
}

#endif // MOTET_BODIES

template <class A, class B>
concept bounds_of_a_loop =
    std::is_integral_v<A> && std::is_integral_v<B> && !std::is_same_v<A, bool> && !std::is_same_v<B, bool>;

/// The body as a chunk uses it: a copy where that is cheap and cannot be noticed, so that the compiler may keep what it
/// refers to in registers.
template <class Body, class Index>
decltype(auto) body_for_chunk(Body& body) {
    using plain = std::remove_const_t<Body>;
    if constexpr (std::is_trivially_copyable_v<plain> && std::is_invocable_v<const plain&, Index> &&
                  sizeof(plain) <= 128)
        return plain(body);
    else
        return (body);
}

template <class Index>
std::uint64_t loop_length(Index begin, Index end) {
    return begin < end ? static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(begin) : 0;
}
/// The smallest chunk. By default so that an even share of the loop is some hundred of them.
inline std::uint64_t smallest_chunk(std::optional<std::int64_t> grain, std::uint64_t iterations, std::uint32_t pes) {
    if (!grain) return std::max<std::uint64_t>(1, iterations / (256 * std::uint64_t{pes}));
    if (*grain < 1)
        throw error("a parallel loop needs a grain of at least 1 iteration, and this is " + std::to_string(*grain));
    return static_cast<std::uint64_t>(*grain);
}

} // namespace runtime

/// Calls `body(i)` for each i of [begin, end), on all PEs of the caller's process; returns when all is done.
///
/// May be called from main, from entry methods, and from the body of another such loop. The caller works too, then
/// waits.
///
/// The iterations come in no order and at the same time: `body` may capture by reference, and must not let two of them
/// write to one place. It may send messages, but neither wait nor ask for `this_index` and the like: on the other PEs
/// it runs outside of the chare. What it throws ends the loop, and the first exception is thrown to the caller.
///
/// `grain`: no chunk is smaller than so many iterations (but the last), and a loop of no more runs on the caller alone.
/// By default chunks shrink to a 256th of an even share: 1 is for loops whose last iterations take longest.
///
/// Throws motet::error outside of a run, where nobody may wait (in a `when`, a condition), and for a grain below 1.
/// The scheduling is factoring: Hummel, Schonberg and Flynn, Communications of the ACM 35 (8), 1992.
template <class Begin, class End, class Body>
void parallel_for(Begin begin, End end, Body&& body, std::optional<std::int64_t> grain = {}) {
    static_assert(runtime::bounds_of_a_loop<Begin, End>,
                  "motet: the bounds of a parallel loop are integers: loop over the indices of a container");
    using index = std::common_type_t<Begin, End>;
    using body_type = std::remove_reference_t<Body>;
    static_assert(std::is_invocable_v<body_type&, index>,
                  "motet: the body of parallel_for(begin, end, body) is called with one index: body(i)");
    runtime::pe& p = runtime::this_pe();
    const std::uint64_t iterations = runtime::loop_length(static_cast<index>(begin), static_cast<index>(end));
    const std::uint64_t smallest = runtime::smallest_chunk(grain, iterations, p.home.pe_count);
    struct job {
        body_type& body;
        index begin;
    } all{body, static_cast<index>(begin)};
    const auto run = [](void* work, std::uint64_t, runtime::loop_chunks::range chunk) {
        const job& of = *static_cast<job*>(work);
        auto&& each = runtime::body_for_chunk<body_type, index>(of.body);
        const index last = static_cast<index>(static_cast<std::uint64_t>(of.begin) + chunk.end);
        for (index i = static_cast<index>(static_cast<std::uint64_t>(of.begin) + chunk.begin); i != last; ++i) each(i);
    };
    runtime::run_loop(p, iterations, smallest, &all, run, {iterations, p.home.pe_count, smallest});
}

/// Puts `initial` and `body(i)` for each i of [begin, end) together with `op`, on all PEs of the caller's process:
/// `op(op(initial, body(begin)), body(begin + 1))` and so on, but for the placing of the parentheses. So `op` must be
/// associative; it need not be commutative. Which values are put together first depends on the range, the grain and the
/// number of PEs alone: sums of floating-point numbers are the same in every run.
/// For the rest see parallel_for.
template <class Begin, class End, class Value, class Body, class Op>
Value parallel_reduce(Begin begin, End end, Value initial, Body&& body, Op&& op,
                      std::optional<std::int64_t> grain = {}) {
    static_assert(runtime::bounds_of_a_loop<Begin, End>,
                  "motet: the bounds of a parallel loop are integers: loop over the indices of a container");
    using index = std::common_type_t<Begin, End>;
    using body_type = std::remove_reference_t<Body>;
    using op_type = std::remove_reference_t<Op>;
    static_assert(
        std::is_invocable_v<body_type&, index>,
        "motet: the body of parallel_reduce(begin, end, initial, body, op) is called with one index: body(i)");
    static_assert(
        std::is_invocable_r_v<Value, op_type&, Value, Value> &&
            std::is_convertible_v<std::invoke_result_t<body_type&, index>, Value>,
        "motet: the op of parallel_reduce takes two values of the type of `initial`, and body(i) results in one");
    runtime::pe& p = runtime::this_pe();
    const std::uint64_t iterations = runtime::loop_length(static_cast<index>(begin), static_cast<index>(end));
    const std::uint64_t smallest = runtime::smallest_chunk(grain, iterations, p.home.pe_count);
    const runtime::loop_chunks chunks(iterations, p.home.pe_count, smallest);
    struct job {
        body_type& body;
        op_type& op;
        index begin;
        std::vector<std::optional<Value>> parts;
    } all{body, op, static_cast<index>(begin), std::vector<std::optional<Value>>(chunks.size())};
    const auto run = [](void* work, std::uint64_t number, runtime::loop_chunks::range chunk) {
        job& of = *static_cast<job*>(work);
        auto&& each = runtime::body_for_chunk<body_type, index>(of.body);
        const index last = static_cast<index>(static_cast<std::uint64_t>(of.begin) + chunk.end);
        index i = static_cast<index>(static_cast<std::uint64_t>(of.begin) + chunk.begin);
        Value part = static_cast<Value>(each(i));
        while (++i != last) part = of.op(std::move(part), static_cast<Value>(each(i)));
        of.parts[number].emplace(std::move(part));
    };
    runtime::run_loop(p, iterations, smallest, &all, run, chunks);
    for (auto& part : all.parts) initial = op(std::move(initial), std::move(*part));
    return initial;
}

} // namespace motet::inline MOTET_VARIANT
