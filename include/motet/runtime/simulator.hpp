// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/fiber/overflow_guard.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/runtime/quiescence.hpp>
#include <motet/runtime/random.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

/// The driver that runs every PE of every process on one thread, in an order that a seed decides, under a virtual
/// clock.
///
/// 1. Every message is an event with the virtual time of its arrival. Equal times are ordered by urgency, then by a
///    random key that grows with time (`--motet-sim-shuffle off`: by the order of sending).
/// 2. A PE that is still computing at that time keeps the message until it is done.
/// 3. Between processes arguments are encoded and decoded, and the network model says how long the way takes.
/// 4. Time passes by `motet::charge` only (`--motet-sim-measure`: by measured time), so that a seed replays a run.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

class simulator final : public simulator_port {
public:
    explicit simulator(machine& owner)
        : job(owner), fibers(owner.options.stack, &loop, this), random{owner.options.seed}, clocks(owner.pe_total()),
          waiting(owner.pe_total()), leaves(owner.process_total()) {
        for (auto& p : job.pes) {
            p->fibers = &fibers;
            p->simulate(*this);
        }
    }
    simulator(const simulator&) = delete;
    simulator& operator=(const simulator&) = delete;
    ~simulator() override {
        for (const event& e : events)
            if (e.what != nullptr) job.pes[e.to]->discard(e.what);
        for (pe_number i = 0; i < waiting.size(); ++i)
            for (const event& e : waiting[i].messages) job.pes[i]->discard(e.what);
    }

    void run() {
        {
            const fiber::overflow_guard guard(&running_fiber, &pe::describe_running);
            fibers.run();
        }
        pe::current_slot() = nullptr;
    }

    void post(pe& from, pe_number to, message* m, double after) override {
        if (to >= job.pe_total()) pe::no_such_pe(to);
        measure();
        clock& sender = clocks[from.number];
        double time = sender.now + after;
        double path = sender.path + after;
        process& origin = from.home;
        pe& target = *job.pes[to];
        if (&target.home != &origin) {
            m = carry(from, target, m);
            if (!m->has(message::uncounted)) {
                const network_model& net = job.options.network;
                advance(from, net.overhead);
                const double on_wire = net.bandwidth > 0 ? m->bytes / net.bandwidth : 0;
                double& leave = leaves[origin.number];
                leave = std::max(leave, sender.now);
                time = leave + net.latency + on_wire;
                path = sender.path + net.latency + on_wire;
                leave += std::max(net.gap, on_wire);
                ++network_messages;
                network_bytes += m->bytes;
            }
        }
        if (!m->has(message::uncounted)) {
            ++messages;
            if (job.options.delay > 0) time += random.unit() * job.options.delay;
        }
        push({time, urgency(*m), shuffled_key(), ++order, path, m, to});
    }
    void timer_cancelled() override {
        if (2 * ++cancelled_timers <= events.size() || events.size() <= pe::least_timers) return;
        cancelled_timers = 0;
        std::erase_if(events, [this](const event& e) {
            const bool gone = e.what != nullptr && e.what->has(message::cancelled);
            if (gone) job.pes[e.to]->discard(e.what);
            return gone;
        });
        std::make_heap(events.begin(), events.end(), &later);
    }
    /// Messages that have not come yet.
    std::size_t waiting_events() const { return events.size(); }
    void charge(pe& p, double seconds) override {
        if (!job.options.measure) advance(p, seconds);
    }
    double now(const pe& p) override {
        measure();
        return clocks[p.number].now;
    }
    double path(const pe& p) const override { return clocks[p.number].path; }
    void join_path(const pe& p, double other) override {
        clocks[p.number].path = std::max(clocks[p.number].path, other);
    }
    std::size_t queued(const pe& p) const override { return waiting[p.number].messages.size(); }

    /// The table shown at the end of a simulated run.
    std::string table() const {
        double end = 0;
        double busy = 0;
        for (const clock& c : clocks) {
            end = std::max(end, c.now);
            busy += c.busy;
        }
        char text[1024];
        std::snprintf(text, sizeof text,
                      "simulated %u processes of %u PEs, seed %llu%s\n"
                      "  virtual time        %.9g s\n"
                      "  messages            %llu\n"
                      "  between processes   %llu messages, %llu bytes\n"
                      "  utilization         %.1f %%\n"
                      "  critical path       %.9g s\n",
                      job.options.processes, job.options.pes, static_cast<unsigned long long>(job.options.seed),
                      job.options.measure ? ", measured time: this run cannot be replayed" : "", end,
                      static_cast<unsigned long long>(messages), static_cast<unsigned long long>(network_messages),
                      static_cast<unsigned long long>(network_bytes),
                      end > 0 ? 100 * busy / end / static_cast<double>(clocks.size()) : 0.0, longest_path);
        return text;
    }

private:
    struct event {
        double time;
        std::int64_t urgency;
        std::uint64_t key;
        std::uint64_t order;
        double path;
        message* what; ///< null: the PE has finished what it was computing, or others had their turn
        pe_number to;
    };
    static bool later(const event& a, const event& b) {
        if (a.time != b.time) return a.time > b.time;
        return less_urgent(a, b);
    }
    static bool less_urgent(const event& a, const event& b) {
        if (a.urgency != b.urgency) return a.urgency > b.urgency;
        return a.key != b.key ? a.key > b.key : a.order > b.order;
    }
    struct clock {
        double now = 0;
        double path = 0;
        double busy = 0;
    };
    struct waiting_room {
        std::vector<event> messages; ///< a heap by urgency
        bool called = false;         ///< an event will come for them
    };

    /// Where an event stands among others of its time: it may overtake any of those that wait, but each can only be
    /// overtaken so often. Else two messages that follow each other around at one time would keep a third waiting for
    /// ever.
    std::uint64_t shuffled_key() {
        if (!job.options.shuffle) return 0;
        return order + random() % (2 * std::max<std::uint64_t>(events.size(), 8));
    }
    static std::int64_t urgency(const message& m) {
        return m.has(message::expedited) ? std::int64_t{INT32_MIN} - 1 : m.has(message::prioritized) ? m.priority : 0;
    }
    void push(const event& e) {
        events.push_back(e);
        std::push_heap(events.begin(), events.end(), &later);
    }
    /// Encodes a message and decodes it in another process.
    message* carry(pe& from, pe& target, message* m) {
        const message_type& type = pe::type_of(*m);
        if (type.encode == nullptr)
            broken("a message that cannot be serialized would leave its process: " + type.name());
        try {
            return carried(from, target, m, type);
        } catch (...) { // a user's own serialize may throw: to the sender
            from.take_back(m);
            throw;
        }
    }
    message* carried(pe& from, pe& target, message* m, const message_type& type) {
        serial::writer out;
        type.encode(*m, out);
        message* copy = target.allocate(m->type, type.payload_bytes + (m->has(message::replies) ? sizeof(address) : 0));
        const std::uint8_t size_class = copy->size_class;
        *copy = *m;
        copy->size_class = size_class;
        copy->flags = static_cast<std::uint8_t>(m->flags & ~message::constructed);
        copy->bytes = static_cast<std::uint32_t>(sizeof(message) + out.size());
        serial::reader in(out.bytes());
        try {
            type.decode(*copy, in);
        } catch (...) {
            target.discard(copy);
            throw;
        }
        if (m->has(message::replies)) reply_of(*copy) = reply_of(*m);
        if (m->has(message::stamped)) stamp_of(*copy) = stamp_of(*m);
        if (!from.observers.empty() && !m->has(message::uncounted))
            from.observers.tell(&observer::serialized, from, *m, copy->bytes);
        type.destroy(*m);
        from.release(m);
        return copy;
    }

    static void loop(void* pointer) {
        simulator& own = *static_cast<simulator*>(pointer);
        own.finish_step(); // what the fiber that parked has left
        while (!own.job.stopped) {
            if (own.events.empty()) {
                pe& first = *own.job.pes[0];
                first.enter();
                own.begin_step(first);
                if (consider_wave(first) < 0) broken("a simulated run stands still");
                own.finish_step();
                continue;
            }
            std::pop_heap(own.events.begin(), own.events.end(), &later);
            const event e = own.events.back();
            own.events.pop_back();
            own.handle(e);
        }
        // Each fiber that is unwound ends in a loop of its own, which goes on here.
        for (; own.unwound < own.job.pes.size(); ++own.unwound) own.job.pes[own.unwound]->unwind_parked();
    }
    void handle(const event& e) {
        if (e.what != nullptr && e.what->has(message::cancelled)) return job.pes[e.to]->discard(e.what);
        clock& c = clocks[e.to];
        waiting_room& room = waiting[e.to];
        if (e.what == nullptr) { // the PE is free again
            if (room.messages.empty()) return go_on(e);
            std::pop_heap(room.messages.begin(), room.messages.end(), &less_urgent);
            const event next = room.messages.back();
            room.messages.pop_back();
            step(next, e.time);
            return;
        }
        if (room.called || c.now > e.time) {
            room.messages.push_back(e);
            std::push_heap(room.messages.begin(), room.messages.end(), &less_urgent);
            call(e.to);
            return;
        }
        step(e, e.time);
    }
    void call(pe_number number) {
        waiting_room& room = waiting[number];
        if (room.called) return;
        room.called = true;
        push({clocks[number].now, INT64_MIN, 0, ++order, 0, nullptr, number});
    }
    void step(const event& e, double time) {
        clock& c = clocks[e.to];
        waiting[e.to].called = false;
        c.now = std::max(c.now, time);
        c.path = e.path;
        longest_path = std::max(longest_path, c.path);
        pe& p = *job.pes[e.to];
        p.enter();
        begin_step(p);
        p.dispatch(e.what);
        finish_step();
    }
    /// With what is ready on a PE, when others had their turn (pe::attend).
    void go_on(const event& e) {
        waiting[e.to].called = false;
        pe& p = *job.pes[e.to];
        p.enter();
        begin_step(p);
        finish_step();
    }
    void advance(pe& p, double seconds) {
        clock& c = clocks[p.number];
        c.now += seconds;
        c.path += seconds;
        c.busy += seconds;
        longest_path = std::max(longest_path, c.path);
    }
    /// Adds the time computed since the last look to the clock of the PE that runs, where that is measured.
    void measure() {
        if (!job.options.measure || active == nullptr) return;
        const auto time = std::chrono::steady_clock::now();
        advance(*active, std::chrono::duration<double>(time - mark).count());
        mark = time;
    }
    void begin_step(pe& p) {
        active = &p;
        frames_before = p.frames;
        if (job.options.measure) mark = std::chrono::steady_clock::now();
    }
    /// Runs what the handler left ready on its PE. Also the first thing a fiber does that carries the loop on.
    void finish_step() {
        attend();
        if (active == nullptr) return;
        measure();
        // Only where a method of a chare ran: what a move itself sends must not bring on the next one.
        if (pe& p = *active;
            p.frames != frames_before && !p.halted && job.options.migrate > 0 && random.unit() < job.options.migrate) {
            p.enter();
            p.state->shake(p, random());
            frames_before = p.frames;
            attend(); // whom a hook has let go on
            if (active == nullptr) return;
            measure();
        }
        const pe& done = *std::exchange(active, nullptr);
        if (!waiting[done.number].messages.empty() || done.attention) call(done.number);
    }
    void attend() {
        // While a piece of it was away on another fiber, that one may have finished this step and begun others.
        while (active != nullptr && !job.stopped && active->attention && active->attend()) {}
    }
    static fiber::fiber* running_fiber() {
        pe* p = pe::current_slot();
        return p != nullptr ? p->fibers->current() : nullptr;
    }

    machine& job;
    scheduler fibers;
    random_source random;
    std::vector<clock> clocks;
    std::size_t unwound = 0; ///< PEs whose parked fibers are, at the end
    std::vector<waiting_room> waiting;
    std::vector<double> leaves;       ///< when each process's link is free
    std::vector<event> events;        ///< a heap by time
    std::size_t cancelled_timers = 0; ///< since they were looked through
    std::uint64_t order = 0;
    std::uint64_t messages = 0;
    std::uint64_t network_messages = 0;
    std::uint64_t network_bytes = 0;
    double longest_path = 0;
    pe* active = nullptr; ///< whose handler runs
    std::uint64_t frames_before = 0;
    std::chrono::steady_clock::time_point mark;
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
