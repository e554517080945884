// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <unistd.h>

/// How far a run is, on standard error: a bar on a terminal, a plain line for every tenth of it in a log.
struct progress_line {
    std::int64_t steps = 0;
    std::int64_t shown = 0; ///< percents, or tenths in a log
    double began = 0;       ///< seconds of the wall clock, also in a simulated run

    void update(std::int64_t step) {
        if (shown == 0 && began == 0) began = seconds();
        const bool bar = on_terminal();
        const std::int64_t part = steps > 0 ? step * (bar ? 100 : 10) / steps : 0;
        if (part <= shown) return; // also: cells' reports may overtake each other
        shown = part;
        const double left = (seconds() - began) * (static_cast<double>(steps) / static_cast<double>(step) - 1);
        const std::string filled(static_cast<std::size_t>(part) * 2 / 5, '#');
        if (bar)
            std::fprintf(stderr, "\r[%-40s] %3lld%%, %.0f s left \033[K", filled.c_str(), static_cast<long long>(part),
                         left);
        else
            std::fprintf(stderr, "progress: step %lld of %lld, %.1f s left\n", static_cast<long long>(step),
                         static_cast<long long>(steps), left);
        std::fflush(stderr);
    }

    /// Makes room for a line of output; the next update draws the bar again.
    void clear() const {
        if (on_terminal()) std::fputs("\r\033[K", stderr), std::fflush(stderr);
    }

private:
    static bool on_terminal() {
        static const bool terminal = ::isatty(STDERR_FILENO) == 1;
        return terminal;
    }
    static double seconds() {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }
};
