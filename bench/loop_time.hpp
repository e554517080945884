// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace motet_bench {

/// Runs a program; seconds from the line "Loop time of S on …" that it prints.
inline double loop_time(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(::popen((command + " 2>&1").c_str(), "r"), ::pclose);
    if (!out) throw std::runtime_error("cannot run " + command);
    std::array<char, 1024> line;
    std::string all;
    double seconds = -1;
    while (std::fgets(line.data(), line.size(), out.get()) != nullptr) {
        all += line.data();
        std::sscanf(line.data(), "Loop time of %lf on", &seconds);
    }
    if (seconds < 0) throw std::runtime_error(command + " did not say its loop time:\n" + all);
    return seconds;
}

} // namespace motet_bench
