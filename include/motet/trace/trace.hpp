// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/machine.hpp>
#include <motet/trace/clock.hpp>
#include <motet/trace/statistics.hpp>
#include <motet/trace/timeline.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

/// Timelines (--motet-trace) and statistics (--motet-stats) of a run.
///
/// 1. Before the run process 0 opens the file, so that one that cannot be written is told now; what is in it stays
///    until the run is over. The clocks are read. Every PE gets its observers.
/// 2. Each PE records in memory of its own, of bounded size: the newest part of the run stays.
/// 3. After the run the processes agree on the time since which all have all records, and read the clocks again.
/// 4. Process 0 writes its events, then asks one process after the other for theirs, which come in pieces: no process
///    ever has more than a piece of another one's.
/// 5. Statistics are added up by type of message, of which every process has the same.
namespace motet::inline MOTET_VARIANT::trace {

#if MOTET_BODIES

/// What processes tell each other about all of their records.
struct record_summary {
    std::uint64_t dropped = 0;
    double complete_since = -std::numeric_limits<double>::infinity();
};

class file_sink final : public text_sink {
public:
    explicit file_sink(std::FILE* to) : file(to) {}

    int problem = 0; ///< errno of the first failure

private:
    void write(std::string_view all) override {
        if (std::fwrite(all.data(), 1, all.size(), file) < all.size() && problem == 0) problem = errno;
    }
    std::FILE* file;
};

/// Text for the file of process 0.
class remote_sink final : public text_sink {
public:
    explicit remote_sink(runtime::remote_port& through) : others(through) {}

private:
    void write(std::string_view all) override { others.give(0, all); }
    runtime::remote_port& others;
};

class timeline {
public:
    /// Steps 1 and 2. Throws `error`, on all processes, if the file cannot be written.
    explicit timeline(runtime::machine& job) {
        std::string problem;
        if (job.pes[0]->number == 0) {
            file = std::fopen(job.options.trace.c_str(), "a");
            if (file == nullptr)
                problem = "--motet-trace " + job.options.trace + " cannot be written: " + std::strerror(errno);
        }
        if (job.remote)
            job.remote->agree(problem);
        else if (!problem.empty())
            throw error(problem);
        times.begin = read_clock(job);
        for (auto& p : job.pes) {
            auto made = std::make_unique<recorder>(job.options.trace_size, times.begin.offset);
            recorders.push_back(made.get());
            p->observe(std::move(made));
        }
    }
    timeline(const timeline&) = delete;
    timeline& operator=(const timeline&) = delete;
    ~timeline() {
        if (file != nullptr) std::fclose(file);
    }

    /// Steps 3 and 4.
    void write(runtime::machine& job) {
        const record_summary all = summary(job);
        times.complete_since = all.complete_since;
        times.end = read_clock(job);
        if (file == nullptr) {
            runtime::remote_port& others = *job.remote;
            (void)others.take(0);
            remote_sink out(others);
            add_events(job, out, false);
            return others.give(0, {}); // the end
        }
        if (ftruncate(fileno(file), 0) != 0) errno = 0; // it is a pipe, or the like
        file_sink out(file);
        out.add("{\"traceEvents\":[");
        add_events(job, out, true);
        for (std::uint32_t process = 1; job.remote && process < job.process_total(); ++process) {
            job.remote->give(process, {});
            for (std::string piece; !(piece = job.remote->take(process)).empty();) out.add(piece);
        }
        const std::string clock = job.sim ? "virtual"
                                  : job.remote
                                      ? fmt::format("of process 0; those of the others may be off by {:.3f} us",
                                                    1e6 * std::max(times.begin.error, times.end.error))
                                      : "monotonic";
        out.add(fmt::format("\n],\"displayTimeUnit\":\"ns\",\"otherData\":{{\"clock\":\"{}\",\"dropped\":{}}}}}\n",
                            clock, all.dropped));
        out.flush();
        if (std::fclose(std::exchange(file, nullptr)) != 0 && out.problem == 0) out.problem = errno;
        if (out.problem != 0)
            std::fprintf(stderr, "motet: warning: the timeline %s was not written as a whole: %s\n",
                         job.options.trace.c_str(), std::strerror(out.problem));
        if (all.dropped > 0)
            std::fprintf(stderr,
                         "motet: warning: the timeline lacks its beginning: %llu records were dropped "
                         "(--motet-trace-size)\n",
                         static_cast<unsigned long long>(all.dropped));
    }

private:
    record_summary summary(runtime::machine& job) const {
        record_summary all;
        const auto add = [&](const record_summary& more) {
            all.dropped += more.dropped;
            all.complete_since = std::max(all.complete_since, more.complete_since);
        };
        for (const recorder* each : recorders) add({each->records.dropped(), each->records.dropped_until()});
        if (!job.remote) return all;
        runtime::remote_port& others = *job.remote;
        if (others.process_number() != 0) {
            others.give(0, bytes_of(all));
            return from_bytes<record_summary>(others.take(0));
        }
        for (std::uint32_t process = 1; process < others.process_count(); ++process)
            add(from_bytes<record_summary>(others.take(process)));
        for (std::uint32_t process = 1; process < others.process_count(); ++process)
            others.give(process, bytes_of(all));
        return all;
    }
    void add_events(runtime::machine& job, text_sink& out, bool first_of_file) const {
        timeline_writer writer(out, times);
        for (auto& each : job.processes) {
            writer.add_process(*each, first_of_file && each->number == 0);
            for (std::uint32_t i = 0; i < each->pe_count; ++i) {
                const std::size_t at = each->first_pe + i - job.pes[0]->number;
                writer.add_pe(*job.pes[at], recorders[at]->records);
            }
        }
        out.flush();
    }

    std::FILE* file = nullptr; ///< of process 0
    time_frame times;
    std::vector<recorder*> recorders; ///< by PE
};

/// Step 5.
inline void write_statistics(runtime::machine& job, const std::vector<statistics*>& of_pes) {
    totals_table all;
    const auto add = [&all](const totals_table& more) {
        for (std::uint32_t type = 0; type < more.size(); ++type) totals_of(all, type).add(more[type]);
    };
    for (const statistics* each : of_pes) add(each->totals);
    if (runtime::remote_port* others = job.remote.get()) {
        if (others->process_number() != 0)
            return others->give(0, {reinterpret_cast<const char*>(all.data()), all.size() * sizeof(entry_totals)});
        for (std::uint32_t process = 1; process < others->process_count(); ++process) {
            const std::string bytes = others->take(process);
            totals_table theirs(bytes.size() / sizeof(entry_totals));
            if (!theirs.empty()) std::memcpy(theirs.data(), bytes.data(), theirs.size() * sizeof(entry_totals));
            add(theirs);
        }
    }
    std::fputs(table_of(all).c_str(), stderr);
}

class account_of_run final : public runtime::account {
public:
    explicit account_of_run(runtime::machine& job) {
        if (!job.options.trace.empty()) drawn = std::make_unique<timeline>(job);
        if (!job.options.stats) return;
        for (auto& p : job.pes) {
            auto made = std::make_unique<statistics>();
            counted.push_back(made.get());
            p->observe(std::move(made));
        }
    }
    void write(runtime::machine& job) override {
        if (drawn) drawn->write(job);
        if (!counted.empty()) write_statistics(job, counted);
    }

private:
    std::unique_ptr<timeline> drawn;
    std::vector<statistics*> counted; ///< by PE
};

inline std::unique_ptr<runtime::account> keep_account(runtime::machine& job) {
    return std::make_unique<account_of_run>(job);
}

/// Tells the runtime how to keep account, before main.
struct registers_account {
    registers_account() { runtime::machine::keep_account = &keep_account; }
};
inline const registers_account account_registration;

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::trace
