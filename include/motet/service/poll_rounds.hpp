// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

/// How the ranks of a plain MPI program agree at which of their polls a script runs.
///
/// 1. Polls are numbered on each rank, from 1 on. Some of them are *gates*, the same numbers on every rank; all others
///    do nothing but count.
/// 2. Between two gates one *round* is under way: a non-blocking broadcast from rank 0 of two numbers, whether scripts
///    are to run at the next gate, and how many polls after that gate the one behind it comes. A rank begins the round
///    of the next gate when it leaves a gate, and completes it when it gets there. Rank 0 puts in whether somebody has
///    asked for something by then.
/// 3. So every rank knows at a gate what every other one knows there, whoever comes first. Nobody waits for anybody but
///    for rank 0 to have left the gate before: between two gates ranks may run apart, as far as the program itself lets
///    them.
/// 4. Where scripts are to run, all ranks stop at the gate, and go on together.
/// 5. Rank 0 measures the time between gates and sets how many polls apart they are: 1 where polls are a millisecond
///    apart or more, up to `longest`, so that a poll in an inner loop costs next to nothing.
/// 6. At the end the ranks compare how many polls they have made. Where that differs the program broke the rule that
///    every rank polls equally often, and is told so; the rounds that some have not begun are completed, so that
///    nothing is left under way.
namespace motet::inline MOTET_VARIANT::service {

#if MOTET_BODIES

class poll_rounds {
public:
    explicit poll_rounds(const net::communicator& among) : group(among) {}
    poll_rounds(const poll_rounds&) = delete;
    poll_rounds& operator=(const poll_rounds&) = delete;

    /// Begins the round of the next gate, when leaving one. `asked` counts on rank 0.
    void leave_gate(bool asked) {
        const double now = seconds();
        if (group.rank == 0 && begun > 0) {
            if (now - left < shortest_time)
                polls_apart = std::min(2 * polls_apart, longest);
            else if (now - left > 2 * shortest_time)
                polls_apart = std::max(polls_apart / 2, 1u);
        }
        message[0] = asked ? 1 : 0;
        message[1] = polls_apart;
        net::check(MPI_Ibcast(message, 2, MPI_UINT32_T, 0, group, &round), "MPI_Ibcast");
        ++begun;
        left = now;
    }
    /// Completes the round, when coming to the gate. Whether scripts are to run here; `next` is how many polls later
    /// the next gate is.
    bool enter_gate(std::uint32_t& next) {
        net::check(MPI_Wait(&round, MPI_STATUS_IGNORE), "MPI_Wait");
        next = message[1];
        return message[0] != 0;
    }
    /// Step 6. The least and the greatest number of polls. Collective.
    void finish(std::uint64_t polls, std::uint64_t& least, std::uint64_t& most) {
        std::uint64_t own[3] = {~polls, polls, begun};
        std::uint64_t all[3] = {};
        net::check(MPI_Allreduce(own, all, 3, MPI_UINT64_T, MPI_MAX, group), "MPI_Allreduce");
        least = ~all[0];
        most = all[1];
        while (begun < all[2]) {
            MPI_Wait(&round, MPI_STATUS_IGNORE);
            leave_gate(false);
        }
        MPI_Wait(&round, MPI_STATUS_IGNORE);
    }

private:
    static constexpr std::uint32_t longest = 16;    ///< polls between two gates
    static constexpr double shortest_time = 0.5e-3; ///< between them, in seconds, where that is not more
    static double seconds() {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }

    const net::communicator& group;
    MPI_Request round = MPI_REQUEST_NULL;
    std::uint32_t message[2] = {};
    std::uint32_t polls_apart = 1;
    std::uint64_t begun = 0;
    double left = 0;
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::service
