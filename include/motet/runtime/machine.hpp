// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/runtime/block_pool.hpp>
#include <motet/runtime/identity.hpp>
#include <motet/runtime/options.hpp>
#include <motet/runtime/remote.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

class simulator;

/// The error that ended the run, on a process that does not need to tell it.
struct told_elsewhere : error {
    using error::error;
};

/// What a floor above keeps with a machine.
struct machine_state {
    virtual ~machine_state() = default;
};

/// What one process has: its PEs, the memory of its messages, its copy of the read-only program data.
struct process {
    std::uint32_t number = 0;
    pe_number first_pe = 0;
    std::uint32_t pe_count = 0;
    block_depot blocks;
    /// A value of program data, and what registered constant_type it is.
    struct constant {
        std::shared_ptr<void> value;
        std::uint32_t type = 0;
    };
    std::unordered_map<std::string, constant> readonly; ///< by mangled name of the type
    std::unique_ptr<machine_state> scripting;
};

class machine;

/// What is written about a run when it is over (--motet-trace, --motet-stats).
struct account {
    virtual ~account() = default;
    /// The PEs have stopped, on all processes. Collective.
    virtual void write(machine&) = 0;
};

/// All that runs in this operating-system process: one process, or every simulated one.
class machine {
public:
    /// `other`: the way to the other processes of the job, null if there are none.
    machine(runtime::options chosen, std::vector<std::string> rest, std::unique_ptr<remote_port> other = {});
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;
    ~machine();

    pe_number pe_total() const { return all_pes; }
    pe_number process_total() const { return all_processes; }
    /// Ends the run at once on every PE of every process. The first call decides the exit code.
    void stop(int code);
    /// The same here only: another process has said so, for the error `why` if that is not empty.
    bool stop_here(int code, const std::string& why = {});
    /// Ends the run with an error. The first one is told.
    void fail(std::string what);

    runtime::options options;
    std::vector<std::string> arguments;
    std::vector<std::unique_ptr<process>> processes; ///< those that run here
    std::vector<std::unique_ptr<pe>> pes;            ///< the same
    std::unique_ptr<remote_port> remote;             ///< null: there are no other processes
    std::unique_ptr<simulator> sim;                  ///< null: PEs run on threads
    bool listening = false;                          ///< clients may set things moving again
    std::uint64_t polls = 0;                         ///< of an embedded one: which call of the program it runs in
    std::atomic<bool> created_something{false};      ///< the read-only data is fixed from then on
    std::atomic<std::uint64_t> erased_tells{0};
    std::vector<std::string> warnings;        ///< told at the end
    bool rested = false;                      ///< the run ended by itself, and who asked has told what is held back
    bool shrunk = false;                      ///< a restart did without PEs or processes that had been there
    std::unique_ptr<machine_state> restoring; ///< after a restart, until everything is where it belongs

    std::once_flag script_control_made;
    std::unique_ptr<machine_state> script_control; ///< what becomes of scripts outside of the PEs

    /// Takes what another process has noted (remote_port::note); set like `listen`, for the floor that sends notes.
    static inline void (*take_note)(machine&, std::span<const std::byte>) = nullptr;
    /// Takes scripts, as the options say, as long as the result lives; on every process. Set by the floor that knows
    /// how, before main.
    static inline std::unique_ptr<machine_state> (*listen)(machine&) = nullptr;
    /// Waits in main for the first request of a client.
    static inline void (*await_client)(pe&) = nullptr;
    /// Has the program stand still where it would end: `what` says why. False if it cannot. Called on any PE.
    static inline bool (*freeze_in_place_of_end)(pe&, const char* reason, const std::string& what) = nullptr;
    /// Restores a checkpoint in place of running main; set by the floor that knows how, before main.
    static inline void (*restart)(machine&, const std::string& folder) = nullptr;
    /// Sees to it that the PEs are observed as the options say, before they run; set like `restart`. Collective.
    static inline std::unique_ptr<account> (*keep_account)(machine&) = nullptr;

    std::mutex ending;
    bool stopped = false;
    int exit_code = 0;
    std::atomic<int> main_code = 0; ///< what main returned; any PE may end the run meanwhile
    std::string failure;
    bool failed_elsewhere = false; ///< and told there

private:
    pe_number all_pes = 0;
    pe_number all_processes = 1;
};

} // namespace motet::inline MOTET_VARIANT::runtime
