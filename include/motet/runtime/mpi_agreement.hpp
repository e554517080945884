// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi.hpp>
#include <motet/runtime/machine.hpp>

#include <cstdint>
#include <string>

namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

/// Collective questions at the start.
class agreement {
public:
    explicit agreement(const net::communicator& among) : group(among) {}

    std::int64_t least(std::int64_t own) const { return reduced(own, MPI_MIN); }
    std::int64_t most(std::int64_t own) const { return reduced(own, MPI_MAX); }
    /// The text of one process, for all.
    std::string from(int process, std::string text) const {
        std::uint64_t size = text.size();
        net::check(MPI_Bcast(&size, 1, MPI_UINT64_T, process, group), "MPI_Bcast");
        text.resize(size);
        net::check(MPI_Bcast(text.data(), static_cast<int>(size), MPI_CHAR, process, group), "MPI_Bcast");
        return text;
    }
    /// Throws `error` on every process if one of them has a problem.
    void on(const std::string& problem) const {
        const int first = first_that(!problem.empty());
        if (first == group.size) return;
        const std::string text = from(first, problem);
        if (group.rank == first) throw error(text);
        throw told_elsewhere(text);
    }
    /// The lowest process for which `is_it` holds; the number of processes if for none.
    int first_that(bool is_it) const { return static_cast<int>(least(is_it ? group.rank : group.size)); }

private:
    std::int64_t reduced(std::int64_t own, MPI_Op op) const {
        std::int64_t result = 0;
        net::check(MPI_Allreduce(&own, &result, 1, MPI_INT64_T, op, group), "MPI_Allreduce");
        return result;
    }
    const net::communicator& group;
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
