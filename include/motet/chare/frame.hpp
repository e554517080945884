// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/entry.hpp>
#include <motet/chare/errors.hpp>
#include <motet/chare/move.hpp>
#include <motet/runtime/call.hpp>
#include <motet/runtime/waiter.hpp>

#include <algorithm>
#include <exception>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

/// One run of a method of a chare, from its call to what follows when it has returned:
///
/// 1. A frame pins its chare: `pins` counts the frames that stand in it.
/// 2. What the method returns or throws goes where the frame's reply says; thrown with no reply it ends the program.
/// 3. When it returns or parks, the chare's state may have changed: conditions of fibers parked in the chare are
///    looked at, and messages that a `when` held back (the first that may run now is put in line before all others).
/// 4. When no frame is left, what had to wait for that is done: a move, an erasure.
namespace motet::inline MOTET_VARIANT::runtime {

/// Makes `f` the current frame for as long as it lives.
class frame_scope {
public:
    frame_scope(pe& on, frame& f) : p(on) {
        f.below = p.current_frame;
        p.current_frame = &f;
    }
    frame_scope(const frame_scope&) = delete;
    frame_scope& operator=(const frame_scope&) = delete;
    ~frame_scope() { p.current_frame = p.current_frame->below; }

private:
    pe& p;
};

/// The failure that the exception being handled makes of frame `f`.
MOTET_INLINE failure failure_of(pe& p, const frame& f, const char* within = nullptr);
/// on(created) and on(arrived), if they have not run yet. They may wait.
MOTET_INLINE void run_due_hooks(pe& p, part& c, element_header& e);
/// Asks the `when` of a message that has one.
MOTET_INLINE bool admits(pe& p, part& c, element_header& e, const message& m);
/// Keeps a message until its `when` allows it, and the hooks of the chare have returned.
MOTET_INLINE void hold_back(pe& p, element_header& e, message* m);
/// Steps 3 and 4, after a frame of `e` has ended.
MOTET_INLINE void after_frame(pe& p, part& c, element_header& e);

#if MOTET_BODIES
MOTET_INLINE failure failure_of(pe& p, const frame& f, const char* within) {
    failure why = failure::current({}, {});
    if (f.element != nullptr) {
        why.chare =
            element_text(*static_cast<const part*>(f.part), static_cast<const element_header*>(f.element)->index) +
            " on PE " + std::to_string(p.number);
        if (within != nullptr)
            why.entry = within;
        else if (f.type != 0)
            why.entry = registry::get<message_type>(f.type).name();
    } else {
        why.chare = p.state->place(p, f);
    }
    return why;
}

/// A hook of the chare; what it throws ends the program.
inline void run_hook(pe& p, part& c, element_header& e, void (*hook)(element_header&), const char* name,
                     bool may_wait) {
    frame f{.element = &e, .part = &c, .counted = false, .may_wait = may_wait};
    const frame_scope scope(p, f);
    ++e.pins;
    if (!p.observers.empty()) p.observe_begin(f, nullptr);
    try {
        hook(e);
    } catch (const fiber::unwind&) {
        p.observe_end(f);
        if (may_wait) throw; // else it is motet::exit: what follows does no harm any more
    } catch (...) {
        fail_program(p, failure_of(p, f, name));
    }
    p.observe_end(f);
    --e.pins;
}

/// Broadcasts that came while a hook of `e` ran go on to it when what runs has ended (broadcast.hpp, step 3).
inline void catch_up_soon(pe& p, const element_header& e) {
    local_chares& here = local_chares::of(p);
    const auto found =
        std::find_if(here.later.begin(), here.later.end(), [&](const delivery_work& each) { return each.late == &e; });
    if (found == here.later.end()) return; // they have their place in line
    here.work.push_back(*found);
    here.later.erase(found);
    p.work_pending = p.attention = true;
}

MOTET_INLINE void run_due_hooks(pe& p, part& c, element_header& e) {
    if (!e.hooks_due()) return; // they run already, in another frame
    e.set(element_header::hooks_running);
    if (e.has(element_header::created_due)) {
        e.unset(element_header::created_due);
        run_hook(p, c, e, c.type->created, "on(motet::created)", true);
    }
    if (e.has(element_header::arrived_due)) {
        e.unset(element_header::arrived_due);
        run_hook(p, c, e, c.type->arrived, "on(motet::arrived)", true);
    }
    e.unset(element_header::hooks_running);
    if (e.has(element_header::catching_up)) catch_up_soon(p, e);
}

MOTET_INLINE bool admits(pe& p, part& c, element_header& e, const message& m) {
    frame f{.element = &e, .part = &c, .type = m.type, .counted = false, .may_wait = false};
    const frame_scope scope(p, f);
    try {
        return pe::type_of(m).admits(&e, m);
    } catch (...) {
        fail_program(p, failure_of(p, f, ("the `when` of " + pe::type_of(m).name()).c_str()));
        return false;
    }
}

MOTET_INLINE void hold_back(pe& p, element_header& e, message* m) {
    e.extend().held.push(m);
    e.set(element_header::watched);
    ++local_chares::of(p).when_held;
}

/// Step 3.
inline void look_at_conditions(pe& p, part& c, element_header& e) {
    element_extension& x = *e.extension;
    if (!x.conditions.empty()) {
        waiter_list waiting = std::exchange(x.conditions, {});
        while (!waiting.empty()) {
            waiter* w = waiting.pop();
            if (w->satisfied(*w))
                p.make_ready(*w);
            else
                x.conditions.push(w);
        }
    }
    message* before = nullptr;
    // Methods find what the hooks have made: here is looked again when those have returned.
    const bool not_yet = e.hooks_due() || e.has(element_header::hooks_running);
    for (message* m = not_yet ? nullptr : x.held.front(); m != nullptr; before = m, m = m->next) {
        if (pe::type_of(*m).admits != nullptr && !admits(p, c, e, *m)) continue;
        x.held.remove(before, m);
        --local_chares::of(p).when_held;
        m->set(message::expedited); // it has waited long enough
        p.enqueue_again(m);
        break;
    }
    if (x.conditions.empty() && x.held.empty()) e.unset(element_header::watched);
}

MOTET_INLINE void after_frame(pe& p, part& c, element_header& e) {
    if (e.has(element_header::watched)) look_at_conditions(p, c, e);
    if (e.pins != 0) return;
    if (e.has(element_header::erase_pending)) return erase_now(p, c, e);
    if (e.has(element_header::move_pending) && !e.hooks_due()) depart(p, c, e, e.extension->move_to);
}

/// A handler parks: pe::settle.
inline void settle_parked(pe& p, frame& f) {
    auto& e = *static_cast<element_header*>(f.element);
    if (e.has(element_header::watched)) look_at_conditions(p, *static_cast<part*>(f.part), e);
}

/// Ends a wait by unwinding what waits, as the end of the run would.
inline void cancel(pe& p, waiter& w) {
    if (std::exchange(w.cancelled, true) || w.ready) return;
    if (w.satisfied != nullptr && !p.loose.remove(&w) && w.running->element != nullptr) {
        auto& e = *static_cast<element_header*>(w.running->element);
        if (e.extension) e.extension->conditions.remove(&w);
    }
    p.make_ready(w);
}

/// A parked fiber waits for the state of its chare: pe::watch_element.
inline void watch(pe&, waiter& w) {
    auto& e = *static_cast<element_header*>(w.running->element);
    e.extend().conditions.push(&w);
    e.set(element_header::watched);
}
/// It does not any more, because it is unwound; what it does then may have other conditions looked at.
inline void unwatch(pe&, waiter& w) {
    static_cast<element_header*>(w.running->element)->extend().conditions.remove(&w);
}
#endif // MOTET_BODIES

/// The result of a method that called `next` instead of returning one.
inline void pass_on(pe& p, frame& f) {
    message* const m = std::exchange(f.successor, nullptr);
    if (f.pass_on != nullptr) [[unlikely]]
        f.pass_on(p, f, m);
    else
        p.send_successor(m);
}

/// The time of `f` from now on belongs to its chare, not to what called it, if that is measured; and whoever observes
/// the PE is told. `m`: its message; null where it has none.
MOTET_INLINE void begin_watching(pe& p, const part& c, frame& f, message* m);
MOTET_INLINE void end_watching(pe& p, part& c, frame& f, message* m);
#if MOTET_BODIES
inline void pause_measuring(pe& p, frame& f) {
    static_cast<element_header*>(f.element)->extend().load += std::max(0.0, p.now() - f.since);
    f.since = frame::paused;
}
inline void begin_measuring(pe& p, frame& f) {
    if (f.below != nullptr && f.below->since >= 0) pause_measuring(p, *f.below);
    f.since = p.now();
}
inline void end_measuring(pe& p, part& c, frame& f) {
    pause_measuring(p, f);
    f.since = frame::unmeasured;
    if (f.below != nullptr && f.below->since == frame::paused) f.below->since = p.now();
    if (c.due < std::numeric_limits<double>::infinity() && p.now() >= c.due) c.when_due(p, c);
}
MOTET_INLINE void begin_watching(pe& p, const part& c, frame& f, message* m) {
    f.watched = true;
    if (c.measured) begin_measuring(p, f);
    if (!p.observers.empty()) p.observe_begin(f, m);
}
MOTET_INLINE void end_watching(pe& p, part& c, frame& f, message* m) {
    if (f.since >= 0) end_measuring(p, c, f);
    p.observe_end(f);
    if constexpr (can_be_debugged)
        if (p.hooks != nullptr && m != nullptr && pe::type_of(*m).is_method()) p.hooks->after(p, f, *m);
}
#endif // MOTET_BODIES

/// Step 2: gives `value` to whoever asked.
template <class R, class Value>
void reply_with(pe& p, frame& f, Value&& value) {
    if constexpr (is_eventually<std::remove_cvref_t<R>>) {
        if (f.successor != nullptr) return pass_on(p, f);
        if (!value.value) throw error("this method returned an empty motet::eventually without calling motet::next");
        if (f.reply != nullptr) deliver(p, *f.reply, &*value.value);
    } else {
        if (f.reply != nullptr) deliver(p, *f.reply, &value);
    }
}

/// Runs `call`, which returns R, as a method of `e`, for the message `m` if it has one. False if the fiber is being
/// unwound: the chare may not be touched then.
template <class R, class Call>
bool run_method(pe& p, part& c, element_header& e, frame& f, message* m, Call&& call) {
    ++e.pins;
    ++p.frames;
    p.current_frame = &f;
    if (c.measured || !p.observers.empty()) [[unlikely]]
        begin_watching(p, c, f, m);
    try {
        if (e.hooks_due()) [[unlikely]]
            run_due_hooks(p, c, e);
        if constexpr (std::is_void_v<R>) {
            call();
            if (f.successor != nullptr) [[unlikely]]
                pass_on(p, f);
            else if (f.reply != nullptr)
                deliver_nothing(p, *f.reply);
        } else {
            auto value = call();
            reply_with<R>(p, f, value);
        }
    } catch (const fiber::unwind&) {
        p.current_frame = f.below;
        if (f.watched) p.observe_end(f);
        return false;
    } catch (...) {
        if (f.successor != nullptr) p.discard(std::exchange(f.successor, nullptr));
        failure why = failure_of(p, f);
        if (f.reply != nullptr)
            deliver_failure(p, *f.reply, std::move(why));
        else
            fail_program(p, why);
    }
    p.current_frame = f.below;
    if (f.watched) [[unlikely]]
        end_watching(p, c, f, m);
    --e.pins;
    if (e.flags != 0) [[unlikely]]
        after_frame(p, c, e);
    return true;
}

} // namespace motet::inline MOTET_VARIANT::runtime
