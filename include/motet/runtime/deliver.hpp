// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/call.hpp>
#include <motet/runtime/pe.hpp>

#include <string>
#include <typeinfo>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

/// An exception on its way to whoever asked.
struct failure {
    std::string text;
    std::string type;
    std::string chare; ///< and its index
    std::string entry;
    bool erased = false; ///< the element it was meant for does not exist any more

    /// Of the exception that is being handled.
    static failure current(std::string chare, std::string entry) {
        auto [text, type] = exception_text::current();
        return {std::move(text), std::move(type), std::move(chare), std::move(entry), false};
    }
};

/// A kind of place where values go. `value` points to the type that the address was made for; null where that is void.
struct delivery {
    void (*value)(pe&, const address&, void* value);
    void (*fail)(pe&, const address&, failure&&);
    bool everywhere = false; ///< every element of a collection; of an address that names a PE: those there
};

inline void deliver(pe& p, const address& to, void* value) {
    if (to.how != 0) registry::get<delivery>(to.how).value(p, to, value);
}
inline void deliver_nothing(pe& p, const address& to) { deliver(p, to, nullptr); }
inline void deliver_failure(pe& p, const address& to, failure&& why) {
    if (to.how != 0) registry::get<delivery>(to.how).fail(p, to, std::move(why));
}

} // namespace motet::inline MOTET_VARIANT::runtime
