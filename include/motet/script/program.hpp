// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/proxy.hpp>
#include <motet/script/open.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Where a script runs that belongs to no chare of the program: once, on PE 0. Every program has this place, under the
/// name `main`; it is a chare like others, made when the first script comes for it, so that its scripts may wait,
/// reach what is served, and leave the other PEs alone.
namespace motet::inline MOTET_VARIANT::script {

/// The name under which clients find it. Nothing else can be served under it.
inline constexpr const char* program_name = "main";

/// What a PE has done so far, and has before it.
struct pe_counters {
    std::uint32_t pe = 0;
    std::uint32_t process = 0;
    std::uint64_t methods = 0;  ///< of chares, run so far
    std::uint64_t messages = 0; ///< handled so far, the runtime's own among them
    std::uint64_t queued = 0;   ///< messages in line
    std::uint64_t held = 0;     ///< messages kept back: by a `when`, or until somebody is there
    std::uint64_t parked = 0;   ///< fibers, and threads of scripts, that wait
    std::uint64_t chares = 0;
    double cpu = 0;           ///< seconds of its thread; waiting for messages actively counts
    std::uint64_t memory = 0; ///< of its process, bytes in RAM
};

/// What an entry has done so far, on all PEs.
struct entry_counters {
    std::string name;
    std::uint64_t calls = 0;
    double seconds = 0; ///< without waits, and without what it called on its own stack
    double longest = 0; ///< the most of them without a wait
    std::uint64_t messages = 0;
    std::uint64_t waits = 0;
    double waited = 0; ///< seconds
};

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

#if MOTET_BODIES

#include <motet/chare/local.hpp>
#include <motet/chare/wait.hpp>
#include <motet/trace/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <memory>
#include <unistd.h>

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

inline pe_counters count_pe(runtime::pe& p) {
    pe_counters now{
        .pe = p.number, .process = p.home.number, .methods = p.frames, .messages = p.processed, .queued = p.queued()};
    const auto& here = runtime::local_chares::of(p);
    now.held = here.held();
    for (const auto& [id, part] : here.parts) now.chares += part->table.elements.size();
    for (const runtime::waiter* w = p.parked; w != nullptr; w = w->after) ++now.parked;
    timespec used{};
    if (p.lent == nullptr && clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0)
        now.cpu = static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
    std::uint64_t pages = 0;
    if (std::ifstream statm("/proc/self/statm"); statm >> pages >> pages)
        now.memory = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return now;
}

MOTET_INLINE void program::sleep(double seconds) const {
    if (!(seconds >= 0 && seconds < 1e9))
        throw error("sleep takes seconds, from 0 on, and these are " + std::to_string(seconds));
    sleep_for(std::chrono::duration<double>(seconds));
}

MOTET_INLINE std::vector<pe_counters> program::counters() const { return looks<&count_pe>::everywhere(); }

inline trace::totals_table count_entries(runtime::pe& p) {
    auto* counts = p.observers.find<trace::statistics>();
    if (counts == nullptr) {
        auto made = std::make_unique<trace::statistics>();
        counts = made.get();
        p.observe(std::move(made));
    }
    return counts->totals;
}

MOTET_INLINE std::vector<entry_counters> program::entries() const {
    trace::totals_table totals;
    for (const trace::totals_table& each : looks<&count_entries>::everywhere())
        for (std::uint32_t type = 0; type < each.size(); ++type) trace::totals_of(totals, type).add(each[type]);
    trace::entry_names names;
    std::vector<entry_counters> all;
    for (std::uint32_t type = 0; type < totals.size(); ++type) {
        const trace::entry_totals& of = totals[type];
        if ((of.calls != 0 || of.waits != 0 || of.messages != 0) && !names[type].of_runtime)
            all.push_back(
                {names[type].text, of.calls, std::max(0.0, of.seconds), of.longest, of.messages, of.waits, of.waited});
    }
    std::sort(all.begin(), all.end(), [](const entry_counters& a, const entry_counters& b) {
        return a.seconds != b.seconds ? a.seconds > b.seconds : a.name < b.name;
    });
    return all;
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
