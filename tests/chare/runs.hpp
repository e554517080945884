// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "configurations.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
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
