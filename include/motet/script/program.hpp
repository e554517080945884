// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/proxy.hpp>
#include <motet/script/open.hpp>
#include <motet/script/work.hpp>

#include <string>
#include <utility>
#include <vector>

/// Where a script runs that belongs to no chare of the program: once, on PE 0. Every program has this place, under the
/// name `main`; it is a chare like others, made when the first script comes for it, so that its scripts may wait,
/// reach what is served, and leave the other PEs alone.
namespace motet::inline MOTET_VARIANT::script {

/// The name under which clients find it. Nothing else can be served under it.
inline constexpr const char* program_name = "main";

struct program {
    /// What each PE has done. Waits until all have said it.
    std::vector<pe_counters> counters() const;
    /// The entries of the program, those with the most time first. Counting begins with --motet-stats, or else when
    /// this is called for the first time, and costs some 50 ns a message from then on. Waits.
    std::vector<entry_counters> entries() const;
    /// Waits so many seconds; the program goes on meanwhile. Python's time.sleep would keep PE 0.
    void sleep(double seconds) const;
};

/// Makes the place, on PE 0, which calls this. Its collection and index, as messages name them.
MOTET_INLINE std::pair<runtime::collection_id, runtime::index_bits> create_program();
MOTET_INLINE std::uint32_t opened_program();

} // namespace motet::inline MOTET_VARIANT::script

namespace motet::inline MOTET_VARIANT::runtime {
template <>
inline constexpr bool out_of_checkpoints<script::program> = true;
} // namespace motet::inline MOTET_VARIANT::runtime

#if MOTET_BODIES

#include <motet/chare/wait.hpp>

#include <chrono>

namespace motet::inline MOTET_VARIANT::script {

MOTET_SCRIPT(program, counters, entries, sleep)

MOTET_INLINE std::pair<runtime::collection_id, runtime::index_bits> create_program() {
    const auto made = chare<program>::create(program{}, 0);
    return {made.collection_name(), made.index_name()};
}
MOTET_INLINE std::uint32_t opened_program() { return opening<program>::id(); }

/// Has each PE look at itself, and gives what they found, in their order. Quiescence counts it: else a program where
/// nothing else moves could be taken for a deadlock meanwhile.
template <auto Look>
struct looks {
    using found = decltype(Look(std::declval<runtime::pe&>()));

    static std::vector<found> everywhere() {
        runtime::pe& p = runtime::this_pe();
        std::vector<future<found>> asked;
        for (runtime::pe_number each = 0; each < p.job.pe_total(); ++each) {
            auto [made, to] = runtime::new_future<found>(p);
            runtime::post<&look>(p, each, to);
            asked.push_back(std::move(made));
        }
        std::vector<found> all;
        for (auto& each : asked) all.push_back(each.get());
        return all;
    }

private:
    static void look(runtime::pe& p, runtime::address to) { runtime::post<&take>(p, to.pe, to, Look(p)); }
    static void take(runtime::pe& p, runtime::address to, found what) { runtime::deliver(p, to, &what); }
};

MOTET_INLINE void program::sleep(double seconds) const {
    if (!(seconds >= 0 && seconds < 1e9))
        throw error("sleep takes seconds, from 0 on, and these are " + std::to_string(seconds));
    sleep_for(std::chrono::duration<double>(seconds));
}

MOTET_INLINE std::vector<pe_counters> program::counters() const { return looks<&count_pe>::everywhere(); }

inline trace::totals_table count_for_script(runtime::pe& p) { return count_entries(p, false); }

MOTET_INLINE std::vector<entry_counters> program::entries() const {
    trace::totals_table totals;
    for (const trace::totals_table& each : looks<&count_for_script>::everywhere()) add_totals(totals, each);
    return entries_of(totals);
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
