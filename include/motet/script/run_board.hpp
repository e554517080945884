// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/request.hpp>
#include <motet/variant.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT::script {

/// Which scripts and hooks there are, by handle, and for whom: the desk notes it on PE 0, the listener reads it. Any
/// thread.
class run_board {
public:
    using clock = std::chrono::steady_clock;

    /// That run of a handle begins, in what, and for whom. `hook_of`: of a hook, the number of the client that it goes
    /// with; 0: it goes with none.
    void begin(std::uint32_t handle, std::uint64_t run, std::string name, std::string client,
               std::optional<std::uint64_t> hook_of = {}) {
        const std::lock_guard lock(guard);
        runs[handle] = {run, std::move(name), std::move(client), clock::now(), hook_of, {}};
    }
    void end(std::uint32_t handle) {
        const std::lock_guard lock(guard);
        runs.erase(handle);
    }
    /// The run of a handle that goes on; 0: none.
    std::uint64_t run_of(std::uint32_t handle) const {
        const std::lock_guard lock(guard);
        const auto found = runs.find(handle);
        return found == runs.end() ? 0 : found->second.run;
    }
    bool is_hook(std::uint32_t handle) const {
        const std::lock_guard lock(guard);
        const auto found = runs.find(handle);
        return found != runs.end() && found->second.hook_of;
    }
    /// The runs of hooks that go with a client.
    std::vector<std::uint64_t> hooks_of(std::uint64_t client) const {
        const std::lock_guard lock(guard);
        std::vector<std::uint64_t> all;
        for (const auto& [handle, each] : runs)
            if (each.hook_of == client) all.push_back(each.run);
        return all;
    }
    /// Where a run is in another process, once it was to stop, for people; empty: nowhere any more.
    void note_place(std::uint64_t run, std::uint32_t process, std::string text) {
        const std::lock_guard lock(guard);
        for (auto& [handle, each] : runs)
            if (each.run == run) each.places[process] = std::move(text);
    }
    std::string places_of(std::uint64_t run) const {
        const std::lock_guard lock(guard);
        std::string text;
        for (const auto& [handle, each] : runs)
            if (each.run == run)
                for (const auto& [process, place] : each.places)
                    if (!place.empty()) text += (text.empty() ? "" : ", ") + place;
        return text;
    }
    /// `place_of(run)`: where it is, for people.
    template <class Place>
    std::vector<running_name> list(Place&& place_of) const {
        const std::lock_guard lock(guard);
        std::vector<running_name> all;
        for (const auto& [handle, r] : runs)
            all.push_back({handle, r.name, r.client, std::chrono::duration<double>(clock::now() - r.since).count(),
                           (r.hook_of ? "at messages " : "") + place_of(r.run)});
        return all;
    }

private:
    struct record {
        std::uint64_t run = 0;
        std::string name;
        std::string client;
        clock::time_point since;
        std::optional<std::uint64_t> hook_of;
        std::map<std::uint32_t, std::string> places; ///< by process
    };

    mutable std::mutex guard;
    std::map<std::uint32_t, record> runs;
};

} // namespace motet::inline MOTET_VARIANT::script
