// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/debugger.hpp>
#include <motet/runtime/guest.hpp>
#include <motet/runtime/inbox.hpp>
#include <motet/runtime/machine.hpp>
#include <motet/runtime/observer.hpp>
#include <motet/runtime/outboxes.hpp>
#include <motet/runtime/payload.hpp>
#include <motet/runtime/queue.hpp>
#include <motet/runtime/registry.hpp>
#include <motet/runtime/scheduler.hpp>
#include <motet/runtime/waiter.hpp>
#include <motet/runtime/wave.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

/// Ends the program: something that must always hold did not.
[[noreturn]] MOTET_INLINE void broken(const std::string& what);

#if MOTET_BODIES
MOTET_INLINE void broken(const std::string& what) {
    std::fprintf(stderr, "motet: internal error: %s\n", what.c_str());
    std::abort();
}
#endif // MOTET_BODIES

/// What the floors above keep with a PE.
struct pe_state {
    virtual ~pe_state() = default;
    /// Goes on with work that a parked handler or a satisfied wait interrupted.
    virtual void proceed(pe&) {}
    /// Messages held back, for the quiescence protocol.
    virtual std::uint64_t held() const { return 0; }
    /// One line for each message held back; if `by_conditions`, for those only that a `when` holds back.
    virtual void list_held(pe&, std::vector<std::string>&, bool /*by_conditions*/) {}
    /// Drops what holds messages, before the PE's own memory goes.
    virtual void clear(pe&) {}
    /// Where a frame stands, for errors: chare, index, entry.
    virtual std::string place(pe&, const frame&) { return {}; }
    /// The same as far as it can be told without taking memory.
    virtual void place_in_brief(const frame&, char* /*buffer*/, std::size_t /*size*/) {}
    /// Moves some element that may move to another PE (a simulated run asks for it to shake out errors).
    virtual void shake(pe&, std::uint64_t /*random*/) {}
};

class pe;

/// What a floor above the chares keeps with a PE.
struct upper_state {
    virtual ~upper_state() = default;
};

/// What is kept behind a pointer to its base, as a T; made when it is first asked for.
template <class T, class Base, class... A>
T& kept_as(std::unique_ptr<Base>& slot, A&&... made_from) {
    if (!slot) slot = std::make_unique<T>(std::forward<A>(made_from)...);
    return static_cast<T&>(*slot);
}

/// How messages leave a PE whose machine is simulated.
class simulator_port {
public:
    virtual ~simulator_port() = default;
    virtual void post(pe& from, pe_number to, message* m, double after) = 0;
    /// Nobody waits any more for what was to come after some time.
    virtual void timer_cancelled() {}
    /// What the program declares; nothing, where the clock goes by measured time.
    virtual void charge(pe&, double seconds) = 0;
    virtual double now(const pe&) = 0;
    /// Length of the longest chain of messages and computing that led here, in seconds.
    virtual double path(const pe&) const = 0;
    virtual void join_path(const pe&, double) = 0;
    /// Messages that have come, and wait until the PE is done with what it computes.
    virtual std::size_t queued(const pe&) const = 0;
};

/// A processing element: one inbox, one queue, and the chares that live here. One thread at a time runs it.
class pe {
public:
    pe(machine& owner, process& within, pe_number global_number);
    pe(const pe&) = delete;
    pe& operator=(const pe&) = delete;
    ~pe();
    /// Destroys every message that is still somewhere on this PE; called for all PEs before the first one goes.
    void drain();

    // Messages.

    /// A message with room for `PayloadBytes` of arguments.
    template <std::uint32_t PayloadBytes>
    [[gnu::always_inline]] message* allocate(std::uint32_t type) {
        constexpr std::size_t bytes = sizeof(message) + PayloadBytes;
        constexpr std::uint8_t size_class = block_class(bytes);
        auto* m = new (blocks.take(size_class, bytes)) message;
        m->size_class = size_class;
        m->type = type;
        return m;
    }
    message* allocate(std::uint32_t type, std::size_t payload_bytes) {
        const std::size_t bytes = sizeof(message) + payload_bytes;
        const std::uint8_t size_class = block_class(bytes);
        auto* m = new (blocks.take(size_class, bytes)) message;
        m->size_class = size_class;
        m->type = type;
        return m;
    }
    /// Gives the memory back; the arguments must be destroyed already.
    [[gnu::always_inline]] void release(message* m) { blocks.give(m->size_class, m); }
    void discard(message* m);
    /// The same of one that was counted as sent, and cannot be.
    void take_back(message* m) {
        if (!m->has(message::uncounted)) --sent;
        discard(m);
    }
    /// Ends the program.
    [[noreturn]] static void no_such_pe(pe_number to);
    static const message_type& type_of(const message& m) { return registry::get<message_type>(m.type); }

    [[gnu::always_inline]] void send(pe_number to, message* m) {
        if (!m->has(message::uncounted)) ++sent;
        if (detour) [[unlikely]]
            return send_by_detour(to, m);
        if (to == number) return enqueue(m);
        send_across(to, m);
    }
    /// Hands back a message that was counted as sent before: it was held, or forwarded.
    void send_again(pe_number to, message* m) {
        if (port != nullptr) return port->post(*this, to, m, 0);
        if (to == number) return enqueue(m);
        send_across(to, m);
    }
    /// Counts a message as sent that is kept here for the time being; `send_again` will take it on.
    void count_sent(message* m) {
        ++sent;
        if (!observers.empty()) observe_sent(no_pe, m);
    }
    /// The message comes to this PE after so many seconds.
    void send_after(double seconds, message* m);
    /// Nobody waits any more for what `send_after` is to bring: it does not come, and does not keep the run going.
    void cancel_timer(message* m) {
        if (!m->has(message::uncounted)) ++processed, --sleeping;
        m->set(message::cancelled);
        m->set(message::uncounted); // where it is in line already, it finds nobody
        if (port != nullptr) return port->timer_cancelled();
        if (2 * ++cancelled_timers > timers.size() && timers.size() > least_timers) drop_cancelled_timers();
    }
    /// Timers that are not due; of many no more than half have been cancelled.
    std::size_t waiting_timers() const { return timers.size(); }
    /// For what a timer of those that are counted calls. One that was cancelled when it was in line already has been
    /// counted then.
    void timer_runs() {
        if (current_frame->counted) --sleeping;
    }
    /// Puts a message that arrived in line.
    void enqueue(message* m) {
        if ((m->flags & (message::expedited | message::prioritized)) == 0) [[likely]]
            return queue.push(m);
        enqueue_urgent(m);
    }
    /// Puts a message in line here that was counted as sent before: it was held.
    void enqueue_again(message* m) { send_again(number, m); }
    void dispatch(message* m) {
        if (detour) [[unlikely]]
            return dispatch_by_detour(m);
        type_of(*m).run(*this, m);
    }
    /// While frozen, a PE keeps what the program does (calls of methods, broadcasts) and runs only what the runtime has
    /// begun. Fibers that `stays_out` of what the PE is frozen for, as main does, do not go on; others that wait may.
    void freeze(bool (*stays_out)(const frame&)) {
        frozen = detour = true;
        left_out = stays_out;
        waiter_list all = std::exchange(ready, {});
        round_end = nullptr;
        while (!all.empty()) put_in_line(*all.pop());
    }
    void thaw() {
        frozen = false;
        while (!at_thaw.empty()) put_in_line(*at_thaw.pop());
        run_kept();
    }
    /// Sends the call with which a method has ended (motet::next). While those are held it waits here, as a message
    /// held back: methods that wait may come to their end, and none begins.
    void send_successor(message* m) {
        if (!holds_successors || holding != nullptr) [[likely]]
            return send(number, m);
        count_sent(m);
        successors.push(m);
    }
    /// The same of a call that was counted as sent before.
    void send_successor_again(message* m) { holds_successors ? successors.push(m) : enqueue_again(m); }
    void release_successors() { enqueue_all_again(successors); }
    /// Messages held back here, for the quiescence protocol and checkpoints.
    std::uint64_t held() const { return state->held() + successors.size(); }
    /// From now on nothing of the program runs here, but what the runtime has begun and what looks at the program.
    /// Counts as a message on the way, so that nobody takes the program for finished.
    void halt() {
        if (halted) return;
        halted = detour = true;
        ++sent;
    }
    /// The program goes on.
    void go() {
        if (!halted) return;
        halted = false;
        ++processed;
        steps = 0;
        while (!at_hooks.empty()) make_ready(*at_hooks.pop());
        attention = true;
        run_kept();
    }
    /// While halted: lets so many pieces of the program run, one after the other.
    void step(std::uint32_t pieces) {
        steps = pieces;
        attention = true;
    }
    /// Whether an element may get a broadcast now.
    bool may_proceed() { return (ready.empty() && !(can_be_debugged && halted)) || std::exchange(one_delivery, false); }

    /// A message that was counted as sent, and waits to be.
    struct held_send {
        pe_number to;
        message* m;
    };
    /// Until `stop_holding` what is sent is kept in `all`, but for what the runtime does not count.
    void hold_sends(std::vector<held_send>& all) {
        holding = &all;
        detour = true;
    }
    void stop_holding() {
        holding = nullptr;
        detour = frozen || halted || port != nullptr || !observers.empty();
    }
    /// Sends what was kept.
    void send_held(std::vector<held_send>& all) {
        for (const held_send& each : all) detour ? send_by_detour(each.to, each.m) : send_again(each.to, each.m);
        all.clear();
    }
    /// Whether what is done now may have to be undone: nothing but messages may leave the chare that runs.
    bool holds_sends() const { return holding != nullptr; }
    /// Throws `error` then: `what` could not be undone.
    void refuse_to_hold(const char* what) const {
        if (holding != nullptr) [[unlikely]]
            refuse_held(what);
    }

    /// From now on messages go through a simulated machine.
    void simulate(simulator_port& by) {
        port = &by;
        detour = true;
    }
    /// From now on somebody observes what the PE does.
    void observe(std::unique_ptr<observer> by) {
        observers.add(std::move(by));
        detour = true;
    }
    /// And `by` does not any more. For the scheduler, when every frame that is observed waits or has ended.
    void stop_observing(const observer& by) {
        observers.remove(by);
        detour = holding != nullptr || frozen || halted || port != nullptr || !observers.empty();
    }
    /// A handler that is observed begins, as the current frame, or has ended.
    void observe_begin(frame& f, message* m);
    void observe_end(frame& f);
    /// Messages in line.
    std::size_t queued() const {
        return port != nullptr ? port->queued(*this) : queue.size() + urgent.size() + by_priority.size();
    }

    /// Ends the program with an error. With --motet-freeze-on error it stands still first.
    void fail(const std::string& what) {
        if constexpr (can_be_debugged)
            if (job.options.freeze_on_error && job.listening && machine::freeze_in_place_of_end(*this, "error", what))
                return;
        job.fail(what);
    }
    /// Leaves a message in the inbox of another PE of this process: a copy, where that will do and there is room.
    void hand_over(std::uint32_t local, message* m) {
        static_assert(slot_ring::line == block_size(0));
        inbox& theirs = peer(local).incoming;
        if (m->size_class == 0 && !m->has(message::stamped) && type_of(*m).plain && theirs.leave(*m)) [[likely]]
            return release(m);
        theirs.push(m);
    }
    /// Sends what waits in the outboxes: for the other PEs of this process.
    void flush_near() {
        for (const std::uint32_t to : dirty) {
            outbox& box = outboxes[to];
            if (box.single != nullptr) {
                hand_over(to, box.single);
            } else if (box.batch != nullptr) {
                peer(to).incoming.push(box.batch);
            }
            box = {};
        }
        dirty.clear();
    }
    /// Sends all that waits.
    void flush() {
        flush_near();
        if (job.remote) job.remote->flush(*this);
    }
    /// Whether nothing is to be sent to others, taken from them, or waits for its time.
    bool nothing_to_exchange() const { return dirty.empty() && timers.empty() && incoming.empty() && !job.remote; }
    /// The driver is to look up from the PE's work after this handler.
    void exchange_soon() { budget = 0; }
    /// Takes what other threads left. True if there was something.
    bool take_inbox() {
        bool some = false;
        for (std::uint64_t i = 0; i < slot_ring::count && incoming.has_copy(); ++i, some = true)
            enqueue(incoming.take_copy(blocks.take(0, slot_ring::line)));
        message* const pushed = incoming.take();
        if (pushed == nullptr) return some;
        take_pushed(pushed);
        return true;
    }
    /// Moves timers that are due to the queue.
    void take_timers();
    double next_timer() const { return timers.empty() ? -1 : std::max(0.0, timers.front().at - now()); }

    // Waiting.

    /// Parks the calling fiber until `make_ready(w)`, or until its condition holds if it has one. Throws fiber::unwind
    /// when the run ends meanwhile, and `error` when no stack is left for the fiber that would carry the scheduler on.
    void park(waiter& w);
    /// Leaves the fiber that runs for ever, by a destructor or a catch (...) that keeps it from being unwound, so that
    /// the run can end.
    [[noreturn]] void abandon(frame& f);
    /// Lends the PE to the thread of `to` until that gives it back, because it waits or is finished.
    void lend(guest& to);
    /// Grows whenever a method, or main, begins to run or goes on.
    std::uint64_t turn() const { return frames + resumed; }
    void make_ready(waiter& w) {
        if (w.ready) return;
        w.ready = true;
        w.turn = turn();
        put_in_line(w);
    }
    /// Does one piece of what goes before ordinary messages: satisfied waits, interrupted work, expedited and urgent
    /// messages. False if there was none, or it is the turn of an ordinary one: fibers that make each other ready go
    /// before all others only for so many rounds.
    bool attend();
    bool attend_to_others(); ///< than fibers that are ready
    bool nothing_queued() const { return queue.empty() && !attention; }
    /// Resumes every parked fiber, so that it unwinds.
    void unwind_parked();

    /// Makes this the PE of the calling thread.
    void enter() { current_slot() = this; }
    /// The PE that runs on the calling thread, or null. Never inlined, and never folded with another call: a fiber may
    /// have been switched in between.
    [[gnu::noinline]] static pe*& current_slot() {
        static thread_local constinit pe* slot = nullptr;
        asm volatile("");
        return slot;
    }

    /// What runs on the calling thread, for reports of overflows (fiber::describe_current).
    static void describe_running(char* buffer, std::size_t size);

    [[noreturn]] static void refuse_outside();
    [[noreturn]] static void refuse_held(const char* what);

    double now() const {
        if (port != nullptr) return port->now(*this);
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }

    /// The same to some milliseconds, at a fraction of the cost: for reports.
    double coarse_now() const {
        if (port != nullptr) return port->now(*this);
        timespec time{};
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    }

    /// Called when a handler returns or parks: lets conditions of its chare, or of nobody, be looked at.
    void after_handler(frame& f) {
        if (settle != nullptr && f.element != nullptr) settle(*this, f);
        if (!loose.empty()) settle_loose();
    }
    /// Puts a waiter with a condition where its condition is looked at again.
    void await_condition(waiter& w) {
        if (w.running->element != nullptr) {
            watch_element(*this, w);
        } else {
            loose.push(&w);
        }
    }
    void settle_loose();

    /// Another PE of this process (not of a simulated one).
    pe& peer(std::uint32_t local) { return *job.pes[local]; }

    static constexpr std::uint32_t batch_type = 0;
    static constexpr std::size_t least_timers = 64; ///< are not looked through for those that were cancelled

    const pe_number number;
    process& home;
    machine& job;
    block_pool blocks;
    scheduler* fibers = nullptr;
    guest* lent = nullptr; ///< whose thread runs the PE now; null: its own
    simulator_port* port = nullptr;
    std::unique_ptr<pe_state> state;

    ring queue;
    message_list urgent;
    std::vector<message*> by_priority;
    bool frozen = false;
    bool halted = false;
    bool detour = false; ///< what is sent and handled is not simply so: simulated, observed, frozen or halted
    message_list kept;   ///< while frozen or halted
    bool (*left_out)(const frame&) = nullptr; ///< while frozen
    waiter_list at_thaw;                      ///< fibers left out that are to go on
    bool holds_successors = false;
    message_list successors; ///< while they are held
    std::uint32_t steps = 0; ///< pieces of the program that may run although it is halted
    bool stepped = false;    ///< one has run since `debugging` was told last
    bool one_delivery = false;
    waiter_list at_hooks; ///< fibers that a hook has stopped before their method
    std::unique_ptr<debugger> debugging;
    debugger* hooks = nullptr; ///< `debugging`, while it has hooks
    observer_list observers;
    std::uint64_t observed_runs = 0;
    std::uint64_t sleeping = 0; ///< timers that have not run, of those that are counted
    frame* current_frame = nullptr;
    waiter_list ready;
    waiter* round_end = nullptr;  ///< the last of those ready that go on in this round; null: a new one begins
    int rounds = 0;               ///< since nothing was ready
    waiter* parked = nullptr;     ///< every parked fiber
    waiter_list loose;            ///< conditions that belong to no chare
    bool attention = false;       ///< `attend` has something to do
    int budget = 0;               ///< handlers until the driver looks at the clock
    bool work_open = false;       ///< the floors above are in the middle of work that another fiber may go on with
    bool work_pending = false;    ///< that work was interrupted
    bool counts_messages = false; ///< of some collection
    bool paused = false;          ///< an embedded machine's: the loop returns, to be entered again
    void (*settle)(pe&, frame&) = nullptr;
    void (*watch_element)(pe&, waiter&) = nullptr;
    void (*unwatch_element)(pe&, waiter&) = nullptr;
    void (*pause_measuring)(pe&, frame&) = nullptr;
    bool (*at_rest)(pe&) = nullptr; ///< of PE 0: nothing moves any more. True if there is something to do yet

    std::uint64_t sent = 0;
    std::uint64_t processed = 0;
    std::uint64_t frames = 0;  ///< methods of chares run so far
    std::uint64_t resumed = 0; ///< parked fibers that went on so far
    creation_counts created;   ///< by this PE
    std::atomic<bool> stopping{false};
    wave_share wave;
    std::unique_ptr<quiescence_watch> watch; ///< of PE 0
    std::unique_ptr<upper_state> checkpointing;
    std::unique_ptr<upper_state> scripting;
    std::unique_ptr<upper_state> transactions;
    std::unique_ptr<upper_state> loops; ///< parallel ones, of this PE

    alignas(64) inbox incoming;

private:
    struct timer {
        double at;
        std::uint64_t order;
        message* due;
        friend bool operator<(const timer& a, const timer& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
    };
    static constexpr std::uint32_t batch_bytes = 512 - sizeof(message);
    static constexpr std::uint32_t batch_capacity = batch_bytes / sizeof(message*);

    static constexpr std::uint32_t most_unwinds = 100;
    static constexpr int most_rounds = 256; ///< of fibers that are ready, before others have a turn between any two

    void put_in_line(waiter& w) {
        if (frozen && left_out(*w.running)) [[unlikely]]
            return at_thaw.push(&w);
        ready.push(&w);
        attention = true;
    }
    /// Goes on with a parked fiber or guest.
    void go_on(waiter& w);
    /// Goes on with the first that is ready, if it still may.
    void resume_ready();
    void dispatch_by_priority();
    /// `attend` while halted.
    bool attend_halted();
    void run_step();
    /// What was kept runs, but for what is kept again.
    void run_kept() {
        if (frozen) return;
        detour = halted || port != nullptr || !observers.empty();
        enqueue_all_again(kept);
    }
    /// Empties the list first: what may not run yet is put there again.
    void enqueue_all_again(message_list& list) {
        message_list all = std::exchange(list, {});
        while (!all.empty()) enqueue_again(all.pop());
    }
    static message** batch_items(message* m) { return static_cast<message**>(m->payload()); }
    static bool less_urgent(const message* a, const message* b) {
        return a->priority != b->priority ? a->priority > b->priority
                                          : static_cast<std::int32_t>(a->bytes - b->bytes) > 0;
    }
    void drop_cancelled_timers();
    void enqueue_urgent(message* m);
    void take_pushed(message* m);
    void send_across(pe_number to, message* m);
    void send_with_others(std::uint32_t local, message* m);
    void send_by_detour(pe_number to, message* m);
    void dispatch_by_detour(message* m);
    void observe_sent(pe_number to, message* m);
    void observe_park(const waiter& w);
    void observe_resume(const waiter& w);

    std::vector<held_send>* holding = nullptr;
    outbox_table outboxes;
    std::uint64_t handed_over_in = ~std::uint64_t{0}; ///< the turn in which a message did not have to wait for others
    std::vector<std::uint32_t> dirty;
    std::vector<timer> timers;
    std::uint64_t timer_count = 0;
    std::size_t cancelled_timers = 0; ///< since they were looked through; some may have been due
    std::uint32_t priority_count = 0;
};

#if MOTET_BODIES

MOTET_INLINE void pe::drain() {
    flush();
    take_inbox();
    while (!queue.empty()) discard(queue.pop());
    while (!urgent.empty()) discard(urgent.pop());
    while (!kept.empty()) discard(kept.pop());
    while (!successors.empty()) discard(successors.pop());
    for (message* m : by_priority) discard(m);
    by_priority.clear();
    for (const timer& t : timers) discard(t.due);
    timers.clear();
}

MOTET_INLINE void pe::discard(message* m) {
    if (m->type != batch_type) {
        type_of(*m).destroy(*m);
    } else {
        for (std::uint32_t i = 0; i < m->bytes; ++i) discard(batch_items(m)[i]);
    }
    release(m);
}

MOTET_INLINE void pe::send_after(double seconds, message* m) {
    if (!m->has(message::uncounted)) {
        ++sent, ++sleeping;
        if (!observers.empty()) observe_sent(number, m);
    }
    if (port != nullptr) return port->post(*this, number, m, seconds);
    timers.push_back({now() + seconds, ++timer_count, m});
    std::push_heap(timers.begin(), timers.end());
}

MOTET_INLINE void pe::lend(guest& to) {
    guest* const before = std::exchange(lent, &to);
    frame* const f = current_frame;
    to.lend();
    current_frame = f;
    lent = before;
}

MOTET_INLINE void pe::go_on(waiter& w) {
    if (w.on != nullptr) [[unlikely]]
        lend(*w.on);
    else
        fibers->resume(w.parked);
}

MOTET_INLINE void pe::park(waiter& w) {
    if (lent == nullptr) fibers->prepare();
    frame* f = current_frame;
    if (f->unwound > 0 && (f->unwound >= most_unwinds || std::uncaught_exceptions() > 0)) [[unlikely]]
        abandon(*f); // by a destructor nothing can be thrown
    w.parked = fibers->current();
    w.on = lent;
    w.running = f;
    w.since = observers.empty() ? coarse_now() : now();
    w.before = nullptr;
    w.after = parked;
    if (parked != nullptr) parked->before = &w;
    parked = &w;
    for (frame* under = f; under != nullptr && !under->parked; under = under->below) {
        under->parked = true;
        if (under->counted) ++processed;
    }
    const bool measured = f->since >= 0;
    if (measured) [[unlikely]]
        pause_measuring(*this, *f);
    if (!observers.empty()) [[unlikely]]
        observe_park(w);
    after_handler(*f);
    if (w.satisfied != nullptr) await_condition(w);
    if (work_open) work_pending = attention = true;
    current_frame = nullptr;
    const double path = port != nullptr ? port->path(*this) : 0;
    if (lent != nullptr) [[unlikely]] {
        guest& self = *lent;
        self.waiting = &w;
        self.give_back();
        self.wait();
        self.waiting = nullptr;
    } else {
        fibers->park();
    }
    if (port != nullptr) port->join_path(*this, path);
    current_frame = f;
    if (measured) [[unlikely]]
        f->since = now();
    if (!observers.empty()) [[unlikely]]
        observe_resume(w);
    (w.before != nullptr ? w.before->after : parked) = w.after;
    if (w.after != nullptr) w.after->before = w.before;
    if (w.cancelled) {
        if (w.satisfied != nullptr && f->element != nullptr) unwatch_element(*this, w);
        ++f->unwound;
        throw fiber::unwind{};
    }
}

MOTET_INLINE void pe::resume_ready() {
    waiter* w = ready.pop();
    w->ready = false;
    if (w == round_end) round_end = nullptr;
    // A condition that held is asked again if anything ran meanwhile.
    if (w->cancelled || w->satisfied == nullptr || w->turn == turn() || w->satisfied(*w)) {
        ++resumed;
        enter();
        go_on(*w);
    } else {
        await_condition(*w);
    }
}

MOTET_INLINE void pe::dispatch_by_priority() {
    std::pop_heap(by_priority.begin(), by_priority.end(), less_urgent);
    message* m = by_priority.back();
    by_priority.pop_back();
    dispatch(m);
}

MOTET_INLINE bool pe::attend() {
    if constexpr (can_be_debugged)
        if (halted) [[unlikely]]
            return attend_halted();
    if (!ready.empty() && (round_end != nullptr || rounds < most_rounds)) {
        if (round_end == nullptr) round_end = ready.back(), ++rounds;
        resume_ready();
        return true;
    }
    return attend_to_others();
}

/// Apart, so that whoever resumes a fiber saves no registers for it: that took a tenth of a wait.
[[gnu::noinline]] MOTET_INLINE bool pe::attend_to_others() {
    rounds = ready.empty() ? 0 : most_rounds - 1;
    if (work_pending) {
        work_pending = false;
        one_delivery = !ready.empty();
        state->proceed(*this);
        one_delivery = false;
        if (!loose.empty()) settle_loose();
        return true;
    }
    if (!urgent.empty()) {
        dispatch(urgent.pop());
        return true;
    }
    if (!by_priority.empty() && (by_priority.front()->priority < 0 || queue.empty())) {
        dispatch_by_priority();
        return true;
    }
    attention = !by_priority.empty() || !ready.empty();
    return false;
}

MOTET_INLINE bool pe::attend_halted() {
    if (!urgent.empty()) {
        dispatch(urgent.pop());
        return true;
    }
    if (!by_priority.empty()) {
        dispatch_by_priority();
        return true;
    }
    if (std::exchange(stepped, false)) {
        debugging->stepped(*this, true);
        return true;
    }
    if (steps > 0 && queue.empty()) { // what came is kept now, in its order
        --steps;
        run_step();
        return true;
    }
    attention = steps > 0;
    return false;
}

MOTET_INLINE void pe::run_step() {
    stepped = true;
    if (!at_hooks.empty() || !ready.empty()) {
        if (!at_hooks.empty()) { // it goes before the others
            waiter_list others = std::exchange(ready, {});
            make_ready(*at_hooks.pop());
            while (!others.empty()) ready.push(others.pop());
        }
        debugging->stepping(*this, ready.front(), nullptr);
        resume_ready();
    } else if (work_pending) {
        debugging->stepping(*this, nullptr, nullptr);
        work_pending = false;
        one_delivery = true;
        state->proceed(*this);
        one_delivery = false;
        if (!loose.empty()) settle_loose();
    } else if (!kept.empty()) {
        message* const m = kept.pop();
        debugging->stepping(*this, nullptr, m);
        type_of(*m).run(*this, m);
    } else {
        stepped = false;
        steps = 0;
        debugging->stepped(*this, false);
    }
}

MOTET_INLINE void pe::unwind_parked() {
    while (parked != nullptr) {
        waiter* w = parked;
        w->cancelled = true;
        ready = {}; // waiters that are unwound must not stand in a list any more
        loose = {};
        at_hooks = at_thaw = {};
        enter();
        go_on(*w);
    }
}

MOTET_INLINE void pe::take_timers() {
    if (timers.empty()) return;
    const double time = now();
    while (!timers.empty() && timers.front().at <= time) {
        std::pop_heap(timers.begin(), timers.end());
        message* due = timers.back().due;
        if (due->has(message::cancelled))
            discard(due);
        else
            enqueue(due);
        timers.pop_back();
    }
}

MOTET_INLINE void pe::drop_cancelled_timers() {
    cancelled_timers = 0;
    std::erase_if(timers, [this](const timer& t) {
        const bool gone = t.due->has(message::cancelled);
        if (gone) discard(t.due);
        return gone;
    });
    std::make_heap(timers.begin(), timers.end());
}

MOTET_INLINE void pe::settle_loose() {
    waiter_list rest;
    while (!loose.empty()) {
        waiter* w = loose.pop();
        if (w->satisfied(*w)) {
            make_ready(*w);
        } else {
            rest.push(w);
        }
    }
    loose = rest;
}

MOTET_INLINE void pe::abandon(frame& f) {
    std::fprintf(stderr,
                 "motet: warning: at the end of the run %s catches what unwinds it (catch (...)) and waits again, or "
                 "waits or calls motet::exit in a destructor\n",
                 state->place(*this, f).c_str());
    current_frame = nullptr;
    if (lent != nullptr) {
        guest& self = *lent;
        self.abandoned = self.finished = true;
        self.give_back();
        for (;;) self.wait();
    }
    for (;;) fibers->park();
}

[[gnu::noinline]] MOTET_INLINE void pe::enqueue_urgent(message* m) {
    attention = true;
    if (m->has(message::expedited)) return urgent.push(m);
    m->bytes = ++priority_count; // first in, first out among equals
    by_priority.push_back(m);
    std::push_heap(by_priority.begin(), by_priority.end(), less_urgent);
}

[[gnu::noinline]] MOTET_INLINE void pe::take_pushed(message* m) {
    while (m != nullptr) {
        message* next = m->next;
        if (next != nullptr) __builtin_prefetch(next);
        if (m->type == batch_type) {
            message** items = batch_items(m);
            for (std::uint32_t i = 0; i < m->bytes; ++i) __builtin_prefetch(items[i]);
            for (std::uint32_t i = 0; i < m->bytes; ++i) enqueue(items[i]);
            release(m);
        } else {
            enqueue(m);
        }
        m = next;
    }
}

[[gnu::cold]] MOTET_INLINE void pe::no_such_pe(pe_number to) {
    broken("a message to PE " + std::to_string(to) + ", which does not exist");
}

[[gnu::noinline]] MOTET_INLINE void pe::send_across(pe_number to, message* m) {
    const std::uint32_t local = to - home.first_pe;
    if (local >= home.pe_count) [[unlikely]] {
        if (to >= job.pe_total()) no_such_pe(to);
        return job.remote->send(*this, to, m);
    }
    if (m->has(message::expedited)) [[unlikely]]
        return hand_over(local, m);
    // The first message of a handler goes at once where nothing is in line behind that: others may wait for it.
    if (!dirty.empty() || !queue.empty() || turn() == handed_over_in) return send_with_others(local, m);
    handed_over_in = turn();
    hand_over(local, m);
}

[[gnu::noinline]] MOTET_INLINE void pe::send_with_others(std::uint32_t local, message* m) {
    outbox& box = outboxes[local];
    if (box.batch != nullptr) {
        batch_items(box.batch)[box.batch->bytes++] = m;
        if (box.batch->bytes == batch_capacity) {
            peer(local).incoming.push(box.batch);
            box.batch = nullptr; // stays in the dirty list, empty
        }
    } else if (box.single != nullptr) {
        box.batch = allocate<batch_bytes>(batch_type);
        batch_items(box.batch)[0] = box.single;
        batch_items(box.batch)[1] = m;
        box.batch->bytes = 2;
        box.single = nullptr;
    } else {
        box.single = m;
        if (dirty.empty()) budget = 0;
        dirty.push_back(local);
    }
}

[[gnu::noinline]] MOTET_INLINE void pe::send_by_detour(pe_number to, message* m) {
    if (holding != nullptr && !m->has(message::uncounted)) return holding->push_back({to, m});
    if (!observers.empty() && !m->has(message::uncounted)) observe_sent(to, m);
    send_again(to, m);
}

[[gnu::noinline]] MOTET_INLINE void pe::dispatch_by_detour(message* m) {
    const message_type& type = type_of(*m);
    if (frozen ? !type.system : halted && !type.system && !type.looks) return kept.push(m);
    if (observers.empty() || type.is_method() || m->has(message::uncounted)) return type.run(*this, m);
    // A step of the runtime. Methods of chares tell of themselves, for not every one has a message of its own.
    frame step{.below = current_frame, .type = m->type, .counted = false, .may_wait = false};
    current_frame = &step;
    observe_begin(step, m);
    type.run(*this, m);
    current_frame = step.below;
    observe_end(step);
}

MOTET_INLINE void pe::observe_sent(pe_number to, message* m) { observers.tell(&observer::sent, *this, to, *m); }

MOTET_INLINE void pe::observe_begin(frame& f, message* m) {
    f.run = ++observed_runs;
    f.running_since = now();
    observers.tell(&observer::began, *this, f, m);
}

MOTET_INLINE void pe::observe_end(frame& f) {
    if (!f.is_open()) return; // it is unwound
    observers.tell(&observer::ended, *this, f, now());
    f.run = 0;
}

MOTET_INLINE void pe::observe_park(const waiter& w) {
    observers.tell(&observer::parked, *this, w, w.since);
    for (frame* each = w.running; each != nullptr; each = each->below) each->running_since = frame::paused;
}

MOTET_INLINE void pe::observe_resume(const waiter& w) {
    const double time = now();
    if (!w.cancelled)
        for (frame* each = w.running; each != nullptr; each = each->below) each->running_since = time;
    observers.tell(&observer::resumed, *this, w, time);
}

MOTET_INLINE void pe::describe_running(char* buffer, std::size_t size) {
    pe* const p = current_slot();
    const bool in_a_frame = p != nullptr && p->current_frame != nullptr;
    std::snprintf(buffer, size, "the scheduler");
    if (!in_a_frame) return;
    p->state->place_in_brief(*p->current_frame, buffer, size);
    std::snprintf(buffer, size, "%s", p->state->place(*p, *p->current_frame).c_str());
}

[[gnu::cold]] MOTET_INLINE void pe::refuse_outside() {
    throw error(
        "this needs a running program: call it inside of motet::run, from main or from an entry method, not from a "
        "thread of your own");
}

[[gnu::cold]] MOTET_INLINE void pe::refuse_held(const char* what) {
    throw error(std::string(what) + ": not in an atomic script, for it could not be undone");
}

#endif // MOTET_BODIES

/// Where the result of a message goes, if it has that.
inline address& reply_of(message& m) {
    return *reinterpret_cast<address*>(static_cast<std::byte*>(m.payload()) + pe::type_of(m).payload_bytes);
}

/// The PE that the caller runs on. Throws `error` outside of a run.
[[gnu::always_inline]] inline pe& this_pe() {
    pe* p = pe::current_slot();
    if (p == nullptr) [[unlikely]]
        pe::refuse_outside();
    return *p;
}

} // namespace motet::inline MOTET_VARIANT::runtime
