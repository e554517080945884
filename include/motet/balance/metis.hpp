// SPDX-License-Identifier: BSL-1.0
#pragma once

// Not part of <motet/motet.hpp>: a program that includes it links to motet::metis, too.
#if !__has_include(<metis.h>)
#error "motet: <motet/balance/metis.hpp> needs METIS 5 (Debian: libmetis-dev); link to motet::metis"
#endif

#include <motet/balance/partition.hpp>
#include <motet/error.hpp>

#include <cmath>
#include <cstddef>
#include <metis.h>
#include <mutex>
#include <string>
#include <vector>

namespace motet::inline MOTET_VARIANT {

/// Parts of equal load, within a twentieth, between which as few messages pass as METIS can find (Karypis and Kumar, "A
/// fast and high quality multilevel scheme for partitioning irregular graphs", 1998). Chares that cannot move count as
/// load where they are. With no more chares than PEs it does what `communication` does. METIS reseeds rand().
struct metis_strategy {
    static constexpr const char* name = "metis";
    static constexpr bool uses_messages = true;

    void operator()(balancing& all) const;
};
inline constexpr metis_strategy metis{};

namespace runtime {

/// METIS draws from rand(), and sets signal handlers while it works.
inline std::mutex metis_works;

inline void metis_failed(int code) {
    throw error("motet::metis: METIS " +
                std::string(code == METIS_ERROR_MEMORY  ? "has not enough memory"
                            : code == METIS_ERROR_INPUT ? "refuses the graph of the chares"
                                                        : "failed") +
                ". Another strategy (--motet-balance greedy) does without it.");
}

inline const std::uint32_t metis_is_here = strategy_of<metis_strategy>::id(); ///< for --motet-balance metis

} // namespace runtime

inline void metis_strategy::operator()(balancing& all) const {
    runtime::partition parts(all);
    if (parts.too_small()) return;
    // METIS knows no vertices that stand still: those that do are left out, and their PEs get the less for it.
    std::vector<std::size_t> pes; ///< by the numbers of the parts
    std::vector<real_t> shares;
    double whole = 0;
    for (std::size_t pe = 0; pe < static_cast<std::size_t>(all.pes); ++pe)
        if (const double room = parts.room(pe); room > 0) {
            pes.push_back(pe);
            shares.push_back(static_cast<real_t>(room));
            whole += room;
        }
    for (real_t& each : shares) each = static_cast<real_t>(each / whole);
    runtime::chare_graph<idx_t> graph(all, false, pes.size());
    std::vector<idx_t> found(graph.chares.size());
    if (pes.size() > 1) {
        auto vertices = static_cast<idx_t>(found.size()), wanted = static_cast<idx_t>(pes.size());
        idx_t weights = 1, cut = 0, options[METIS_NOPTIONS];
        METIS_SetDefaultOptions(options);
        options[METIS_OPTION_SEED] = 1;
        options[METIS_OPTION_UFACTOR] = static_cast<idx_t>(std::lround(1000 * (runtime::partition::tolerance - 1)));
        auto* const method = wanted > 8 ? &METIS_PartGraphKway : &METIS_PartGraphRecursive; // as its manual advises
        const std::lock_guard one_at_a_time(runtime::metis_works);
        const int code =
            method(&vertices, &weights, graph.first.data(), graph.neighbours.data(), graph.loads.data(), nullptr,
                   graph.messages.data(), &wanted, shares.data(), nullptr, options, &cut, found.data());
        if (code != METIS_OK) runtime::metis_failed(code);
    }
    parts.put(graph.chares, [&](std::size_t i) { return pes[static_cast<std::size_t>(found[i])]; });
    parts.finish();
}

} // namespace motet::inline MOTET_VARIANT
