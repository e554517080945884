// SPDX-License-Identifier: BSL-1.0
// An MPI program without chares that breaks a rule, or checks one: plain.py.
#include <motet/mpi_script.hpp>

#include <mpi.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <unistd.h>
#include <vector>

namespace plain {

struct particle {
    double mass = 1;
    std::int32_t kind = 0;
};

struct state {
    bool ended = false;
    std::vector<double> row{1, 2, 3};
    std::vector<particle> particles{{1, 0}, {2, 1}};
    void grow() { row.push_back(4); }
};
MOTET_SCRIPT(state, grow)

} // namespace plain

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    const bool other_names = argc > 1 && std::strcmp(argv[1], "other_names") == 0;
    const bool uneven = argc > 1 && std::strcmp(argv[1], "uneven") == 0;
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    plain::state state;
    std::int32_t numbers[2][3] = {{1, 2, 3}, {4, 5, 6}};
    const double constants[2] = {2.5, 3.5};
    const double* const row = state.row.data();
    motet::mpi_scripts scripts(MPI_COMM_WORLD);
    scripts.serve(state, "state");
    scripts.serve("arrays").array("numbers", &numbers[0][0], {2, 3}).array("constants", std::span(constants));
    if (other_names && rank == 1) scripts.withdraw("arrays");
    int ended = 0;
    for (int i = 0; ended == 0; ++i) {
        usleep(500);
        scripts.poll();
        const int own = state.ended ? 1 : 0;
        MPI_Allreduce(&own, &ended, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    }
    if (uneven && rank == 1) scripts.poll();
    if (rank == 0) std::printf("the row %s\n", state.row.data() == row ? "has stayed" : "has moved");
    MPI_Finalize(); // closes it
}
