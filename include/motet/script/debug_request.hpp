// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/value.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace motet {

/// A script that runs before or after messages: calls of entry methods by message or broadcast. What it gives, if that
/// is not None, freezes the program there. Answered when it is installed on every PE, with its handle.
struct hook_request {
    std::string on = {};                   ///< what is served under that name, or the type of the chares; empty: any
    std::vector<std::string> entries = {}; ///< the methods, such as "border"; empty: any
    std::vector<std::int64_t> index = {};  ///< of one element; empty: any
    bool before = false;                   ///< else after
    std::string filter = {};               ///< an expression: where it is false nothing happens; empty: true
    std::string code = {};                 ///< runs each time; its last expression is what it gives
    std::string method = {};               ///< or: the code runs once, and then this function of it with `self`
    double hold = 0;  ///< seconds that a freeze of this hook lasts; 0: the hook and its freezes go with their client
    double limit = 0; ///< seconds that it may run at one message; 0: no limit but --motet-script-limit
    std::string problem = {}; ///< of one that was read: why it cannot be done

    /// As execute_request has them: what came after the first version of the protocol goes by name.
    void set_option(const std::string& name, const value& given) {
        if (name != "limit") throw error("this program does not know it");
        limit = given.number();
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(on, entries, index, before, filter, code, method, hold);
        std::vector<std::pair<std::string, value>> more;
        if constexpr (Archive::is_writing) {
            if (limit > 0) more.emplace_back("limit", value{limit});
            archive(more);
        } else if (archive.origin().remaining() != 0) {
            archive(more);
            for (const auto& [name, given] : more) try {
                    set_option(name, given);
                } catch (const error& why) {
                    problem = "option '" + name + "': " + why.what();
                }
        }
    }
};

/// Removes a hook.
struct unhook_request {
    std::uint32_t handle = 0;
};

/// Has the program stand still, all PEs of it between two messages. Answered when it does.
struct freeze_request {
    double hold = 0; ///< seconds, also without its client; 0: as long as that is there
};

/// The program goes on, unless it is another client that has frozen it.
struct go_request {
    bool all = false; ///< also then
};

/// Of a frozen program: lets some messages run on one PE.
struct step_request {
    std::int64_t pe = -1; ///< -1: where a hook has frozen it
    std::uint32_t count = 1;
};

/// What hooks have found, and whether the program is frozen.
struct events_request {
    std::uint64_t since = 0; ///< events with higher numbers
    bool wait = true;        ///< until there is one
};

/// What there is on the PEs. Read only.
struct inspect_request {
    /// Messages that have not run: "queue"; "fibers" that wait; "hooks"; what PEs have done: "pes"; what "entries"
    /// have, which are counted from now on, until all clients that have asked are gone.
    std::string what = "queue";
    std::int64_t pe = -1;     ///< -1: all
    std::uint32_t most = 100; ///< lines of each PE
};

} // namespace motet
