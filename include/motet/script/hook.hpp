// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/call.hpp>
#include <motet/script/debug_request.hpp>
#include <motet/script/execute.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Hooks on one PE: scripts that run before or after messages.
///
/// 1. A message is a call of an entry method, by itself or out of a broadcast (which gives each element a message of
///    its own while there are hooks). Hooks before it run when its `when` allows it, hooks after it when it has
///    returned, on the PE's own thread. All that fit run, in the order in which they were installed. They never wait.
/// 2. Each has variables of its own on each PE, for all chares there: two PEs may run it at once.
/// 3. What it gives, if that is not None, makes the PE stand still at once, and PE 0 (debug.hpp) has the others do so
///    too. Before a message it is the fiber that stops, with its chare pinned, and the message has not run; after one
///    it is the PE, before it turns to the next message.
/// 4. A hook that raises is not asked again on its PE, and PE 0 removes it everywhere: what a check that is wrong would
///    say of each message tells nothing more. So it is with one that keeps its PE for longer than it may, and with one
///    that is interrupted: the next message would find it as it was (hook_watch.hpp).
/// 5. What it prints goes to PE 0, where it is kept as that of any script. The next is sent when the last has been
///    taken: meanwhile it is collected, up to a bound.
namespace motet::inline MOTET_VARIANT::script {

/// A hook on its way to the PEs: the names that the request has stand for these numbers.
struct hook_order {
    std::uint32_t handle = 0;
    std::uint64_t run = 0; ///< as script_control names it
    hook_request request;
    std::vector<std::uint32_t> entries; ///< registered numbers; empty: any
    runtime::collection_id collection;  ///< not of no_pe: this one only
    bool one_chare = false;             ///< of it the one at `single`
    runtime::index_bits single;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(handle, run, request, entries, collection.root, collection.serial, one_chare, single.low, single.high);
    }
};
using shared_hook = std::shared_ptr<const hook_order>;

/// A name fits where it is the whole, or what follows a "::" in it.
inline bool names(const std::string& whole, const std::string& name) {
    return whole == name || (whole.size() > name.size() + 2 && whole.ends_with(name) &&
                             whole.compare(whole.size() - name.size() - 2, 2, "::") == 0);
}

/// A hook on one PE. Made, run and destroyed with Python's lock.
class [[gnu::visibility("hidden")]] hook_here {
public:
    hook_here(runtime::pe& p, shared_hook order) : what(std::move(order)) {
        watched.handle = what->handle;
        watched.run = what->run;
        watched.p = &p;
        watched.limit = what->request.limit;
        script_control::of(p.job).begin(watched);
    }
    hook_here(const hook_here&) = delete;
    hook_here& operator=(const hook_here&) = delete;
    ~hook_here() {
        if (script_control* const control = script_control::find(watched.p->job)) control->end(watched);
    }

    /// Before it runs for the first time. Throws error_already_set.
    void prepare() {
        variables.variables["__builtins__"] = py::module_::import("builtins");
        variables.variables["__name__"] = "__hook__";
        variables.variables["ck"] = py::module_::import("ck");
        const hook_request& wanted = what->request;
        if (!wanted.filter.empty()) {
            const py::tuple parts = (*helpers())["compiled"](text_to_python(wanted.filter));
            if (!parts[0].is_none() || parts[1].is_none())
                raise(PyExc_SyntaxError, "the filter of a hook is no expression: " + wanted.filter);
            filter = parts[1];
        }
        if (wanted.method.empty()) {
            const py::tuple parts = (*helpers())["compiled"](text_to_python(wanted.code));
            body = parts[0];
            last = parts[1];
            return;
        }
        run_code(variables, wanted.code);
        PyObject* const found = PyDict_GetItemString(variables.variables.ptr(), wanted.method.c_str());
        if (found == nullptr || PyCallable_Check(found) == 0)
            raise(PyExc_NameError, "there is no function '" + wanted.method + "' in the code of the hook");
        function = py::reinterpret_borrow<py::object>(found);
    }

    /// Whether it is to run at a message for that element.
    bool fits(const runtime::part& c, const runtime::element_header& e, const runtime::message& m, bool before) {
        if (off || what->request.before != before) return false;
        if (!what->entries.empty() && !std::binary_search(what->entries.begin(), what->entries.end(), m.type))
            return false;
        const place& known = place_of(c);
        return known.fits && (!known.one || known.index == e.index);
    }

    /// Runs it; false: it has found nothing. Throws error_already_set.
    bool run(running_script& running, value& found) {
        look_into(running.c, running.e);
        struct at_the_end {
            hook_here& hook;
            running_script& script;
            ~at_the_end() { hook.look_away(script); }
        } const end{*this, running};
        ++calls;
        if (filter) {
            const auto is = evaluated(filter);
            const int holds = PyObject_IsTrue(is.ptr());
            check(holds >= 0);
            if (holds == 0) return false;
        }
        py::object result = py::none();
        if (function) {
            PyObject* const argument = self.ptr();
            result = py::reinterpret_steal<py::object>(PyObject_Vectorcall(function.ptr(), &argument, 1, nullptr));
            check(static_cast<bool>(result));
        } else {
            if (!body.is_none()) evaluated(body);
            if (!last.is_none()) result = evaluated(last);
        }
        if (result.is_none()) return false;
        found = to_value(result.ptr());
        return true;
    }

    const shared_hook what;
    watched_hook watched;
    bool off = false;        ///< it has raised, or is removed
    std::uint64_t calls = 0; ///< how often it ran
    std::uint64_t stops = 0; ///< how often it gave something
    output_ring output;      ///< that PE 0 has not been sent
    bool sending = false;    ///< what it has been sent is not taken yet
    space variables{nullptr};

private:
    /// What there is to know of a collection.
    struct place {
        const runtime::part* of;
        bool fits = false;
        bool one = false; ///< only the element at `index`
        runtime::index_bits index;
    };
    const place& place_of(const runtime::part& c) {
        for (const place& each : places)
            if (each.of == &c) return each;
        place made{.of = &c, .index = {}};
        const hook_request& wanted = what->request;
        const bool named = what->collection.root != runtime::no_pe;
        made.fits = named               ? c.info->id == what->collection
                    : wanted.on.empty() ? true
                                        : names(std::string(c.type->describe().name), wanted.on);
        if (made.fits && what->one_chare) {
            made.one = true;
            made.index = what->single;
        } else if (made.fits && !wanted.index.empty()) {
            made.one = true;
            try {
                made.index = c.type->from_coordinates(wanted.index);
            } catch (const error&) { // no index of this collection
                made.fits = false;
            }
        }
        places.push_back(made);
        return places.back();
    }

    py::object evaluated(const py::object& code) const {
        return script::evaluated(code, variables.variables, variables.variables);
    }
    /// `self` becomes this chare.
    void look_into(runtime::part& c, runtime::element_header& e) {
        if (seen != &c) {
            variables.chare = std::make_shared<scope>(nullptr, c.type->describe(), c.type->name());
            self = {};
            seen = &c;
        }
        variables.chare->reopen(c.type->object(e));
        if (self) return;
        self = self_of(variables);
        variables.variables["self"] = self;
    }
    /// And counts no longer. Whatever the hook has kept of it must not become another chare the next time.
    void look_away(const running_script& script) noexcept {
        variables.chare->close();
        if (script.hook->arguments) script.hook->arguments->close();
        if (Py_REFCNT(self.ptr()) == 2 && variables.chare.use_count() == 2) return;
        seen = nullptr;
    }

    py::object filter;
    py::object body;
    py::object last;
    py::object function;
    py::object self;
    const runtime::part* seen = nullptr;
    std::vector<place> places;
};

/// The hooks of a PE, and what it has to tell PE 0 of them.
class [[gnu::visibility("hidden")]] pe_debugger final : public runtime::debugger {
public:
    static pe_debugger& of(runtime::pe& p) {
        if (!p.debugging) p.debugging = std::make_unique<pe_debugger>();
        return static_cast<pe_debugger&>(*p.debugging);
    }
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
