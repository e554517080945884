// SPDX-License-Identifier: BSL-1.0
// leanmd DATAFILE | --lattice N [OPTION…]: molecules as LeanMD has it, the second mini-app of the CharmPy paper: cells
// as small as the cutoff allows, hundreds of chares on a PE, which may be moved at balancing points. With a gradient of
// the density the PEs have unequal work:
//   leanmd --lattice 40,10,10 --gradient 1 --motet-pes 2
//   leanmd --lattice 40,10,10 --gradient 1 --motet-pes 2 --motet-balance refine --motet-balance-report
// The chares are those of examples/molecules.
#include "../molecules/simulate.hpp"
#include "arguments.hpp"
#include "thin_out.hpp"

#include <motet/motet.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        return molecules::report_problems("leanmd", [] {
            const auto chosen = leanmd::arguments::parse(motet::arguments());
            if (chosen.others.help) return void(std::fputs(leanmd::usage, stdout));
            auto system = molecules::system_of(chosen.others);
            leanmd::thin_out(system, chosen.gradient, chosen.others.temperature, chosen.others.seed);
            molecules::simulate(chosen.others, system, 1, chosen.balance_every);
        });
    });
}
