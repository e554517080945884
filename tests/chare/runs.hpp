// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/motet.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

template <class T>
struct doctest::StringMaker<std::vector<T>> {
    static doctest::String convert(const std::vector<T>& values) {
        doctest::String text = "{";
        for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + doctest::toString(T(values[i]));
        return text + "}";
    }
};

/// Runs a program under many configurations: on 1, 2 and 3 threads, and simulated under many seeds, with shuffled and
/// late messages and elements that move without being asked. Under mpirun: over all processes, with 1 and 2 PEs each.
/// MOTET_TEST_SEEDS says how many seeds (default 6), and MOTET_TEST_SEED names the only one. What fails, hangs or
/// crashes names its seed.
///
/// Checks belong into main, which runs on the thread of the test (of process 0).
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

/// What every process has counted, together. To be called by all of them.
inline int over_all(int own) {
#ifdef MOTET_WITH_MPI
    MPI_Allreduce(MPI_IN_PLACE, &own, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
#endif
    return own;
}

/// The most of what the processes have found. To be called by all of them.
inline std::int64_t most_of_all(std::int64_t own) {
#ifdef MOTET_WITH_MPI
    MPI_Allreduce(MPI_IN_PLACE, &own, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
#endif
    return own;
}

/// Runs `body` as main; gives what the run gives, or throws.
template <class Body>
int run(const options& chosen, Body&& body, std::vector<std::string> arguments = {"test"}) {
    const watched until_the_end(chosen);
    return motet::runtime::launch(chosen, std::move(arguments), body, &motet::runtime::equip);
}

/// The text of the error that ends the run.
template <class Body>
std::string error_of(const options& chosen, Body&& body) {
    try {
        run(chosen, body);
    } catch (const motet::error& problem) {
        return problem.what();
    }
    return "";
}

/// One run, which must end well.
template <class Body>
void run_well(const options& chosen, Body&& body) {
    const std::string name = describe(chosen);
    INFO(name);
    bool finished = false;
    auto whole = [&] {
        body();
        finished = true;
    };
    try {
        CHECK(run(chosen, whole) == 0);
    } catch (const motet::error& problem) {
        FAIL_CHECK(std::string(problem.what()));
    }
    if (this_job().rank == 0) CHECK(finished);
}

/// One run of its own kind, in one process.
template <class Body>
void one(const options& chosen, Body&& body) {
    if (this_job().size == 1) run_well(chosen, body);
}

template <class Body>
void on_threads(Body&& body) {
    if (this_job().size > 1) return run_well(threads(1), body), run_well(threads(2), body);
    for (const std::uint32_t pes : {1u, 2u, 3u}) run_well(threads(pes), body);
}
template <class Body>
void in_simulation(Body&& body, moves allowed = moves::any) {
    if (this_job().size > 1) return;
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed) run_well(simulated_by(seed, allowed), body);
}
template <class Body>
void everywhere(Body&& body, moves allowed = moves::any) {
    on_threads(body);
    in_simulation(body, allowed);
}

/// Runs whose way of failing is compared: some of each kind.
inline std::vector<options> some() {
    if (this_job().size > 1) return {threads(1), threads(2)};
    std::vector<options> all{threads(1), threads(3), simulated(3, 2, 7)};
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed) all.push_back(simulated_by(seed));
    return all;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The text of the motet::error that `action` throws; "" if none.
template <class Action>
std::string thrown_by(Action&& action) {
    try {
        action();
    } catch (const motet::error& problem) {
        return problem.what();
    }
    return "";
}

} // namespace motet_test
