// SPDX-License-Identifier: BSL-1.0
// An MPI job that does what its first argument says; tests/mpi_jobs/*.sh look at how it ends.
#include <motet/motet.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace jobs {

/// A program of another shape: `jobs.sh` starts it together with one that was compiled without this.
struct Worker {
#ifdef OTHER_FIELD
    double value = 0;
#else
    std::int64_t value = 0;
#endif
    std::int64_t where() const { return motet::my_process(); }
    void never() {}
    bool when(motet::entry<&Worker::never>) const { return value < 0; }
    void greet() const { motet::print("a line of\nprocess {}", motet::my_process()); }
    void die(std::int64_t how) const {
        if (how == 0) raise(SIGKILL);
        if (how == 1) throw std::runtime_error("this worker gives up");
        if (how == 2) std::exit(7);
        if (how == 3) motet::exit(9);
        if (how == 4) std::abort();
    }
#ifdef OTHER_ENTRY
    void only_here() {}
#endif
};

/// The sum of the numbers of the processes that take part.
std::int64_t who_is_here() {
    const auto all = motet::group<Worker>::create();
#ifdef OTHER_ENTRY
    all.tell<&Worker::only_here>();
#endif
    return all.reduce<&Worker::where>(motet::sum).get();
}

int dies(int argc, char** argv, std::int64_t how) {
    return motet::run(argc, argv, [how] {
        const auto last = motet::chare<Worker>::create({}, motet::pe_count() - 1);
        last.tell<&Worker::die>(how);
        motet::sleep_for(std::chrono::hours(1));
    });
}

/// Two halves of the job run Motet at the same time, and the program's own messages are under way meanwhile.
int halves(int argc, char** argv) {
    int provided = 0, rank = 0, size = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    std::vector<int> in(4, -1), out{rank, rank + 1, rank + 2, rank + 3};
    std::vector<MPI_Request> requests(8);
    const int right = (rank + 1) % size, left = (rank + size - 1) % size;
    for (std::size_t tag = 0; tag < 4; ++tag) // tags that a careless library would use
        MPI_Irecv(&in[tag], 1, MPI_INT, MPI_ANY_SOURCE, static_cast<int>(tag), MPI_COMM_WORLD, &requests[tag]);
    std::int64_t sum = -1;
    int code = motet::run(half, argc, argv, [&] { sum = who_is_here(); });
    for (std::size_t tag = 0; tag < 4; ++tag)
        MPI_Isend(&out[tag], 1, MPI_INT, right, static_cast<int>(tag), MPI_COMM_WORLD, &requests[4 + tag]);
    code += motet::run(half, argc, argv, [&] { sum += 100 * who_is_here(); });
    MPI_Waitall(8, requests.data(), MPI_STATUSES_IGNORE);
    int right_values = in == std::vector<int>{left, left + 1, left + 2, left + 3};
    MPI_Allreduce(MPI_IN_PLACE, &right_values, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (rank < 2)
        std::printf("half %d: %d, own messages %d, code %d\n", rank, static_cast<int>(sum), right_values, code);
    MPI_Finalize();
    return code;
}

/// Runs over what is no group of processes to run over: the processes of two groups, or none.
int over_other(int argc, char** argv, bool two_groups) {
    MPI_Init(&argc, &argv);
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm part = MPI_COMM_NULL, joined = MPI_COMM_NULL;
    MPI_Comm_split(MPI_COMM_WORLD, two_groups ? rank % 2 : rank == 0 ? MPI_UNDEFINED : 0, rank, &part);
    if (two_groups) MPI_Intercomm_create(part, 0, MPI_COMM_WORLD, 1 - rank % 2, 0, &joined);
    const int code = motet::run(two_groups ? joined : part, argc, argv, [] { motet::print("sum {}", who_is_here()); });
    int codes = 0;
    MPI_Reduce(&code, &codes, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0) std::printf("codes %d\n", codes);
    MPI_Finalize();
    return 0;
}

int with_level(int argc, char** argv, int level) {
    int provided = 0;
    MPI_Init_thread(&argc, &argv, level, &provided);
    const int code = motet::run(argc, argv, [] { motet::print("sum {}", who_is_here()); });
    MPI_Finalize();
    return code;
}

int after_finalize(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Finalize();
    return motet::run(argc, argv, [] {});
}

} // namespace jobs

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "killed") return jobs::dies(argc, argv, 0);
    if (what == "throws") return jobs::dies(argc, argv, 1);
    if (what == "exits") return jobs::dies(argc, argv, 2);
    if (what == "ends") return jobs::dies(argc, argv, 3);
    if (what == "aborts") return jobs::dies(argc, argv, 4);
    if (what == "halves") return jobs::halves(argc, argv);
    if (what == "two_groups") return jobs::over_other(argc, argv, true);
    if (what == "all_but_one") return jobs::over_other(argc, argv, false);
    if (what == "single") return jobs::with_level(argc, argv, MPI_THREAD_SINGLE);
    if (what == "funneled") return jobs::with_level(argc, argv, MPI_THREAD_FUNNELED);
    if (what == "serialized") return jobs::with_level(argc, argv, MPI_THREAD_SERIALIZED);
    if (what == "finalized") return jobs::after_finalize(argc, argv);
    if (what == "prints")
        return motet::run(argc, argv, [] { motet::group<jobs::Worker>::create().all<&jobs::Worker::greet>().get(); });
    if (what == "held")
        return motet::run(argc, argv, [] {
            const auto all = motet::group<jobs::Worker>::create();
            for (int pe = 1; pe < motet::pe_count(); ++pe) all[pe].tell<&jobs::Worker::never>();
        });
    if (what == "several") { // runs one after the other, MPI left to Motet
        int code = 0;
        for (int i = 0; i < 20; ++i) code += motet::run(argc, argv, [] { jobs::who_is_here(); });
        return code;
    }
    return motet::run(argc, argv, [] { motet::print("sum {}", jobs::who_is_here()); });
}
