// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../number.hpp"
#include "block.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace stencil3d {

inline constexpr const char* usage =
    "usage: stencil3d POINTS BLOCKS ITERATIONS [--imbalance] [--balance-every N] [--point-time NS]\n"
    "  POINTS, BLOCKS      along x, y and z: one number, or three as in 64,32,32\n"
    "  --imbalance         blocks work longer than others, as in section V-B of the CharmPy paper\n"
    "  --balance-every N   iterations between two balancing points (30); one more follows the first iteration. The\n"
    "                      strategy is --motet-balance\n"
    "  --point-time NS     nanoseconds that a point is declared to take, for simulated runs";

/// Reads the command line. Throws std::invalid_argument, with a sentence.
inline settings settings_of(const std::vector<std::string>& words, std::int64_t pes) {
    settings chosen;
    std::size_t given = 0;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto value = [&] {
            if (i + 1 == words.size()) throw std::invalid_argument(words[i] + " needs a number after it");
            return words[++i];
        };
        if (words[i] == "--imbalance")
            chosen.parts = pes;
        else if (words[i] == "--balance-every")
            chosen.balance_every = number(value(), "--balance-every", 1, 1000000000);
        else if (words[i] == "--point-time")
            chosen.point_time = 1e-9 * number(value(), "--point-time", 0.001, 1e9);
        else if (words[i].starts_with("--"))
            throw std::invalid_argument("unknown option " + words[i] + "\n" + usage);
        else if (++given == 1)
            chosen.whole.points = three_numbers(words[i], "POINTS", 1, 1000000);
        else if (given == 2)
            chosen.whole.blocks = three_numbers(words[i], "BLOCKS", 1, 1000000);
        else if (given == 3)
            chosen.iterations = number(words[i], "ITERATIONS", 0, 1000000000);
        else
            throw std::invalid_argument("one argument too many: " + words[i] + "\n" + usage);
    }
    if (given < 3) throw std::invalid_argument(usage);
    for (std::size_t d = 0; d < 3; ++d)
        if (chosen.whole.blocks[d] > chosen.whole.points[d])
            throw std::invalid_argument("more blocks than points along " + std::string(1, "xyz"[d]) + ": " +
                                        std::to_string(chosen.whole.blocks[d]) + " for " +
                                        std::to_string(chosen.whole.points[d]));
    return chosen;
}

} // namespace stencil3d
