// SPDX-License-Identifier: BSL-1.0
// What balancing gains in examples/leanmd on 2 PEs, where the density of the atoms falls to nothing along x: the time
// without it over the time with it. If all the work were in pairs of atoms, which are as many as the density's square,
// the first PE would have 1.75 times the average; what cells and messages cost does not fall with the density.
#include "harness.hpp"
#include "loop_time.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>

int main(int argc, char** argv) {
    const std::string command =
        std::string(MOTET_EXAMPLE) +
        " --lattice 40,10,10 --gradient 1 --steps 100 --thermo 0 --balance-every 40 --motet-pes 2"
        " --motet-balance ";
    try {
        motet_bench::report report(argc, argv);
        report.compare(
            {.id = "leanmd.imbalance_gain", .unit = "s", .repetitions = 5},
            [&] { return motet_bench::loop_time(command + "none"); },
            motet_bench::rival{"with refine", [&] { return motet_bench::loop_time(command + "refine"); }});
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        return 1;
    }
}
