// SPDX-License-Identifier: BSL-1.0
// Heat on a torus: an ordinary MPI program, whose state is a struct. Three lines open it to Python while it runs; they
// end with `// scripts`. docs/mpi.md walks through it.
//
//   mpirun -n 4 mpi_state [STEPS [ROWS [COLUMNS]]]
#include <motet/mpi_script.hpp> // scripts

#include <mpi.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace mpi_state {

struct Heat {
    int step = 0;
    int steps = 1000;
    double diffusion = 0.1;
    int rows = 0; ///< of this rank
    int columns = 0;
    std::vector<double> u;    ///< with a row of a neighbour before and behind
    std::vector<double> next; ///< the same
    double* row(std::vector<double>& of, int i) const { return of.data() + std::ptrdiff_t{i} * columns; }
    double total() const; ///< of all ranks, which call it together
};
MOTET_SCRIPT(Heat, total) // scripts

double Heat::total() const {
    const double own = std::accumulate(u.begin() + columns, u.end() - columns, 0.0);
    double all = 0;
    MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

void exchange(Heat& heat, int rank, int size) {
    const int above = (rank + size - 1) % size;
    const int below = (rank + 1) % size;
    MPI_Sendrecv(heat.row(heat.u, 1), heat.columns, MPI_DOUBLE, above, 0, heat.row(heat.u, heat.rows + 1), heat.columns,
                 MPI_DOUBLE, below, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv(heat.row(heat.u, heat.rows), heat.columns, MPI_DOUBLE, below, 1, heat.row(heat.u, 0), heat.columns,
                 MPI_DOUBLE, above, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

void relax(Heat& heat) {
    for (int i = 1; i <= heat.rows; ++i) {
        const double* const up = heat.row(heat.u, i - 1);
        const double* const here = heat.row(heat.u, i);
        const double* const down = heat.row(heat.u, i + 1);
        double* const to = heat.row(heat.next, i);
        for (int j = 0; j < heat.columns; ++j) {
            const int left = (j + heat.columns - 1) % heat.columns;
            const int right = (j + 1) % heat.columns;
            to[j] = here[j] + heat.diffusion * (up[j] + down[j] + here[left] + here[right] - 4 * here[j]);
        }
    }
    heat.u.swap(heat.next);
}

} // namespace mpi_state

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0;
    int size = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    mpi_state::Heat heat;
    if (argc > 1) heat.steps = std::atoi(argv[1]);
    heat.rows = (argc > 2 ? std::atoi(argv[2]) : 64) / size;
    heat.columns = argc > 3 ? std::atoi(argv[3]) : 64;
    heat.u.assign(static_cast<std::size_t>((heat.rows + 2) * heat.columns), 1.0);
    heat.next = heat.u;

    motet::mpi_scripts scripts(MPI_COMM_WORLD); // scripts
    scripts.serve(heat, "heat");                // scripts
    for (heat.step = 1; heat.step <= heat.steps; ++heat.step) {
        exchange(heat, rank, size);
        relax(heat);
        scripts.poll(); // scripts
    }
    const double total = heat.total();
    if (rank == 0) std::printf("%d steps, heat %.6f\n", heat.step - 1, total);
    MPI_Finalize();
}
