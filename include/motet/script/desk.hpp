// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/quiescence.hpp>
#include <motet/script/pending.hpp>
#include <motet/script/program.hpp>
#if MOTET_BODIES
#include <motet/script/control.hpp>
#include <motet/script/literal.hpp>
#include <motet/script/space.hpp>
#endif

#include <algorithm>
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
        auto& own = pe_scripting::of(first).desk;
        if (!own) own = std::make_unique<desk>(first.job);
        return static_cast<desk&>(*own);
    }
    explicit desk(runtime::machine& of_job) : job(of_job) {}
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
        std::vector<script_outcome> outcomes;
        answer_to execute;              ///< who waits for its end with an Execute
        answer_to print;                ///< who waits for output
        std::vector<answer_to> waiting; ///< for its end
    };
    static constexpr std::size_t most_running = 1000;
    static constexpr std::size_t most_ended = 1000;
    static constexpr std::size_t most_kept = 10000;

    static script_answer problem(std::string why) { return {.error = std::move(why)}; }
    static script_answer unknown(std::uint32_t handle) {
        return problem("there is no interpreter " + std::to_string(handle));
    }
    record* find(std::uint32_t handle);
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
    std::uint32_t last_handle = 0;
    std::uint64_t last_run = 0;
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

MOTET_INLINE void serve_at_desk(runtime::pe& p, served what);
MOTET_INLINE void withdraw_at_desk(runtime::pe& p, std::string name);

#if MOTET_BODIES

MOTET_INLINE void serve_at_desk(runtime::pe& p, served what) { desk::of(p).serve(p, std::move(what)); }
MOTET_INLINE void withdraw_at_desk(runtime::pe& p, std::string name) { desk::of(p).withdraw(p, name); }

inline void take_at_desk(runtime::pe& p, std::uint32_t handle, std::vector<script_outcome> outcomes,
                         std::string failure) {
    desk::of(p).take(handle, std::move(outcomes), failure);
}

MOTET_INLINE void desk_delivery::give(runtime::pe& p, const runtime::address& to, std::vector<script_outcome> outcomes,
                                      const std::string& failure) {
    runtime::do_at<&take_at_desk>(p, to.pe, static_cast<std::uint32_t>(to.index.low), std::move(outcomes), failure);
}

inline void take_one_at_desk(runtime::pe& p, std::uint32_t handle, script_outcome outcome) {
    desk::of(p).take_one(handle, std::move(outcome));
}
inline void say_at_desk(runtime::pe& p, std::uint32_t handle) { desk::of(p).say(handle); }
inline void complete_at_desk(runtime::pe& p, std::uint32_t handle) { desk::of(p).complete(handle); }

MOTET_INLINE void stream_outcome(runtime::pe& p, const script_request& request, const script_outcome& outcome) {
    script_outcome copy = outcome;
    copy.output.clear(); // comes with all others
    copy.sent_ahead = 0;
    runtime::do_at<&take_one_at_desk>(p, 0, request.handle, std::move(copy));
}

/// Has something done at the desk; called by any thread, in a simulated run by a handler.
template <auto F>
void post_to_desk(runtime::machine& job, std::uint32_t handle) {
    if (job.sim)
        runtime::post_uncounted<F>(runtime::this_pe(), 0, handle);
    else
        runtime::post_from_outside<F>(*job.pes[0], handle);
}

/// Enough to do it again: what was run, where, and when as the program counts.
inline void desk::log_begin(const runtime::pe& p, const execute_request& request, const std::string& client) const {
    const auto& log = script_control::of(job).log;
    if (!log) return;
    log_line line;
    line.add("client", client).add("does", "execute").add("handle", request.script.handle).add("name", request.name);
    line.add("index", request.index).add("PE", p.number).add("messages", p.processed);
    if (p.job.embedded) line.add("poll", p.job.polls);
    const script_request& s = request.script;
    std::string options;
    for (const auto& [name, on] : {std::pair("persistent", s.persistent), std::pair("high_level", s.high_level),
                                   std::pair("iterate", s.iterate), std::pair("vectorized", s.vectorized)})
        if (on) options += (options.empty() ? "" : " ") + std::string(name);
    line.add("options", options);
    if (s.iterate) line.add("method", s.method).add("over", s.over);
    for (const auto& [name, given] : request.options())
        if (name != "stream") line.add(name, literal(given));
    line.add("code", s.code);
    log->write(line);
}

inline void desk::log_end(std::uint32_t handle, const record& r) const {
    const auto& log = script_control::of(job).log;
    if (!log) return;
    static constexpr std::size_t most_told = 1000;
    std::vector<std::string> told;
    std::size_t failed = r.failure.empty() ? 0 : 1;
    for (const script_outcome& each : r.outcomes) {
        failed += each.failed() ? 1 : 0;
        if (told.size() == most_told) continue;
        log_line line = log_line::inner();
        line.add("index", each.index).add("PE", each.pe).add("messages", each.messages);
        if (each.failed()) line.add("error", each.error_type + ": " + each.error.substr(0, 1000));
        told.push_back(line.text());
    }
    log_line line;
    line.add("does", "end").add("handle", handle).add("chares", r.outcomes.size()).add("failed", failed);
    if (!r.failure.empty()) line.add("error", r.failure);
    log->write(line.add("outcomes", told));
}

inline output_board& desk::output() const { return script_control::of(job).output; }
/// Whether the program stands still; and how a script gets into all chares of it then (debug.hpp).
inline bool is_frozen(runtime::pe& first);
inline void run_in_all(runtime::pe& first, runtime::collection_id collection, shared_job job, std::uint32_t handle);

/// The variables of a handle go, in all processes; on its way down the tree of PEs.
inline void forget_variables(runtime::pe& p, std::uint32_t handle) {
    runtime::tree(p, 0).for_each_child(
        p.number, [&](runtime::pe_number child) { runtime::post<&forget_variables>(p, child, handle); });
    if (!p.home.scripting) return;
    struct errand {
        runtime::process& home;
        std::uint32_t handle;
    } gone{p.home, handle};
    p.fibers->call_on_thread(
        [](void* pointer) {
            const auto& job = *static_cast<errand*>(pointer);
            const gil lock;
            script_host::of(job.home).forget(job.handle);
        },
        &gone);
}

MOTET_INLINE bool desk::greet(runtime::pe& p) {
    greeted = true;
    runtime::stir(p);
    if (main == nullptr) return false;
    p.make_ready(*std::exchange(main, nullptr));
    return true;
}

MOTET_INLINE void desk::await_client(runtime::pe& p) {
    if (greeted) return;
    runtime::waiter w;
    w.describe = [](runtime::waiter&) { return std::string("for a client (--motet-script-wait)"); };
    main = &w;
    struct at_the_end { // also of the run
        runtime::waiter*& waits;
        ~at_the_end() { waits = nullptr; }
    } const end{main};
    p.park(w);
}

MOTET_INLINE void desk::serve(runtime::pe& p, served what) {
    const std::string name = what.name;
    auto more = std::make_shared<served_names>(*all);
    ++more->version;
    more->all.insert_or_assign(name, std::move(what));
    all = std::move(more);
    learn_names(p, all);
    if (first_name.empty()) first_name = name;
    if (!first || (!first->request.name.empty() && first->request.name != name)) return;
    awaited now = *std::exchange(first, std::nullopt);
    now.request.name = name;
    execute(p, std::move(now.request), std::move(now.answer), now.started, now.client);
}

MOTET_INLINE void desk::withdraw(runtime::pe& p, const std::string& name) {
    if (!all->all.contains(name)) return;
    auto fewer = std::make_shared<served_names>(*all);
    ++fewer->version;
    fewer->all.erase(name);
    all = std::move(fewer);
    learn_names(p, all);
}

MOTET_INLINE void desk::at_start(runtime::pe& p, execute_request request, answer_to answer, started_to started,
                                 std::string client) {
    const std::string wanted = request.name;
    first = awaited{std::move(request), std::move(answer), std::move(started), std::move(client)};
    const served* const there = named(p, wanted.empty() ? first_name : wanted);
    if (there != nullptr) serve(p, *there);
}

MOTET_INLINE std::string desk::missed() const {
    if (!first) return {};
    return first->client + ": it has not run: nothing was served" +
           (first->request.name.empty() ? "" : " under the name '" + first->request.name + "'");
}

MOTET_INLINE void desk::list(const answer_to& answer) {
    served_once = true;
    script_answer names;
    for (const auto& [name, each] : all->all)
        if (name != program_name) names.names.push_back({name, each.type, each.kind_text()});
    answer(std::move(names));
}

MOTET_INLINE std::string desk::names() const {
    std::string text;
    for (const auto& [name, each] : all->all)
        if (name != program_name) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "nothing" : text;
}

MOTET_INLINE desk::record* desk::find(std::uint32_t handle) {
    const auto found = records.find(handle);
    return found == records.end() ? nullptr : &found->second;
}

MOTET_INLINE const served* desk::named(runtime::pe& p, const std::string& name) {
    if (name == program_name && !all->all.contains(name)) {
        const auto [id, index] = create_program();
        serve(p, {name, opened_program(), id, runtime::collection_kind::single, index, "program", id.serial});
    }
    return find_served(name);
}

MOTET_INLINE void desk::execute(runtime::pe& p, execute_request request, answer_to answer, const started_to& started,
                                const std::string& client, asked_deed deed) {
    if (!request.problem.empty()) return answer(problem(request.problem));
    served_once = true;
    const served* const where = named(p, request.name);
    if (where == nullptr)
        return answer(problem("nothing is served under the name '" + request.name + "'; there is " + names()));
    const served& what = *where;
    if (!refusal.empty()) return answer(problem(refusal));
    if (p.job.embedded && request.script.atomic)
        return answer(problem("what a plain MPI program has opened cannot be restored: no script is atomic there"));
    std::uint32_t handle = request.script.handle;
    if (handle != 0) {
        const record* const known = find(handle);
        if (known == nullptr) return answer(unknown(handle));
        const std::string called = "interpreter " + std::to_string(handle);
        if (known->running) return answer(problem(called + " still runs a script"));
        if (!known->persistent) return answer(problem(called + " was not persistent: its variables are gone"));
        if (known->name != request.name || known->index != request.index)
            return answer(problem(called + " belongs to " + known->name));
    } else {
        handle = ++last_handle;
    }
    runtime::index_bits index = what.single;
    const bool many = what.kind != runtime::collection_kind::single && request.index.empty();
    if (!many && !request.elements.all())
        return answer(problem("elements are chosen of a collection, and this request is for one chare"));
    if (request.across.empty() && !request.script.iterate) request.across = std::exchange(request.script.reduce, {});
    if (!many && what.kind != runtime::collection_kind::single) {
        try {
            index = what.type_of_chares().from_coordinates(request.index);
        } catch (const error& why) {
            return answer(problem(request.name + ": " + why.what()));
        }
    }
    if (many && request.script.atomic && is_frozen(p))
        return answer(problem("the program stands still, and an atomic script of a whole collection takes messages: "
                              "let the program go on, or run it in one chare"));
    if (running >= most_running)
        return answer(problem(std::to_string(running) + " scripts run already: try again when one has ended"));
    if (request.script.persistent && request.script.handle == 0 && kept >= most_kept) {
        const auto oldest =
            std::find_if(records.begin(), records.end(), [](const auto& each) { return each.second.kept; });
        return answer(problem(std::to_string(kept) + " persistent interpreters are kept already, such as " +
                              std::to_string(oldest->first) + " of " + oldest->second.name +
                              ": a request with its handle that is not persistent ends one"));
    }
    record& r = records[handle];
    ++running;
    r.running = true;
    r.persistent = request.script.persistent;
    if (r.persistent && !std::exchange(r.kept, true)) ++kept;
    r.name = request.name;
    r.index = request.index;
    r.outcomes.clear();
    r.failure.clear();
    r.execute = nullptr;
    request.script.handle = handle;
    request.script.run = ++last_run;
    const bool atomic = request.script.atomic;
    request.script.stream = request.stream && request.wait && many && !atomic;
    script_control::of(job).runs.begin(handle, last_run, request.name, client);
    log_begin(p, request, client);
    if (started) started(handle);
    if (request.wait)
        r.execute = std::move(answer);
    else
        answer({.handle = handle});
    script_job run{.opened = what.opened,
                   .request = std::move(request.script),
                   .deed = std::move(deed.name),
                   .arguments = std::move(deed.arguments),
                   .elements = std::move(request.elements),
                   .names = all};
    if (!run.deed.empty()) run.request.code.clear();
    if (!request.across.empty()) run.across = std::make_shared<const value>(value{std::move(request.across)});
    const runtime::address to = desk_delivery::to(handle, many);
    try {
        if (many && atomic)
            begin_transaction(p, what.collection, std::make_shared<const script_job>(std::move(run)), to);
        else if (many && is_frozen(p)) {
            script_broadcast::members_of(what.type_of_chares(), run.elements);
            run_in_all(p, what.collection, std::make_shared<const script_job>(std::move(run)), handle);
        } else if (many)
            script_broadcast::issue(p, what.type_of_chares(), what.collection, to, std::move(run));
        else {
            const runtime::pe_number at =
                runtime::where(p, what.collection, index); // throws, before there is a message
            runtime::submit(
                p, at,
                script_call::make(p, what.collection, index, to, std::make_shared<const script_job>(std::move(run))));
        }
    } catch (const error& why) { // there is no such element
        take(handle, {}, why.what());
    }
}

MOTET_INLINE void desk::take_one(std::uint32_t handle, script_outcome outcome) {
    const record* const r = find(handle);
    if (r == nullptr || !r->execute) return;
    script_answer part{.handle = handle, .has_outcomes = true, .more = true};
    part.outcomes.push_back(std::move(outcome));
    r->execute(std::move(part));
}

MOTET_INLINE std::uint32_t desk::open_record(std::string name, const std::string& client, std::uint64_t goes_with) {
    record& r = records[++last_handle];
    ++running;
    r.running = true;
    r.name = std::move(name);
    script_control::of(job).runs.begin_hook(last_handle, ++last_run, r.name, client, goes_with);
    return last_handle;
}

MOTET_INLINE void desk::close_record(std::uint32_t handle) {
    if (const record* const r = find(handle); r != nullptr && r->running) take(handle, {}, {});
}

MOTET_INLINE void desk::add_output(std::uint32_t handle, const std::string& text) {
    if (find(handle) == nullptr) return;
    output().add(handle, text);
    say(handle);
}

MOTET_INLINE void desk::take(std::uint32_t handle, std::vector<script_outcome> outcomes, const std::string& failure) {
    record* const r = find(handle);
    if (r == nullptr) return;
    r->outcomes = std::move(outcomes);
    r->failure = failure;
    std::uint64_t ahead = 0;
    for (const script_outcome& each : r->outcomes) ahead += each.sent_ahead;
    if (output().expect(handle, ahead, [this, handle] { post_to_desk<&complete_at_desk>(job, handle); }))
        complete(handle);
}

MOTET_INLINE void desk::complete(std::uint32_t handle) {
    record* const r = find(handle);
    if (r == nullptr) return;
    for (script_outcome& each : r->outcomes) {
        if (!each.output.empty()) output().add(handle, std::exchange(each.output, {}));
        each.sent_ahead = 0;
    }
    r->running = false;
    --running;
    runtime::stir(*job.pes[0]); // its time limit may have ended it, long after a client has asked for anything
    log_end(handle, *r);
    script_control::of(job).runs.end(handle);
    output().watch(handle, output_board::stream, {});
    if (!r->failure.empty()) {
        script_outcome why;
        why.error_type = "motet.Error";
        why.error = r->failure;
        r->outcomes.push_back(std::move(why));
    }
    say(handle);
    for (const auto& answer : std::exchange(r->waiting, {}))
        answer({.handle = handle, .has_outcomes = true, .outcomes = r->outcomes});
    if (auto answer = std::exchange(r->execute, nullptr))
        answer({.handle = handle, .has_outcomes = true, .outcomes = r->outcomes, .output = output().take(handle)});
    if (r->persistent) return;
    if (std::exchange(r->kept, false)) {
        --kept;
        forget_variables(*job.pes[0], handle);
    }
    ended.push_back(handle);
    if (ended.size() > most_ended) {
        output().forget(ended.front());
        records.erase(ended.front());
        ended.pop_front();
    }
}

MOTET_INLINE void desk::say(std::uint32_t handle) {
    record* const r = find(handle);
    if (r == nullptr || !r->print || (r->running && output().empty(handle))) return;
    output().watch(handle, output_board::print, {});
    std::exchange(r->print, nullptr)({.handle = handle, .output = output().take(handle)});
}

MOTET_INLINE void desk::print(std::uint32_t handle, bool wait, bool kill, answer_to answer) {
    record* const r = find(handle);
    if (r == nullptr) return answer(unknown(handle));
    if (auto earlier = std::exchange(r->print, nullptr)) earlier({.handle = handle});
    if (kill) return answer({.handle = handle});
    if (!wait || !r->running || !output().empty(handle))
        return answer({.handle = handle, .output = output().take(handle)});
    r->print = std::move(answer);
    output().watch(handle, output_board::print, [this, handle] { post_to_desk<&say_at_desk>(job, handle); });
    say(handle);
}

MOTET_INLINE void desk::finished(std::uint32_t handle, bool wait, const answer_to& answer) {
    record* const r = find(handle);
    if (r == nullptr) return answer(unknown(handle));
    if (!r->running) return answer({.handle = handle, .has_outcomes = true, .outcomes = r->outcomes});
    if (!wait) return answer({});
    r->waiting.push_back(answer);
}

#endif // MOTET_BODIES

/// Serves chares of type T under indices of type Index.
template <class T, class Index>
void serve_chares(std::string name, runtime::collection_kind kind, runtime::collection_id id,
                  const runtime::index_bits& single = {}) {
    if (name == program_name)
        throw error("motet::serve: the name 'main' is that of the program itself; take another one");
    runtime::do_at<&serve_at_desk>(runtime::this_pe(), 0,
                                   served{std::move(name), opening<T>::id(), id, kind, single,
                                          std::string(reflect::short_type_name<T>),
                                          runtime::collection_of<T, Index>::id()});
}

} // namespace motet::inline MOTET_VARIANT::script

namespace motet::inline MOTET_VARIANT {

/// Makes the chares of a collection reachable for clients and scripts, under a name; a later one of the same name takes
/// its place. The struct must be open to scripts: MOTET_SCRIPT(T, methods...). May be called anywhere and at any time.
template <class T, class Index>
void serve(const collection<T, Index>& chares, std::string name) {
    runtime::check_name(chares.name());
    script::serve_chares<T, Index>(std::move(name), runtime::collection_kind::array, chares.name());
}
/// The same for a group.
template <class T>
void serve(const group<T>& chares, std::string name) {
    runtime::check_name(chares.name());
    script::serve_chares<T, std::int64_t>(std::move(name), runtime::collection_kind::group, chares.name());
}
/// The same for a node group.
template <class T>
void serve(const node_group<T>& chares, std::string name) {
    runtime::check_name(chares.name());
    script::serve_chares<T, std::int64_t>(std::move(name), runtime::collection_kind::node_group, chares.name());
}
/// The same for one chare, of any kind of collection.
template <class T, class Index>
void serve(const element_proxy<T, Index>& chare, std::string name) {
    script::serve_chares<T, Index>(std::move(name), runtime::collection_kind::single, chare.collection_name(),
                                   chare.index_name());
}

/// What is served under that name is not there for clients and scripts any more; what runs in it goes on. May be called
/// anywhere and at any time.
inline void withdraw(std::string name) {
    runtime::do_at<&script::withdraw_at_desk>(runtime::this_pe(), 0, std::move(name));
}

} // namespace motet::inline MOTET_VARIANT
