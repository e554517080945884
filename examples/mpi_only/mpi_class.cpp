// SPDX-License-Identifier: BSL-1.0
// The same as mpi_state.cpp in the other style: a class that keeps its members to itself and its arrays in memory of
// its own, which it swaps by their pointers. It says itself what scripts see, in `open`. docs/mpi.md walks through it.
//
//   mpirun -n 4 mpi_class [STEPS [ROWS [COLUMNS]]]
#include <motet/mpi_script.hpp>

#include <mpi.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

namespace mpi_class {

class Solver {
public:
    Solver(MPI_Comm on, int steps, int all_rows, int columns) : comm_(on), steps_(steps), columns_(columns) {
        MPI_Comm_rank(comm_, &rank_);
        MPI_Comm_size(comm_, &size_);
        rows_ = all_rows / size_;
        memory_ = std::make_unique<double[]>(2 * whole());
        u_ = memory_.get();
        next_ = u_ + whole();
        for (std::size_t i = 0; i < whole(); ++i) u_[i] = 1;
    }
    void open(motet::mpi_scripts& scripts);
    void run(motet::mpi_scripts& scripts) {
        for (step_ = 1; step_ <= steps_; ++step_) {
            exchange();
            relax();
            scripts.poll();
        }
        const double all = total();
        if (rank_ == 0) std::printf("%d steps, heat %.6f\n", step_ - 1, all);
    }

private:
    std::size_t whole() const { return static_cast<std::size_t>(rows_ + 2) * static_cast<std::size_t>(columns_); }
    double* row(double* of, int i) const { return of + static_cast<std::ptrdiff_t>(i) * columns_; }
    double total() const {
        double own = 0;
        for (const double* at = row(u_, 1); at != row(u_, rows_ + 1); ++at) own += *at;
        double all = 0;
        MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, MPI_SUM, comm_);
        return all;
    }
    void exchange() {
        const int above = (rank_ + size_ - 1) % size_;
        const int below = (rank_ + 1) % size_;
        MPI_Sendrecv(row(u_, 1), columns_, MPI_DOUBLE, above, 0, row(u_, rows_ + 1), columns_, MPI_DOUBLE, below, 0,
                     comm_, MPI_STATUS_IGNORE);
        MPI_Sendrecv(row(u_, rows_), columns_, MPI_DOUBLE, below, 1, row(u_, 0), columns_, MPI_DOUBLE, above, 1, comm_,
                     MPI_STATUS_IGNORE);
    }
    void relax() {
        for (int i = 1; i <= rows_; ++i)
            for (int j = 0; j < columns_; ++j) {
                const double* const here = row(u_, i);
                const double around = row(u_, i - 1)[j] + row(u_, i + 1)[j] + here[(j + columns_ - 1) % columns_] +
                                      here[(j + 1) % columns_];
                row(next_, i)[j] = here[j] + diffusion_ * (around - 4 * here[j]);
            }
        std::swap(u_, next_);
    }

    MPI_Comm comm_;
    int rank_ = 0;
    int size_ = 1;
    int step_ = 0;
    int steps_;
    int rows_ = 0;
    int columns_;
    double diffusion_ = 0.1;
    std::unique_ptr<double[]> memory_;
    double* u_ = nullptr; ///< rows_ + 2 rows: one of a neighbour before and behind
    double* next_ = nullptr;
};

void Solver::open(motet::mpi_scripts& scripts) {
    scripts.serve(*this, "heat")
        .value("steps", steps_)
        .value("diffusion", diffusion_)
        .read_only("step", step_)
        .read_only("rows", rows_)
        .array("u",
               [this] {
                   return motet::shaped(u_, {rows_ + 2, columns_});
               })
        .method<&Solver::total>("total");
}

} // namespace mpi_class

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    {
        mpi_class::Solver solver(MPI_COMM_WORLD, argc > 1 ? std::atoi(argv[1]) : 1000,
                                 argc > 2 ? std::atoi(argv[2]) : 64, argc > 3 ? std::atoi(argv[3]) : 64);
        motet::mpi_scripts scripts(MPI_COMM_WORLD);
        solver.open(scripts);
        solver.run(scripts);
    }
    MPI_Finalize();
}
