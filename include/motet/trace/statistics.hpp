// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/observer.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/trace/names.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace motet::inline MOTET_VARIANT::trace {

#if MOTET_BODIES

/// What an entry did, in all runs together.
struct entry_totals {
    std::uint64_t calls = 0;
    double seconds = 0;         ///< that it ran, without waits and without what it called on its own stack
    double longest = 0;         ///< the most of them without a wait
    std::uint64_t messages = 0; ///< calls of methods that it sent; one of all elements is one
    std::uint64_t bytes = 0;    ///< of all that it sent to other processes, as serialized
    std::uint64_t waits = 0;
    double waited = 0; ///< seconds

    void add(const entry_totals& other) {
        calls += other.calls;
        seconds += other.seconds;
        longest = std::max(longest, other.longest);
        messages += other.messages;
        bytes += other.bytes;
        waits += other.waits;
        waited += other.waited;
    }
};
/// By registered id.
using totals_table = std::vector<entry_totals>;

inline entry_totals& totals_of(totals_table& table, std::uint32_t type) {
    if (type >= table.size()) table.resize(std::size_t{type} + 1);
    return table[type];
}

/// Adds up what the entries do on a PE.
class statistics final : public runtime::observer {
public:
    void sent(runtime::pe& p, runtime::pe_number, runtime::message& m) override {
        if (!runtime::pe::type_of(m).system) ++now_running(p.current_frame).messages;
    }
    void serialized(runtime::pe& p, const runtime::message&, std::size_t bytes) override {
        now_running(p.current_frame).bytes += bytes;
    }
    void began(runtime::pe&, const runtime::frame& f, runtime::message*) override { ++of(f).calls; }
    void ended(runtime::pe&, const runtime::frame& f, double now) override { add_time(f, now); }
    void parked(runtime::pe&, const runtime::waiter& w, double now) override {
        ++now_running(w.running).waits;
        for (const runtime::frame* f = w.running; f != nullptr; f = f->below)
            if (f->is_open()) add_time(*f, now);
    }
    void resumed(runtime::pe&, const runtime::waiter& w, double now) override {
        now_running(w.running).waited += now - w.since;
    }

    totals_table totals;
    bool for_clients = false; ///< it goes with those who look (script/work.hpp)

private:
    entry_totals& of(const runtime::frame& f) { return totals_of(totals, f.type); }
    /// Those of what `f` belongs to. Between two handlers that is nothing: what is sent there counts for none.
    entry_totals& now_running(const runtime::frame* f) {
        f = observed(f);
        return f != nullptr ? of(*f) : of_nothing;
    }
    void add_time(const runtime::frame& f, double now) {
        const double time = now - f.running_since;
        const runtime::frame* under = observed(f.below);
        if (under != nullptr) of(*under).seconds -= time;
        entry_totals& own = of(f);
        own.seconds += time;
        own.longest = std::max(own.longest, time);
    }

    entry_totals of_nothing;
};

/// The table that --motet-stats shows: the program's entries, by time, and what the steps of the runtime took.
inline std::string table_of(const totals_table& totals) {
    struct row {
        std::string name;
        entry_totals all;
    };
    entry_names names;
    std::vector<row> rows;
    entry_totals steps;
    for (std::uint32_t type = 0; type < totals.size(); ++type) {
        const entry_totals& all = totals[type];
        if (all.calls == 0 && all.waits == 0 && all.messages == 0 && all.bytes == 0) continue;
        if (names[type].of_runtime)
            steps.add(all);
        else
            rows.push_back({names[type].text, all});
    }
    std::sort(rows.begin(), rows.end(), [](const row& a, const row& b) {
        return a.all.seconds != b.all.seconds ? a.all.seconds > b.all.seconds : a.name < b.name;
    });
    rows.push_back({"(the runtime)", steps});
    std::size_t width = 5;
    for (const row& each : rows) width = std::max(width, each.name.size());
    std::string text = fmt::format("{:<{}} {:>11} {:>11} {:>11} {:>11} {:>13} {:>9} {:>11}\n", "entry", width, "calls",
                                   "seconds", "longest", "messages", "bytes", "waits", "waited");
    for (const auto& [name, all] : rows)
        text += fmt::format("{:<{}} {:>11} {:>11.6f} {:>11.6f} {:>11} {:>13} {:>9} {:>11.6f}\n", name, width, all.calls,
                            std::max(0.0, all.seconds), all.longest, all.messages, all.bytes, all.waits, all.waited);
    return text;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::trace
