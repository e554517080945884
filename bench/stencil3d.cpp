// SPDX-License-Identifier: BSL-1.0
// needs: mpi
//
// examples/stencil3d with one block for each process, beside its twin that calls MPI itself, with the same kernel and
// the same faces:
//   mpirun -n 2 bench_stencil3d

#include "../examples/stencil3d/block.hpp"
#include "harness.hpp"
#include "program.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::seconds;
using namespace stencil3d;

int rank_here = 0;
int ranks = 1;

constexpr std::int64_t iterations = 100;
constexpr std::int64_t side = 128; ///< of a process's block

settings problem() {
    return {.whole = {.points = {side * ranks, side, side}, .blocks = {ranks, 1, 1}}, .iterations = iterations};
}

std::uint64_t checksum_motet = 0, checksum_mpi = 0;

/// Milliseconds of an iteration.
double with_motet() {
    return motet_bench::on_pes(1, [] {
        const settings how = problem();
        motet::set_readonly(settings(how));
        const auto observer = motet::chare<Observer>::create();
        const auto blocks = motet::array<Block, motet::grid<3>>::create({ranks, 1, 1}, Block{.observer = observer});
        blocks.reduce<&Block::sum>(motet::sum).get(); // they are there
        const double time = seconds([&] { blocks.all<&Block::run>(iterations).get(); });
        checksum_motet = blocks.reduce<&Block::checksum>(motet::sum).get();
        return 1e3 * time / iterations;
    });
}

double with_mpi() {
    const settings how = problem();
    const triple here{rank_here, 0, 0};
    field points = how.whole.make(here);
    std::vector<int> neighbours; // sides that have one
    for (int s = 0; s < sides; ++s)
        if (how.whole.has(decomposition::neighbour(here, s))) neighbours.push_back(s);
    const std::size_t count = neighbours.size();
    std::vector<std::vector<double>> in(count), out(count);
    std::vector<MPI_Request> requests(2 * count);
    for (std::size_t n = 0; n < count; ++n) in[n].resize(points.face_points(neighbours[n]));
    MPI_Barrier(MPI_COMM_WORLD);
    const double time = seconds([&] {
        for (std::int64_t i = 0; i < iterations; ++i) {
            const auto other = [&](std::size_t n) {
                return static_cast<int>(decomposition::neighbour(here, neighbours[n])[0]);
            };
            for (std::size_t n = 0; n < count; ++n)
                MPI_Irecv(in[n].data(), static_cast<int>(in[n].size()), MPI_DOUBLE, other(n), 0, MPI_COMM_WORLD,
                          &requests[n]);
            for (std::size_t n = 0; n < count; ++n) {
                points.copy_face(neighbours[n], out[n]);
                MPI_Isend(out[n].data(), static_cast<int>(out[n].size()), MPI_DOUBLE, other(n), 0, MPI_COMM_WORLD,
                          &requests[count + n]);
            }
            MPI_Waitall(static_cast<int>(2 * count), requests.data(), MPI_STATUSES_IGNORE);
            for (std::size_t n = 0; n < count; ++n) points.set_ghosts(neighbours[n], in[n]);
            points.relax();
        }
        MPI_Barrier(MPI_COMM_WORLD); // all are done, as with Motet
    });
    const std::uint64_t own = points.checksum();
    MPI_Allreduce(&own, &checksum_mpi, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    return 1e3 * time / iterations;
}

} // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_here);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    {
        motet_bench::report report(argc, argv, rank_here == 0);
        const bool two = ranks == 2; // there are not cores enough for more: reported only
        report.compare({.id = two ? "stencil3d.balanced" : "stencil3d.balanced_" + std::to_string(ranks),
                        .unit = "ms",
                        .at_most = two ? 1.02 : 0,
                        .goal_is_ratio = true,
                        .repetitions = two ? 15 : 5},
                       with_motet, motet_bench::rival{"MPI_Isend, MPI_Irecv", with_mpi});
        check(rank_here != 0 || checksum_motet == checksum_mpi, "the stencil");
    }
    MPI_Finalize();
}
