// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/quiescence.hpp>
#include <motet/script/pending.hpp>
#include <motet/script/program.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The desk of a program, on PE 0: it knows what is served under which name, and takes requests for it from whoever
/// asks (clients through a service, the program's own code).
///
/// 0. Scripts that belong to no chare run under the name `main` (program.hpp).
/// 1. An Execute gets a handle of its own, unless it names one of a persistent interpreter, which must be free. The
///    script goes to the chare, or to all, as any call does; the outcomes come back to the desk.
/// 2. What the scripts print is kept by handle, the last megabyte of it (output.hpp), until it is asked for.
/// 3. A Print waits until there is something to say, or the script has ended; of two that wait for one handle the
///    earlier is answered with nothing. A Finished waits for the end. A stream gets each chare's outcome as it comes,
///    and all of them in the last answer.
/// 4. Handles that nobody can use any more, because their script has ended and they are not persistent, are remembered
///    for their output and outcome: the last thousand of them. Their variables are forgotten in all processes.
namespace motet::inline MOTET_VARIANT::script {

class output_board;

/// What is done in chares in place of running the code of a request (deeds.hpp), which is for the log then.
struct asked_deed {
    std::string name = {}; ///< empty: the code is run
    std::vector<value> arguments = {};
};

using answer_to = std::function<void(script_answer)>;
/// Gets the handle of an Execute before its script begins.
using started_to = std::function<void(std::uint32_t handle)>;

class desk final : public runtime::upper_state {
public:
    static desk& of(runtime::pe& first) {
        return runtime::kept_as<desk>(pe_scripting::of(first).desk, first.job, restarts_of(first));
    }
    desk(runtime::machine& of_job, std::uint32_t restarts)
        : job(of_job), last_handle(restarts * handles_of_a_run), last_run(numbers_after(restarts)) {}
    desk(const desk&) = delete;
    desk& operator=(const desk&) = delete;
    ~desk() override = default;

    /// A client has sent a request.
    /// True if main has waited for it, and goes on next.
    bool greet(runtime::pe& p);
    /// Returns when the first client has sent a request. Waits.
    void await_client(runtime::pe& p);

    void serve(runtime::pe& p, served what);
    void withdraw(runtime::pe& p, const std::string& name);
    /// From now on nothing is run, for that reason; empty: it is again.
    void refuse_all(std::string why) { refusal = std::move(why); }
    /// Whether a script runs.
    bool busy() const { return running != 0; }
    /// Whether a client has asked for more than to be heard.
    bool has_served() const { return served_once; }
    void list(const answer_to& answer);
    /// `client`: who asks, for people.
    void execute(runtime::pe& p, execute_request request, answer_to answer, const started_to& started = {},
                 const std::string& client = {}, asked_deed deed = {});
    /// The same as soon as something is served under its name; where that is empty, under any.
    void at_start(runtime::pe& p, execute_request request, answer_to answer, started_to started, std::string client);
    /// What of that has never come, for people; empty: nothing.
    std::string missed() const;
    void print(std::uint32_t handle, bool wait, bool kill, answer_to answer);
    void finished(std::uint32_t handle, bool wait, const answer_to& answer);
    /// Outcomes of a handle have come, or it has failed on the way.
    void take(std::uint32_t handle, std::vector<script_outcome> outcomes, const std::string& failure);
    /// One outcome of several has come.
    void take_one(std::uint32_t handle, script_outcome outcome);
    /// A Print that waits has something to say.
    void say(std::uint32_t handle);
    /// All output has come that was sent ahead of the outcomes.
    void complete(std::uint32_t handle);

    // For hooks (debug.hpp).
    /// What is served under that name; null: nothing.
    const served* find_served(const std::string& name) const {
        const auto found = all->all.find(name);
        return found == all->all.end() ? nullptr : &found->second;
    }
    /// The handle of a hook, whose output is kept, and that runs until it is closed.
    std::uint32_t open_record(std::string name, const std::string& client, std::uint64_t goes_with);
    void close_record(std::uint32_t handle);
    void add_output(std::uint32_t handle, const std::string& text);
    std::unique_ptr<runtime::upper_state> debugging;

private:
    struct record {
        bool running = false;
        bool persistent = false;
        bool kept = false; ///< it has had variables that stay
        std::string name;  ///< what it runs in
        std::vector<std::int64_t> index;
        std::string failure; ///< on the way
        std::shared_ptr<const void> weight;
        std::vector<script_outcome> outcomes;
        answer_to execute;              ///< who waits for its end with an Execute
        answer_to print;                ///< who waits for output
        std::vector<answer_to> waiting; ///< for its end
    };
    static constexpr std::size_t most_running = 1000;
    static constexpr std::size_t most_ended = 1000;
    static constexpr std::size_t most_kept = 10000;
    static constexpr std::uint32_t handles_of_a_run = 100'000'000; ///< between two restarts, and good to read

    static script_answer problem(std::string why) { return {.error = std::move(why)}; }
    static script_answer unknown(std::uint32_t handle) {
        return problem("there is no interpreter " + std::to_string(handle));
    }
    record* find(std::uint32_t handle);
    std::uint32_t new_handle();
    /// What is served under that name; null if nothing is.
    const served* named(runtime::pe& p, const std::string& name);
    std::string names() const;
    output_board& output() const;
    void log_begin(const runtime::pe& p, const execute_request& request, const std::string& client) const;
    void log_end(std::uint32_t handle, const record& r) const;

    /// An Execute that waits for something to be served.
    struct awaited {
        execute_request request;
        answer_to answer;
        started_to started;
        std::string client;
    };

    runtime::machine& job;
    std::optional<awaited> first;
    std::string first_name; ///< that something was served under
    shared_names all = std::make_shared<const served_names>();
    std::map<std::uint32_t, record> records;
    std::deque<std::uint32_t> ended; ///< handles that are remembered only
    std::uint32_t last_handle;
    std::uint64_t last_run;
    std::size_t running = 0; ///< scripts
    std::size_t kept = 0;    ///< handles with variables that stay
    bool greeted = false;
    bool served_once = false;
    std::string refusal;
    runtime::waiter* main = nullptr; ///< waits for the first client
};

/// Where the outcomes of a request go: to the desk on PE 0, under a handle.
struct desk_delivery {
    static runtime::address to(std::uint32_t handle, bool many) {
        return {many ? runtime::registered<many_key, of_many>::id() : runtime::registered<one_key, of_one>::id(),
                0,
                {},
                {handle, 0}};
    }
    static void give(runtime::pe& p, const runtime::address& to, std::vector<script_outcome> outcomes,
                     const std::string& failure);

private:
    static void give_one(runtime::pe& p, const runtime::address& to, void* value) {
        std::vector<script_outcome> all;
        all.push_back(std::move(*static_cast<script_outcome*>(value)));
        give(p, to, std::move(all), {});
    }
    static void give_many(runtime::pe& p, const runtime::address& to, void* value) {
        give(p, to, std::move(*static_cast<std::vector<script_outcome>*>(value)), {});
    }
    static void fail(runtime::pe& p, const runtime::address& to, runtime::failure&& why) { give(p, to, {}, why.text); }
    struct one_key {};
    struct many_key {};
    static inline const runtime::delivery of_one{&give_one, &fail};
    static inline const runtime::delivery of_many{&give_many, &fail};
};

} // namespace motet::inline MOTET_VARIANT::script
