// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/event.hpp>
#include <motet/script/order.hpp>

#if MOTET_BODIES

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The hooks of a program, as PE 0 knows them.
namespace motet::inline MOTET_VARIANT::script {

/// Who asks.
struct asker {
    client_number number = 0;
    std::string name = {}; ///< for people
};

class installed_hooks {
public:
    installed_hooks(order_queue& by, event_board& to) : orders(by), events(to) {}

    void take(runtime::pe& p, const asker& who, const hook_request& request, answer_to answer);
    void take(runtime::pe& p, const unhook_request& request, answer_to answer);
    void remove(runtime::pe& p, std::uint32_t handle, std::function<void()> then);
    void hear_failure(runtime::pe& p, std::uint32_t handle, value::dict event);
    /// The client is gone.
    void lose(runtime::pe& p, client_number who);
    /// Has the freeze of a hook held.
    void hold(runtime::pe& p, leases& by, std::uint32_t handle) const;
    /// A line of each, with how often PEs have called it.
    std::vector<value> list(const std::vector<value>& counts) const;

private:
    struct known_hook {
        shared_hook what;
        client_number owner = 0;    ///< it goes with this client; 0: it stays
        std::uint64_t errors = 0;   ///< that PEs have told
        std::uint64_t expected = 0; ///< that they have, when it is gone from all
        bool removed = false;       ///< or about to be
        bool gone = false;          ///< from all PEs
        bool unwanted = false;      ///< nobody asks for it any more, failed or not
    };
    void forget_if_over(std::uint32_t handle);

    order_queue& orders;
    event_board& events;
    std::map<std::uint32_t, known_hook> hooks;
};

/// An entry method that messages may call: its name ("Tile::border") and its registered number.
struct known_entry {
    std::string name;
    std::uint32_t number;
    std::string owner() const {
        const auto at = name.rfind("::");
        return at == std::string::npos ? "" : name.substr(0, at);
    }
};

inline std::vector<known_entry> known_entries() {
    std::vector<known_entry> all;
    const auto& registry = runtime::registry::instance();
    for (std::uint32_t number = 1; registry.knows(number); ++number)
        if (const std::string type = runtime::demangled(registry.name(number)); type.starts_with("motet::entry<"))
            all.push_back({runtime::method_name(type), number});
    return all;
}

/// The names of the methods that fit, for an error.
inline std::string entry_names(const std::vector<known_entry>& all, const std::string& owner) {
    std::string text;
    for (const known_entry& each : all)
        if (owner.empty() || names(each.owner(), owner)) text += (text.empty() ? "" : ", ") + each.name;
    return text.empty() ? "none" : text;
}

inline void installed_hooks::take(runtime::pe& p, const asker& who, const hook_request& request, answer_to answer) {
    if (!request.problem.empty()) return answer(refusal(request.problem));
    if (p.job.options.embedded)
        return answer(refusal("a plain MPI program has no messages at which a hook could run: freeze it, look with a "
                              "script on every rank, and step from poll to poll"));
    if (!leases::may_hold(request.hold, answer)) return;
    if (!(request.limit >= 0)) return answer(refusal("the limit of a hook is a time in seconds"));
    if (request.code.empty() && request.filter.empty()) return answer(refusal("the hook has no code"));
    auto made = std::make_shared<hook_order>();
    made->request = request;
    std::string owner = request.on;
    if (const served* what = desk::of(p).find_served(request.on)) {
        made->collection = what->collection;
        made->one_chare = what->kind == runtime::collection_kind::single;
        made->single = what->single;
        owner = what->type;
    }
    if (owner.find('<') != std::string::npos) owner = owner.substr(0, owner.find('<')); // of a template
    const auto all = known_entries();
    const bool known = std::any_of(all.begin(), all.end(), [&](const known_entry& each) {
        return owner.empty() || names(each.owner(), owner) || each.owner().starts_with(owner + "<") ||
               each.owner().find("::" + owner + "<") != std::string::npos;
    });
    if (!known)
        return answer(refusal("nothing is served under the name '" + request.on +
                              "', and no chares of that type are called; methods that are: " + entry_names(all, {})));
    for (const std::string& name : request.entries) {
        const auto before = made->entries.size();
        for (const known_entry& each : all)
            if (names(each.name, name)) made->entries.push_back(each.number);
        if (before == made->entries.size())
            return answer(refusal("no message calls a method '" + name +
                                  "'; methods that are called: " + entry_names(all, owner)));
    }
    std::sort(made->entries.begin(), made->entries.end());
    const client_number owner_of_hook = request.hold > 0 ? 0 : who.number;
    const std::uint32_t handle =
        desk::of(p).open_record(request.on.empty() ? "every collection" : request.on, who.name, owner_of_hook);
    made->handle = handle;
    made->run = script_control::of(p.job).runs.run_of(handle);
    hooks[handle] = {.what = made, .owner = owner_of_hook};
    order o;
    o.what = order::verb::install;
    o.hook = made;
    orders.give(p, std::move(o), [this, &p, handle, answer = std::move(answer)](report said) {
        if (said.problem.empty()) return answer({.handle = handle});
        remove(p, handle, [answer, said] { answer(refusal("the hook cannot be installed: " + said.problem)); });
    });
}

inline void installed_hooks::remove(runtime::pe& p, std::uint32_t handle, std::function<void()> then) {
    const auto found = hooks.find(handle);
    if (found == hooks.end() || std::exchange(found->second.removed, true)) {
        if (then) then();
        return;
    }
    script_control::of(p.job).let_leave(found->second.what->run);
    order o;
    o.what = order::verb::remove;
    o.number = handle;
    orders.give(p, std::move(o), [this, &p, handle, then = std::move(then)](report all) {
        known_hook& known = hooks.at(handle);
        known.gone = true;
        known.expected = all.failures;
        forget_if_over(handle);
        desk::of(p).close_record(handle);
        if (then) then();
    });
}

/// A hook that has failed is listed until somebody removes it; what PEs have to say of it may come later than that.
inline void installed_hooks::forget_if_over(std::uint32_t handle) {
    const auto found = hooks.find(handle);
    if (found == hooks.end()) return;
    const known_hook& known = found->second;
    if (known.gone && known.errors == known.expected && (known.unwanted || known.errors == 0)) hooks.erase(found);
}

inline void installed_hooks::take(runtime::pe& p, const unhook_request& request, answer_to answer) {
    const auto found = hooks.find(request.handle);
    if (found == hooks.end()) return answer(refusal("there is no hook " + std::to_string(request.handle)));
    found->second.unwanted = true;
    if (found->second.removed) { // it has failed: it is forgotten now
        forget_if_over(request.handle);
        return answer({.handle = request.handle});
    }
    remove(p, request.handle, [handle = request.handle, answer = std::move(answer)] { answer({.handle = handle}); });
}

inline void installed_hooks::hear_failure(runtime::pe& p, std::uint32_t handle, value::dict event) {
    const auto found = hooks.find(handle);
    if (found == hooks.end()) return;
    if (found->second.errors++ == 0) events.tell(p, std::move(event)); // the others say the same
    remove(p, handle, {});
    forget_if_over(handle);
}

inline std::vector<value> installed_hooks::list(const std::vector<value>& counts) const {
    std::vector<value> all;
    for (const auto& [handle, each] : hooks) {
        const hook_request& r = each.what->request;
        value::dict line;
        add(line, "hook", number_value(handle));
        add(line, "on", text_value(r.on));
        value::list entries;
        for (const std::string& name : r.entries) entries.items.push_back(text_value(name));
        add(line, "entries", {std::move(entries)});
        add(line, "index", r.index.empty() ? value{} : index_value(r.index));
        add(line, "when", text_value(r.before ? "before" : "after"));
        add(line, "filter", text_value(r.filter));
        add(line, "code", text_value(r.code));
        add(line, "hold", {r.hold});
        add(line, "limit", {r.limit});
        std::int64_t calls = 0;
        std::int64_t stops = 0;
        for (const value& one : counts)
            if (one.find("hook")->integer() == std::int64_t{handle}) {
                calls += one.find("calls")->integer();
                stops += one.find("stops")->integer();
            }
        add(line, "calls", {calls});
        add(line, "stops", {stops});
        add(line, "errors", number_value(each.errors));
        add(line, "removed", {each.removed});
        all.push_back({std::move(line)});
    }
    return all;
}

inline void installed_hooks::hold(runtime::pe& p, leases& by, std::uint32_t handle) const {
    const auto known = hooks.find(handle);
    if (known != hooks.end()) by.hold(p, known->second.owner, known->second.what->request.hold);
}

inline void installed_hooks::lose(runtime::pe& p, client_number who) {
    std::vector<std::uint32_t> gone;
    for (auto& [handle, each] : hooks)
        if (each.owner == who) {
            each.owner = 0;
            each.unwanted = true;
            gone.push_back(handle);
        }
    for (const std::uint32_t handle : gone) {
        remove(p, handle, {});
        forget_if_over(handle);
    }
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
