// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/checkpoint/file.hpp>
#include <motet/checkpoint/image.hpp>
#include <motet/checkpoint/manifest.hpp>
#include <motet/checkpoint/restart.hpp>
#include <motet/checkpoint/transient.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Writing a checkpoint: the program as it is at a consistent cut.
///
/// 1. PE 0 freezes all PEs, along the tree: a frozen PE keeps the program's messages (calls of methods, broadcasts not
///    yet begun) and goes on with what the runtime has begun: moves, births, reductions, broadcasts that are numbered.
///    main does not go on meanwhile, so that nothing new begins.
/// 2. Waves count what was sent, processed, held and kept, until two in succession are equal and nothing is under way:
///    all messages that have not run are in some PE's hands.
/// 3. A method that waits somewhere cannot be saved. Then the PEs are thawed, and PE 0 tries again a little later;
///    after some seconds it says who holds it up. (main is not saved, and may wait; so may scripts in the program's
///    `main`.) Meanwhile the calls with which methods end (motet::next) are kept, so that loops which wait for each
///    other's messages come to stand between two calls all at once. Where one waits for what a kept call would send,
///    all comes to rest: then those that are kept run, and later ones are kept, a round further. After many rounds in
///    vain the program runs freely for some time.
/// 4. Each PE writes a file of its own with its chares and messages, encoded one after the other; what is one for a
///    collection goes up the tree. PE 0 writes the manifest, and makes this the newest checkpoint of the folder by
///    renaming one file. Then the one before is removed, and the PEs are thawed.
///    Orders may overtake each other: one to thaw names the attempt that it ends, and does nothing where a later one
///    has begun.
/// 5. What goes wrong is told to whoever asked; the newest checkpoint stays what it was, and the program goes on.
///
/// A folder has a file `newest`, which names a folder in it: `manifest`, and `part.0`, `part.1` and so on, one of each
/// PE.
namespace motet::inline MOTET_VARIANT {

namespace checkpointing {

#if MOTET_BODIES

struct cut_counts {
    std::uint64_t sent = 0;
    std::uint64_t processed = 0;
    std::uint64_t held = 0; ///< also what a frozen PE keeps, timers and successors
    std::uint64_t successors = 0;
    std::uint64_t timers = 0;
    std::uint64_t goes_on = 0; ///< what will run by itself when the PEs are thawed
    std::uint64_t busy = 0;    ///< fibers and work about to go on
    std::uint64_t frames = 0;  ///< that wait, but for main
    std::string who = {};      ///< one of them

    void add(cut_counts&& other) {
        sent += other.sent, processed += other.processed, held += other.held, busy += other.busy,
            timers += other.timers, successors += other.successors, goes_on += other.goes_on;
        frames += other.frames;
        if (who.empty()) who = std::move(other.who);
    }
    bool equals(const cut_counts& o) const {
        return sent == o.sent && processed == o.processed && held == o.held && busy == o.busy && frames == o.frames;
    }
};

struct save_report {
    std::vector<saved_summary> summaries;
    creation_counts created;
    std::uint64_t futures = 0;
    bool keeps = false;
    bool receives = false; ///< the broadcast that is the target reaches somebody, or may
    std::string problem;

    void add(save_report&& other) {
        keeps = keeps || other.keeps;
        receives = receives || other.receives;
        add_summaries(summaries, other.summaries);
        created.reach(other.created);
        futures = std::max(futures, other.futures);
        if (problem.empty()) problem = std::move(other.problem);
    }
};

struct pe_checkpointing : upper_state {
    static pe_checkpointing& of(pe& p) { return kept_as<pe_checkpointing>(p.checkpointing); }
    cut_counts counts;
    save_report report;
    std::uint32_t missing = 0;
    std::uint64_t frozen_by = 0; ///< the attempt that has come here last
    // Of PE 0.
    struct request {
        std::string path;
        address target;
        address told;
        bool is_periodic = false;
    };
    std::deque<request> wanted;
    bool under_way = false;
    bool have_previous = false;
    bool said = false;
    cut_counts previous;
    double began = 0;
    double pause = 0;
    std::uint64_t attempts = 0;
    double attempt_began = 0;
    bool pauses = false;      ///< between two attempts
    bool rests = false;       ///< the attempt began because nothing moved any more
    bool hopeless = false;    ///< another one would find the same, until something else is sent
    std::uint64_t work = 0;   ///< messages sent until the last attempt, without those of attempts
    std::uint32_t rounds = 0; ///< of keeping calls of motet::next, in succession
    double first_round = 0;   ///< when they began
    double round_began = 0;
    double changed = 0;           ///< when an attempt found another number of them
    double free_until = 0;        ///< none are kept before
    std::uint64_t successors = 0; ///< kept at the last attempt
    std::uint64_t generation = 0;
    std::uint64_t cut = 0; ///< number_of_cut
    static constexpr std::uint64_t nothing_written = ~std::uint64_t{0};
    std::uint64_t last_progress = nothing_written; ///< when the last of the periodic ones was written
    double period = 0;                             ///< seconds; 0: none
    request periodic;                              ///< what is written then
    std::uint64_t timers = 0;                      ///< set for it; the last one counts

    /// Messages sent and processed until the last cut, without those of attempts.
    std::uint64_t progress() const { return previous.sent + previous.processed - 2 * attempts; }
};

inline tree cut_tree(const pe& p) { return {p, 0}; }

inline void begin_attempt(pe& p);
inline void want_periodic_checkpoint(pe& p, std::uint64_t timer);
inline void judge_cut(pe& p, cut_counts&& counts);
inline void finish_checkpoint(pe& p);
inline void begin_next(pe& p);
inline void leave_out(pe& p);

// Steps 1 and 2.

inline void cut_up(pe& p, cut_counts counts) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    s.counts.add(std::move(counts));
    if (--s.missing > 0) return;
    if (p.number == 0) return judge_cut(p, std::move(s.counts));
    post_uncounted<&cut_up>(p, cut_tree(p).parent(p.number), std::move(s.counts));
}

/// main, and scripts in it.
inline bool stays_out(const frame& f) {
    return f.element == nullptr ? f.type == call<&run_main>::id() : !static_cast<const part*>(f.part)->type->saved;
}

inline void cut_down(pe& p, std::uint64_t number) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    s.frozen_by = number;
    p.freeze(&stays_out);
    s.counts = {};
    s.missing = cut_tree(p).child_count(p.number) + 1;
    cut_tree(p).for_each_child(p.number, [&](pe_number child) { post_uncounted<&cut_down>(p, child, number); });
    // While PE 0 tries, that counts as a message on the way, so that nobody takes the program for finished.
    const std::uint64_t attempt = p.number == 0 ? 1 : 0;
    cut_counts own{.sent = p.sent,
                   .processed = p.processed,
                   .held = p.held() + p.kept.size() + p.sleeping + attempt,
                   .successors = p.successors.size(),
                   .timers = p.sleeping,
                   .goes_on = p.kept.size() + p.successors.size() + p.sleeping};
    if (!p.at_thaw.empty() || (p.watch && !p.watch->wanted.empty())) ++own.goes_on; // main, or who waits for quiescence
    for (waiter* w = p.parked; w != nullptr; w = w->after) {
        if (stays_out(*w->running)) continue;
        if (w->ready) ++own.busy;
        ++own.frames;
        if (own.who.empty()) own.who = p.state->place(p, *w->running) + ", which waits " + awaited(*w);
    }
    if (p.work_pending || !local_chares::of(p).later.empty()) ++own.busy;
    cut_up(p, std::move(own));
}

/// What becomes of the calls of motet::next when the PEs are thawed.
enum class next_calls : std::uint8_t {
    run,     ///< as ever, also those that were kept
    wait,    ///< they are kept
    release, ///< those that were kept run; later ones are kept
};

inline void thaw_down(pe& p, std::uint64_t number, next_calls these) {
    cut_tree(p).for_each_child(p.number, [&](pe_number child) { post_uncounted<&thaw_down>(p, child, number, these); });
    if (pe_checkpointing::of(p).frozen_by != number) return;
    p.thaw();
    p.holds_successors = these != next_calls::run;
    if (these != next_calls::wait) p.release_successors();
}

template <auto F, class... A>
void uncounted_after(pe& p, double seconds, A... arguments) {
    message* m = call<F>::make(p, arguments...);
    m->set(message::uncounted);
    m->set(message::expedited);
    p.send_after(seconds, m);
}

inline void begin_attempt(pe& p) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    s.have_previous = false;
    s.pauses = false;
    s.attempt_began = p.now();
    ++s.attempts;
    ++p.sent;
    cut_down(p, s.attempts);
}

inline void try_again(pe& p, std::uint64_t attempt) {
    const pe_checkpointing& s = pe_checkpointing::of(p);
    if (s.pauses && s.attempts == attempt) begin_attempt(p);
}

/// Nothing moves any more while a checkpoint waits for methods: perhaps they have ended. If they have not, although
/// nothing has happened since the last attempt in such a moment, they never will.
inline bool try_at_rest(pe& p) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    if (!s.pauses || (s.hopeless && s.work == p.watch->previous.sent - s.attempts)) return false;
    s.rests = true;
    begin_attempt(p);
    return true;
}

inline void save_down(pe& p, const std::string& folder, std::uint64_t cut, address target);

/// Step 3: what the calls of motet::next do until the next attempt, after one that found methods that wait.
inline next_calls between_attempts(const pe& p, pe_checkpointing& s) {
    constexpr std::uint32_t most_rounds = 64;
    const double now = p.now();
    const std::uint64_t kept = s.previous.successors;
    if (s.rounds == 0) {
        if (now < s.free_until) return next_calls::run;
        s.rounds = 1;
        s.pause = 0;
        s.successors = kept;
        s.first_round = s.round_began = s.changed = now;
        return next_calls::wait;
    }
    if (std::exchange(s.successors, kept) != kept) s.changed = now;
    // Timers may never let the program come to rest: it stands if nothing came to its end for as long as it took them.
    const bool stands = s.rests || now - s.changed > std::max(1e-3, s.changed - s.round_began);
    if (kept == 0 || !stands) return next_calls::wait;
    s.pause = 0;
    s.round_began = s.changed = now;
    s.rounds += s.rests ? 1 : 8; // without rest a round takes longer
    if (s.rounds <= most_rounds) return next_calls::release;
    s.rounds = 0;
    s.free_until = now + 3 * (now - s.first_round);
    return next_calls::run;
}

inline void try_later(pe& p) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    constexpr double patience = 2;
    if (!std::exchange(s.said, s.said || p.now() - s.began > patience) && s.said)
        std::fprintf(stderr, "motet: a checkpoint waits for %s, such as %s\n",
                     count_text(s.previous.frames, "waiting method").c_str(), s.previous.who.c_str());
    const std::uint64_t work = s.previous.sent - s.attempts;
    const bool nothing_new = s.work == work;
    const next_calls these = between_attempts(p, s);
    s.hopeless = s.rests && nothing_new && these == next_calls::wait;
    s.work = work;
    s.rests = false;
    s.pauses = true;
    thaw_down(p, s.attempts, these);
    ++p.processed; // meanwhile all may come to rest: perhaps the methods wait for that
    // Where nothing has happened and no timer runs, nothing will, until all is found at rest.
    if (nothing_new && these == next_calls::wait && s.previous.timers == 0 && s.previous.busy == 0) return;
    s.pause = std::clamp(1.5 * s.pause, 100e-6, 50e-3);
    uncounted_after<&try_again>(p, s.pause, s.attempts);
}

inline void judge_cut(pe& p, cut_counts&& counts) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    const bool equal = s.have_previous && s.previous.equals(counts);
    const bool still = counts.sent == counts.processed + counts.held && counts.busy == 0;
    s.previous = std::move(counts);
    s.have_previous = true;
    if (p.halted) { // somebody looks at the program: later
        thaw_down(p, s.attempts, next_calls::run);
        ++p.processed;
        s.pauses = true;
        s.rounds = 0;
        return uncounted_after<&try_again>(p, 50e-3, s.attempts);
    }
    constexpr double longest_attempt = 10e-3;
    const bool for_ever = s.previous.busy > 0 && s.previous.frames > 0 && p.now() - s.attempt_began > longest_attempt;
    if (for_ever) return try_later(p); // methods that make each other go on; main must, too
    if (!equal || !still) return uncounted_after<&cut_down>(p, still ? 0 : 20e-6, s.attempts);
    if (s.wanted.front().is_periodic && s.progress() == s.last_progress) return leave_out(p);
    if (s.previous.frames > 0) return try_later(p);
    try {
        s.generation = begin_generation(s.wanted.front().path);
        s.report = {};
        s.cut = number_of_cut();
        post_uncounted<&save_down>(p, 0, generation_folder(s.wanted.front().path, s.generation), s.cut,
                                   s.wanted.front().target);
    } catch (const std::exception& problem) {
        s.report = {};
        s.report.problem = problem.what();
        finish_checkpoint(p);
    }
}

/// Nothing will happen any more: periodic checkpoints must not keep the run from its end.
inline bool nothing_goes_on(pe& p) {
    return pe_checkpointing::of(p).previous.goes_on == 0 && !(p.job.listening && p.port == nullptr);
}

/// After an attempt that wrote nothing not before ten times its length: while attempts take all the time nothing else
/// comes, such as quiescence.
inline void expect_next(pe& p, bool written = true) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    const double least = written ? 0 : 10 * (p.now() - s.attempt_began);
    if (s.period > 0) uncounted_after<&want_periodic_checkpoint>(p, std::max(s.period, least), ++s.timers);
}

/// The PEs go on after a periodic checkpoint that was not written. Where somebody waits for quiescence, and nothing
/// else goes on, it has come: a simulated run would look for it only when not even the next of these checkpoints is to
/// come.
inline void go_on_without(pe& p) {
    const pe_checkpointing& s = pe_checkpointing::of(p);
    const bool is_quiet = s.previous.goes_on == 1 && !p.watch->wanted.empty() && p.at_thaw.empty();
    thaw_down(p, s.attempts, next_calls::run);
    if (is_quiet && !p.watch->running) start_wave(p);
}

/// A periodic checkpoint that would be the same as the last one. Where nothing will happen either, there is no next
/// one, so that the run can end.
inline void leave_out(pe& p) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    s.wanted.pop_front();
    ++p.processed;
    if (nothing_goes_on(p)) s.period = 0;
    go_on_without(p);
    s.under_way = false;
    expect_next(p, false);
    begin_next(p);
}

// Step 4.

inline void save_up(pe& p, save_report report) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    s.report.add(std::move(report));
    if (--s.missing > 0) return;
    if (p.number == 0) return finish_checkpoint(p);
    post_uncounted<&save_up>(p, cut_tree(p).parent(p.number), std::move(s.report));
}

/// Throws `error` if this PE knows that the element which is to go on after a restart is gone, or cannot be. What a
/// broadcast reaches is for `finish_checkpoint` to judge, by what all PEs report.
inline void check_target(pe& p, const address& target, save_report& report) {
    part* const c = local_chares::of(p).find(p, target.collection);
    if (c == nullptr) return; // its creation is under way
    if (registry::get<delivery>(target.how).everywhere) {
        report.receives = c->fixed() || !c->sealed || c->info->on_demand || !c->table.elements.empty();
        return;
    }
    check_index(*c, target.index);
    const pe_number home = home_of(p, *c, target.index);
    if (c->fixed() || c->info->on_demand || home != p.number) return;
    const auto record = c->homes.find(target.index);
    if (c->table.find(target.index) == nullptr &&
        (record == c->homes.end() ? c->sealed : record->second.now == home_record::state::erased))
        throw error("a checkpoint: its target, a method of " + element_text(*c, target.index) +
                    ", was erased: nothing would go on after a restart");
}

inline save_report save_here(pe& p, const std::string& folder, std::uint64_t cut, const address& target) {
    save_report own;
    own.created = p.created;
    own.futures = local_chares::of(p).futures.next_generation();
    try {
        check_target(p, target, own);
        std::vector<saved_object> kept;
        if (&p == p.job.pes[0].get()) // simulated processes share the objects of this one
            for (const auto& [name, object] : kept_objects())
                kept.push_back({name, object.schema(), object.save(object.object)});
        own.keeps = !kept.empty();
        record_writer file(part_file(folder, p.number), cut);
        save_pe(p, std::move(kept), file, own.summaries);
        file.finish();
    } catch (...) { // a user's own serialize may throw anything
        own.problem = exception_text::current().text;
    }
    return own;
}

inline void save_down(pe& p, const std::string& folder, std::uint64_t cut, address target) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    s.report = {};
    s.missing = cut_tree(p).child_count(p.number) + 1;
    cut_tree(p).for_each_child(p.number,
                               [&](pe_number child) { post_uncounted<&save_down>(p, child, folder, cut, target); });
    save_up(p, save_here(p, folder, cut, target));
}

inline void finish_checkpoint(pe& p) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    const pe_checkpointing::request done = std::move(s.wanted.front());
    s.wanted.pop_front();
    ++p.processed;
    if (s.report.problem.empty()) {
        try {
            const part* const c = local_chares::of(p).find(p, done.target.collection);
            if (c != nullptr && registry::get<delivery>(done.target.how).everywhere && !s.report.receives)
                throw error("a checkpoint: its target, a method of all elements of an array of " + c->type->name() +
                            ", reaches nobody, for it has no elements: nothing would go on after a restart");
            manifest all = describe_run(p, done.target, s.report.summaries);
            all.keeps = s.report.keeps;
            all.created = s.report.created;
            all.futures = s.report.futures;
            all.generation = s.generation;
            publish(done.path, s.generation, s.cut, all);
        } catch (...) {
            s.report.problem = exception_text::current().text;
        }
    }
    const bool failed = !s.report.problem.empty();
    if (failed) abandon_generation(done.path, s.generation);
    if (failed && done.is_periodic)
        go_on_without(p);
    else
        thaw_down(p, s.attempts, next_calls::run);
    s.under_way = false;
    if (!failed && done.path == s.periodic.path) s.last_progress = s.progress();
    if (done.is_periodic) {
        if (failed && nothing_goes_on(p)) s.period = 0;
        expect_next(p, !failed);
    }
    if (!failed)
        deliver_nothing(p, done.told);
    else if (done.is_periodic)
        std::fprintf(stderr, "motet: warning: %s\n", s.report.problem.c_str());
    else
        deliver_failure(p, done.told, {s.report.problem, "motet::error", "a checkpoint", done.path, false});
    begin_next(p);
}

inline void begin_next(pe& p) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    if (s.wanted.empty() || std::exchange(s.under_way, true)) return;
    s.began = p.now();
    s.pause = 0;
    s.said = s.hopeless = false;
    s.rounds = 0;
    s.free_until = 0;
    s.generation = 0;
    p.at_rest = &try_at_rest;
    begin_attempt(p);
}

inline void want_periodic_checkpoint(pe& p, std::uint64_t timer) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    if (s.period == 0 || timer != s.timers) return;
    s.wanted.push_back(s.periodic);
    begin_next(p);
}

inline void want_checkpoints_every(pe& p, const std::string& path, address target, double seconds) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    const double before = s.period;
    s.period = p.job.options.checkpoint_period > 0 ? p.job.options.checkpoint_period : seconds;
    if (path != s.periodic.path || target != s.periodic.target) s.last_progress = pe_checkpointing::nothing_written;
    s.periodic = {path, target, {}, true};
    if (s.period != before) expect_next(p);
}

inline void want_checkpoint(pe& p, std::string path, address target, address told) {
    pe_checkpointing& s = pe_checkpointing::of(p);
    s.wanted.push_back({std::move(path), target, told, false});
    begin_next(p);
}

#endif // MOTET_BODIES

MOTET_INLINE future<void> request_checkpoint(const std::string& path, const address& target);
MOTET_INLINE void request_checkpoints(const std::string& path, const address& target, double seconds);

#if MOTET_BODIES
inline void check_request(const std::string& path, const address& target) {
    if (path.empty()) throw error("motet::checkpoint: the name of its folder is empty");
    if (target.how == 0)
        throw error("motet::checkpoint: its target leads nowhere: after a restart it is called in place of main");
    if (target.collection == collection_id()) // a future of this run
        throw error(
            "motet::checkpoint: its target is a promise, whose future a restart does not have: name a method, which is "
            "called in place of main then");
}
MOTET_INLINE void request_checkpoints(const std::string& path, const address& target, double seconds) {
    check_request(path, target);
    if (!(seconds >= 0))
        throw error("motet::checkpoint_every takes a time from 0 on, and this is " + std::to_string(seconds) + " s");
    post<&want_checkpoints_every>(this_pe(), 0, absolute_path(path), target, seconds);
}
MOTET_INLINE future<void> request_checkpoint(const std::string& path, const address& target) {
    check_request(path, target);
    pe& p = this_pe();
    auto [made, to] = new_future<void>(p);
    made.held().awaited = [] { return std::string("for a checkpoint, which no method of a chare may wait for"); };
    post<&want_checkpoint>(p, 0, absolute_path(path), target, to);
    return std::move(made);
}
#endif // MOTET_BODIES

} // namespace checkpointing

/// Writes the program as it is to a folder, which is made if it does not exist: all chares with their messages, program
/// data, reductions under way. main is not saved: after `--motet-restart FOLDER`, on any number of PEs and processes,
/// `target` is told in its place (`proxy.to<&T::method>()` of a method without parameters). The future is ready when
/// the checkpoint is on the disk; then the one before it is gone. It fails with what went wrong; the one before is then
/// still there, and the program goes on. It waits for methods that wait: one that loops for the whole run lets it come
/// by `return motet::next<...>(...)`. A method that calls this itself must not wait for the future.
inline future<void> checkpoint(const std::string& folder, const target<void>& target) {
    return checkpointing::request_checkpoint(folder, target.address());
}

/// Writes such a checkpoint again and again while the program does something, each so long after the one before (in a
/// simulated run: of virtual time). --motet-checkpoint-period on the command line sets another time; with a time of 0
/// here it decides whether there are any. What goes wrong is a warning. After a restart there are none until this is
/// called again: by `target`.
template <class Rep, class Period>
void checkpoint_every(const std::string& folder, const target<void>& target, std::chrono::duration<Rep, Period> time) {
    checkpointing::request_checkpoints(folder, target.address(), std::chrono::duration<double>(time).count());
}

} // namespace motet::inline MOTET_VARIANT
