// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/runtime/deliver.hpp>

#include <string>
#include <utility>

namespace motet::inline MOTET_VARIANT {

/// An exception that left the entry method somebody waits for, near or far.
struct remote_error : error {
    explicit remote_error(runtime::failure&& why)
        : error(why.text + (why.type.empty() ? "" : " (" + why.type + ")") +
                (why.chare.empty() ? "" : ", in " + why.chare) + (why.entry.empty() ? "" : ", entry " + why.entry)),
          text(std::move(why.text)), type(std::move(why.type)), chare(std::move(why.chare)),
          entry(std::move(why.entry)) {}

    std::string text;  ///< what() of the original
    std::string type;  ///< name of its type
    std::string chare; ///< with its index
    std::string entry;
};

/// The element that was asked does not exist: it was erased, or never inserted.
struct erased : remote_error {
    using remote_error::remote_error;
};

namespace runtime {

[[noreturn]] MOTET_INLINE void raise(failure&& why);

#if MOTET_BODIES
MOTET_INLINE void raise(failure&& why) {
    if (why.erased) throw erased(std::move(why));
    throw remote_error(std::move(why));
}
#endif // MOTET_BODIES

/// Ends the program with an exception that nobody waits for.
inline void fail_program(pe& p, const failure& why) { p.fail(remote_error(failure(why)).what()); }
/// The same, of a failure that comes to a future which is gone, or goes with it: the asker may take it for caught.
inline void fail_unseen(pe& p, const failure& why) {
    p.fail(std::string(remote_error(failure(why)).what()) + "; its future was destroyed before get() was called");
}
/// Lets whoever waits there have it; ends the program if nobody does.
inline void tell_failure(pe& p, const address& to, failure&& why) {
    if (to.how == 0) return fail_program(p, why);
    deliver_failure(p, to, std::move(why));
}

} // namespace runtime
} // namespace motet::inline MOTET_VARIANT
