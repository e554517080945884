// SPDX-License-Identifier: BSL-1.0
// needs: mpi
//
// Messages, bandwidth and reductions between processes, beside raw MPI in the same processes:
//   mpirun -n 2 bench_mpi

#include "harness.hpp"
#include "program.hpp"

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace {

using motet_bench::check;
using motet_bench::on_pes;
using motet_bench::seconds;

int rank_here = 0;
int ranks = 1;

/// Throws on every ball that it catches. `left`: how often the ball will be thrown yet.
struct Player {
    motet::element_proxy<Player, std::int64_t> other;
    std::int64_t served = 0; ///< balls that have not landed here yet
    std::int64_t caught = 0;
    motet::promise<void> end;

    void meet(motet::element_proxy<Player, std::int64_t> whom, std::int64_t balls, motet::promise<void> told) {
        other = whom, served = balls, end = told;
    }
    void ball(std::int64_t left, std::int64_t flown) {
        ++caught;
        if (left > 0) return other.tell<&Player::ball>(left - 1, flown + 1);
        if (--served == 0) end.set();
    }
    void light_ball(std::int64_t left) {
        if (left > 0) return other.tell<&Player::light_ball>(left - 1);
        end.set();
    }
    void crate(std::vector<double> goods, std::int64_t left) {
        goods[static_cast<std::size_t>(left)] += 1;
        if (left > 0) return other.tell<&Player::crate>(std::move(goods), left - 1);
        end.set();
    }
    std::int64_t count() const { return caught; }
};

/// Seconds of the last of some games between the players on the first two processes.
template <class Serve>
double play(std::int64_t balls, Serve&& serve, int games = 1) {
    return on_pes(1, [&] {
        const auto players = motet::group<Player>::create();
        double time = 0;
        for (int game = 0; game < games; ++game) {
            motet::future<void> over;
            motet::promise<void> end;
            std::tie(over, end) = motet::make_future<void>();
            players[0].ask<&Player::meet>(players[1], balls, end).get();
            players[1].ask<&Player::meet>(players[0], balls, end).get();
            time = seconds([&] {
                serve(players);
                over.get();
            });
        }
        return time;
    });
}

constexpr std::int64_t round_trips = 20'000;
double round_trip() {
    return 1e6 / round_trips *
           play(1, [](const auto& players) { players[0].template tell<&Player::light_ball>(2 * round_trips); });
}
double raw_round_trip() {
    std::int64_t ball = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    return 1e6 / round_trips * seconds([&] {
               for (std::int64_t i = 0; i < round_trips; ++i) {
                   if (rank_here == 0) {
                       MPI_Send(&ball, 8, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
                       MPI_Recv(&ball, 8, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                   } else if (rank_here == 1) {
                       MPI_Recv(&ball, 8, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                       MPI_Send(&ball, 8, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
                   }
               }
           });
}

constexpr std::int64_t in_flight = 1000;
constexpr std::int64_t throws = 1000;
/// Millions of messages of two numbers per second, both ways together.
double rate() {
    const double time = play(in_flight, [](const auto& players) {
        for (std::int64_t i = 0; i < in_flight; ++i) players[0].template tell<&Player::ball>(throws, std::int64_t{0});
    });
    return 1e-6 * static_cast<double>(in_flight * (throws + 1)) / time;
}
double raw_rate() {
    constexpr int each = in_flight / 2;
    struct ball {
        std::int64_t left, flown;
    };
    std::vector<ball> out(each), in(each);
    std::vector<MPI_Request> requests(2 * each);
    MPI_Barrier(MPI_COMM_WORLD);
    const double time = seconds([&] {
        if (rank_here > 1) return;
        for (std::int64_t i = 0; i < throws; ++i) {
            for (int k = 0; k < each; ++k)
                MPI_Irecv(&in[static_cast<std::size_t>(k)], 16, MPI_BYTE, 1 - rank_here, 0, MPI_COMM_WORLD,
                          &requests[static_cast<std::size_t>(k)]);
            for (int k = 0; k < each; ++k)
                MPI_Isend(&out[static_cast<std::size_t>(k)], 16, MPI_BYTE, 1 - rank_here, 0, MPI_COMM_WORLD,
                          &requests[static_cast<std::size_t>(each + k)]);
            MPI_Waitall(2 * each, requests.data(), MPI_STATUSES_IGNORE);
        }
    });
    return 1e-6 * static_cast<double>(in_flight * throws) / time;
}

/// Gigabytes per second of large vectors thrown to and fro. The memory that is sent and received is there before, as it
/// is in the rival: a first game is not counted.
auto bandwidth(std::size_t bytes, std::int64_t times) {
    return [=] {
        constexpr int games = 2;
        std::vector<std::vector<double>> crates(rank_here == 0 ? games : 0, std::vector<double>(bytes / 8));
        const auto serve = [&](const auto& players) {
            players[0].template tell<&Player::crate>(std::move(crates.back()), times);
            crates.pop_back();
        };
        const double time = play(1, serve, games);
        return 1e-9 * static_cast<double>(bytes) * static_cast<double>(times) / time;
    };
}
auto raw_bandwidth(std::size_t bytes, std::int64_t times) {
    return [=] {
        std::vector<double> goods(bytes / 8);
        const int count = static_cast<int>(goods.size());
        MPI_Barrier(MPI_COMM_WORLD);
        const double time = seconds([&] {
            if (rank_here > 1) return;
            for (std::int64_t i = 0; i < times; ++i) {
                if (i % 2 == rank_here) {
                    goods[static_cast<std::size_t>(i)] += 1;
                    MPI_Send(goods.data(), count, MPI_DOUBLE, 1 - rank_here, 0, MPI_COMM_WORLD);
                } else {
                    MPI_Recv(goods.data(), count, MPI_DOUBLE, 1 - rank_here, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                }
            }
        });
        return 1e-9 * static_cast<double>(bytes) * static_cast<double>(times) / time;
    };
}

constexpr std::int64_t reductions = 20'000;
/// Contributes to the next sum as soon as it has the last one.
struct Member {
    std::int64_t rounds = 0;
    motet::promise<void> end;
    void begin(motet::promise<void> told) {
        end = told;
        next(0);
    }
    void next(std::int64_t sum) {
        check(rounds == 0 || sum == motet::pe_count() * rounds, "a sum");
        if (rounds++ == reductions) {
            if (motet::this_index() == 0) end.set();
            return;
        }
        motet::contribute(rounds, motet::sum, motet::this_collection<Member>().to<&Member::next>());
    }
};
double reduce() {
    return on_pes(1, [] {
        const auto members = motet::group<Member>::create();
        motet::future<void> over;
        motet::promise<void> end;
        std::tie(over, end) = motet::make_future<void>();
        return 1e6 / reductions * seconds([&] {
                   members.tell<&Member::begin>(end);
                   over.get();
               });
    });
}
double raw_reduce() {
    MPI_Barrier(MPI_COMM_WORLD);
    return 1e6 / reductions * seconds([&] {
               for (std::int64_t i = 0; i < reductions; ++i) {
                   std::int64_t sum = 0;
                   MPI_Allreduce(&i, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
               }
           });
}

} // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_here);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    {
        motet_bench::report report(argc, argv, rank_here == 0);
        if (ranks == 2) {
            report.compare({.id = "mpi.round_trip", .unit = "us", .at_most = 1.3, .goal_is_ratio = true}, round_trip,
                           motet_bench::rival{"MPI_Send, MPI_Recv", raw_round_trip});
            report.compare({.id = "mpi.rate", .unit = "M/s", .goal_is_ratio = true, .at_least = 5}, rate,
                           motet_bench::rival{"MPI_Isend, MPI_Irecv", raw_rate});
            report.compare({.id = "mpi.bandwidth_1m", .unit = "GB/s", .goal_is_ratio = true, .at_least = 0.95},
                           bandwidth(std::size_t{1} << 20, 1000),
                           motet_bench::rival{"MPI_Send, MPI_Recv", raw_bandwidth(std::size_t{1} << 20, 1000)});
            report.compare({.id = "mpi.bandwidth_64m", .unit = "GB/s", .goal_is_ratio = true, .at_least = 0.95},
                           bandwidth(std::size_t{64} << 20, 20),
                           motet_bench::rival{"MPI_Send, MPI_Recv", raw_bandwidth(std::size_t{64} << 20, 20)});
        }
        const double goal = ranks == 2 ? 2.0 : 0;
        report.compare(
            {.id = "mpi.reduce_" + std::to_string(ranks), .unit = "us", .at_most = goal, .goal_is_ratio = true}, reduce,
            motet_bench::rival{"MPI_Allreduce", raw_reduce});
    }
    MPI_Finalize();
}
