// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/hook.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The hooks of a PE, and how it stands still: what debug.hpp knows of on PE 0.
namespace motet::inline MOTET_VARIANT::script {

/// The hooks of a PE, and what it has to tell PE 0 of them.
class [[gnu::visibility("hidden")]] pe_debugger final : public runtime::debugger {
public:
    static pe_debugger& of(runtime::pe& p) { return runtime::kept_as<pe_debugger>(p.debugging); }
    pe_debugger() = default;
    pe_debugger(const pe_debugger&) = delete;
    pe_debugger& operator=(const pe_debugger&) = delete;
    ~pe_debugger() override {
        if (hooks.empty()) return;
        const gil lock;
        hooks.clear();
    }

    verdict before(runtime::pe& p, const runtime::frame& f, runtime::message& m) override {
        if (!ask(p, f, m, true)) return verdict::run;
        return stand(p, f, m);
    }
    void after(runtime::pe& p, const runtime::frame& f, runtime::message& m) override {
        if (ask(p, f, m, false)) stop(p);
    }
    void stepping(runtime::pe& p, const runtime::waiter* w, const runtime::message* m) override;
    void stepped(runtime::pe& p, bool moved) override;

    /// An error text, or empty.
    std::string install(runtime::pe& p, shared_hook what);
    void remove(runtime::pe& p, std::uint32_t handle);
    hook_here* find(std::uint32_t handle) {
        const auto found =
            std::find_if(hooks.begin(), hooks.end(), [&](const auto& each) { return each->what->handle == handle; });
        return found == hooks.end() ? nullptr : found->get();
    }
    /// The PE stands still from now on, and PE 0 is told.
    void stop(runtime::pe& p);

    std::vector<std::unique_ptr<hook_here>> hooks;
    std::uint64_t freezes = 0;                   ///< of the whole program that it has seen
    std::vector<value> notices;                  ///< why it stands still, for PE 0
    std::string ending;                          ///< the error that ends the program when it goes on
    std::vector<value> ran;                      ///< steps, since PE 0 was told
    std::uint64_t step_order = 0;                ///< PE 0's number for them
    std::unique_ptr<runtime::upper_state> share; ///< of an order (debug.hpp)

private:
    struct asked {
        pe_debugger& all;
        runtime::pe& p;
        const runtime::frame& f;
        runtime::message& m;
        bool before;
        bool found;
        std::vector<std::pair<std::uint32_t, script_outcome>> failed;
    };
    bool ask(runtime::pe& p, const runtime::frame& f, runtime::message& m, bool before);
    void ask_with_python(asked& what);
    verdict stand(runtime::pe& p, const runtime::frame& f, const runtime::message& m);
    void send_output(runtime::pe& p, hook_here& hook);
    friend void take_output_receipt(runtime::pe& p, std::uint32_t handle);
};

/// To PE 0: see debug.hpp.
inline void want_freeze(runtime::pe& p, std::uint64_t freezes);
inline void take_hook_failure(runtime::pe& p, std::uint32_t handle, value::dict event);
inline void take_hook_output(runtime::pe& p, std::uint32_t handle, std::string text, runtime::pe_number from);
inline void take_steps(runtime::pe& p, std::uint64_t order, std::vector<value> ran);

inline value::dict event_at(const char* kind, runtime::pe& p, const runtime::frame& f) {
    value::dict event;
    add(event, "kind", text_value(kind));
    add(event, "pe", number_value(p.number));
    add_chare(event, *static_cast<const runtime::part*>(f.part),
              static_cast<const runtime::element_header*>(f.element)->index);
    add(event, "entry", text_value(runtime::registry::get<runtime::message_type>(f.type).name()));
    return event;
}

inline bool pe_debugger::ask(runtime::pe& p, const runtime::frame& f, runtime::message& m, bool before) {
    const auto& c = *static_cast<const runtime::part*>(f.part);
    const auto& e = *static_cast<const runtime::element_header*>(f.element);
    if (std::none_of(hooks.begin(), hooks.end(), [&](const auto& each) { return each->fits(c, e, m, before); }))
        return false;
    asked what{*this, p, f, m, before, false, {}};
    p.fibers->call_on_thread(
        [](void* pointer) {
            auto& all = *static_cast<asked*>(pointer);
            all.all.ask_with_python(all);
        },
        &what);
    for (auto& [handle, problem] : what.failed) {
        value::dict event = event_at("error", p, f);
        add(event, "when", text_value(before ? "before" : "after"));
        add(event, "hook", number_value(handle));
        add(event, "type", text_value(problem.error_type));
        add(event, "text", text_value(problem.error));
        add(event, "traceback", text_value(problem.traceback));
        runtime::post<&take_hook_failure>(p, 0, handle, std::move(event));
    }
    for (const auto& each : hooks)
        if (!each->output.empty() && !each->sending) send_output(p, *each);
    return what.found;
}

inline void pe_debugger::ask_with_python(asked& what) {
    const gil lock;
    auto& c = *static_cast<runtime::part*>(what.f.part);
    auto& e = *static_cast<runtime::element_header*>(what.f.element);
    for (const auto& each : hooks) {
        if (!each->fits(c, e, what.m, what.before)) continue;
        hook_call call{what.m};
        running_script running(what.p, c, e, each->variables);
        running.hook = &call;
        running_script* const outer = std::exchange(running_script::current(), &running);
        script_outcome problem;
        value found;
        hook_turn turn(each->watched, &what.f);
        try {
            if (each->run(running, found)) {
                ++each->stops;
                what.found = true;
                value::dict notice = event_at("hook", what.p, what.f);
                add(notice, "when", text_value(what.before ? "before" : "after"));
                add(notice, "hook", number_value(each->what->handle));
                add(notice, "value", std::move(found));
                notices.push_back({std::move(notice)});
            }
        } catch (py::error_already_set& raised) {
            end_child(running);
            turn.end();
            take_error(problem, raised);
            turn.explain(problem, raised);
        } catch (...) {
            take_current_error(problem);
        }
        end_child(running);
        running_script::current() = outer;
        if (problem.failed()) {
            each->off = true;
            what.failed.emplace_back(each->what->handle, std::move(problem));
        }
        if (!running.output.empty()) each->output.add(running.output.take());
    }
}

inline pe_debugger::verdict pe_debugger::stand(runtime::pe& p, const runtime::frame& f, const runtime::message& m) {
    auto& e = *static_cast<runtime::element_header*>(f.element);
    ++e.pins;
    runtime::frame here{.element = f.element, .part = f.part, .type = m.type, .counted = false};
    const runtime::frame_scope scope(p, here);
    stop(p);
    runtime::waiter w;
    w.describe = [](runtime::waiter&) { return std::string("before its method, where a hook has stopped it"); };
    p.at_hooks.push(&w);
    try {
        p.park(w);
    } catch (const fiber::unwind&) {
        return verdict::ended;
    }
    --e.pins;
    return verdict::again;
}

inline void pe_debugger::stop(runtime::pe& p) {
    p.steps = 0;
    if (p.halted) return; // a step has led here: its report says it
    p.halt();
    runtime::post_uncounted<&want_freeze>(p, 0, freezes);
}

inline std::string pe_debugger::install(runtime::pe& p, shared_hook what) {
    struct errand {
        pe_debugger& all;
        runtime::pe& p;
        shared_hook what;
        std::string problem;
    } made{*this, p, std::move(what), {}};
    p.fibers->call_on_thread(
        [](void* pointer) {
            auto& job = *static_cast<errand*>(pointer);
            try {
                const gil lock;
                auto hook = std::make_unique<hook_here>(job.p, std::move(job.what));
                hook_turn turn(hook->watched, nullptr);
                try {
                    hook->prepare();
                } catch (py::error_already_set& raised) {
                    turn.end();
                    script_outcome problem;
                    take_error(problem, raised);
                    turn.explain(problem, raised);
                    job.problem = problem.error_type + ": " + problem.error;
                    return;
                }
                job.all.hooks.push_back(std::move(hook));
            } catch (const std::exception& problem) { // Python does not start
                job.problem = problem.what();
            }
        },
        &made);
    if (!hooks.empty()) p.hooks = this;
    return made.problem;
}

inline void pe_debugger::remove(runtime::pe& p, std::uint32_t handle) {
    struct errand {
        pe_debugger& all;
        std::uint32_t handle;
    } gone{*this, handle};
    if (find(handle) == nullptr) return;
    p.fibers->call_on_thread(
        [](void* pointer) {
            auto& job = *static_cast<errand*>(pointer);
            const gil lock;
            std::erase_if(job.all.hooks, [&](const auto& each) { return each->what->handle == job.handle; });
        },
        &gone);
    if (hooks.empty()) p.hooks = nullptr;
}

inline void pe_debugger::send_output(runtime::pe& p, hook_here& hook) {
    hook.sending = true;
    runtime::post<&take_hook_output>(p, 0, hook.what->handle, hook.output.take(), p.number);
}

/// PE 0 has taken output of the hook.
inline void take_output_receipt(runtime::pe& p, std::uint32_t handle) {
    pe_debugger& own = pe_debugger::of(p);
    hook_here* const hook = own.find(handle);
    if (hook == nullptr) return;
    hook->sending = false;
    if (!hook->output.empty()) own.send_output(p, *hook);
}

inline void pe_debugger::stepping(runtime::pe& p, const runtime::waiter* w, const runtime::message* m) {
    value::dict what;
    add(what, "pe", number_value(p.number));
    const runtime::part* c = m != nullptr ? runtime::local_chares::of(p).find(p, m->collection) : nullptr;
    if (w != nullptr && w->running->element != nullptr) {
        add_chare(what, *static_cast<const runtime::part*>(w->running->part),
                  static_cast<const runtime::element_header*>(w->running->element)->index);
        add(what, "entry",
            text_value(w->running->type != 0 ? runtime::registry::get<runtime::message_type>(w->running->type).name()
                                             : "a hook"));
    } else if (w != nullptr) {
        add(what, "entry", text_value(p.state->place(p, *w->running)));
    } else if (m != nullptr) {
        const runtime::message_type& type = runtime::pe::type_of(*m);
        if (c != nullptr && type.is_method()) add_chare(what, *c, m->index);
        add(what, "entry", text_value(type.name()));
    } else {
        add(what, "entry", text_value("an element of a broadcast"));
    }
    ran.push_back({std::move(what)});
}

inline void pe_debugger::stepped(runtime::pe& p, bool moved) {
    if ((moved && p.steps > 0) || step_order == 0) return;
    for (value& each : std::exchange(notices, {})) ran.push_back(std::move(each));
    runtime::post_uncounted<&take_steps>(p, 0, std::exchange(step_order, 0), std::exchange(ran, {}));
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
