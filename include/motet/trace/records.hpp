// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/identity.hpp>
#include <motet/variant.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace motet::inline MOTET_VARIANT::trace {

/// Something that happened on a PE. Times are those of the process's clock with the offset that was found before the
/// run (clock.hpp), in seconds.
struct record {
    enum class what : std::uint8_t {
        begins, ///< a handler, or it goes on after a wait
        ends,   ///< it has returned, or waits
        sends,  ///< it has sent a message
        waited, ///< it has waited
        counts  ///< of messages and fibers: in `flow` those parked, in `index` those in line and those held back
    };
    double time = 0;
    double since = 0;       ///< ends, waited: when it began. begins: when its message was sent
    std::uint64_t run = 0;  ///< which run of a handler on this PE
    std::uint64_t flow = 0; ///< begins, sends: the number of its message; 0: it has none
    runtime::index_bits index;
    runtime::collection_id collection; ///< of the chare; of nobody: there is none
    std::uint32_t type = 0;            ///< registered id of the entry, sends: which is called; 0: a hook
    what kind = what::begins;
};
static_assert(sizeof(record) == 64);

/// The newest records of a PE, in so much memory at most.
class record_buffer {
public:
    explicit record_buffer(std::size_t bytes) : most(std::max<std::size_t>(2, bytes / sizeof(chunk))) {}

    void add(const record& r) {
        if (used == chunk_records) take_chunk();
        (*newest)[used++] = r;
    }
    std::uint64_t dropped() const { return dropped_count; }
    /// The time of the last one that was dropped; before all times if there is none.
    double dropped_until() const { return last_dropped; }
    /// From the oldest to the newest.
    template <class F>
    void for_each(F&& f) const {
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            const chunk& c = *chunks[(first + i) % chunks.size()];
            const std::size_t count = i + 1 == chunks.size() ? used : chunk_records;
            for (std::size_t k = 0; k < count; ++k) f(c[k]);
        }
    }

private:
    static constexpr std::size_t chunk_records = 256;
    using chunk = std::array<record, chunk_records>;

    /// A new one, or in place of the oldest.
    void take_chunk() {
        if (chunks.size() < most) {
            chunks.push_back(std::make_unique<chunk>());
            newest = chunks.back().get();
        } else {
            newest = chunks[first].get();
            first = (first + 1) % most;
            dropped_count += chunk_records;
            last_dropped = newest->back().time;
        }
        used = 0;
    }

    std::size_t most;
    std::vector<std::unique_ptr<chunk>> chunks; ///< in a circle
    std::size_t first = 0;                      ///< the oldest
    chunk* newest = nullptr;
    std::size_t used = chunk_records; ///< records in the newest
    std::uint64_t dropped_count = 0;
    double last_dropped = -std::numeric_limits<double>::infinity();
};

} // namespace motet::inline MOTET_VARIANT::trace
