// SPDX-License-Identifier: BSL-1.0
// stencil3d POINTS BLOCKS ITERATIONS [OPTION…]: heat in a box with walls of fixed temperature, by Jacobi's method over
// the 7-point stencil; any number of blocks share the points. The mini-app of the CharmPy paper, with its imbalance:
//   stencil3d 64 8,2,2 60 --imbalance --motet-pes 8                       each PE has the same four blocks all the time
//   stencil3d 64 8,2,2 60 --imbalance --motet-pes 8 --motet-balance greedy
// Prints the time of the loop, the sum over all points, and a checksum that is the same for every number of blocks.
#include "arguments.hpp"
#include "block.hpp"

#include <motet/motet.hpp>

#include <utility>

using namespace stencil3d;

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const settings how = settings_of(motet::arguments(), motet::pe_count());
        const auto [x, y, z] = how.whole.blocks;
        motet::set_readonly(settings(how));
        const auto blocks = motet::array<Block, motet::grid<3>>::create(
            {x, y, z},
            Block{.observer = motet::chare<Observer>::create({.progress = {.steps = how.iterations}}, motet::my_pe())});

        const double began = motet::now();
        blocks.all<&Block::run>(how.iterations).get();
        const double seconds = motet::now() - began;
        motet::print("Loop time of {:.6g} on {} PEs for {} iterations of {} blocks", seconds, motet::pe_count(),
                     how.iterations, x * y * z);
        motet::print("sum {:.9g}", blocks.reduce<&Block::sum>(motet::sum).get());
        motet::print("checksum {:016x}", blocks.reduce<&Block::checksum>(motet::sum).get());
    });
}
