// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
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
    double hold = 0; ///< seconds that a freeze of this hook lasts; 0: the hook and its freezes go with their client
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
    std::string what = "queue"; ///< messages that have not run: "queue"; "fibers" that wait; "hooks"
    std::int64_t pe = -1;       ///< -1: all
    std::uint32_t most = 100;   ///< lines of each PE
};

} // namespace motet
