// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/service/place.hpp>
#include <motet/service/wire.hpp>

#ifdef MOTET_WITH_TCP
#include <motet/service/secret.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <span>
#endif
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dirent.h>
#include <functional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

/// The running programs of this user that are open to scripts (--motet-script), as NAME.NUMBER, to be given to a
/// client.
inline std::vector<std::string> running_programs() {
    std::vector<std::string> names;
    const std::string folder = service::socket_folder();
    DIR* const open = opendir(folder.c_str());
    if (open == nullptr) return names;
    while (const dirent* each = readdir(open)) {
        const std::string name = each->d_name;
        struct stat found {};
        if (name[0] == '.') continue; // also a socket at which nobody listens yet
        if (lstat((folder + "/" + name).c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) continue;
        boost::asio::io_context context;
        boost::asio::local::stream_protocol::socket socket(context);
        boost::system::error_code failed;
        socket.connect(folder + "/" + name, failed);
        if (!failed)
            names.push_back(name);
        else if (failed == boost::asio::error::connection_refused)
            unlink((folder + "/" + name).c_str()); // left by a program that was killed
    }
    closedir(open);
    std::sort(names.begin(), names.end());
    return names;
}

/// A connection to a running program that takes scripts. Needs neither Python nor the rest of Motet. Every call blocks
/// until the answer has come and throws motet::error where the program refuses, or ends.
class client {
public:
    /// Connects to the program of that name, as running_programs gives it; the number may be left out where one of the
    /// name runs.
    explicit client(const std::string& program) : socket(context) {
        std::vector<std::string> fitting;
        for (const std::string& name : running_programs())
            if (name == program || name.substr(0, name.rfind('.')) == program) fitting.push_back(name);
        if (fitting.empty()) {
            std::string running;
            for (const std::string& name : running_programs()) running += (running.empty() ? "" : ", ") + name;
            throw error("no program " + program +
                        " of this user runs with --motet-script; running: " + (running.empty() ? "none" : running));
        }
        if (fitting.size() > 1)
            throw error(std::to_string(fitting.size()) + " programs " + program + " run: say " + fitting[0] +
                        " or another");
        boost::system::error_code failed;
        boost::asio::local::stream_protocol::socket here(context);
        here.connect(service::socket_folder() + "/" + fitting[0], failed);
        if (failed) throw error("no connection to " + fitting[0] + ": " + failed.message());
        socket = std::move(here);
        greet();
    }
#ifdef MOTET_WITH_TCP
    /// Connects over TCP (--motet-script-tcp) to an address, with the first key of a file.
    client(const std::string& address, std::uint16_t port, const std::string& key_file) : socket(context) {
        const service::key_file::owned own = service::key_file::first(key_file);
        boost::asio::ip::tcp::socket there(context);
        boost::system::error_code failed;
        const auto where = boost::asio::ip::make_address(address, failed);
        if (failed) throw error("'" + address + "' is no address: give one such as 127.0.0.1, and no name");
        there.connect({where, port}, failed);
        std::array<std::byte, service::greeting_text.size() + 32> greeting{};
        if (!failed) there.set_option(boost::asio::ip::tcp::no_delay(true), failed);
        if (!failed) boost::asio::read(there, boost::asio::buffer(greeting), failed);
        if (failed) throw error("no connection to " + address + ": " + failed.message());
        if (std::memcmp(greeting.data(), service::greeting_text.data(), service::greeting_text.size()) != 0)
            throw error(address + " port " + std::to_string(port) +
                        " is no program that takes scripts from a client of this version");
        socket = std::move(there);
        service::digest nonce{};
        std::memcpy(nonce.data(), greeting.data() + service::greeting_text.size(), nonce.size());
        const service::digest mine = service::random_bytes();
        sealed.emplace(service::connection_key(own.key, nonce, mine), service::seal::client);
        const auto name = service::bytes_of(own.name);
        std::vector<std::byte> frame(8);
        const std::uint64_t length = mine.size() + name.size();
        std::memcpy(frame.data(), &length, sizeof length);
        frame.insert(frame.end(), mine.begin(), mine.end());
        frame.insert(frame.end(), name.begin(), name.end());
        send(std::move(frame));
        greet();
    }
#endif

    /// What is served.
    std::vector<served_name> list() { return ask(list_request{}).names; }
    /// Declarations of what is served under these names, or of all, for editors: a .pyi file.
    std::string stubs(std::vector<std::string> names = {}) {
        const script_answer answer = ask(stubs_request{std::move(names)});
        const script_outcome& outcome = answer.outcomes.at(0);
        if (outcome.failed()) throw error(outcome.error);
        return outcome.result.text();
    }
    /// Runs a script; see execute_request. What it printed is in the answer where it waits.
    script_answer execute(execute_request request) { return ask(std::move(request)); }
    /// The same; `on_part` gets answers before the last one: first one with the handle, then what is printed, and each
    /// chare's outcome, as it comes. The last answer has all outcomes, and what was printed since.
    script_answer execute(execute_request request, const std::function<void(const script_answer&)>& on_part) {
        request.stream = true;
        return ask(std::move(request), on_part);
    }
    /// The value at a path of field names, places and keys in a chare, or in all. Runs no code.
    script_answer read(std::string name, std::vector<std::int64_t> index, std::vector<value> path) {
        return ask(read_request{std::move(name), std::move(index), std::move(path)});
    }
    /// Puts a value there.
    script_answer write(std::string name, std::vector<std::int64_t> index, std::vector<value> path, value written) {
        return ask(write_request{std::move(name), std::move(index), std::move(path), std::move(written)});
    }
    /// Ends the script of that handle, as Ctrl-C would; 0: all that this client has begun. Throws where it could not be
    /// stopped within two seconds, and says where it is.
    void interrupt(std::uint32_t handle) { ask(interrupt_request{handle}); }
    /// Which scripts run, and for whom. Answered also while every PE is busy with them.
    std::vector<running_name> running() { return ask(running_request{}).running; }
    /// What the script printed since the last time.
    std::string print(std::uint32_t handle, bool wait = true, bool kill = false) {
        return ask(print_request{handle, wait, kill}).output;
    }
    /// What the script did, if it has ended.
    script_answer finished(std::uint32_t handle, bool wait = true) { return ask(finished_request{handle, wait}); }
    /// Installs a script that runs at messages, and gives its handle: `print` has its output.
    std::uint32_t hook(hook_request request) { return ask(std::move(request)).handle; }
    /// Removes it.
    void unhook(std::uint32_t handle) { ask(unhook_request{handle}); }
    /// Has the program stand still; see freeze_request. A dict: frozen, pe, holders, seconds, last (event).
    value freeze(double hold = 0) { return ask(freeze_request{hold}).found; }
    /// Lets it go on; see go_request. The same dict.
    value go(bool all = false) { return ask(go_request{all}).found; }
    /// Lets some messages run; see step_request. The same dict, with `ran`: a list.
    value step(std::int64_t pe = -1, std::uint32_t count = 1) { return ask(step_request{pe, count}).found; }
    /// What hooks have found since; see events_request. The same dict, with `events`: a list.
    value events(std::uint64_t since = 0, bool wait = true) { return ask(events_request{since, wait}).found; }
    /// Lists "queue", "fibers", "hooks", "pes" or "entries"; see inspect_request. The same dict, with the list under
    /// that name.
    value inspect(std::string what, std::int64_t pe = -1, std::uint32_t most = 100) {
        return ask(inspect_request{std::move(what), pe, most}).found;
    }

private:
    template <class Request>
    void send_request(Request&& what) {
        service::request_frame request;
        request.number = ++last;
        request.what = std::forward<Request>(what);
        send(service::framed(request));
    }
    /// Of its answer counts only what is the same in all versions.
    void greet() {
        send_request(service::hello{});
        if (const std::string no = service::error_in(receive()); !no.empty()) throw error(no);
    }
    template <class Request>
    script_answer ask(Request&& what, const std::function<void(const script_answer&)>& on_part = {}) {
        send_request(std::forward<Request>(what));
        for (;;) {
            service::answer_frame frame;
            serial::decode_into(receive(), frame);
            script_answer answer = std::move(frame.answer);
            if (!answer.error.empty()) throw error(answer.error);
            if (!answer.more) return answer;
            if (on_part) on_part(answer);
        }
    }
    void send(std::vector<std::byte> frame) {
#ifdef MOTET_WITH_TCP
        if (sealed) {
            const service::digest signature = sealed->sign(std::span(frame).subspan(8));
            frame.insert(frame.end(), signature.begin(), signature.end());
        }
#endif
        boost::system::error_code failed;
        boost::asio::write(socket, boost::asio::buffer(frame), failed);
        if (failed) throw error("the program does not listen any more: " + failed.message());
    }
    /// The content of a frame.
    std::vector<std::byte> receive() {
        boost::system::error_code failed;
        std::array<std::byte, 8> header{};
        boost::asio::read(socket, boost::asio::buffer(header), failed);
        std::vector<std::byte> body;
        constexpr std::size_t piece = std::size_t{1} << 24; // memory is taken as bytes come
        const std::uint64_t length = failed ? 0 : service::length_of(header);
        while (!failed && body.size() < length) {
            const std::size_t before = body.size();
            body.resize(static_cast<std::size_t>(std::min<std::uint64_t>(length, before + piece)));
            boost::asio::read(socket, boost::asio::buffer(body.data() + before, body.size() - before), failed);
        }
#ifdef MOTET_WITH_TCP
        service::digest signature{};
        if (!failed && sealed) boost::asio::read(socket, boost::asio::buffer(signature), failed);
        if (!failed && sealed && !sealed->is_right(body, signature))
            throw error("an answer is not from the program that knows the key");
#endif
        if (failed) throw error("the program has ended, or closed the connection: " + failed.message());
        return body;
    }

    boost::asio::io_context context;
    boost::asio::generic::stream_protocol::socket socket;
    std::uint64_t last = 0;
#ifdef MOTET_WITH_TCP
    std::optional<service::seal> sealed;
#endif
};

} // namespace motet::inline MOTET_VARIANT
