// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../molecules/arguments.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace leanmd {

inline constexpr const char* usage = R"(Usage: leanmd DATAFILE [options]
       leanmd --lattice NX[,NY,NZ] [options]

Molecular dynamics in the manner of LeanMD: many small cells on each PE, and a chare for each two that touch.

--gradient X      thins the atoms out along x, from all that there are down to 1 - X of them (0, at most 1)
--balance-every N steps between two balancing points (100); one more is at the first rebuild of the neighbour lists.
                  The strategy is --motet-balance
--cell-atoms N    atoms in a cell, at most (as few as the cutoff allows)

All other options are those of molecules, which molecules --help explains.
)";

struct arguments {
    double gradient = 0;
    std::int64_t balance_every = 100;
    molecules::arguments others;

    /// Throws molecules::usage_error.
    static arguments parse(const std::vector<std::string>& words) {
        arguments chosen;
        std::vector<std::string> rest;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const std::string& option = words[i];
            if (option != "--gradient" && option != "--balance-every") {
                rest.push_back(option);
                continue;
            }
            if (i + 1 == words.size()) throw molecules::usage_error(option + " needs a value after it");
            const std::string& value = words[++i];
            if (option == "--balance-every")
                chosen.balance_every =
                    molecules::arguments::number(option, value, std::int64_t{1}, std::int64_t{1} << 53);
            else if (chosen.gradient = molecules::arguments::number(option, value, 0.0, 1e100); chosen.gradient > 1)
                throw molecules::usage_error("--gradient " + value + ": expected a number from 0 to 1");
        }
        chosen.others = molecules::arguments::parse(rest);
        return chosen;
    }
};

} // namespace leanmd
