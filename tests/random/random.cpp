// SPDX-License-Identifier: BSL-1.0
//
// random [--seed N] [--seeds N] [--steps N] [--seconds N] [--motet-...]: programs made from seeds, each checked against
// what must come out. Without options of Motet each is simulated, on machines of several shapes, with elements that
// move without being asked and messages that are late and overtake one another. The first that is wrong ends it, and is
// named.

#include "../chare/configurations.hpp"
#include "program.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
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
    for (std::size_t i = 1; i < words.size(); ++i) {
        std::uint64_t* const value = words[i] == "--seed"      ? &first
                                     : words[i] == "--seeds"   ? &count
                                     : words[i] == "--steps"   ? &steps
                                     : words[i] == "--seconds" ? &seconds
                                                               : nullptr;
        if (value == nullptr || i + 1 == words.size()) {
            std::fprintf(stderr, "random [--seed N] [--seeds N] [--steps N] [--seconds N] [--motet-...]\n");
            return 2;
        }
        *value = std::strtoull(words[++i].c_str(), nullptr, 10);
    }
    const job own = this_job();
    const bool of_its_own = static_cast<int>(words.size()) < argc || own.size > 1;
    given.stack = 512 << 10;
    given.table = false;
    const auto start = std::chrono::steady_clock::now();
    const auto so_far = [&] { return std::chrono::steady_clock::now() - start; };
    std::uint64_t seed = first;
    for (; agreed(seconds > 0 ? so_far() < std::chrono::seconds(seconds) : seed < first + count); ++seed) {
        options chosen = of_its_own ? given : simulation_of(seed);
        if (of_its_own && chosen.simulated) chosen.seed = seed;
        try {
            const watched until_the_end(chosen);
            auto body = [&] { random_program::program(seed, static_cast<std::int64_t>(steps)).run(); };
            if (motet::runtime::launch(chosen, {"random"}, body, &motet::runtime::equip) != 0)
                throw motet::error("it ended with an error");
        } catch (const motet::runtime::told_elsewhere&) {
            return 1;
        } catch (const std::exception& problem) {
            std::fprintf(stderr, "random: seed %llu of the program, under %s:\n%s\n",
                         static_cast<unsigned long long>(seed), describe(chosen).c_str(), problem.what());
            return 1;
        }
    }
    if (own.rank == 0)
        std::printf("%llu programs, seeds %llu to %llu, all right, in %lld s\n",
                    static_cast<unsigned long long>(seed - first), static_cast<unsigned long long>(first),
                    static_cast<unsigned long long>(seed - 1),
                    static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(so_far()).count()));
    return 0;
}
