// SPDX-License-Identifier: BSL-1.0
// Code of others inside entry methods, on the default stack: OpenMP, BLAS, Fortran.
#include "../pattern/runs.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

extern "C" {
void dgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* b, const int* ldb, const double* beta,
            double* c, const int* ldc);
void deep_sum(int n, int width, double* total);
}

using motet_test::run_with;

namespace foreign_tests {

struct Worker {
    int calls = 0;

    /// A sum by OpenMP threads, of which the PE's own is one, between two waits.
    double openmp_sum([[maybe_unused]] int n) {
        motet::yield();
        double total = 0;
#ifdef _OPENMP
#pragma omp parallel for reduction(+ : total) num_threads(3) schedule(dynamic, 100)
        for (int i = 1; i <= n; ++i) {
            volatile char deep[65536]; // of the master's share on the fiber's stack
            deep[0] = 1;
            total += i * deep[0];
        }
#endif
        motet::yield();
        ++calls;
        return total;
    }

    /// The greatest difference between a product by BLAS and one by three loops.
    double blas_difference([[maybe_unused]] int n) {
        motet::yield();
        double worst = 0;
#ifdef MOTET_TEST_BLAS
        const auto size = static_cast<std::size_t>(n);
        std::vector<double> a(size * size), b(size * size), c(size * size);
        for (std::size_t i = 0; i < a.size(); ++i) {
            a[i] = std::sin(static_cast<double>(i));
            b[i] = std::cos(static_cast<double>(i));
        }
        const double one = 1, zero = 0;
        dgemm_("N", "N", &n, &n, &n, &one, a.data(), &n, b.data(), &n, &zero, c.data(), &n);
        motet::yield();
        for (std::size_t column = 0; column < size; ++column)
            for (std::size_t row = 0; row < size; ++row) {
                double sum = 0;
                for (std::size_t k = 0; k < size; ++k) sum += a[row + k * size] * b[k + column * size];
                worst = std::max(worst, std::abs(sum - c[row + column * size]));
            }
#endif
        return worst;
    }

    /// Takes 15 x 400 KB of stack.
    double fortran_sum() {
        double total = 0;
        motet::yield();
#ifdef MOTET_TEST_FORTRAN
        deep_sum(15, 50000, &total);
#endif
        motet::yield();
        return total;
    }
};

const std::vector<std::vector<std::string>> runs{
    {"--motet-pes", "1"},
    {"--motet-pes", "3"},
    {"--motet-sim", "2x2", "--motet-sim-table", "off", "--motet-sim-migrate", "0.5"}};

} // namespace foreign_tests
using namespace foreign_tests;

#ifdef _OPENMP
TEST_CASE("OpenMP inside entry methods of several PEs at once") {
    for (const auto& options : runs)
        CHECK(run_with(options, [] {
                  auto workers = motet::array<Worker>::create(6);
                  for (int round = 0; round < 5; ++round)
                      CHECK(workers.gather<&Worker::openmp_sum>(1000).get() == std::vector<double>(6, 500500));
              }) == 0);
}
#endif

#ifdef MOTET_TEST_BLAS
TEST_CASE("BLAS inside entry methods of several PEs at once") {
    for (const auto& options : runs)
        CHECK(run_with(options, [] {
                  auto workers = motet::array<Worker>::create(6);
                  for (const int n : {1, 17, 100, 200})
                      CHECK(workers.reduce<&Worker::blas_difference>(motet::max, n).get() < 1e-10);
              }) == 0);
}
#endif

#ifdef MOTET_TEST_FORTRAN
TEST_CASE("Fortran with large arrays on the stack of a fiber") {
    for (const auto& options : runs)
        CHECK(run_with(options, [] {
                  auto workers = motet::array<Worker>::create(6);
                  for (int round = 0; round < 3; ++round)
                      for (const double sum : workers.gather<&Worker::fortran_sum>().get())
                          CHECK(std::abs(sum - 120) < 1e-6);
              }) == 0);
}
#endif
