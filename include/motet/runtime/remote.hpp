// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/identity.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace motet::inline MOTET_VARIANT::runtime {

class machine;
class pe;
struct message;

/// How a run ends, as the process that ends it tells the others.
struct run_end {
    std::int32_t code = 0;
    std::uint32_t rested = 0; ///< it ended by itself, and what is held back anywhere has been told
};

/// The way to the other operating-system processes of a job. Any PE may use it at any time.
class remote_port {
public:
    virtual ~remote_port() = default;
    virtual std::uint32_t process_number() const = 0;
    virtual std::uint32_t process_count() const = 0;
    /// The run begins: from now on messages may come.
    virtual void attach(machine&) = 0;
    /// Throws `error` on all processes if one of them has a problem; before messages come.
    virtual void agree(const std::string& problem) = 0;
    /// Takes a message to a PE of another process. Throws what a user's own serialize throws; the message is gone.
    virtual void send(pe& from, pe_number to, message* m) = 0;
    /// Sends off what this PE has collected.
    virtual void flush(pe& from) = 0;
    /// Takes what came, for all PEs of this process. False if there was nothing.
    virtual bool poll(pe& at) = 0;
    /// The same for a PE with nothing to do, which polls now and then: looks only where that takes no time.
    virtual bool glance(pe& at) = 0;
    /// Whether large data was on its way from or to here at the last poll: it may move only while somebody polls.
    virtual bool carries() const = 0;
    /// Lets the run end on all other processes, like this; `why` is the error that ends it, or empty. Called by any
    /// thread.
    virtual void stop_others(run_end end, const std::string& why) = 0;
    /// Tells another process something outside of all PEs: its machine::take_note gets it, on any thread, also while
    /// all its PEs are busy, if it looks (`take_notes`). At most `most_note` bytes. Called by any thread.
    virtual void note(std::uint32_t process, std::span<const std::byte> bytes) = 0;
    static constexpr std::size_t most_note = 3500;
    /// Takes the notes that have come, for a process whose PEs do not poll. Called by a thread that has no PE.
    virtual void take_notes() = 0;
    /// After the PEs have stopped: waits until every process has got here, and nothing is on the way.
    virtual void finish() = 0;
    /// Bytes from this process to another one, which takes them in the order of giving. Both wait. Only before the PEs
    /// run and after `finish`.
    virtual void give(std::uint32_t to, std::string_view bytes) = 0;
    virtual std::string take(std::uint32_t from) = 0;
};

} // namespace motet::inline MOTET_VARIANT::runtime
