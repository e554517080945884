// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/quiescence.hpp>
#include <motet/script/call.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The desk of a program, on PE 0: it knows what is served under which name, and takes requests for it from whoever
/// asks (clients through a service, the program's own code).
///
/// 1. An Execute gets a handle of its own, unless it names one of a persistent interpreter, which must be free. The
///    script goes to the chare, or to all, as any call does; the outcomes come back to the desk.
/// 2. What the scripts printed is kept by handle, the last megabyte of it, until it is asked for.
/// 3. A Print waits until there is something to say, or the script has ended; of two that wait for one handle the
///    earlier is answered with nothing. A Finished waits for the end.
/// 4. Handles that nobody can use any more, because their script has ended and they are not persistent, are remembered
///    for their output and outcome: the last thousand of them.
namespace motet::inline MOTET_VARIANT::script {

/// A collection, or a single chare, under the name that clients use.
struct served {
    std::string name;
    std::uint32_t opened = 0; ///< registered opened_type
    runtime::collection_id collection;
    runtime::collection_kind kind = runtime::collection_kind::single;
    runtime::index_bits single; ///< of a single chare
    std::string type;           ///< of the chares, for people
    std::string kind_text() const {
        return kind == runtime::collection_kind::single       ? "chare"
               : kind == runtime::collection_kind::group      ? "group"
               : kind == runtime::collection_kind::node_group ? "node group"
                                                              : "array";
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(name, opened, collection.root, collection.serial, kind, single.low, single.high, type);
    }
};

using answer_to = std::function<void(script_answer)>;

class desk final : public runtime::upper_state {
public:
    static desk& of(runtime::pe& first) {
        if (!first.scripting) first.scripting = std::make_unique<desk>();
        return static_cast<desk&>(*first.scripting);
    }

    /// A client has sent a request.
    void greet(runtime::pe& p);
    /// Returns when the first client has sent a request. Waits.
    void await_client(runtime::pe& p);

    void serve(served what);
    void list(const answer_to& answer) const;
    void execute(runtime::pe& p, execute_request request, answer_to answer);
    void print(std::uint32_t handle, bool wait, bool kill, answer_to answer);
    void finished(std::uint32_t handle, bool wait, const answer_to& answer);
    /// Outcomes of a handle have come, or it has failed on the way.
    void take(std::uint32_t handle, std::vector<script_outcome> outcomes, const std::string& failure);

private:
    struct record {
        bool running = false;
        bool persistent = false;
        std::string name; ///< what it runs in
        std::vector<std::int64_t> index;
        std::string output;
        std::uint64_t dropped = 0; ///< bytes of output
        std::vector<script_outcome> outcomes;
        answer_to execute;              ///< who waits for its end with an Execute
        answer_to print;                ///< who waits for output
        std::vector<answer_to> waiting; ///< for its end
    };
    static constexpr std::size_t most_output = 1 << 20;
    static constexpr std::size_t most_ended = 1000;

    static script_answer problem(std::string why) { return {.error = std::move(why)}; }
    static script_answer unknown(std::uint32_t handle) {
        return problem("there is no interpreter " + std::to_string(handle));
    }
    record* find(std::uint32_t handle);
    std::string names() const;
    static std::string take_output(record& r);

    std::map<std::string, served> all;
    std::map<std::uint32_t, record> records;
    std::deque<std::uint32_t> ended; ///< handles that are remembered only
    std::uint32_t last_handle = 0;
    bool greeted = false;
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

#if MOTET_BODIES

MOTET_INLINE void serve_at_desk(runtime::pe& p, served what) { desk::of(p).serve(std::move(what)); }

inline void take_at_desk(runtime::pe& p, std::uint32_t handle, std::vector<script_outcome> outcomes,
                         std::string failure) {
    desk::of(p).take(handle, std::move(outcomes), failure);
}

MOTET_INLINE void desk_delivery::give(runtime::pe& p, const runtime::address& to, std::vector<script_outcome> outcomes,
                                      const std::string& failure) {
    runtime::do_at<&take_at_desk>(p, to.pe, static_cast<std::uint32_t>(to.index.low), std::move(outcomes), failure);
}

MOTET_INLINE void desk::greet(runtime::pe& p) {
    greeted = true;
    runtime::stir(p);
    if (main != nullptr) p.make_ready(*std::exchange(main, nullptr));
}

MOTET_INLINE void desk::await_client(runtime::pe& p) {
    if (greeted) return;
    runtime::waiter w;
    w.describe = [](runtime::waiter&) { return std::string("for a client (--motet-script-wait)"); };
    main = &w;
    p.park(w);
}

MOTET_INLINE void desk::serve(served what) {
    std::string name = what.name;
    all.insert_or_assign(std::move(name), std::move(what));
}

MOTET_INLINE void desk::list(const answer_to& answer) const {
    script_answer names;
    for (const auto& [name, each] : all) names.names.push_back({name, each.type, each.kind_text()});
    answer(std::move(names));
}

MOTET_INLINE std::string desk::names() const {
    std::string text;
    for (const auto& [name, each] : all) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "nothing" : text;
}

MOTET_INLINE desk::record* desk::find(std::uint32_t handle) {
    const auto found = records.find(handle);
    return found == records.end() ? nullptr : &found->second;
}

MOTET_INLINE void desk::execute(runtime::pe& p, execute_request request, answer_to answer) {
    if (!request.problem.empty()) return answer(problem(request.problem));
    const auto where = all.find(request.name);
    if (where == all.end())
        return answer(problem("nothing is served under the name '" + request.name + "'; there is " + names()));
    const served& what = where->second;
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
    if (!many && what.kind != runtime::collection_kind::single) {
        runtime::part* const c = runtime::local_chares::of(p).find(p, what.collection);
        if (c == nullptr) return answer(problem(request.name + " does not exist yet"));
        try {
            index = c->type->from_coordinates(request.index);
        } catch (const error& why) {
            return answer(problem(request.name + ": " + why.what()));
        }
    }
    record& r = records[handle];
    r.running = true;
    r.persistent = request.script.persistent;
    r.name = request.name;
    r.index = request.index;
    r.outcomes.clear();
    r.execute = nullptr;
    if (request.wait)
        r.execute = std::move(answer);
    else
        answer({.handle = handle});
    request.script.handle = handle;
    auto job = make_job(what.opened, std::move(request.script));
    const runtime::address to = desk_delivery::to(handle, many);
    try {
        if (many)
            runtime::issue_broadcast(p, what.collection, script_broadcast::make(to, std::move(job)));
        else
            runtime::submit(p, runtime::where(p, what.collection, index),
                            script_call::make(p, what.collection, index, to, std::move(job)));
    } catch (const error& why) { // there is no such element
        take(handle, {}, why.what());
    }
}

MOTET_INLINE std::string desk::take_output(record& r) {
    std::string text = std::exchange(r.output, {});
    if (r.dropped != 0) text = "[" + std::to_string(std::exchange(r.dropped, 0)) + " bytes of output dropped]\n" + text;
    return text;
}

MOTET_INLINE void desk::take(std::uint32_t handle, std::vector<script_outcome> outcomes, const std::string& failure) {
    record* const r = find(handle);
    if (r == nullptr) return;
    for (script_outcome& each : outcomes) r->output += std::exchange(each.output, {});
    if (r->output.size() > most_output) {
        const std::size_t more = r->output.size() - most_output;
        r->output.erase(0, more);
        r->dropped += more;
    }
    r->running = false;
    r->outcomes = std::move(outcomes);
    if (!failure.empty()) {
        script_outcome why;
        why.error_type = "motet.Error";
        why.error = failure;
        r->outcomes.push_back(std::move(why));
    }
    if (auto answer = std::exchange(r->print, nullptr)) answer({.handle = handle, .output = take_output(*r)});
    for (const auto& answer : std::exchange(r->waiting, {}))
        answer({.handle = handle, .has_outcomes = true, .outcomes = r->outcomes});
    if (auto answer = std::exchange(r->execute, nullptr))
        answer({.handle = handle, .has_outcomes = true, .outcomes = r->outcomes, .output = take_output(*r)});
    if (r->persistent) return;
    ended.push_back(handle);
    if (ended.size() > most_ended) {
        records.erase(ended.front());
        ended.pop_front();
    }
}

MOTET_INLINE void desk::print(std::uint32_t handle, bool wait, bool kill, answer_to answer) {
    record* const r = find(handle);
    if (r == nullptr) return answer(unknown(handle));
    if (auto earlier = std::exchange(r->print, nullptr)) earlier({.handle = handle});
    if (kill) return answer({.handle = handle});
    if (!r->output.empty() || r->dropped != 0 || !wait || !r->running)
        return answer({.handle = handle, .output = take_output(*r)});
    r->print = std::move(answer);
}

MOTET_INLINE void desk::finished(std::uint32_t handle, bool wait, const answer_to& answer) {
    record* const r = find(handle);
    if (r == nullptr) return answer(unknown(handle));
    if (!r->running) return answer({.handle = handle, .has_outcomes = true, .outcomes = r->outcomes});
    if (!wait) return answer({});
    r->waiting.push_back(answer);
}

#endif // MOTET_BODIES

/// Serves chares of type T.
template <class T>
void serve_chares(std::string name, runtime::collection_kind kind, runtime::collection_id id,
                  const runtime::index_bits& single = {}) {
    runtime::do_at<&serve_at_desk>(
        runtime::this_pe(), 0,
        served{std::move(name), opening<T>::id(), id, kind, single, std::string(reflect::short_type_name<T>)});
}

} // namespace motet::inline MOTET_VARIANT::script

namespace motet::inline MOTET_VARIANT {

/// Makes the chares of a collection reachable for clients, under a name; a later one of the same name takes its place.
/// The struct must be open to scripts: MOTET_SCRIPT(T, methods...). May be called anywhere and at any time.
template <class T, class Index>
void serve(const collection<T, Index>& chares, std::string name) {
    runtime::check_name(chares.name());
    script::serve_chares<T>(std::move(name), runtime::collection_kind::array, chares.name());
}
/// The same for one chare, of any kind of collection.
template <class T, class Index>
void serve(const element_proxy<T, Index>& chare, std::string name) {
    script::serve_chares<T>(std::move(name), runtime::collection_kind::single, chare.collection_name(),
                            chare.index_name());
}

} // namespace motet::inline MOTET_VARIANT
