// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/frame.hpp>
#include <motet/script/python.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

/// A script as it is seen from outside of the PEs while it runs (control.hpp).
namespace motet::inline MOTET_VARIANT::script {

enum class stop_reason : std::uint8_t {
    none,
    asked,    ///< by a client
    kept_pe,  ///< for longer than --motet-script-limit
    too_long, ///< for its own limit
    removed,  ///< a hook
    run_ends
};

/// A script in a chare. Stands on the stack of whoever runs it.
struct watched_script {
    using clock = std::chrono::steady_clock;

    std::uint64_t serial = 0; ///< its name in this process
    std::uint64_t run = 0;    ///< script_request::run
    unsigned long thread = 0; ///< as Python numbers them
    runtime::pe* p = nullptr;
    runtime::guest* on = nullptr; ///< the thread that its PE is lent to; null: it runs on the PE's own and cannot wait
    const std::string* where = nullptr; ///< the chare
    double limit = 0;                   ///< seconds, waits included; 0: none
    clock::time_point started;
    std::atomic<clock::rep> pe_since = 0; ///< it has kept its PE
    std::atomic<bool> away = false;       ///< C++ of the program runs for it, or it waits
    std::atomic<stop_reason> reason = stop_reason::none;

    int strikes = 0; ///< of step 2
    clock::time_point next_strike;
    std::string place; ///< the line of Python where it still was when it was to stop
};

#if MOTET_BODIES

/// Raises in a thread what a script that is to stop shall see. With Python's lock (stop.hpp).
inline void raise_in(unsigned long thread, stop_reason why);
/// The line of Python that a thread is in. With Python's lock (stop.hpp).
inline std::string line_of(unsigned long thread);

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::script
