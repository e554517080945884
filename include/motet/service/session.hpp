// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/service/capability.hpp>
#include <motet/service/host.hpp>
#include <motet/service/wire.hpp>

#if MOTET_BODIES

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// One client, on the thread of the listener.
///
/// 1. A request becomes a message to PE 0, where the desk takes it; the answer comes back to this thread. The PEs never
///    wait for a client.
/// 2. What must get through while the PEs are busy with scripts is done here: a hello, an interruption, the list
///    of what runs, and the output of streams, which is taken when the client has taken what was sent before.
/// 3. A client that sends what is no request is told so and dropped. What is under way for one that is gone goes on;
///    its answers are dropped, but what was printed is kept under its handle.
/// 4. Over TCP (secret.hpp) nothing is taken that is not signed, and a client that is not who it says it is hears
///    nothing.
namespace motet::inline MOTET_VARIANT::service {

class session : public std::enable_shared_from_this<session> {
public:
    using stream_socket = asio::generic::stream_protocol::socket;

    session(host& of, stream_socket connected, std::string name, capabilities granted)
        : owner(of), socket(std::move(connected)), clock(of.context), who(std::move(name)), may(granted),
          client(++of.clients) {
        keep_own(socket.native_handle());
    }

    session(const session&) = delete;
    session& operator=(const session&) = delete;
    /// PE 0 is told that the client is gone.
    ~session();

    /// Takes requests from somebody whom the kernel has named.
    void begin() { read(); }
#ifdef MOTET_WITH_TCP
    /// The same from somebody who has to show a key first.
    void begin_with_key();
#endif
    /// May be called by any thread.
    void answer(std::uint64_t number, script_answer what);
    /// The same: a script of this client begins. Whether the request is answered at its end, and output sent as it
    /// comes.
    void begin_script(std::uint64_t number, std::uint32_t handle, bool waits, bool stream);
    /// The same: streams have something to say.
    void stream_soon();
    /// Closes the connection when what waits has been sent.
    void finish();

private:
    void read();
    void read_body(std::size_t length);
    void take_content();
    void take_body();
    void take(request_frame request, std::size_t bytes);
    void refuse(const std::string& why);
    void drop(const std::string& why);
    void close();
    void send(std::vector<std::byte> bytes);
    void write();
    /// What scripts have printed in an answer that was not sent stays for the next client.
    void give_back(const std::vector<std::byte>& bytes);
    void stream();
    void interrupt(std::uint64_t number, std::uint32_t handle);
    /// Handles of what it has begun and that goes on.
    std::vector<std::uint32_t> own_scripts();
    /// Answers when none of the runs goes on, or says where after two seconds.
    void await_end(std::uint64_t number, std::vector<std::uint32_t> handles, std::vector<std::uint64_t> runs,
                   std::chrono::steady_clock::time_point latest);
    struct script_of_client {
        std::uint32_t handle;
        bool stream;
    };

    host& owner;
    stream_socket socket;
    asio::steady_timer clock; ///< until it has shown who it is
    std::string who;          ///< for people
    capabilities may;
    const script::client_number client; ///< from 1 on
    std::array<std::byte, 8> header{};
    std::vector<std::byte> body;
    std::deque<std::vector<std::byte>> outgoing;
    std::size_t waiting = 0;                           ///< bytes that it has not taken
    std::mutex of_scripts;                             ///< of the next two, in which PE 0 writes, too
    std::map<std::uint64_t, script_of_client> scripts; ///< that it waits for, by the number of the request
    std::map<std::uint32_t, std::uint64_t> detached;   ///< runs that it has begun and does not wait for, by handle
    std::uint64_t streamed = 0;                        ///< the last one that had its turn
    std::size_t under_way = 0;                         ///< requests
    const request_weight::counter bytes_under_way = request_weight::none_yet();
    bool greeted = false;
    bool closing = false;
#ifdef MOTET_WITH_TCP
    void take_key();
    void be_known() {
        if (std::exchange(shows_key, false)) --owner.unknown;
    }

    std::optional<seal> sealed;
    digest nonce{};
    digest signature{};
    bool shows_key = false; ///< the next frame does
#endif

    static constexpr std::size_t most_waiting = std::size_t{1} << 30;
    static constexpr std::size_t most_under_way = 1000;
    static constexpr std::size_t piece = std::size_t{1} << 20; ///< memory is taken as bytes come
    static constexpr std::size_t longest_key_frame = 32 + 64;
    static constexpr std::size_t most_asking_bytes = std::size_t{1} << 20; ///< of whoever may only look and read
};

/// A request on its way to the desk.
struct inbound {
    std::weak_ptr<session> from;
    script::client_number client = 0;
    request_frame request;
    std::string who;
    std::shared_ptr<const void> weight = {};
};
/// On PE 0 (inbound.hpp).
inline void take_request(runtime::pe& p, std::shared_ptr<inbound> in);

MOTET_INLINE session::~session() {
#ifdef MOTET_WITH_TCP
    be_known();
#endif
    if (!greeted) return;
    script::script_control::of(owner.job).let_leave_all_of(client); // PE 0 may be in one of its hooks
    runtime::post_from_outside<&script::lose_client>(*owner.job.pes[0], client);
}

inline void session::take(request_frame request, std::size_t bytes) {
    if (std::holds_alternative<hello>(request.what)) {
        if (!greeted && owner.log()) owner.log()->write(script::log_line().add("client", who).add("does", "connect"));
        greeted = true;
    } else if (!greeted) {
        return refuse("the first request must be a hello");
    }
    const std::uint64_t number = request.number;
    if (under_way >= most_under_way) {
        ++under_way;
        answer(number,
               {.error = std::to_string(most_under_way) + " requests of this client are under way: wait for answers"});
        return read();
    }
    ++under_way;
    if (std::string why = request_weight::refusal(bytes, bytes_under_way, owner.under_way); !why.empty()) {
        answer(number, {.error = std::move(why)});
        return read();
    }
    capabilities needed = std::visit(needed_capabilities{}, request.what);
    const auto* const stop = std::get_if<interrupt_request>(&request.what);
    if (stop != nullptr)
        if (const auto own = own_scripts(); std::find(own.begin(), own.end(), stop->handle) != own.end())
            needed = {capabilities::run};
    if (!may.have(needed)) {
        owner.refused(who, "a request needs " + needed.text());
        answer(number, {.error = "this key does not allow it: it needs " + needed.text() + ", and has " + may.text()});
        return read();
    }
    if (stop != nullptr) {
        interrupt(number, stop->handle);
        return read();
    }
    if (const auto* gone = std::get_if<unhook_request>(&request.what)) {
        auto& control = script::script_control::of(owner.job); // PE 0 may be in that hook
        if (control.runs.is_hook(gone->handle)) control.let_leave(control.runs.run_of(gone->handle));
    }
    if (std::holds_alternative<running_request>(request.what))
        answer(number, {.running = script::script_control::of(owner.job).list()});
    if (std::holds_alternative<hello>(request.what)) answer(number, {});
    auto in = std::make_shared<inbound>(
        inbound{weak_from_this(), client, std::move(request), who,
                std::make_shared<const request_weight>(bytes, bytes_under_way, owner.under_way)});
    runtime::post_from_outside<&take_request>(*owner.job.pes[0], std::move(in));
    read();
}

inline void session::answer(std::uint64_t number, script_answer what) {
    const bool last = !what.more;
    std::vector<std::byte> bytes;
    try {
        bytes = framed(answer_frame{number, std::move(what)});
    } catch (const error& why) {
        bytes = framed(answer_frame{number, {.error = std::string("the answer cannot be sent: ") + why.what()}});
    }
    asio::post(owner.context, [self = shared_from_this(), bytes = std::move(bytes), number, last]() mutable {
        if (last) {
            {
                const std::lock_guard lock(self->of_scripts);
                self->scripts.erase(number);
            }
            --self->under_way;
        }
        if (!self->closing) return self->send(std::move(bytes));
        self->give_back(bytes);
    });
}

inline void session::begin_script(std::uint64_t number, std::uint32_t handle, bool waits, bool streams) {
    const std::uint64_t run = script::script_control::of(owner.job).runs.run_of(handle);
    {
        const std::lock_guard lock(of_scripts); // a message to the listener's thread would wake it up in vain
        if (waits)
            scripts[number] = {handle, streams};
        else
            detached[handle] = run;
    }
    if (streams) answer(number, {.handle = handle, .more = true});
}

inline void session::stream_soon() {
    asio::post(owner.context, [self = shared_from_this()] { self->stream(); });
}

/// Sends what the scripts of this client have printed, if it has taken everything before.
inline void session::stream() {
    const std::lock_guard lock(of_scripts);
    auto next = scripts.upper_bound(streamed); // each has its turn
    for (std::size_t left = scripts.size(); left > 0; --left, ++next) {
        if (closing || !outgoing.empty()) return; // what is not sent stays where it is bounded
        if (next == scripts.end()) next = scripts.begin();
        const auto& [number, each] = *next;
        streamed = number;
        if (!each.stream) continue;
        script_answer part{.handle = each.handle, .more = true};
        part.output = script::script_control::of(owner.job).output.take(each.handle, part.dropped);
        if (!part.output.empty() || part.dropped != 0) send(framed(answer_frame{number, std::move(part)}));
    }
}

inline std::vector<std::uint32_t> session::own_scripts() {
    const std::lock_guard lock(of_scripts);
    auto& control = script::script_control::of(owner.job);
    std::erase_if(detached, [&](const auto& each) { return control.runs.run_of(each.first) != each.second; });
    std::vector<std::uint32_t> all;
    for (const auto& [number, each] : scripts) all.push_back(each.handle);
    for (const auto& [handle, run] : detached) all.push_back(handle);
    return all;
}

inline void session::interrupt(std::uint64_t number, std::uint32_t handle) {
    auto handles = handle == 0 ? own_scripts() : std::vector{handle};
    auto& control = script::script_control::of(owner.job);
    std::vector<std::uint64_t> runs;
    for (const std::uint32_t each : handles) {
        runs.push_back(control.runs.run_of(each));
        if (runs.back() == 0) continue;
        if (owner.log())
            owner.log()->write(script::log_line().add("client", who).add("does", "interrupt").add("handle", each));
        control.interrupt(runs.back());
        if (control.runs.is_hook(each)) runtime::post_from_outside<&script::drop_hook>(*owner.job.pes[0], each);
    }
    await_end(number, std::move(handles), std::move(runs), std::chrono::steady_clock::now() + std::chrono::seconds(2));
}

inline void session::await_end(std::uint64_t number, std::vector<std::uint32_t> handles,
                               std::vector<std::uint64_t> runs, std::chrono::steady_clock::time_point latest) {
    auto& control = script::script_control::of(owner.job);
    std::string still;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i] == 0 || control.runs.run_of(handles[i]) != runs[i]) continue;
        const std::string where = control.whatever_runs(runs[i]);
        still += (still.empty() ? "" : "; ") +
                 std::string(control.runs.is_hook(handles[i]) ? "hook " : "interpreter ") + std::to_string(handles[i]) +
                 " could not be stopped yet: it is " +
                 (where.empty() ? "in another process, or has not begun because its PE is busy" : where);
    }
    if (still.empty()) return answer(number, {.handle = handles.empty() ? 0 : handles[0]});
    if (std::chrono::steady_clock::now() > latest)
        return answer(number, {.error = still + ". It is stopped as soon as that ends"});
    const auto timer = std::make_shared<asio::steady_timer>(owner.context, std::chrono::milliseconds(10));
    timer->async_wait([=, self = shared_from_this(), handles = std::move(handles),
                       runs = std::move(runs)](boost::system::error_code) mutable {
        (void)timer;
        if (!self->closing) self->await_end(number, std::move(handles), std::move(runs), latest);
    });
}

} // namespace motet::inline MOTET_VARIANT::service

#endif // MOTET_BODIES
