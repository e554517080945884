// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"
#include "served_box.hpp"

#include <motet/service/client.hpp>
#include <motet/service/weight.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

using namespace motet_test;
using served_test::box;

namespace service_test {

/// Sockets of these tests only.
struct own_folder {
    std::string folder;
    own_folder() {
        char name[] = "/tmp/motet-test-XXXXXX";
        folder = mkdtemp(name);
        setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
        setenv("XDG_STATE_HOME", folder.c_str(), 1);
    }
    own_folder(const own_folder&) = delete;
    own_folder& operator=(const own_folder&) = delete;
    ~own_folder() {
        unsetenv("XDG_RUNTIME_DIR");
        unsetenv("XDG_STATE_HOME");
        std::filesystem::remove_all(folder);
    }
};

/// A program that serves boxes, and what a client does meanwhile on a thread of its own. The program ends when the
/// client has.
void with_client(std::uint32_t pes, const std::function<void()>& client,
                 const std::function<void(motet::runtime::options&)>& change = {}) {
    if (this_job().size > 1) return;
    const own_folder sockets;
    auto chosen = threads(pes);
    if (change) change(chosen);
    chosen.script = true;
    chosen.script_wait = true;
    std::atomic<bool> done{false};
    std::string problem;
    std::thread other([&] {
        try {
            for (int i = 0; motet::running_programs().empty() && i < 10000; ++i)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            client();
        } catch (const std::exception& e) {
            problem = e.what();
            try {
                motet::client("test"); // or it would wait for ever
            } catch (const motet::error&) {}
        }
        done = true;
    });
    run_well(chosen, [&] {
        const auto boxes = motet::array<box>::create(3, box{});
        motet::serve(boxes, "boxes");
        while (!done) motet::sleep_for(std::chrono::milliseconds(1));
    });
    other.join();
    CHECK(problem == "");
    CHECK(motet::running_programs().empty());
}

motet::execute_request request(std::string code, std::vector<std::int64_t> index = {1}, bool wait = true) {
    motet::execute_request r;
    r.name = "boxes";
    r.index = std::move(index);
    r.wait = wait;
    r.script.code = std::move(code);
    return r;
}

/// A client that says these bytes and takes no answer, as long as it is there.
class deaf_client {
public:
    explicit deaf_client(const std::vector<std::byte>& bytes) {
        socket.connect(motet::service::socket_folder() + "/" + motet::running_programs().at(0));
        boost::asio::write(socket, boost::asio::buffer(bytes));
    }

private:
    boost::asio::io_context context;
    boost::asio::local::stream_protocol::socket socket{context};
};

/// The bytes of a client's first two requests: a hello, and this one.
template <class Request>
std::vector<std::byte> greeted(const Request& request) {
    motet::service::request_frame greeting;
    greeting.what = motet::service::hello{};
    motet::service::request_frame then;
    then.what = request;
    auto bytes = motet::service::framed(greeting);
    const auto more = motet::service::framed(then);
    bytes.insert(bytes.end(), more.begin(), more.end());
    return bytes;
}

/// Bytes as a client would send them, and what comes back until the program closes the connection.
std::vector<std::byte> exchange(const std::vector<std::byte>& bytes) {
    boost::asio::io_context context;
    boost::asio::local::stream_protocol::socket socket(context);
    socket.connect(motet::service::socket_folder() + "/" + motet::running_programs().at(0));
    boost::system::error_code failed;
    boost::asio::write(socket, boost::asio::buffer(bytes), failed);
    socket.shutdown(boost::asio::socket_base::shutdown_send, failed);
    std::vector<std::byte> all;
    boost::asio::read(socket, boost::asio::dynamic_buffer(all), failed);
    return all;
}

} // namespace service_test

using namespace service_test;

TEST_CASE("a client lists, runs, prints and asks for the end") {
    for (const std::uint32_t pes : {1u, 2u})
        with_client(pes, [] {
            motet::client c("test");
            const auto names = c.list();
            REQUIRE(names.size() == 1);
            CHECK(names[0].name == "boxes");
            CHECK(names[0].type == "box");
            CHECK(names[0].kind == "array");
            const auto answer = c.execute(request("print('hello')\nself.number + 1"));
            CHECK(said(answer.outcomes.at(0)) == "6");
            CHECK(answer.output == "hello\n");
            CHECK(c.execute(request("ck.myindex()[0]", {})).outcomes.size() == 3);
            auto some = request("def f(n): return n");
            some.script.iterate = true;
            some.script.method = "f";
            some.script.over = "numbers";
            some.script.select = motet::selected::where("n > 1");
            CHECK(said(c.execute(some).outcomes.at(0)) == "[2, 3]");
            some.script.reduce = "sum";
            CHECK(said(c.execute(some).outcomes.at(0)) == "5");
            auto chosen = request("ck.myindex()[0]", {});
            chosen.elements.where = "index > 0";
            CHECK(c.execute(chosen).outcomes.size() == 2);
            chosen.across = "sum";
            CHECK(said(c.execute(chosen).outcomes.at(0)) == "3");
            chosen.index = {1};
            CHECK(contains(thrown_by([&] { c.execute(chosen); }), "elements are chosen of a collection"));
            const auto failed = c.execute(request("1/0")).outcomes.at(0);
            CHECK(failed.error_type == "ZeroDivisionError");
            CHECK(contains(failed.traceback, "line 1"));
            auto slow = request("print('x')\ncharm.when_told()", {1}, false);
            slow.script.high_level = true;
            const auto handle = c.execute(slow).handle;
            CHECK(handle != 0);
            CHECK(c.finished(handle, false).handle == 0);
            motet::client other("test");
            CHECK(!other.execute(request("self.go = True")).outcomes.at(0).failed());
            CHECK(c.print(handle) == "x\n");
            CHECK(said(c.finished(handle).outcomes.at(0)) == "5");
            CHECK(thrown_by([&] { c.print(99); }) == "there is no interpreter 99");
            CHECK(contains(thrown_by([&] {
                               auto r = request("1");
                               r.name = "nobody";
                               c.execute(r);
                           }),
                           "nothing is served under the name 'nobody'; there is boxes"));
        });
}

TEST_CASE("a client that asks for a program that does not run is told so") {
    if (this_job().size > 1) return;
    const own_folder sockets;
    CHECK(thrown_by([] { motet::client c("nothing"); }) ==
          "no program nothing of this user runs with --motet-script; running: none");
    // A folder that others can enter is not trusted.
    chmod((sockets.folder + "/motet").c_str(), 0755);
    CHECK(contains(thrown_by([] { motet::running_programs(); }), "is not a folder of this user alone"));
    auto chosen = threads(1);
    chosen.script = true;
    CHECK(contains(error_of(chosen, [] {}), "is not a folder of this user alone"));
    chosen = simulated(2, 1);
    chosen.script = true;
    CHECK(contains(error_of(chosen, [] {}), "a simulated program has no clients"));
}

TEST_CASE("the socket is this user's alone") {
    with_client(1, [] {
        struct stat found {};
        const std::string folder = motet::service::socket_folder();
        CHECK(stat(folder.c_str(), &found) == 0);
        CHECK((found.st_mode & 0777) == 0700);
        CHECK(stat((folder + "/" + motet::running_programs().at(0)).c_str(), &found) == 0);
        CHECK((found.st_mode & 0077) == 0);
        motet::client c("test");
    });
}

TEST_CASE("bytes that are no request are refused, and the program goes on") {
    with_client(2, [] {
        motet::client first("test");
        using motet::service::framed;
        const auto answer_to = [](const std::vector<std::byte>& bytes) -> std::string {
            const auto back = exchange(bytes);
            if (back.size() < 8) return "closed";
            motet::service::answer_frame answer;
            motet::serial::decode_into(std::span(back).subspan(8), answer);
            return answer.answer.error;
        };
        CHECK(answer_to({}) == "closed");
        CHECK(answer_to({std::byte{1}, std::byte{2}}) == "closed");
        CHECK(contains(answer_to(std::vector<std::byte>(8, std::byte{0xff})), "at most"));
        CHECK(contains(answer_to(std::vector<std::byte>(8, std::byte{0})), "this is no request"));
        motet::service::request_frame early;
        early.what = motet::list_request{};
        CHECK(answer_to(framed(early)) == "the first request must be a hello");
        motet::service::request_frame old;
        old.what = motet::service::hello{99};
        const std::string own = std::to_string(motet::service::protocol_version);
        const std::string no = "speaks version " + own + " of the protocol, and the client version 99";
        CHECK(contains(answer_to(framed(old)), no));
        auto longer = framed(old); // its hello says more
        longer[0] = std::byte{14};
        longer.push_back(std::byte{1});
        CHECK(contains(answer_to(longer), no));
        // What an answer of another version says at its beginning is understood.
        auto other = framed(motet::service::answer_frame{0, {.error = "no"}});
        other.resize(20);
        CHECK(motet::service::error_in(std::span(other).subspan(8)) == "no");
        motet::service::request_frame greeting;
        greeting.what = motet::service::hello{};
        std::mt19937 random(1);
        for (int i = 0; i < 300; ++i) { // whole frames with wrong bytes in them, cut ones, and noise
            auto run = request("self.number = 7; " + std::string(random() % 50, 'x'));
            motet::service::request_frame good;
            good.number = static_cast<std::uint64_t>(i);
            good.what = run;
            auto bytes = framed(greeting);
            auto more = framed(good);
            for (auto k = random() % 5; k-- > 0;) more[8 + random() % (more.size() - 8)] = std::byte(random());
            if (i % 3 == 0) more.resize(random() % more.size());
            bytes.insert(bytes.end(), more.begin(), more.end());
            exchange(bytes);
        }
        CHECK(first.list().size() == 1);
    });
}

TEST_CASE("what a client only looks at, and what it has begun and left") {
    with_client(2, [] {
        motet::client c("test");
        CHECK(contains(c.stubs(), "boxes: collection_of_box"));
        CHECK(contains(thrown_by([&] { c.stubs({"none"}); }), "nothing is served under the name 'none'"));
        const motet::value number{std::string("number")};
        CHECK(contains(thrown_by([&] { c.read("boxes", {1}, std::vector(101, number)); }),
                       "a path has at most 100 steps"));
        CHECK(
            contains(said(c.read("boxes", {1}, {{std::string("__init__")}}).outcomes.at(0)), "'__init__' is no field"));
        CHECK(
            contains(said(c.execute(request("x = []\nfor i in range(700): x = [x]\nx")).outcomes.at(0)), "ValueError"));
        const auto loop = c.execute(request("while True: pass", {1}, false)).handle;
        c.interrupt(0);
        CHECK(c.finished(loop).outcomes.at(0).error_type == "KeyboardInterrupt");
    });
}

TEST_CASE("clients die in the middle, and many ask at once") {
    with_client(2, [] {
        motet::client first("test");
        for (int i = 0; i < 20; ++i) {
            auto slow = request("charm.when_told()", {2}, true);
            slow.script.high_level = true;
            const deaf_client gone(greeted(slow));
        } // before the answer
        std::vector<std::thread> clients;
        std::atomic<int> good{0};
        for (int i = 0; i < 500; ++i)
            clients.emplace_back([&good, i] {
                motet::client c("test");
                for (int k = 0; k < 2; ++k)
                    if (said(c.execute(request("ck.myindex()[0] + " + std::to_string(i), {0})).outcomes.at(0)) ==
                        std::to_string(i))
                        ++good;
            });
        for (auto& each : clients) each.join();
        CHECK(good == 1000);
        first.execute(request("self.go = True", {2}));
    });
}

/// Waits until a script runs there; its handle.
std::uint32_t await_begin(motet::client& c, const std::string& where) {
    std::vector<motet::running_name> found;
    while (found.empty() || !contains(found[0].where, where)) found = c.running();
    CHECK(found[0].name == "boxes");
    CHECK(contains(found[0].client, "user "));
    return found[0].handle;
}

TEST_CASE("a script that runs away is interrupted by another client, wherever it is") {
    for (const std::uint32_t pes : {1u, 2u})
        with_client(pes, [pes] {
            const auto interrupted = [](const motet::execute_request& r, const char* where) {
                motet::client other("test");
                motet::script_answer answer;
                std::atomic<bool> begun{!contains(r.script.code, "print")}; // else its first line has not been reached
                std::thread victim([&] {
                    motet::client c("test");
                    answer = c.execute(r, [&](const motet::script_answer& part) {
                        if (!part.output.empty()) begun = true;
                    });
                });
                const std::uint32_t handle = await_begin(other, where);
                while (!begun) std::this_thread::yield();
                other.interrupt(handle);
                victim.join();
                CHECK(other.running().empty());
                return answer;
            };
            for (const std::int64_t index : {0, 1, 2})
                for (const bool high : {false, true}) { // on the PE's thread, and on one of its own
                    auto loop = request("print('begun')\ni = 0\nwhile True:\n    i += 1", {index});
                    loop.script.high_level = high;
                    const auto outcome = interrupted(loop, "in box").outcomes.at(0);
                    CHECK(outcome.error_type == "KeyboardInterrupt");
                    CHECK(outcome.error == "interrupted by a client");
                    CHECK(contains(outcome.traceback, "line "));
                }
            // One that waits, and catches it; the method that waited is unwound.
            auto waits = request("try:\n    charm.when_told()\nexcept KeyboardInterrupt as e:\n    x = str(e)\nx");
            waits.script.high_level = true;
            CHECK(said(interrupted(waits, "C++").outcomes.at(0)) == "'interrupted by a client'");
            // In every element, of which some have not begun.
            auto all = request("while True: pass", {});
            for (const auto& each : interrupted(all, "in box").outcomes) CHECK(each.error_type == "KeyboardInterrupt");
            motet::client c("test");
            CHECK(said(c.execute(request("self.number")).outcomes.at(0)) == "5");
            CHECK(pes > 0);
        });
}

TEST_CASE("scripts have a time limit; what cannot be stopped is said") {
    with_client(2, [] {
        motet::client c("test");
        auto loop = request("while True: pass");
        loop.script.limit = 0.05;
        CHECK(said(c.execute(loop).outcomes.at(0)) ==
              "TimeLimit: it has run for longer than the 0.05 s of its request");
        auto waits = request("charm.when_told()");
        waits.script.limit = 0.05;
        waits.script.high_level = true;
        CHECK(contains(said(c.execute(waits).outcomes.at(0)), "TimeLimit: "));
        CHECK(said(c.execute(request("1")).outcomes.at(0)) == "1");
        // Native code that comes back when somebody writes to a pipe.
        const std::string pipe = getenv("XDG_RUNTIME_DIR") + std::string("/pipe");
        REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
        auto native = request("import os\nos.mkdir('" + pipe + "s'); os.open('" + pipe + "', os.O_RDONLY)", {1}, false);
        const auto handle = c.execute(native).handle;
        while (!std::filesystem::exists(pipe + "s")) std::this_thread::yield(); // it is there now, or nearly
        const std::string problem = thrown_by([&] { c.interrupt(handle); });
        CHECK(
            contains(problem, "interpreter " + std::to_string(handle) + " could not be stopped yet: it is in box[1]"));
        CHECK(contains(problem, "at line 2 of <script"));
        std::ofstream(pipe) << "go on";
        CHECK(c.finished(handle).outcomes.at(0).error_type == "KeyboardInterrupt");
        // Recursion without end, and exits.
        CHECK(contains(said(c.execute(request("def f(): f()\nf()")).outcomes.at(0)), "RecursionError: "));
        CHECK(contains(
            said(c.execute(request("class a:\n    def __repr__(self): return repr(self)\nrepr(a())")).outcomes.at(0)),
            "RecursionError: "));
        CHECK(said(c.execute(request("exit(3)")).outcomes.at(0)) == "SystemExit: 3");
        CHECK(said(c.execute(request("input()")).outcomes.at(0)).starts_with("ValueError: "));
    });
}

TEST_CASE("output is streamed as it comes, also while the script keeps its PE, and bounded") {
    with_client(1, [] {
        motet::client c("test");
        motet::client other("test");
        std::string seen;
        std::uint32_t handle = 0;
        auto r = request("i = 0\nprint('begun')\nwhile True: i += 1");
        const auto answer = c.execute(r, [&](const motet::script_answer& part) {
            handle = part.handle;
            seen += part.output;
            if (seen == "begun\n") other.interrupt(handle); // it is still running
        });
        CHECK(answer.outcomes.at(0).error_type == "KeyboardInterrupt");
        CHECK(seen == "begun\n");
        // Each chare's outcome as it comes, and all of them at the end.
        std::vector<std::string> parts;
        const auto all = c.execute(request("ck.myindex()[0] * 2", {}), [&](const motet::script_answer& part) {
            for (const auto& each : part.outcomes) parts.push_back(said(each));
        });
        std::sort(parts.begin(), parts.end());
        CHECK(parts == std::vector<std::string>{"0", "2", "4"});
        CHECK(all.outcomes.size() == 3);
        // 100 MB to a client that reads nothing.
        auto flood = request("for i in range(1000): print('x' * 99999)\nself.go = True");
        flood.stream = true;
        const deaf_client flooded(greeted(flood));
        const auto memory = [] {
            std::ifstream status("/proc/self/status");
            std::string word;
            long kilobytes = 0;
            while (status >> word && word != "VmHWM:") {}
            status >> kilobytes;
            return kilobytes;
        };
        const long before = memory();
        CHECK(said(c.execute(request("charm.when_told()")).outcomes.at(0)) != "5"); // not high_level
        auto wait = request("charm.when_told()");
        wait.script.high_level = true;
        CHECK(said(c.execute(wait).outcomes.at(0)) == "5");               // it has ended: nobody was kept waiting
#if !defined(MOTET_ADDRESS_SANITIZER) && !defined(MOTET_THREAD_SANITIZER) // they keep what is freed
        CHECK(memory() - before < 20000);
#else
        CHECK(memory() >= before);
#endif
        // What it prints in a detached run is there before its end.
        auto detached = request("print('a')\nwhile True: pass", {1}, false);
        const auto running = c.execute(detached).handle;
        await_begin(other, "in box[1]");
        other.interrupt(running);
        CHECK(c.print(running) == "a\n");
    });
}

#ifdef MOTET_WITH_TCP
const std::string key_me(64, 'a');
const std::string key_viewer(64, 'b');
const std::string key_runner(64, 'c');

/// A port that is free, a file of keys, and one that says nothing but a viewer's.
struct keyed {
    std::uint16_t port = 0;
    std::string folder;
    void choose(motet::runtime::options& o) {
        boost::asio::io_context context;
        port = boost::asio::ip::tcp::acceptor(context, {boost::asio::ip::address_v4::loopback(), 0})
                   .local_endpoint()
                   .port();
        folder = getenv("XDG_RUNTIME_DIR");
        write("keys", "me all " + key_me + " # everything\n\nviewer look,read " + key_viewer + "\nrunner run " +
                          key_runner + "\n");
        write("runner", "runner - " + key_runner + "\n");
        write("viewer", "viewer - " + key_viewer + "\n");
        write("wrong", "me - " + key_viewer + "\n");
        o.script_tcp = std::to_string(port);
        o.script_key = folder + "/keys";
        o.script_log = folder + "/log";
    }
    void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        std::ofstream(folder + "/" + name) << text;
        chmod((folder + "/" + name).c_str(), mode);
    }
    motet::client connect(const std::string& key) const { return {"127.0.0.1", port, folder + "/" + key}; }
    std::string log() const {
        std::ifstream in(folder + "/log");
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// Connects, and sends frames that `make` makes after the greeting. How many bytes came after that.
    std::size_t
    raw(const std::function<std::vector<std::byte>(motet::service::seal&, std::vector<std::byte>)>& make) const {
        using namespace motet::service;
        boost::asio::io_context context;
        boost::asio::ip::tcp::socket socket(context);
        socket.connect({boost::asio::ip::address_v4::loopback(), port});
        std::array<std::byte, 40> greeting{};
        boost::asio::read(socket, boost::asio::buffer(greeting));
        digest nonce{};
        std::memcpy(nonce.data(), greeting.data() + 8, nonce.size());
        const digest own{};
        seal mine(connection_key(std::vector<std::byte>(32, std::byte{0xaa}), nonce, own), seal::client);
        std::vector<std::byte> first(8 + own.size() + 2);
        first[0] = std::byte{34};
        std::memcpy(first.data() + 40, "me", 2);
        boost::system::error_code failed;
        boost::asio::write(socket, boost::asio::buffer(make(mine, first)), failed);
        socket.shutdown(boost::asio::socket_base::shutdown_send, failed);
        std::vector<std::byte> back;
        boost::asio::read(socket, boost::asio::dynamic_buffer(back), failed);
        return back.size();
    }
};

TEST_CASE("over TCP every frame is signed, and a key allows what it says; the log has it all") {
    keyed at;
    with_client(
        2,
        [&] {
            using namespace motet::service;
            auto c = at.connect("keys");
            CHECK(c.list().size() == 1);
            CHECK(said(c.execute(request("self.number = 6\nself.number")).outcomes.at(0)) == "6");
            const std::vector<motet::value> number{{std::string("number")}};
            CHECK(said(c.read("boxes", {1}, number).outcomes.at(0)) == "6");
            CHECK(!c.write("boxes", {1}, number, {std::int64_t{7}}).outcomes.at(0).failed());
            CHECK(contains(said(c.read("boxes", {1}, {{std::string("'+x+'")}}).outcomes.at(0)), "AttributeError: "));
            // A key for less.
            auto viewer = at.connect("viewer");
            CHECK(said(viewer.read("boxes", {1}, number).outcomes.at(0)) == "7");
            CHECK(viewer.list().size() == 1);
            const std::string no = "this key does not allow it: it needs ";
            CHECK(thrown_by([&] { viewer.execute(request("1")); }) == no + "run, and has look,read");
            CHECK(thrown_by([&] { viewer.write("boxes", {1}, number, {}); }) == no + "write, and has look,read");
            CHECK(thrown_by([&] { viewer.interrupt(3); }) == no + "control, and has look,read");
            CHECK(thrown_by([&] { viewer.print(1); }) == no + "run, and has look,read");
            CHECK(contains(viewer.stubs({"boxes"}), "boxes: collection_of_box"));
            CHECK(thrown_by([&] { viewer.read("boxes", {1}, {{std::string(2 << 20, 'x')}}); }) != ""); // too long
            auto runner = at.connect("runner");
            const auto loop = runner.execute(request("while True: pass", {1}, false)).handle;
            CHECK(thrown_by([&] { at.connect("runner").interrupt(loop); }) == no + "control, and has run");
            runner.interrupt(loop); // its own
            CHECK(runner.finished(loop).outcomes.at(0).error_type == "KeyboardInterrupt");
            // No key.
            CHECK(contains(thrown_by([&] { motet::client("localhost", at.port, at.folder + "/keys"); }),
                           "'localhost' is no address"));
            CHECK(contains(thrown_by([&] { at.connect("wrong"); }), "closed the connection"));
            const auto signed_frame = [](seal& by, std::vector<std::byte> frame) {
                const digest d = by.sign(std::span(frame).subspan(8));
                frame.insert(frame.end(), d.begin(), d.end());
                return frame;
            };
            const auto both = [](std::vector<std::byte> a, const std::vector<std::byte>& b) {
                a.insert(a.end(), b.begin(), b.end());
                return a;
            };
            const auto sign_both = [&](seal& by, const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
                const auto before = signed_frame(by, a);
                return both(before, signed_frame(by, b));
            };
            request_frame greeting;
            greeting.number = 1;
            greeting.what = hello{};
            request_frame list;
            list.number = 2;
            list.what = motet::list_request{};
            const std::size_t one = at.raw([&](seal& s, auto first) { return sign_both(s, first, framed(greeting)); });
            CHECK(one > 32); // it is known
            const auto answers_to = [&](const std::function<std::vector<std::byte>(seal&)>& after_hello) {
                return at.raw([&](seal& s, auto first) {
                    auto sent = sign_both(s, first, framed(greeting));
                    return both(std::move(sent), after_hello(s));
                });
            };
            request_frame running;
            running.number = 3;
            running.what = motet::running_request{};
            CHECK(answers_to([&](seal& s) { return signed_frame(s, framed(running)); }) > one);
            CHECK(answers_to([&](seal& s) { // sent twice
                      const auto frame = signed_frame(s, framed(greeting));
                      return both(frame, frame);
                  }) == 2 * one);
            CHECK(answers_to([&](seal& s) { // the second first
                      const auto frame = signed_frame(s, framed(list));
                      return both(signed_frame(s, framed(list)), frame);
                  }) == one);
            for (int i = 0; i < 2; ++i)
                CHECK(answers_to([&](seal& s) { // altered: its content, or its signature
                          auto frame = signed_frame(s, framed(list));
                          frame[i == 0 ? 8 : frame.size() - 1] ^= std::byte{1};
                          return frame;
                      }) == one);
            CHECK(at.raw([&](seal&, auto) { return std::vector<std::byte>(8, std::byte{0xff}); }) == 0); // huge
            CHECK(at.raw([&](seal& s, auto first) {                                                      // short
                first.resize(18);
                first[0] = std::byte{10};
                return signed_frame(s, first);
            }) == 0);
            CHECK(at.raw([&](seal&, auto first) { return both(first, std::vector<std::byte>(32)); }) == 0);
            std::mt19937 random(1);
            for (int i = 0; i < 50; ++i)
                CHECK(at.raw([&](seal&, auto) {
                    std::vector<std::byte> noise(random() % 200);
                    for (auto& b : noise) b = std::byte(random());
                    return noise;
                }) == 0);
            CHECK(c.list().size() == 1);
            // The log.
            struct stat found {};
            REQUIRE(stat((at.folder + "/log").c_str(), &found) == 0);
            CHECK((found.st_mode & 0777) == 0600);
            const std::string log = at.log();
            CHECK(contains(log, "\"client\": \"key me, 127.0.0.1 port "));
            CHECK(
                contains(log, "\"does\": \"execute\", \"handle\": 1, \"name\": \"boxes\", \"index\": [1], \"PE\": 0"));
            CHECK(contains(log, "\"code\": \"self.number = 6\\u000aself.number\""));
            CHECK(contains(log, "\"does\": \"end\", \"handle\": 1, \"chares\": 1, \"failed\": 0"));
            CHECK(contains(log, "\"error\": \"AttributeError: "));
            CHECK(contains(log, "\"why\": \"it has no right key\""));
            CHECK(contains(log, "\"why\": \"a frame is not from the owner of its key, repeated or out of order\""));
            CHECK(contains(log, "\"why\": \"a request needs write\""));
            CHECK(!contains(log, key_me));
            CHECK(!contains(log, key_viewer));
            CHECK(log.back() == '\n');
        },
        [&](motet::runtime::options& o) { at.choose(o); });
    if (this_job().size > 1) return;
    // Keys that others can read, and lines that are none.
    const own_folder sockets;
    auto chosen = threads(1);
    at.choose(chosen);
    chosen.script = true;
    at.write("keys", "me all " + key_me, 0640);
    CHECK(contains(error_of(chosen, [] {}), "are not a file of this user alone: chmod 600 it"));
    for (const auto& [line, why] : {std::pair("me all abc", "64 hexadecimal digits"), std::pair("me", "three words"),
                                    std::pair("", "there is no key")}) {
        at.write("keys", line);
        CHECK(contains(error_of(chosen, [] {}), why));
    }
    at.write("keys", "me every " + key_me);
    CHECK(contains(error_of(chosen, [] {}), "'every' is no capability"));
    at.write("keys", "me all " + key_me);
    at.write("log", "", 0644);
    CHECK(contains(error_of(chosen, [] {}), "is not a file of this user alone: chmod 600 it"));
}
#endif

TEST_CASE("a script of --motet-script-run begins with the program") {
    if (this_job().size > 1) return;
    const own_folder sockets;
    const std::string file = sockets.folder + "/start.py";
    const auto ran = [&](motet::runtime::options chosen, const std::string& code) {
        std::ofstream(file) << code;
        chosen.script_run = file;
        return error_of(chosen, [] {
            const auto boxes = motet::array<box>::create(3, box{});
            motet::serve(motet::chare<box>::create(box{1}), "other");
            motet::serve(boxes, "boxes");
            while (boxes.gather<&box::get>().get() != std::vector<std::int64_t>{5, 9, 5})
                motet::sleep_for(std::chrono::milliseconds(1));
        });
    };
    for (const auto& chosen : {threads(2), simulated(2, 1)}) {
        CHECK(ran(chosen, "# motet: boxes[1]\nprint('started')\nself.number = charm.get() + 4\n") == "");
        CHECK(contains(ran(chosen, "# motet: boxes\ndef f():\n    1/0\nf()"), "line 3, in f"));
        CHECK(contains(ran(chosen, "# motet: boxes[x]\n"), "not where it runs"));
    }
    CHECK(
        contains(ran(threads(1), "x = self.number\nassert x == 1\nraise ValueError(x)"), "ValueError: 1")); // the first
    unlink(file.c_str());
    auto chosen = threads(1);
    chosen.script_run = file;
    CHECK(contains(error_of(chosen, [] {}), "cannot be read"));
}

TEST_CASE("a script that forks, one that moves its own chare, and one that erases it") {
    with_client(2, [] {
        motet::client c("test");
        CHECK(said(c.execute(request("import os\npid = os.fork()\nif pid == 0: self.number = 0; ck.mype()\n"
                                     "os.waitpid(pid, 0)[1]"))
                       .outcomes.at(0)) == "0");
        CHECK(said(c.execute(request("self.number")).outcomes.at(0)) == "5");
        auto go = request("here = ck.mype()\ncharm.move(1 - here)\nself.number = 6\nhere - ck.mype()", {0});
        go.script.high_level = true;
        CHECK(said(c.execute(go).outcomes.at(0)) == "0"); // when the script has ended
        CHECK(said(c.execute(request("self.number, ck.mype()", {0})).outcomes.at(0)) == "(6, 1)");
        auto leave = request("charm.leave()\nself.number", {2});
        leave.script.high_level = true;
        CHECK(said(c.execute(leave).outcomes.at(0)) == "5"); // it stays until the script has ended
        CHECK(contains(said(c.execute(request("1", {2})).outcomes.at(0)), "there is no such element"));
    });
}

TEST_CASE("a client that dies, whatever it waits for, leaves the program as it was") {
    with_client(2, [] {
        motet::client first("test");
        auto slow = request("print('x')\ncharm.when_told()", {2}, false);
        slow.script.high_level = true;
        const auto handle = first.execute(slow).handle;
        auto prints = request("while True: print('x')", {1});
        prints.stream = true;
        prints.script.limit = 0.02;
        auto waits = request("charm.when_told()", {});
        waits.script.high_level = true;
        waits.script.limit = 0.02;
        using motet::service::framed;
        motet::service::request_frame greeting;
        greeting.what = motet::service::hello{};
        motet::service::request_frame dies;
        for (int state = 0; state < 8; ++state) {
            switch (state) {
            case 0: dies.what = motet::list_request{}; break;
            case 1: dies.what = motet::running_request{}; break;
            case 2: dies.what = motet::print_request{handle}; break;
            case 3: dies.what = motet::finished_request{handle}; break;
            case 4: dies.what = motet::interrupt_request{0}; break;
            case 5: dies.what = motet::read_request{"boxes", {}, {{std::string("number")}}}; break;
            case 6: dies.what = waits; break;
            default: dies.what = prints; break;
            }
            for (const bool whole : {true, false}) {
                auto bytes = framed(greeting);
                const auto more = framed(dies);
                bytes.insert(bytes.end(), more.begin(), whole ? more.end() : more.begin() + 9);
                const deaf_client gone(bytes);
            }
        }
        CHECK(said(first.execute(request("self.number")).outcomes.at(0)) == "5");
        CHECK(first.finished(handle, false).handle == 0);
        first.execute(request("self.go = True", {2}));
        CHECK(said(first.finished(handle).outcomes.at(0)) == "5");
        while (!first.running().empty()) {} // what they have begun ends by its limits
    });
}

TEST_CASE("a client whose program ends is told so") {
    std::string told;
    if (this_job().size > 1) return;
    const own_folder sockets;
    auto chosen = threads(2);
    chosen.script = chosen.script_wait = true;
    std::thread other([&] {
        for (int i = 0; motet::running_programs().empty() && i < 10000; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        told = thrown_by([] {
            motet::client c("test");
            auto slow = request("charm.when_told()");
            slow.script.high_level = true;
            for (;;) c.execute(slow);
        });
    });
    const auto body = [] {
        const auto boxes = motet::array<box>::create(3, box{});
        motet::serve(boxes, "boxes");
        motet::sleep_for(std::chrono::milliseconds(100));
        motet::exit(4);
    };
    CHECK(run(chosen, body) == 4);
    other.join();
    CHECK((contains(told, "the program has ended") || contains(told, "nothing is served")));
}

TEST_CASE("a program in which nothing moves any more is reported, and stays open to scripts") {
    if (this_job().size > 1) return;
    const own_folder sockets;
    for (const std::uint32_t pes : {1u, 2u}) {
        auto chosen = threads(pes);
        chosen.script = true;
        std::string problem = "the client has not run";
        std::thread other([&] {
            problem = thrown_by([] {
                for (int i = 0; motet::running_programs().empty() && i < 10000; ++i)
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                motet::client c("test");
                std::this_thread::sleep_for(std::chrono::milliseconds(200)); // it is found meanwhile
                c.execute(request("self.go = True"));
            });
        });
        run_well(chosen, [] {
            const auto boxes = motet::array<box>::create(3, box{});
            motet::serve(boxes, "boxes");
            CHECK(boxes[1].ask<&box::when_told>().get() == 5);
        });
        other.join();
        CHECK(problem == "");
    }
}

namespace service_test {

std::int64_t sum_of_hops(motet::client& c) {
    std::int64_t all = 0;
    for (const auto& each : c.execute(request("self.hops", {})).outcomes) all += each.result.integer();
    return all;
}
/// Whether the program runs: hops become more.
bool goes_on(motet::client& c) {
    const auto before = sum_of_hops(c);
    for (int i = 0; i < 5000; ++i) {
        if (sum_of_hops(c) > before) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}
bool stands_still(motet::client& c) {
    const auto before = sum_of_hops(c);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return sum_of_hops(c) == before;
}
const motet::value& item(const motet::value& of, const char* list, std::size_t place) {
    return std::get<motet::value::list>(of.find(list)->data).items.at(place);
}
std::size_t count(const motet::value& of, const char* list) {
    return std::get<motet::value::list>(of.find(list)->data).items.size();
}
bool frozen(const motet::value& state) { return state.find("frozen")->truth(); }

/// What a client does with a program in which a message goes around.
void with_hops(const std::function<void(motet::client&)>& what) {
    for (const std::uint32_t pes : {1u, 3u})
        with_client(pes, [&] {
            struct at_the_end {
                ~at_the_end() { motet::client("test").execute(request("self.go = True", {})); }
            } const end;
            motet::client c("test");
            auto start = request("charm.hop()", {0});
            start.script.high_level = true;
            c.execute(start);
            what(c);
        });
}

} // namespace service_test

TEST_CASE("a client freezes the program while a message is under way, looks around, steps, and lets it go on") {
    with_hops([](motet::client& c) {
        CHECK(goes_on(c));
        CHECK(thrown_by([&] { c.step(0); }) == "the program is not frozen: only then it can be stepped");
        CHECK(frozen(c.freeze()));
        CHECK(stands_still(c));
        const auto queue = c.inspect("queue");
        REQUIRE(count(queue, "queue") == 1);
        const auto& message = item(queue, "queue", 0);
        CHECK(message.find("entry")->text() == "served_test::box::hop");
        CHECK(message.find("chare")->text() == "box");
        CHECK(message.find("state")->text() == "in line");
        const auto before = sum_of_hops(c);
        for (bool hopped = false; !hopped;) { // what can go on, such as main, goes first
            const auto ran = c.step(message.find("pe")->integer());
            REQUIRE(count(ran, "ran") == 1);
            const auto* const index = item(ran, "ran", 0).find("index");
            hopped = index != nullptr && text_of(*index) == text_of(*message.find("index"));
            CHECK(sum_of_hops(c) == before + (hopped ? 1 : 0));
        }
        auto some = request("ck.myindex()[0]", {});
        some.elements.indices = {{1}, {7}};
        const auto two = c.execute(some).outcomes;
        REQUIRE(two.size() == 2);
        CHECK(said(two[0]) == "1");
        CHECK(contains(said(two[1]), "LookupError: there is no such element"));
        some.elements = {.slices = {{.begin = 1}}, .where = "index < 2"};
        CHECK(c.execute(some).outcomes.size() == 1);
        some.elements = {};
        some.across = "sum";
        CHECK(said(c.execute(some).outcomes.at(0)) == "3");
        some.script.atomic = true;
        CHECK(contains(thrown_by([&] { c.execute(some); }), "the program stands still, and an atomic script"));
        CHECK(thrown_by([&] { c.step(77); }).substr(0, 18) == "there is no PE 77:");
        CHECK(!frozen(c.go()));
        CHECK(goes_on(c));
        CHECK(thrown_by([&] { c.go(); }) == "the program is not frozen");
    });
}

TEST_CASE("a freeze is a lease: it ends with its client, with its time, and when all who hold it let go") {
    with_hops([](motet::client& c) {
        { CHECK(frozen(motet::client("test").freeze())); } // and that client is gone
        CHECK(goes_on(c));
        c.freeze(0.05);
        CHECK(goes_on(c));
        { motet::client("test").freeze(3600); } // this one has said that it will
        CHECK(stands_still(c));
        CHECK(c.events(0, false).find("seconds")->number() > 3000);
        motet::client d("test");
        d.freeze();
        CHECK(frozen(c.go()));
        CHECK(stands_still(c));
        CHECK(!frozen(d.go()));
        CHECK(goes_on(c));
        d.freeze();
        CHECK(!frozen(c.go(true)));
        CHECK(goes_on(c));
    });
}

TEST_CASE("hooks freeze for their client: it is told, removes them, goes on, or dies at any of that") {
    with_hops([](motet::client& c) {
        const motet::hook_request at_hop{
            .on = "boxes", .entries = {"hop"}, .before = true, .filter = "self.hops > 10", .code = "self.hops"};
        {
            motet::client d("test");
            const auto hook = d.hook(at_hop);
            const auto& found = d.events();
            CHECK(frozen(found));
            CHECK(item(found, "events", 1).find("hook")->integer() == hook);
            CHECK(stands_still(c));
            // The next step takes the message that has been stopped; the one after it is stopped again.
            CHECK(item(d.step(), "ran", 0).find("entry")->text() == "served_test::box::hop");
            CHECK(!frozen(d.go()));
            const auto again = d.events(d.events(0, false).find("last")->integer() > 4 ? 4 : 3);
            CHECK(count(again, "events") >= 1);
            d.unhook(hook); // while it has frozen the program
            d.go();
            CHECK(goes_on(c));
            d.hook(at_hop);
            for (std::uint64_t last = 0; !frozen(d.events(last, false));)
                last = static_cast<std::uint64_t>(d.events(last).find("last")->integer());
            CHECK(stands_still(c));
        } // it dies
        CHECK(goes_on(c));
        CHECK(count(c.inspect("hooks"), "hooks") == 0);
        { motet::client("test").hook({.on = "boxes", .code = "print(ck.mype())", .hold = 1}); }
        CHECK(goes_on(c));
        const auto left = c.inspect("hooks");
        REQUIRE(count(left, "hooks") == 1);
        const auto handle = static_cast<std::uint32_t>(item(left, "hooks", 0).find("hook")->integer());
        CHECK(c.print(handle).find_first_of("012") == 0);
        c.unhook(handle);
    });
}

TEST_CASE("a hook that does not come to an end is stopped and removed: by its time limit, by a client, with its own") {
    with_hops([](motet::client& c) {
        std::uint64_t last = 0;
        const auto next_error = [&] {
            for (;;) {
                const auto found = c.events(last);
                last = static_cast<std::uint64_t>(found.find("last")->integer());
                for (const auto& each : std::get<motet::value::list>(found.find("events")->data).items)
                    if (each.find("kind")->text() == "error") return each;
            }
        };
        const auto await_loop = [&] {
            for (;;)
                for (const auto& each : c.running())
                    if (contains(each.where, "at messages on PE ")) return each.handle;
        };
        const motet::hook_request endless{.on = "boxes", .entries = {"hop"}, .code = "while True: pass"};
        auto limited = endless;
        limited.limit = 0.05;
        const auto first = c.hook(limited);
        const auto why = next_error();
        CHECK(why.find("hook")->integer() == first);
        CHECK(why.find("type")->text() == "TimeLimit");
        CHECK(why.find("text")->text() == "it has run for longer than the 0.05 s of its request");
        CHECK(why.find("entry")->text() == "served_test::box::hop");
        CHECK(why.find("when")->text() == "after");
        CHECK(contains(why.find("traceback")->text(), "line 1"));
        CHECK(goes_on(c));
        CHECK(item(c.inspect("hooks"), "hooks", 0).find("removed")->truth());
        c.unhook(first);

        // Another client ends it, or removes it: then it has a second to end by itself. Whoever has installed it may
        // wait for the answer as long, for PE 0 may be in the hook.
        const auto ended = [&](void (motet::client::*end)(std::uint32_t)) {
            motet::client d("test");
            std::uint32_t handle = 0;
            std::thread victim([&] { handle = d.hook(endless); });
            const auto found = await_loop();
            (c.*end)(found);
            victim.join();
            CHECK(handle == found);
            CHECK(next_error().find("hook")->integer() == handle);
            CHECK(goes_on(c));
        };
        ended(&motet::client::interrupt);
        ended(&motet::client::unhook);
        {
            const deaf_client d(greeted(endless));
            await_loop();
        } // it goes with its client
        CHECK(next_error().find("text")->text() == "it was removed, and did not end");
        CHECK(goes_on(c));
        // One that runs at no message, and one that is being installed.
        const auto idle = c.hook({.on = "boxes", .entries = {"fail"}, .code = "1"});
        c.interrupt(idle);
        CHECK(contains(thrown_by([&] { c.hook({.code = "while True: pass", .method = "f", .limit = 0.05}); }),
                       "the hook cannot be installed: TimeLimit: it has run for longer than the 0.05 s"));
        CHECK(count(c.inspect("hooks"), "hooks") == 0);
        CHECK(goes_on(c));
    });
}

TEST_CASE("a program stands still where it would end, until somebody has looked (--motet-freeze-on)") {
    if (this_job().size > 1) return;
    const own_folder sockets;
    const auto run_with = [](const std::function<void(motet::client&)>& what, auto&& body) {
        auto chosen = threads(2);
        chosen.script = chosen.script_wait = chosen.freeze_on_error = chosen.freeze_on_deadlock = true;
        std::string problem;
        std::thread other([&] {
            problem = thrown_by([&] {
                for (int i = 0; motet::running_programs().empty() && i < 10000; ++i)
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                motet::client c("test");
                what(c);
            });
        });
        const std::string ended = error_of(chosen, body);
        other.join();
        CHECK(problem == "");
        return ended;
    };
    const auto at_freeze = [](motet::client& c) {
        std::uint64_t last = 0;
        for (;;) {
            const auto found = c.events(last);
            for (const auto& each : std::get<motet::value::list>(found.find("events")->data).items)
                if (each.find("text") != nullptr) return each;
            last = static_cast<std::uint64_t>(found.find("last")->integer());
        }
    };
    CHECK(contains(run_with(
                       [&](motet::client& c) {
                           const auto why = at_freeze(c);
                           CHECK(why.find("kind")->text() == "error");
                           CHECK(contains(why.find("text")->text(), "box[1]"));
                           CHECK(said(c.execute(request("self.number")).outcomes.at(0)) == "-1");
                           c.go();
                       },
                       [] {
                           const auto boxes = motet::array<box>::create(3, box{});
                           motet::serve(boxes, "boxes");
                           boxes[1].tell<&box::fail>();
                           motet::sleep_for(std::chrono::hours(1));
                       }),
                   "it is all over"));
    const auto dead = [] {
        const auto boxes = motet::array<box>::create(3, box{});
        motet::serve(boxes, "boxes");
        const auto told = boxes[1].ask<&box::when_told>().get(); // unwound where the run ends first
        CHECK(told == 5);
    };
    CHECK(run_with(
              [&](motet::client& c) {
                  CHECK(at_freeze(c).find("kind")->text() == "deadlock");
                  const auto fibers = c.inspect("fibers");
                  CHECK(count(fibers, "fibers") == 2);
                  CHECK(said(c.execute(request("self.go = True")).outcomes.at(0)) == "None");
                  c.go();
              },
              dead) == "");
    CHECK(contains(run_with([&](motet::client& c) { at_freeze(c), c.go(); }, dead), "deadlock: nothing can move"));
}

TEST_CASE("the bytes of requests under way are bounded, of one client and of all") {
    using weight = motet::service::request_weight;
    const auto all = weight::none_yet();
    std::vector<std::unique_ptr<const weight>> under_way;
    for (std::size_t had = 0; had < weight::most_of_all; had += weight::most_of_client) {
        const auto client = weight::none_yet();
        CHECK(weight::refusal(weight::most_of_client, client, all) == "");
        under_way.push_back(std::make_unique<const weight>(weight::most_of_client, client, all));
        CHECK(contains(weight::refusal(1, client, all), "bytes of this client are under way"));
    }
    CHECK(contains(weight::refusal(1, weight::none_yet(), all), "bytes of all clients are under way"));
    under_way.pop_back();
    CHECK(weight::refusal(1, weight::none_yet(), all) == "");
}
