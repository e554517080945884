// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/debug.hpp>
#include <motet/script/desk.hpp>
#include <motet/service/weight.hpp>

#if MOTET_BODIES

#include <motet/script/control.hpp>
#ifdef MOTET_WITH_TCP
#include <motet/service/secret.hpp>
#endif

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <fcntl.h>
#include <memory>
#include <string>

/// What the sessions of a program have in common.
namespace motet::inline MOTET_VARIANT::service {

namespace asio = boost::asio;

/// What sessions need of their listener.
class host {
public:
    explicit host(runtime::machine& of) : job(of) {}
    virtual ~host() = default;
    /// Somebody was refused: counted, and written to the log.
    virtual void refused(const std::string& who, const std::string& why) = 0;

    runtime::machine& job;
    script::client_number clients = 0; ///< so far
    const request_weight::counter under_way = request_weight::none_yet();
    std::unique_ptr<script::script_log>& log() { return script::script_control::of(job).log; }
#ifdef MOTET_WITH_TCP
    key_file keys;                       ///< of TCP
    std::atomic<std::size_t> unknown{0}; ///< clients that have not shown a key yet
#endif
    asio::io_context context{1}; ///< the last one: sessions that are left end with it, and use what stands above
};

/// A socket that children of this process do not get.
inline void keep_own(int socket) { fcntl(socket, F_SETFD, FD_CLOEXEC); }

} // namespace motet::inline MOTET_VARIANT::service

#endif // MOTET_BODIES
