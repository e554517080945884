// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/service/place.hpp>
#include <motet/service/wire.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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
        if (name == "." || name == "..") continue;
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
        if (fitting.empty()) throw error("no program " + program + " of this user runs with --motet-script");
        if (fitting.size() > 1)
            throw error(std::to_string(fitting.size()) + " programs " + program + " run: say " + fitting[0] +
                        " or another");
        boost::system::error_code failed;
        socket.connect(service::socket_folder() + "/" + fitting[0], failed);
        if (failed) throw error("no connection to " + fitting[0] + ": " + failed.message());
        ask(service::hello{});
    }

    /// What is served.
    std::vector<served_name> list() { return ask(list_request{}).names; }
    /// Runs a script; see execute_request. What it printed is in the answer where it waits.
    script_answer execute(execute_request request) { return ask(std::move(request)); }
    /// The same; `on_part` gets answers before the last one: first one with the handle, then what is printed, and each
    /// chare's outcome, as it comes. The last answer has all outcomes, and what was printed since.
    script_answer execute(execute_request request, const std::function<void(const script_answer&)>& on_part) {
        request.stream = true;
        return ask(std::move(request), on_part);
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

private:
    template <class Request>
    script_answer ask(Request&& what, const std::function<void(const script_answer&)>& on_part = {}) {
        service::request_frame request;
        request.number = ++last;
        request.what = std::forward<Request>(what);
        boost::system::error_code failed;
        boost::asio::write(socket, boost::asio::buffer(service::framed(request)), failed);
        if (failed) throw error("the program does not listen any more: " + failed.message());
        for (;;) {
            script_answer answer = receive();
            if (!answer.error.empty()) throw error(answer.error);
            if (!answer.more) return answer;
            if (on_part) on_part(answer);
        }
    }
    script_answer receive() {
        boost::system::error_code failed;
        std::array<std::byte, 8> header{};
        boost::asio::read(socket, boost::asio::buffer(header), failed);
        std::vector<std::byte> body;
        if (!failed) {
            body.resize(service::length_of(header));
            boost::asio::read(socket, boost::asio::buffer(body), failed);
        }
        if (failed) throw error("the program has ended, or closed the connection: " + failed.message());
        service::answer_frame answer;
        serial::decode_into(body, answer);
        return std::move(answer.answer);
    }

    boost::asio::io_context context;
    boost::asio::local::stream_protocol::socket socket;
    std::uint64_t last = 0;
};

} // namespace motet::inline MOTET_VARIANT
