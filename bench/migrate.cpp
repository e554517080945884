// SPDX-License-Identifier: BSL-1.0
// needs: mpi
// processes: 2
//
// Chares that move between two processes, 10,000 at once, beside raw MPI that sends the same bytes as one message for
// each, 1,000 in flight:
//   mpirun -n 2 bench_migrate

#include "harness.hpp"
#include "program.hpp"

#include <cstdint>
#include <tuple>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::on_pes;
using motet_bench::seconds;

constexpr std::int64_t chares = 10'000;
constexpr std::int64_t moves = 4; ///< of each: there and back

int rank_here = 0;

/// Counts those that have arrived on its PE.
struct Station {
    std::int64_t missing = 0;
    motet::promise<void> all_here;
    void expect(std::int64_t count, motet::promise<void> told) { missing = count, all_here = told; }
};
Station* station_here = nullptr; // one PE in each process

struct Host {
    Station station;
    std::int64_t expect(std::int64_t count, motet::promise<void> told) {
        station.expect(count, told);
        station_here = &station;
        return count;
    }
};

struct Nomad {
    std::vector<double> luggage;
    void go(std::int64_t to) {
        if (motet::my_pe() != to) motet::move_this(to);
    }
    void on(motet::arrived) {
        if (station_here != nullptr && --station_here->missing == 0) station_here->all_here.set();
    }
    double weigh() const { return luggage.front() + luggage.back(); }
};

/// Microseconds that each chare needs for a move, if it has so much in its vector.
double migrate(std::size_t bytes) {
    return on_pes(1, [&] {
        Nomad prototype{std::vector<double>(bytes / sizeof(double), 0.5)};
        const auto hosts = motet::group<Host>::create();
        const auto nomads = motet::array<Nomad>::create(chares, prototype);
        const auto all_go = [&](std::int64_t to, std::int64_t arrivals) {
            motet::future<void> over;
            motet::promise<void> told;
            std::tie(over, told) = motet::make_future<void>();
            hosts[to].ask<&Host::expect>(arrivals, told).get();
            return seconds([&] {
                nomads.tell<&Nomad::go>(to);
                over.get();
            });
        };
        all_go(0, chares / 2);
        double time = 0;
        for (std::int64_t move = 1; move <= moves; ++move) time += all_go(move % 2, chares);
        check(nomads.reduce<&Nomad::weigh>(motet::sum).get() == double{chares}, "moves");
        station_here = nullptr;
        return 1e6 * time / static_cast<double>(moves * chares);
    });
}

double raw(std::size_t bytes) {
    constexpr int in_flight = 1000;
    const int size = static_cast<int>(bytes);
    std::vector<std::byte> goods(bytes * chares, std::byte{1});
    std::vector<MPI_Request> requests(in_flight);
    MPI_Barrier(MPI_COMM_WORLD);
    const double time = seconds([&] {
        for (std::int64_t move = 1; move <= moves; ++move) {
            for (std::int64_t first = 0; first < chares; first += in_flight) {
                for (int i = 0; i < in_flight; ++i) {
                    std::byte* place = goods.data() + static_cast<std::size_t>(first + i) * bytes;
                    if (move % 2 == rank_here)
                        MPI_Irecv(place, size, MPI_BYTE, 1 - rank_here, 0, MPI_COMM_WORLD,
                                  &requests[static_cast<std::size_t>(i)]);
                    else
                        MPI_Isend(place, size, MPI_BYTE, 1 - rank_here, 0, MPI_COMM_WORLD,
                                  &requests[static_cast<std::size_t>(i)]);
                }
                MPI_Waitall(in_flight, requests.data(), MPI_STATUSES_IGNORE);
            }
        }
    });
    return 1e6 * time / static_cast<double>(moves * chares);
}

constexpr std::size_t small = 1 << 10;
constexpr std::size_t large = 9 << 10;

} // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_here);
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    check(ranks == 2, "a start on two processes");
    {
        motet_bench::report report(argc, argv, rank_here == 0);
        const motet_bench::rival rival{"MPI_Isend, MPI_Irecv", [] { return raw(small); }};
        report.compare(
            {.id = "migrate.1k", .unit = "us", .at_most = 2}, [] { return migrate(small); }, rival);
        constexpr double further = (large - small) >> 10;
        report.compare(
            {.id = "migrate.per_kb", .unit = "us", .at_most = 0.3},
            [] { return (migrate(large) - migrate(small)) / further; },
            motet_bench::rival{"MPI_Isend, MPI_Irecv", [] { return (raw(large) - raw(small)) / further; }});
    }
    MPI_Finalize();
}
