// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/motet.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

/// Whole runs of motet::run inside a test.
namespace motet_test {

/// Runs `body` as the main of a program with these options; returns its exit code.
template <class Body>
int run_with(std::vector<std::string> options, Body&& body) {
    if (options.front() == "--motet-sim") options.push_back("--motet-alone"); // each process of an MPI job simulates it
    options.insert(options.begin(), "test");
    std::vector<char*> argv;
    for (std::string& o : options) argv.push_back(o.data());
    argv.push_back(nullptr);
    int argc = static_cast<int>(options.size());
    return motet::run(argc, argv.data(), std::forward<Body>(body));
}

/// The options of some runs on threads, and of simulated ones under several seeds with everything that can go wrong.
/// MOTET_TEST_SEEDS says how many seeds where a test is content with fewer.
inline std::vector<std::vector<std::string>> many_runs(int seeds = 5) {
    if (const char* more = std::getenv("MOTET_TEST_SEEDS")) seeds = std::max(seeds, std::atoi(more));
    std::vector<std::vector<std::string>> all{{"--motet-pes", "1"}, {"--motet-pes", "2"}, {"--motet-pes", "3"}};
    for (int seed = 1; seed <= seeds; ++seed)
        for (const char* machine : {"1x1", "1x4", "3x2", "5x1"})
            all.push_back({"--motet-sim", machine, "--motet-seed", std::to_string(seed), "--motet-sim-table", "off",
                           "--motet-sim-delay", seed % 2 != 0 ? "10us" : "0", "--motet-sim-migrate",
                           seed % 3 != 0 ? "0.3" : "0", "--motet-net-latency", "5us"});
    return all;
}

/// Runs `body` in each of them; every one must end well.
template <class Body>
void in_many_runs(Body&& body, int seeds = 5) {
    for (const auto& options : many_runs(seeds)) {
        std::string text;
        for (const std::string& o : options) text += o + " ";
        CAPTURE(text);
        CHECK(run_with(options, body) == 0);
    }
}

} // namespace motet_test
