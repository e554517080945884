// SPDX-License-Identifier: BSL-1.0
//
// random [--kind program|mixture|chain|points] [--seed N] [--seeds N] [--steps N] [--seconds N] [--motet-...]: programs
// made from seeds, each checked against what must come out. Without options of Motet each is simulated, on machines of
// several shapes, with elements that move without being asked and messages that are late and overtake one another. The
// first that is wrong ends it, and is named.
//
// program: main does one thing after the other (--steps says how many). mixture: chares do many at the same time.
// chain: a program that is restarted from its checkpoints, on another machine each time. points: elements are born,
// move and end between balancing points. Both are only simulated.

#include "../chare/configurations.hpp"
#include "chain.hpp"
#include "mixture.hpp"
#include "points.hpp"
#include "program.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace motet_test;

options simulation_of(std::uint64_t seed) {
    constexpr std::uint32_t shapes[][2] = {{3, 2}, {1, 4}, {4, 1}, {7, 3}, {2, 1}, {2, 2}, {5, 5}, {17, 1}, {3, 2}};
    const auto [processes, pes] = shapes[seed % 9];
    options chosen = simulated(processes, pes, seed);
    const double moves[] = {1.0, 0.3, 1.0, 0.0};
    chosen.migrate = moves[seed / 9 % 4];
    const double delays[] = {50e-6, 0, 5e-6};
    chosen.delay = delays[seed / 36 % 3];
    chosen.shuffle = seed % 11 != 10;
    if (seed % 5 == 0) chosen.network = {.latency = 2e-6, .overhead = 1e-7, .gap = 1e-7, .bandwidth = 1e9};
    return chosen;
}

/// What is balanced by whom, too.
options balanced_simulation_of(std::uint64_t seed) {
    options chosen = simulation_of(seed);
    const char* const strategies[] = {"", "greedy", "", "rotate", "", "communication", "distributed", "", "none"};
    chosen.balance = strategies[seed / 108 % 9];
    if (seed % 6 == 5) chosen.balance_period = 20e-6;
    return chosen;
}

/// For the checkpoints of a chain: in memory, where there is such a folder, for a disk is slow.
std::string folder_of_chains() {
    namespace fs = std::filesystem;
    const fs::path memory = "/dev/shm";
    return (fs::is_directory(memory) ? memory : fs::temp_directory_path()) /
           ("motet-random-" + std::to_string(getpid()));
}

/// What the first process says.
bool agreed(bool go_on) {
    int code = go_on ? 1 : 0;
#ifdef MOTET_WITH_MPI
    MPI_Bcast(&code, 1, MPI_INT, 0, MPI_COMM_WORLD);
#endif
    return code != 0;
}

} // namespace

int main(int argc, char** argv) {
    std::vector<std::string> words(argv, argv + argc);
    options given;
    try {
        given = motet::runtime::take_options(words);
    } catch (const motet::error& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        return 2;
    }
    std::uint64_t first = 1, count = 100, steps = 0, seconds = 0;
    std::string kind = "program";
    for (std::size_t i = 1; i < words.size(); i += 2) {
        std::uint64_t* const value = words[i] == "--seed"      ? &first
                                     : words[i] == "--seeds"   ? &count
                                     : words[i] == "--steps"   ? &steps
                                     : words[i] == "--seconds" ? &seconds
                                                               : nullptr;
        constexpr std::string_view kinds[] = {"program", "mixture", "chain", "points"};
        const bool names_kind = words[i] == "--kind" && i + 1 < words.size() &&
                                std::find(std::begin(kinds), std::end(kinds), words[i + 1]) != std::end(kinds);
        if ((value == nullptr && !names_kind) || i + 1 == words.size()) {
            std::fprintf(stderr, "random [--kind program|mixture|chain|points] [--seed N] [--seeds N] "
                                 "[--steps N] [--seconds N] [--motet-...]\n");
            return 2;
        }
        if (value != nullptr)
            *value = std::strtoull(words[i + 1].c_str(), nullptr, 10);
        else
            kind = words[i + 1];
    }
    const job own = this_job();
    const bool of_its_own = static_cast<int>(words.size()) < argc || own.size > 1;
    if ((kind == "chain" || kind == "points") && of_its_own) {
        std::fprintf(stderr, "random: --kind %s is only simulated, and takes no options of Motet\n", kind.c_str());
        return 2;
    }
    given.stack = 512 << 10;
    given.table = false;
    const auto start = std::chrono::steady_clock::now();
    const auto so_far = [&] { return std::chrono::steady_clock::now() - start; };
    std::uint64_t seed = first;
    for (; agreed(seconds > 0 ? so_far() < std::chrono::seconds(seconds) : seed < first + count); ++seed) {
        options chosen = of_its_own                              ? given
                         : kind == "program" || kind == "points" ? simulation_of(seed)
                                                                 : balanced_simulation_of(seed);
        if (of_its_own && chosen.simulated) chosen.seed = seed;
        const auto run = [&](auto body, int code) {
            const watched until_the_end(chosen);
            if (motet::runtime::launch(chosen, {"random"}, body, &motet::runtime::equip) != code)
                throw motet::error("it ended with an error");
        };
        try {
            if (kind == "program") {
                run([&] { random_program::program(seed, static_cast<std::int64_t>(steps)).run(); }, 0);
            } else if (kind == "mixture") {
                const random_program::mixture one(seed);
                run([&] { one.run(); }, one.code());
            } else if (kind == "points") {
                random_program::points all{{seed}};
                random_program::points::now = &all;
                run([&] { all.run(); }, 0);
            } else {
                const std::string folder = folder_of_chains(); // stays where a chain is wrong
                std::filesystem::remove_all(folder);
                const std::uint64_t restarts = 1 + seed % 3;
                for (std::uint64_t link = 0; link <= restarts; ++link) {
                    if (link > 0) chosen = balanced_simulation_of(seed + 1009 * link);
                    if (link > 0) chosen.restart = folder;
                    random_program::captain::finished = 0;
                    run([&] { random_program::start_chain(seed, static_cast<std::int64_t>(restarts), folder); }, 0);
                    if (random_program::captain::finished == 0) throw motet::error("it did not come to its end");
                }
                std::filesystem::remove_all(folder);
            }
        } catch (const motet::runtime::told_elsewhere&) {
            return 1;
        } catch (const std::exception& problem) {
            std::fprintf(stderr, "random: --kind %s --seed %llu, under %s%s:\n%s\n", kind.c_str(),
                         static_cast<unsigned long long>(seed), describe(chosen).c_str(),
                         chosen.restart.empty() ? "" : (" --motet-restart " + chosen.restart).c_str(), problem.what());
            return 1;
        }
    }
    if (own.rank == 0)
        std::printf("%llu of kind %s, seeds %llu to %llu, all right, in %lld s\n",
                    static_cast<unsigned long long>(seed - first), kind.c_str(), static_cast<unsigned long long>(first),
                    static_cast<unsigned long long>(seed - 1),
                    static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(so_far()).count()));
    return 0;
}
