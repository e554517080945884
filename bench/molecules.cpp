// SPDX-License-Identifier: BSL-1.0
// needs: lammps
// A step of a melt of 32,000 atoms: examples/molecules on two PEs, LAMMPS on two MPI ranks. Both are programs of their
// own that read the same file and report the time of their loop.
#include "harness.hpp"
#include "loop_time.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace {

constexpr int steps = 200;

double step_of(const std::string& command) { return motet_bench::loop_time(command) * 1000 / steps; }

void write(const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }

} // namespace

int main(int argc, char** argv) {
    if (std::system("command -v mpirun > /dev/null") != 0) {
        std::puts("molecules.step is skipped: mpirun is not installed");
        return 0;
    }
    ::setenv("OMP_NUM_THREADS", "1", 1);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    const auto folder =
        std::filesystem::temp_directory_path() / ("motet-bench-molecules-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::filesystem::current_path(folder);
    int result = 0;
    try {
        write("in.make", "units lj\natom_style atomic\nlattice fcc 0.8442\nregion box block 0 20 0 20 0 20\n"
                         "create_box 1 box\ncreate_atoms 1 box\nmass 1 1.0\nvelocity all create 1.44 87287 loop geom\n"
                         "pair_style lj/cut 2.5\npair_coeff 1 1 1.0 1.0 2.5\nwrite_data melt.data\n");
        write("in.run", "units lj\natom_style atomic\npair_style lj/cut 2.5\nread_data melt.data\nneighbor 0.3 bin\n"
                        "neigh_modify delay 0 every 20 check no\nfix 1 all nve\nthermo 100\nrun " +
                            std::to_string(steps) + "\n");
        const std::string lmp = MOTET_LMP;
        if (std::system((lmp + " -in in.make -log none > make.log 2>&1").c_str()) != 0)
            throw std::runtime_error("lmp could not make the melt: see " + (folder / "make.log").string());
        motet_bench::report out(argc, argv);
        out.compare(
            {.id = "molecules.step", .unit = "ms", .at_most = 1.0, .goal_is_ratio = true, .repetitions = 5},
            [] {
                return step_of(std::string(MOTET_EXAMPLE) + " melt.data --thermo 100 --motet-pes 2 --steps " +
                               std::to_string(steps));
            },
            motet_bench::rival{"lmp, 2 MPI ranks",
                               [&] { return step_of("mpirun -n 2 " + lmp + " -in in.run -log none"); }});
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "bench_molecules: %s\n", problem.what());
        result = 1;
    }
    std::filesystem::current_path("/");
    if (result == 0) std::filesystem::remove_all(folder);
    return result;
}
