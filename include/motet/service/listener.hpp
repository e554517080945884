// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/start_script.hpp>
#include <motet/service/inbound.hpp>
#include <motet/service/place.hpp>
#include <motet/service/session_frames.hpp>

#if MOTET_BODIES

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <semaphore>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

/// Listens for clients, on a thread of its own in process 0.
///
/// 1. The socket lies in a folder that only this user can enter, and whoever connects must be this user: the kernel
///    says who it is (SO_PEERCRED).
/// 2. On TCP only where the program is told to (--motet-script-tcp): on the loopback interface unless an address is
///    named, and only for owners of a key (secret.hpp).
/// 3. There are at most `most_sessions` clients, of which `most_unknown` have not shown a key yet. Who is
///    refused is counted, and written to the log.
namespace motet::inline MOTET_VARIANT::service {

using local = asio::local::stream_protocol;
using tcp = asio::ip::tcp;

class listener final : public runtime::machine_state, public host {
public:
    explicit listener(runtime::machine& of);
    /// Sends what waits to be sent; to clients that do not read it for a second at most.
    ~listener() override;

    void refused(const std::string& who, const std::string& why) override;

private:
    static constexpr std::size_t most_sessions = 2000;
    static constexpr std::size_t most_unknown = 100;
    static constexpr std::size_t most_told = 100; ///< of those that are refused, in the log

    void run();
    void bind_local();
    void accept_local();
    void accept_later(const boost::system::error_code& failed, void (listener::*accept)());
    bool is_full(const std::string& who);

    std::string path;
    local::acceptor at_socket;
#ifdef MOTET_WITH_TCP
    void bind_tcp();
    void accept_tcp();

    std::string made_key; ///< the file, if this program has made it
    tcp::acceptor at_port;
#endif
    std::binary_semaphore nothing_left{0}; ///< to be sent, and nobody to be heard
    std::vector<std::weak_ptr<session>> sessions;
    std::size_t refusals = 0;
    std::thread thread;
};

/// The name of the program in its socket: letters, digits and a few signs.
inline std::string socket_name(const runtime::machine& job) {
    std::string name = job.arguments.empty() ? "motet" : job.arguments[0];
    name = name.substr(name.rfind('/') + 1).substr(0, 40);
    for (char& c : name)
        if (!(c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            c = '_';
    return name + "." + std::to_string(getpid());
}

inline listener::listener(runtime::machine& of)
    : host(of), at_socket(context)
#ifdef MOTET_WITH_TCP
      ,
      at_port(context)
#endif
{
    script::start_python(); // what can go wrong is told now
    path = socket_folder() + "/" + socket_name(job);
#ifdef MOTET_WITH_TCP
    if (!job.options.script_tcp.empty()) bind_tcp();
    try {
        bind_local(); // who finds the socket finds the port, too
    } catch (...) {
        if (!made_key.empty()) unlink(made_key.c_str());
        throw;
    }
#else
    if (!job.options.script_tcp.empty())
        throw error("--motet-script-tcp: this program is built without OpenSSL (Debian: libssl-dev)");
    bind_local();
#endif
    std::fprintf(stderr, "motet: open to scripts as %s\n", path.substr(path.rfind('/') + 1).c_str());
    accept_local();
    thread = script::thread_beside([this] { run(); });
}

inline void listener::run() {
    for (bool ended = false; !ended;) try {
            context.run();
            ended = true;
        } catch (const std::exception& why) { // no memory, say: it ends the session that it is thrown in
            std::fprintf(stderr, "motet: warning: a client of scripts is dropped: %s\n", why.what());
        }
    nothing_left.release();
}

inline void listener::bind_local() {
    // It gets its name when somebody listens: who finds a socket where nobody does takes it away.
    const std::string unnamed = socket_folder() + "/." + socket_name(job);
    unlink(unnamed.c_str()); // of a program of this number that was killed
    try {
        at_socket.open();
        keep_own(at_socket.native_handle());
        fchmod(at_socket.native_handle(), 0600); // the mode that it gets in the folder
        at_socket.bind(unnamed);
        at_socket.listen();
        if (rename(unnamed.c_str(), path.c_str()) != 0) throw error(std::strerror(errno));
    } catch (const std::exception& why) {
        throw error("--motet-script: the socket " + path + " cannot be made: " + why.what());
    }
}

inline bool listener::is_full(const std::string& who) {
    std::erase_if(sessions, [](const auto& each) { return each.expired(); });
    if (sessions.size() < most_sessions) return false;
    refused(who, "there are " + std::to_string(sessions.size()) + " clients already");
    return true;
}

inline void listener::refused(const std::string& who, const std::string& why) {
    if (++refusals <= most_told && log())
        log()->write(script::log_line().add("client", who).add("does", "refused").add("why", why));
}

/// Where no file descriptors are left, say, the next attempt would fail as fast: it comes a little later.
inline void listener::accept_later(const boost::system::error_code& failed, void (listener::*accept)()) {
    if (!at_socket.is_open()) return; // the end
    refused("somebody", "no connection can be taken now: " + failed.message());
    const auto timer = std::make_shared<asio::steady_timer>(context, std::chrono::milliseconds(100));
    timer->async_wait([this, timer, accept](boost::system::error_code) {
        if (at_socket.is_open()) (this->*accept)();
    });
}

inline void listener::accept_local() {
    at_socket.async_accept([this](boost::system::error_code failed, local::socket connected) {
        if (failed) return accept_later(failed, &listener::accept_local);
        accept_local();
        ucred who{};
        socklen_t size = sizeof who;
        const bool known = getsockopt(connected.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
        const std::string text = "user " + std::to_string(who.uid) + ", process " + std::to_string(who.pid);
        if (!known || who.uid != geteuid()) {
            refused(text, "it is another user");
        } else if (!is_full(text)) {
            const auto client = std::make_shared<session>(*this, std::move(connected), text, capabilities::all());
            sessions.push_back(client);
            client->begin();
        }
    });
}

#ifdef MOTET_WITH_TCP
inline void listener::bind_tcp() {
    const std::string& given = job.options.script_tcp; // [ADDRESS:]PORT
    const std::size_t colon = given.rfind(':');
    std::string address = colon == std::string::npos ? "127.0.0.1" : given.substr(0, colon);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2); // IPv6
    std::string key = job.options.script_key;
    try {
        if (key.empty()) {
            key = made_key = path + ".key";
            unlink(key.c_str());
            key_file::make(key, "me");
        }
        keys = key_file::read(key);
        for (const auto& [name, each] : keys.keys) capabilities::from(each.may);
        const tcp::endpoint where(asio::ip::make_address(address),
                                  static_cast<std::uint16_t>(std::stoul(given.substr(colon + 1))));
        at_port.open(where.protocol());
        keep_own(at_port.native_handle());
        at_port.set_option(tcp::acceptor::reuse_address(true));
        at_port.bind(where);
        at_port.listen();
    } catch (const std::exception& why) {
        if (!made_key.empty()) unlink(made_key.c_str());
        throw error("--motet-script-tcp " + given + ": " + why.what());
    }
    std::fprintf(stderr, "motet: open to scripts at %s port %u with the keys of %s\n", address.c_str(),
                 at_port.local_endpoint().port(), key.c_str());
    accept_tcp();
}

inline void listener::accept_tcp() {
    at_port.async_accept([this](boost::system::error_code failed, tcp::socket connected) {
        if (failed) return accept_later(failed, &listener::accept_tcp);
        accept_tcp();
        boost::system::error_code gone;
        const auto from = connected.remote_endpoint(gone);
        if (!gone) {
            const std::string text = from.address().to_string() + " port " + std::to_string(from.port());
            connected.set_option(tcp::no_delay(true), gone);
            if (unknown >= most_unknown) {
                refused(text, "too many clients have shown no key yet");
            } else if (!is_full(text)) {
                const auto client = std::make_shared<session>(*this, std::move(connected), text, capabilities{});
                sessions.push_back(client);
                client->begin_with_key();
            }
        }
    });
}
#endif

MOTET_INLINE listener::~listener() {
    asio::post(context, [this] {
        boost::system::error_code ignored;
        at_socket.close(ignored);
#ifdef MOTET_WITH_TCP
        at_port.close(ignored);
#endif
        for (const auto& each : sessions)
            if (const auto client = each.lock()) client->finish();
    });
    if (!nothing_left.try_acquire_for(std::chrono::seconds(1))) context.stop();
    thread.join();
    unlink(path.c_str());
#ifdef MOTET_WITH_TCP
    if (!made_key.empty()) unlink(made_key.c_str());
#endif
    if (refusals == 0) return;
    std::fprintf(stderr, "motet: warning: %zu times a client of scripts was refused: the log says who\n", refusals);
    if (log()) log()->write(script::log_line().add("does", "end").add("refused", refusals));
}

/// What a program with scripts has from its beginning to its end.
struct outside final : runtime::machine_state {
    explicit outside(runtime::machine& of) : job(of) {
        const runtime::options& chosen = job.options;
        if (job.pes[0]->number != 0) return;
        if (chosen.script_log != "off" && !job.sim)
            script::script_control::of(job).log = std::make_unique<script::script_log>(
                chosen.script_log.empty() ? script::script_log::usual_path(socket_name(job)) : chosen.script_log);
        if (!chosen.script_run.empty()) script::start_script(job);
        if (chosen.script) clients = std::make_unique<listener>(job);
    }
    outside(const outside&) = delete;
    outside& operator=(const outside&) = delete;
    ~outside() override {
        runtime::pe& first = *job.pes[0];
        if (first.number != 0 || first.scripting == nullptr) return;
        const std::string missed = script::desk::of(first).missed();
        if (!missed.empty()) job.warnings.push_back(missed);
    }
    runtime::machine& job;
    std::unique_ptr<listener> clients;
};

/// Before main: this is how programs listen, and wait for a client.
inline const bool listens = [] {
    runtime::machine::listen = [](runtime::machine& job) -> std::unique_ptr<runtime::machine_state> {
        return std::make_unique<outside>(job);
    };
    runtime::machine::await_client = [](runtime::pe& p) { script::desk::of(p).await_client(p); };
    return true;
}();

} // namespace motet::inline MOTET_VARIANT::service

#endif // MOTET_BODIES
