// SPDX-License-Identifier: BSL-1.0
#pragma once

// Not part of <motet/motet.hpp>: a program that includes it links to motet::scotch, too.
#include <cstdint>
#include <cstdio>
#if __has_include(<scotch.h>)
#include <scotch.h>
#else
#error "motet: <motet/balance/scotch.hpp> needs Scotch 7 (Debian: libscotch-dev); link to motet::scotch"
#endif

#include <motet/balance/partition.hpp>
#include <motet/error.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace motet::inline MOTET_VARIANT {

/// Parts of equal load, within a twentieth, between which as few messages pass as Scotch can find (Pellegrini and
/// Roman, "Scotch: a software package for static mapping by dual recursive bipartitioning of process and architecture
/// graphs", 1996). Chares that cannot move are fixed vertices: they count as load where they are, and draw their
/// partners there. With no more chares than PEs it does what `communication` does.
struct scotch_strategy {
    static constexpr const char* name = "scotch";
    static constexpr bool uses_messages = true;

    void operator()(balancing& all) const;
};
inline constexpr scotch_strategy scotch{};

namespace runtime {

/// A problem as Scotch takes it. Its context has random numbers of its own, and one thread: the same graph is cut in
/// the same way each time, whatever else the program does.
class scotch_problem {
public:
    scotch_problem() {
        SCOTCH_contextInit(&context);
        SCOTCH_graphInit(&graph);
        SCOTCH_graphInit(&bound);
        SCOTCH_stratInit(&strategy);
    }
    scotch_problem(const scotch_problem&) = delete;
    scotch_problem& operator=(const scotch_problem&) = delete;
    ~scotch_problem() {
        SCOTCH_stratExit(&strategy);
        SCOTCH_graphExit(&bound);
        SCOTCH_graphExit(&graph);
        SCOTCH_contextExit(&context);
    }
    /// `parts`: of the vertices that are fixed, and -1 for the others.
    void solve(chare_graph<SCOTCH_Num>& g, SCOTCH_Num count, std::vector<SCOTCH_Num>& parts) {
        must(SCOTCH_contextThreadSpawn(&context, 1, nullptr));
        must(SCOTCH_contextRandomClone(&context));
        SCOTCH_contextRandomSeed(&context, 1);
        must(SCOTCH_graphBuild(&graph, 0, static_cast<SCOTCH_Num>(g.chares.size()), g.first.data(), g.first.data() + 1,
                               g.loads.data(), nullptr, static_cast<SCOTCH_Num>(g.neighbours.size()),
                               g.neighbours.data(), g.messages.data()));
        must(SCOTCH_contextBindGraph(&context, &graph, &bound));
        must(SCOTCH_stratGraphMapBuild(&strategy, SCOTCH_STRATBALANCE, count, partition::tolerance - 1));
        must(SCOTCH_graphPartFixed(&bound, count, &strategy, parts.data()));
    }

private:
    static void must(int code) {
        if (code != 0)
            throw error("motet::scotch: Scotch failed, and has said why on standard error. Another strategy "
                        "(--motet-balance greedy) does without it.");
    }

    SCOTCH_Context context;
    SCOTCH_Graph graph, bound;
    SCOTCH_Strat strategy;
};

inline const std::uint32_t scotch_is_here = strategy_of<scotch_strategy>::id(); ///< for --motet-balance scotch

} // namespace runtime

inline void scotch_strategy::operator()(balancing& all) const {
    runtime::partition parts(all);
    if (parts.too_small()) return;
    runtime::chare_graph<SCOTCH_Num> graph(all, true, static_cast<std::size_t>(all.pes));
    std::vector<SCOTCH_Num> found;
    for (const chare_load& c : all.chares) found.push_back(c.may_move ? -1 : static_cast<SCOTCH_Num>(c.pe));
    runtime::scotch_problem{}.solve(graph, static_cast<SCOTCH_Num>(all.pes), found);
    parts.put(graph.chares, [&](std::size_t i) { return found[i]; });
    parts.finish();
}

} // namespace motet::inline MOTET_VARIANT
