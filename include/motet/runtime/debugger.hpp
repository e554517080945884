// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>
#include <motet/runtime/waiter.hpp>

namespace motet::inline MOTET_VARIANT::runtime {

class pe;

/// Whether anybody may look into a program of this build while it runs: else nothing of this is compiled.
#ifdef MOTET_WITH_SCRIPT
inline constexpr bool can_be_debugged = true;
#else
inline constexpr bool can_be_debugged = false;
#endif

/// Whoever has a PE stand still, and looks at each of its messages (script/hook.hpp).
struct debugger {
    virtual ~debugger() = default;
    enum class verdict {
        run,   ///< the method
        again, ///< the program stood still meanwhile: whether the method may run has to be asked again
        ended  ///< the run: nothing of the chare may be touched any more
    };
    /// The method that `m` calls is about to run as the frame `f`, which is not the current one yet. May wait.
    virtual verdict before(pe&, const frame& f, message& m) = 0;
    /// It has returned; its chare is still there. May not wait.
    virtual void after(pe&, const frame& f, message& m) = 0;
    /// A PE that stands still is about to let one piece of the program run: a fiber goes on, or a message is handled,
    /// or (if both are null) an element gets a broadcast.
    virtual void stepping(pe&, const waiter*, const message*) = 0;
    /// It has run, or there was none (`moved` is false).
    virtual void stepped(pe&, bool moved) = 0;
};

} // namespace motet::inline MOTET_VARIANT::runtime
