// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/motet.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <utility>

/// What a program of the tests can be run under, and how a run that fails says which it was.
namespace motet_test {

using motet::runtime::options;

enum class moves { any, none }; ///< of elements that nobody asked to move

/// Under mpirun, which process of how many this is.
struct job {
    int rank = 0;
    int size = 1;
};
inline job this_job() {
    job own;
#ifdef MOTET_WITH_MPI
    motet::net::initialize();
    MPI_Comm_rank(MPI_COMM_WORLD, &own.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &own.size);
#endif
    return own;
}

inline options threads(std::uint32_t pes) {
    options chosen;
    chosen.pes = pes;
    chosen.stack = 512 << 10;
    return chosen;
}

inline options simulated(std::uint32_t processes, std::uint32_t pes, std::uint64_t seed = 1) {
    options chosen = threads(pes);
    chosen.simulated = true;
    chosen.processes = processes;
    chosen.seed = seed;
    chosen.table = false;
    return chosen;
}

/// The simulated run of a seed, which also decides what is simulated.
inline options simulated_by(std::uint64_t seed, moves allowed = moves::any) {
    options chosen = seed % 5 == 4   ? simulated(2, 1, seed)
                     : seed % 7 == 6 ? simulated(1, 4, seed)
                                     : simulated(3, 2, seed);
    const double chances[] = {0.3, 1.0, 0.0};
    chosen.migrate = allowed == moves::any ? chances[seed % 3] : 0;
    chosen.delay = seed / 3 % 2 != 0 ? 50e-6 : 0;
    chosen.shuffle = seed % 11 != 10;
    return chosen;
}

inline std::string describe(const options& o) {
    if (!o.simulated) return "--motet-pes " + std::to_string(o.pes);
    char text[200];
    std::snprintf(text, sizeof text,
                  "--motet-sim %ux%u --motet-seed %llu --motet-sim-migrate %g --motet-sim-delay %gus%s", o.processes,
                  o.pes, static_cast<unsigned long long>(o.seed), o.migrate, o.delay * 1e6,
                  o.shuffle ? "" : " --motet-sim-shuffle off");
    return text;
}

inline std::uint64_t number_in_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// The seeds to try: first, and one after the last.
inline std::pair<std::uint64_t, std::uint64_t> seeds() {
    if (const std::uint64_t only = number_in_environment("MOTET_TEST_SEED", 0)) return {only, only + 1};
    return {1, number_in_environment("MOTET_TEST_SEEDS", 6) + 1};
}

/// While it lives, a crash or a run that takes minutes tells which run that was.
class watched {
public:
    explicit watched(const options& chosen) {
        const std::string text = describe(chosen);
        std::snprintf(running, sizeof running, "motet test: this happened under %s\n", text.c_str());
        struct sigaction how {};
        how.sa_handler = &tell;
        how.sa_flags = SA_ONSTACK;
        for (std::size_t i = 0; i < 3; ++i) sigaction(signals[i], &how, &before[i]);
        alarm(static_cast<unsigned>(number_in_environment("MOTET_TEST_LIMIT", 300)));
    }
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;
    ~watched() {
        alarm(0);
        for (std::size_t i = 0; i < 3; ++i) sigaction(signals[i], &before[i], nullptr);
    }

private:
    static void tell(int number) {
        const char* hangs = "motet test: the run does not end\n";
        if (number == SIGALRM && write(STDERR_FILENO, hangs, std::strlen(hangs)) < 0) _exit(3);
        if (write(STDERR_FILENO, running, std::strlen(running)) < 0) _exit(3);
        for (std::size_t i = 0; i < 3; ++i) sigaction(signals[i], &before[i], nullptr);
        raise(number == SIGALRM ? SIGABRT : number);
    }
    static constexpr int signals[3] = {SIGABRT, SIGSEGV, SIGALRM};
    static inline struct sigaction before[3];
    static inline char running[300];
};

} // namespace motet_test
