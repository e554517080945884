// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/errors.hpp>
#include <motet/chare/local.hpp>
#include <motet/runtime/deliver.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace motet::inline MOTET_VARIANT {

/// Where one value of type T can be sent: a future, an entry method of a chare, or one of every chare of a collection.
/// A small value that can be sent along and kept. Made by `proxy.to<&T::method>()` and from a promise.
template <class T>
class target {
public:
    using value_type = T;

    /// A target that leads nowhere.
    target() = default;
    explicit target(runtime::address to) : where(to) {}

    /// Sends the value there. Returns at once.
    template <class V = T>
        requires(!std::is_void_v<T> && std::is_convertible_v<V, T>)
    void send(V&& value) const {
        T made(std::forward<V>(value));
        runtime::deliver(runtime::this_pe(), where, &made);
    }
    void send() const
        requires(std::is_void_v<T>)
    {
        runtime::deliver_nothing(runtime::this_pe(), where);
    }
    /// Whoever waits there gets a motet::remote_error with this text.
    void fail(std::string why) const {
        runtime::deliver_failure(runtime::this_pe(), where, {std::move(why), "motet::error", {}, {}, false});
    }
    /// The same with what a call failed with: text, type, chare and entry stay those of the origin.
    void fail(const remote_error& why) const {
        runtime::deliver_failure(
            runtime::this_pe(), where,
            {why.text, why.type, why.chare, why.entry, dynamic_cast<const erased*>(&why) != nullptr});
    }
    /// Whether it leads anywhere.
    explicit operator bool() const { return where.how != 0; }
    const runtime::address& address() const { return where; }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(where);
        if constexpr (!Archive::is_writing) {
            if (where.how != 0 && !runtime::registry::instance().is<runtime::delivery>(where.how))
                throw decode_error("an unknown kind of target", "", 0);
        }
    }

private:
    runtime::address where;
};

} // namespace motet::inline MOTET_VARIANT
