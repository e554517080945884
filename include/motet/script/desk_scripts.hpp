// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/desk.hpp>

#if MOTET_BODIES

#include <motet/script/control.hpp>
#include <motet/script/literal.hpp>
#include <motet/script/space.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The scripts of the desk: how one begins, what becomes of it, and who is told.
namespace motet::inline MOTET_VARIANT::script {

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
    if (p.job.options.embedded) line.add("poll", p.job.polls);
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

MOTET_INLINE desk::record* desk::find(std::uint32_t handle) {
    const auto found = records.find(handle);
    return found == records.end() ? nullptr : &found->second;
}

/// One that no interpreter, hook or output has.
inline std::uint32_t desk::new_handle() {
    do ++last_handle;
    while (last_handle == 0 || records.contains(last_handle));
    return last_handle;
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
    if (p.job.options.embedded && request.script.atomic)
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
        handle = new_handle();
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
    r.weight = std::move(request.weight);
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
            members_of(what.type_of_chares(), run.elements);
            run_in_all(p, what.collection, std::make_shared<const script_job>(std::move(run)), handle);
        } else if (many)
            issue_to_many(p, what.type_of_chares(), what.collection, to, std::move(run));
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
    const std::uint32_t handle = new_handle();
    record& r = records[handle];
    ++running;
    r.running = true;
    r.name = std::move(name);
    script_control::of(job).runs.begin(handle, ++last_run, r.name, client, goes_with);
    return handle;
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
    r->weight.reset();
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

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
