// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi.hpp>
#include <motet/runtime/launcher.hpp>
#include <motet/runtime/mpi_agreement.hpp>
#include <motet/runtime/mpi_link.hpp>
#include <motet/runtime/options.hpp>
#include <motet/runtime/registry.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

/// The start of a run over MPI: the processes agree that they are one program.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

inline std::string executable() {
    std::string path(4096, '\0');
    const auto length = readlink("/proc/self/exe", path.data(), path.size());
    path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return path + " on " + host;
}

/// Every name in the registry with its schema, one per line.
inline std::string table_of_entries() {
    std::string text;
    registry::instance().for_each([&](const char* name, const std::string& schema) {
        text += demangled(name) + (schema.empty() ? "" : ": ") + schema + "\n";
    });
    return text;
}

/// The first line of `mine` that is not in `theirs`; both sorted by the registry.
inline std::string difference(const std::string& mine, const std::string& theirs) {
    for (std::size_t at = 0; at < mine.size();) {
        const std::size_t end = mine.find('\n', at);
        const std::string line = mine.substr(at, end - at + 1);
        if (("\n" + theirs).find("\n" + line) == std::string::npos) return line.substr(0, line.size() - 1);
        at = end + 1;
    }
    return {};
}

/// What is wrong with the programs that the processes run; empty if they are one (invariant 8 of the design).
inline std::string difference_of_programs(const agreement& all, int rank) {
    const auto own = static_cast<std::int64_t>(registry::instance().fingerprint());
    const std::int64_t least = all.least(own);
    if (least == all.most(own)) return {};
    const auto first = std::stoll(all.from(0, std::to_string(own)));
    const int other = all.first_that(own != first);
    const std::string table = table_of_entries();
    const std::string table_0 = all.from(0, table);
    const std::string path_0 = all.from(0, executable());
    if (rank != other) return {};
    std::string text = "the processes of this job run different programs: process 0 runs " + path_0 + ", process " +
                       std::to_string(other) + " runs " + executable() + ".";
    if (const std::string line = difference(table, table_0); !line.empty())
        text += " Only process " + std::to_string(other) + " has " + line + ".";
    if (const std::string line = difference(table_0, table); !line.empty()) text += " Only process 0 has " + line + ".";
    return text;
}

/// Settles the number of PEs, and whether each has a core. What is wrong with it, or empty.
/// `neighbours`: processes of this machine.
inline std::string share_machine(const agreement& all, int neighbours, options& chosen) {
    const auto bound = static_cast<std::int64_t>(std::max(1u, std::thread::hardware_concurrency()));
    const std::int64_t cores = std::max<std::int64_t>(1, sysconf(_SC_NPROCESSORS_ONLN));
    if (all.most(chosen.pes) == 0)
        chosen.pes = static_cast<std::uint32_t>(all.least(std::clamp(cores / neighbours, std::int64_t{1}, bound)));
    const auto pes = static_cast<std::int64_t>(chosen.pes);
    chosen.core_each = pes <= bound && pes * neighbours <= cores;
    const std::int64_t least = all.least(pes);
    const std::int64_t most = all.most(pes);
    const auto has = [](std::int64_t n) { return n == 0 ? std::string("no --motet-pes") : std::to_string(n) + " PEs"; };
    const bool scripts = !chosen.embedded && (chosen.script || !chosen.script_run.empty());
    if (least == most) return net::problem_of_thread_level(chosen.pes, scripts);
    const int few = all.first_that(pes == least);
    const int many = all.first_that(pes == most);
    return "process " + std::to_string(few) + " has " + has(least) + ", process " + std::to_string(many) + " has " +
           has(most) + ": start all with the same --motet-pes";
}

/// What is read at the start and written at the end is so together. What is wrong with what each is told of it, or
/// empty.
inline std::string difference_of_options(const agreement& all, const options& chosen) {
    for (const auto& [option, given] :
         {std::pair("--motet-restart", !chosen.restart.empty()), std::pair("--motet-trace", !chosen.trace.empty()),
          std::pair("--motet-stats", chosen.stats)})
        if (all.least(given ? 1 : 0) != all.most(given ? 1 : 0))
            return "process " + std::to_string(all.first_that(given)) + " has " + option + ", process " +
                   std::to_string(all.first_that(!given)) + " does not: start all with the same options";
    return {};
}

/// The way to the other processes of the job; null if there are none. Collective; settles the number of PEs.
/// Throws `error` on every process if something is wrong with one of them.
inline std::unique_ptr<remote_port> connect(options& chosen) {
    net::initialize();
    if (net::size_of_world() == 1)
        refuse_copies(chosen, "its MPI, " + net::library() +
                                  ", does not know of the others. Start them with the mpirun of this MPI, or with srun "
                                  "--mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH)");
    if (chosen.within == MPI_COMM_NULL) chosen.within = chosen.alone ? MPI_COMM_SELF : MPI_COMM_WORLD;
    auto link = std::make_unique<mpi_link>(chosen.within, chosen.shared_memory);
    const net::communicator& group = link->group();
    const agreement all(group);
    all.on(difference_of_programs(all, group.rank));
    all.on(share_machine(all, link->neighbour_count(), chosen));
    all.on(difference_of_options(all, chosen));
    if (group.size == 1) return nullptr;
    return link;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
