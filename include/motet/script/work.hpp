// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <cstdint>
#include <string>

namespace motet::inline MOTET_VARIANT::script {

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

} // namespace motet::inline MOTET_VARIANT::script

#if MOTET_BODIES

#include <motet/chare/local.hpp>
#include <motet/reflect/for_each_field.hpp>
#include <motet/script/value.hpp>
#include <motet/trace/statistics.hpp>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

/// What PEs and entries do, as scripts (charm.counters, charm.entries) and clients (motet top) see it.
///
/// Counting entries costs time, so it begins when somebody asks. For a script it goes on to the end, as it does with
/// --motet-stats; for clients it ends when the last one that has asked is gone.
namespace motet::inline MOTET_VARIANT::script {

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

/// What has been counted on a PE. `for_clients`: where this begins it, it ends with them.
inline const trace::totals_table& count_entries(runtime::pe& p, bool for_clients) {
    auto* counts = p.observers.find<trace::statistics>();
    if (counts == nullptr) {
        auto made = std::make_unique<trace::statistics>();
        counts = made.get();
        counts->for_clients = for_clients;
        p.observe(std::move(made));
    }
    if (!for_clients) counts->for_clients = false;
    return counts->totals;
}
/// No client asks any more.
inline void stop_counting(runtime::pe& p) {
    if (auto* const counts = p.observers.find<trace::statistics>(); counts != nullptr && counts->for_clients)
        p.stop_observing(*counts);
}

inline void add_totals(trace::totals_table& to, const trace::totals_table& more) {
    for (std::uint32_t type = 0; type < more.size(); ++type) trace::totals_of(to, type).add(more[type]);
}

/// The entries of the program, those with the most time first.
inline std::vector<entry_counters> entries_of(const trace::totals_table& totals) {
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

/// Numbers and texts by the names of the fields.
template <class Counters>
value fields_of(const Counters& counters) {
    value::dict found;
    reflect::for_each_field(counters, [&]<class Field>(std::string_view name, const Field& field) {
        value made;
        if constexpr (std::is_integral_v<Field>)
            made = {static_cast<std::int64_t>(field)};
        else
            made = {field};
        found.items.push_back({{std::string(name)}, std::move(made)});
    });
    return {std::move(found)};
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
