// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/motet.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

/// What the programs under bench/ that measure running Motet programs share.
namespace motet_bench {

/// Ends the benchmark: what was measured did not do its work.
inline void check(bool right, const char* what) {
    if (right) return;
    std::fprintf(stderr, "benchmark: wrong result of %s\n", what);
    std::exit(1);
}

/// Runs `body` as the main of a Motet program of its own on `pes` PEs, and gives what it returns. Between two such runs
/// no thread of Motet exists, so that rivals have the machine to themselves.
template <class Body>
double on_pes(int pes, Body&& body) {
    std::string words[] = {"bench", "--motet-pes", std::to_string(pes)};
    char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    int count = 3;
    double value = 0;
    check(motet::run(count, pointers, [&] { value = body(); }) == 0, "motet::run");
    return value;
}

} // namespace motet_bench
