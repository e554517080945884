// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/desk.hpp>
#include <motet/service/place.hpp>
#include <motet/service/wire.hpp>

#if MOTET_BODIES

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
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
/// 2. A request becomes a message to PE 0, where the desk takes it; the answer comes back to this thread. The PEs never
///    wait for a client. What must get through while the PEs are busy with scripts is done here: a hello, an
///    interruption, the list of what runs, and the output of streams, which is taken when the client has taken what was
///    sent before.
/// 3. A client that sends what is no request is told so and dropped. What is under way for one that is gone goes on;
///    its answers are dropped, but what was printed is kept under its handle.
namespace motet::inline MOTET_VARIANT::service {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;

class listener;

/// One client.
class session : public std::enable_shared_from_this<session> {
public:
    session(listener& of, local::socket connected, std::string client)
        : owner(of), socket(std::move(connected)), who(std::move(client)) {}
    void read();
    /// May be called by any thread.
    void answer(std::uint64_t number, script_answer what);
    /// The same: a script of this client begins. Its output shall be sent as it comes, or not.
    void begin_script(std::uint64_t number, std::uint32_t handle, bool stream);
    /// The same: streams have something to say.
    void stream_soon();
    /// Closes the connection when what waits has been sent.
    void finish();

private:
    void take(request_frame request);
    void refuse(const std::string& why);
    void send(std::vector<std::byte> bytes);
    void write();
    void stream();
    void interrupt(std::uint64_t number, std::uint32_t handle);
    /// Answers when none of the runs goes on, or says where after two seconds.
    void await_end(std::uint64_t number, std::vector<std::uint32_t> handles, std::vector<std::uint64_t> runs,
                   int looks);
    struct script_of_client {
        std::uint32_t handle;
        bool stream;
    };

    listener& owner;
    local::socket socket;
    const std::string who; ///< for people
    std::array<std::byte, 8> header{};
    std::vector<std::byte> body;
    std::deque<std::vector<std::byte>> outgoing;
    std::size_t waiting = 0;                           ///< bytes that it has not taken
    std::map<std::uint64_t, script_of_client> scripts; ///< that it has begun, by the number of the request
    std::size_t under_way = 0;                         ///< requests
    bool greeted = false;
    bool closing = false;

    static constexpr std::size_t most_waiting = std::size_t{1} << 30;
    static constexpr std::size_t most_under_way = 1000;
};

class listener final : public runtime::machine_state {
public:
    explicit listener(runtime::machine& of);
    /// Sends what waits to be sent; to clients that do not read it for a second at most.
    ~listener() override;

    runtime::machine& job;
    asio::io_context context{1};

private:
    void accept();

    std::string path;
    local::acceptor acceptor;
    std::binary_semaphore nothing_left{0}; ///< to be sent, and nobody to be heard
    std::vector<std::weak_ptr<session>> sessions;
    std::thread thread;
};

/// A request on its way to the desk.
struct inbound {
    std::weak_ptr<session> from;
    request_frame request;
    std::string who;
};

inline void take_request(runtime::pe& p, std::shared_ptr<inbound> in) {
    auto& desk = script::desk::of(p);
    desk.greet(p);
    const script::answer_to answer = [&job = p.job, from = in->from, number = in->request.number](script_answer what) {
        if (const auto client = from.lock()) return client->answer(number, std::move(what));
        // Nobody has seen it: it is for whoever asks with the handle later.
        if (!what.output.empty()) script::script_control::of(job).output.add(what.handle, what.output);
    };
    auto& what = in->request.what;
    if (std::holds_alternative<list_request>(what))
        desk.list(answer);
    else if (auto* execute = std::get_if<execute_request>(&what)) {
        const auto started = [&](std::uint32_t handle) {
            const auto client = in->from.lock();
            if (!client || !execute->wait) return;
            client->begin_script(in->request.number, handle, execute->stream);
            if (execute->stream)
                script::script_control::of(p.job).output.watch(handle, script::output_board::stream, [from = in->from] {
                    if (const auto to = from.lock()) to->stream_soon();
                });
        };
        desk.execute(p, std::move(*execute), answer, started, in->who);
    } else if (const auto* print = std::get_if<print_request>(&what))
        desk.print(print->handle, print->wait, print->kill, answer);
    else if (const auto* finished = std::get_if<finished_request>(&what))
        desk.finished(finished->handle, finished->wait, answer);
}

inline void session::read() {
    asio::async_read(socket, asio::buffer(header),
                     [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                         if (failed) return;
                         const std::uint64_t length = length_of(self->header);
                         if (length > most_request_bytes)
                             return self->refuse("a request of " + std::to_string(length) + " bytes: at most " +
                                                 std::to_string(most_request_bytes) + " are taken");
                         self->body.resize(length);
                         asio::async_read(self->socket, asio::buffer(self->body),
                                          [self](boost::system::error_code broken, std::size_t) {
                                              if (broken) return;
                                              request_frame request;
                                              try {
                                                  serial::decode_into(self->body, request);
                                              } catch (const error& why) {
                                                  return self->refuse(std::string("this is no request: ") + why.what());
                                              }
                                              self->take(std::move(request));
                                          });
                     });
}

inline void session::take(request_frame request) {
    if (const auto* greeting = std::get_if<hello>(&request.what)) {
        if (greeting->version != protocol_version)
            return refuse("this program speaks version " + std::to_string(protocol_version) +
                          " of the protocol, and the client version " + std::to_string(greeting->version));
        greeted = true;
    } else if (!greeted) {
        return refuse("the first request must be a hello");
    }
    const std::uint64_t number = request.number;
    if (under_way >= most_under_way) {
        answer(number,
               {.error = std::to_string(under_way) + " requests of this client are under way: wait for answers"});
        return read();
    }
    ++under_way;
    if (const auto* stop = std::get_if<interrupt_request>(&request.what)) {
        interrupt(number, stop->handle);
        return read();
    }
    if (std::holds_alternative<running_request>(request.what))
        answer(number, {.running = script::script_control::of(owner.job).list()});
    if (std::holds_alternative<hello>(request.what)) answer(number, {});
    auto in = std::make_shared<inbound>(inbound{weak_from_this(), std::move(request), who});
    runtime::post_from_outside<&take_request>(*owner.job.pes[0], std::move(in));
    read();
}

inline void session::refuse(const std::string& why) {
    script_answer no;
    no.error = why;
    closing = true;
    send(framed(answer_frame{0, std::move(no)}));
}

inline void session::answer(std::uint64_t number, script_answer what) {
    const bool last = !what.more;
    auto bytes = framed(answer_frame{number, std::move(what)});
    asio::post(owner.context, [self = shared_from_this(), bytes = std::move(bytes), number, last]() mutable {
        if (last) {
            self->scripts.erase(number);
            --self->under_way;
        }
        if (!self->closing) self->send(std::move(bytes));
    });
}

inline void session::begin_script(std::uint64_t number, std::uint32_t handle, bool streams) {
    asio::post(owner.context, [=, this, self = shared_from_this()] { scripts[number] = {handle, streams}; });
    if (streams) answer(number, {.handle = handle, .more = true});
}

inline void session::stream_soon() {
    asio::post(owner.context, [self = shared_from_this()] { self->stream(); });
}

/// Sends what the scripts of this client have printed, if it has taken everything before.
inline void session::stream() {
    for (const auto& [number, each] : scripts) {
        if (closing || !outgoing.empty()) return; // what is not sent stays where it is bounded
        if (!each.stream) continue;
        script_answer part{.handle = each.handle, .more = true};
        part.output = script::script_control::of(owner.job).output.take(each.handle, part.dropped);
        if (!part.output.empty() || part.dropped != 0) send(framed(answer_frame{number, std::move(part)}));
    }
}

inline void session::interrupt(std::uint64_t number, std::uint32_t handle) {
    std::vector<std::uint32_t> handles;
    if (handle != 0) handles.push_back(handle);
    for (const auto& [of, each] : scripts)
        if (handle == 0) handles.push_back(each.handle);
    auto& control = script::script_control::of(owner.job);
    std::vector<std::uint64_t> runs;
    for (const std::uint32_t each : handles) {
        runs.push_back(control.run_of(each));
        if (runs.back() != 0) control.interrupt(runs.back());
    }
    await_end(number, std::move(handles), std::move(runs), 0);
}

inline void session::await_end(std::uint64_t number, std::vector<std::uint32_t> handles,
                               std::vector<std::uint64_t> runs, int looks) {
    auto& control = script::script_control::of(owner.job);
    std::string still;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i] == 0 || control.run_of(handles[i]) != runs[i]) continue;
        const std::string where = control.whatever_runs(runs[i]);
        still += (still.empty() ? "interpreter " : "; interpreter ") + std::to_string(handles[i]) +
                 " could not be stopped yet: it is " +
                 (where.empty() ? "in another process, or has not begun because its PE is busy" : where);
    }
    if (still.empty()) return answer(number, {.handle = handles.empty() ? 0 : handles[0]});
    if (looks >= 200) return answer(number, {.error = still + ". It is stopped as soon as that ends"});
    const auto timer = std::make_shared<asio::steady_timer>(owner.context, std::chrono::milliseconds(10));
    timer->async_wait([=, self = shared_from_this(), handles = std::move(handles),
                       runs = std::move(runs)](boost::system::error_code) mutable {
        (void)timer;
        if (!self->closing) self->await_end(number, std::move(handles), std::move(runs), looks + 1);
    });
}

inline void session::finish() {
    closing = true;
    boost::system::error_code ignored;
    if (outgoing.empty()) socket.close(ignored);
}

inline void session::send(std::vector<std::byte> bytes) {
    waiting += bytes.size();
    if (waiting > most_waiting) { // it reads nothing
        closing = true;
        boost::system::error_code ignored;
        socket.close(ignored);
        return;
    }
    outgoing.push_back(std::move(bytes));
    if (outgoing.size() == 1) write();
}

inline void session::write() {
    asio::async_write(socket, asio::buffer(outgoing.front()),
                      [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                          if (failed) return;
                          self->waiting -= self->outgoing.front().size();
                          self->outgoing.pop_front();
                          if (!self->outgoing.empty()) return self->write();
                          self->stream();
                          boost::system::error_code ignored;
                          if (self->closing && self->outgoing.empty()) self->socket.close(ignored);
                      });
}

/// The name of the program in its socket: letters, digits and a few signs.
inline std::string socket_name(const runtime::machine& job) {
    std::string name = job.arguments.empty() ? "motet" : job.arguments[0];
    name = name.substr(name.rfind('/') + 1).substr(0, 40);
    for (char& c : name)
        if (!(c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            c = '_';
    return name + "." + std::to_string(getpid());
}

inline listener::listener(runtime::machine& of) : job(of), acceptor(context) {
    script::start_python(); // what can go wrong is told now
    const std::string name = socket_name(job);
    path = socket_folder() + "/" + name;
    unlink(path.c_str()); // of a program of this number that was killed
    try {
        acceptor.open();
        const auto before = umask(077);
        boost::system::error_code failed;
        acceptor.bind(path, failed);
        umask(before);
        if (failed) throw boost::system::system_error(failed);
        acceptor.listen();
    } catch (const std::exception& why) {
        throw error("--motet-script: the socket " + path + " cannot be made: " + why.what());
    }
    std::fprintf(stderr, "motet: open to scripts as %s\n", name.c_str());
    accept();
    thread = std::thread([this] {
        context.run();
        nothing_left.release();
    });
}

inline void listener::accept() {
    acceptor.async_accept([this](boost::system::error_code failed, local::socket connected) {
        if (!failed) {
            ucred who{};
            socklen_t size = sizeof who;
            if (getsockopt(connected.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
                who.uid == geteuid()) {
                std::erase_if(sessions, [](const auto& each) { return each.expired(); });
                const auto client = std::make_shared<session>(*this, std::move(connected),
                                                              "user " + std::to_string(who.uid) + ", process " +
                                                                  std::to_string(who.pid));
                sessions.push_back(client);
                client->read();
            }
        } else if (failed == asio::error::operation_aborted) {
            return;
        }
        accept();
    });
}

inline listener::~listener() {
    asio::post(context, [this] {
        boost::system::error_code ignored;
        acceptor.close(ignored);
        for (const auto& each : sessions)
            if (const auto client = each.lock()) client->finish();
    });
    if (!nothing_left.try_acquire_for(std::chrono::seconds(1))) context.stop();
    thread.join();
    unlink(path.c_str());
}

/// Before main: this is how programs listen, and wait for a client.
inline const bool listens = [] {
    runtime::machine::listen = [](runtime::machine& job) -> std::unique_ptr<runtime::machine_state> {
        return std::make_unique<listener>(job);
    };
    runtime::machine::await_client = [](runtime::pe& p) { script::desk::of(p).await_client(p); };
    return true;
}();

} // namespace motet::inline MOTET_VARIANT::service

#endif // MOTET_BODIES
