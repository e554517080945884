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
            filter = function_of(parts[1]);
        }
        if (wanted.method.empty()) {
            const py::tuple parts = (*helpers())["compiled"](text_to_python(wanted.code));
            if (!parts[0].is_none()) body = function_of(parts[0]);
            if (!parts[1].is_none()) last = function_of(parts[1]);
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
            const auto is = called(filter);
            const int holds = PyObject_IsTrue(is.ptr());
            check(holds >= 0);
            if (holds == 0) return false;
        }
        py::object result;
        if (function) {
            PyObject* const argument = self.ptr();
            result = py::reinterpret_steal<py::object>(PyObject_Vectorcall(function.ptr(), &argument, 1, nullptr));
            check(static_cast<bool>(result));
        } else {
            if (body) called(body);
            if (last) result = called(last);
        }
        if (!result || result.is_none()) return false;
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

    /// Code as a function without parameters, whose names are those of the hook: made once, it costs less each time.
    py::object function_of(const py::object& code) const {
        auto made = py::reinterpret_steal<py::object>(PyFunction_New(code.ptr(), variables.variables.ptr()));
        check(static_cast<bool>(made));
        return made;
    }
    static py::object called(const py::object& function) {
        auto given = py::reinterpret_steal<py::object>(PyObject_Vectorcall(function.ptr(), nullptr, 0, nullptr));
        check(static_cast<bool>(given));
        return given;
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

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
