// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/space.hpp>

#if MOTET_BODIES

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// What there is on a PE: messages that have not run, fibers that wait. Read only.
namespace motet::inline MOTET_VARIANT::script {

inline value text_value(std::string text) { return {std::move(text)}; }
inline value number_value(std::uint64_t n) { return {static_cast<std::int64_t>(n)}; }
inline value index_value(const std::vector<std::int64_t>& index) {
    value::tuple all;
    for (const std::int64_t n : index) all.items.push_back({n});
    return {std::move(all)};
}
inline void add(value::dict& to, const char* key, value what) {
    to.items.push_back({text_value(key), std::move(what)});
}

/// Where a message goes, or a fiber stands.
inline void add_chare(value::dict& to, const runtime::part& c, const runtime::index_bits& index) {
    add(to, "chare", text_value(c.type->name()));
    add(to, "index",
        c.info->kind == runtime::collection_kind::single ? value{} : index_value(c.type->coordinates(index)));
}

/// Bytes of the arguments as they would travel to another process; those they take here where they cannot.
inline std::uint64_t size_of_arguments(const runtime::message& m) {
    const runtime::message_type& type = runtime::pe::type_of(m);
    if (type.encode != nullptr && m.has(runtime::message::constructed)) {
        try {
            serial::writer out;
            type.encode(m, out);
            return out.size();
        } catch (const std::exception&) {} // of a user's own serialize
    }
    return type.payload_bytes;
}

/// Lists up to `most` messages of a PE. `next`: which of them run next, if the PE is let.
class message_lister {
public:
    message_lister(runtime::pe& on, std::size_t limit) : p(on), most(limit) {}
    void add_message(const runtime::message* m, const char* state) {
        if (m->type == runtime::pe::batch_type || m->has(runtime::message::cancelled)) return;
        const runtime::message_type& type = runtime::pe::type_of(*m);
        if (type.system || type.looks || all.size() >= most) return;
        value::dict line;
        add(line, "pe", number_value(p.number));
        if (const runtime::part* const c = runtime::local_chares::of(p).find(p, m->collection);
            c != nullptr && type.is_method())
            add_chare(line, *c, m->index);
        else
            add(line, "chare", c != nullptr ? text_value(c->type->name()) : value{}), add(line, "index", {});
        add(line, "entry", text_value(type.name()));
        add(line, "priority", {std::int64_t{m->priority}});
        add(line, "bytes", number_value(size_of_arguments(*m)));
        add(line, "state", text_value(state));
        all.push_back({std::move(line)});
    }
    void add_list(const runtime::message_list& list, const char* state) {
        for (const runtime::message* m = list.front(); m != nullptr; m = m->next) add_message(m, state);
    }
    std::vector<value> all;

private:
    runtime::pe& p;
    std::size_t most;
};

/// Messages of the program that have come and not run, in the order in which they would.
inline std::vector<value> messages_of(runtime::pe& p, std::size_t most) {
    message_lister list(p, most);
    runtime::local_chares& here = runtime::local_chares::of(p);
    list.add_list(p.kept, "in line");
    list.add_list(p.urgent, "in line");
    std::vector<const runtime::message*> urgent(p.by_priority.begin(), p.by_priority.end());
    std::sort(urgent.begin(), urgent.end(), [](const auto* a, const auto* b) { return a->priority < b->priority; });
    for (const runtime::message* m : urgent) list.add_message(m, "in line");
    for (std::size_t i = 0; i < p.queue.size(); ++i) list.add_message(p.queue.at(i), "in line");
    for (const auto& [id, c] : here.parts) {
        for (const runtime::element_header* e : c->table.elements)
            if (e->extension) list.add_list(e->extension->held, "held by its when");
        for (const auto& [index, record] : c->homes) list.add_list(record.held, "its element does not exist");
    }
    return std::move(list.all);
}

/// Fibers that wait on a PE, and scripts that do.
inline std::vector<value> fibers_of(runtime::pe& p, std::size_t most) {
    std::vector<value> all;
    const double now = p.now();
    for (runtime::waiter* w = p.parked; w != nullptr && all.size() < most; w = w->after) {
        const runtime::frame& f = *w->running;
        value::dict line;
        add(line, "pe", number_value(p.number));
        if (f.element != nullptr)
            add_chare(line, *static_cast<const runtime::part*>(f.part),
                      static_cast<const runtime::element_header*>(f.element)->index);
        else
            add(line, "chare", {}), add(line, "index", {});
        add(line, "entry",
            f.element == nullptr ? text_value(p.state->place(p, f))
            : f.type != 0        ? text_value(runtime::registry::get<runtime::message_type>(f.type).name())
                                 : text_value("a hook"));
        add(line, "waits", text_value(runtime::awaited(*w)));
        add(line, "seconds", {now - w->since});
        add(line, "ready", {w->ready});
        all.push_back({std::move(line)});
    }
    return all;
}

inline PyObject* ck_queue(PyObject*, PyObject*) {
    return guarded([] { return values_to_list(messages_of(this_script("ck.queue").p, SIZE_MAX)).release().ptr(); });
}
inline PyObject* ck_fibers(PyObject*, PyObject*) {
    return guarded([] { return values_to_list(fibers_of(this_script("ck.fibers").p, SIZE_MAX)).release().ptr(); });
}

/// The hook that runs; raises RuntimeError in other scripts.
inline hook_call& this_hook(const char* what) {
    hook_call* const found = this_script(what).hook;
    if (found == nullptr) raise(PyExc_RuntimeError, std::string(what) + " is for hooks: it says which message it is");
    return *found;
}

/// "border" of "Tile::border".
inline std::string last_name(const std::string& entry) {
    const auto at = entry.rfind("::");
    return at == std::string::npos ? entry : entry.substr(at + 2);
}

inline PyObject* ck_entry(PyObject*, PyObject*) {
    return guarded(
        [] { return text_to_python(last_name(runtime::pe::type_of(this_hook("ck.entry").m).name())).release().ptr(); });
}
inline PyObject* ck_arguments(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        hook_call& h = this_hook("ck.arguments");
        const runtime::message_type& type = runtime::pe::type_of(h.m);
        if (type.payload_bytes == 0) return py::tuple(0).release().ptr();
        if (!h.arguments)
            h.arguments = std::make_shared<scope>(h.m.payload(), type.describe(), "the arguments of " + type.name());
        return to_python(type.describe(), h.m.payload(), h.arguments, {}).release().ptr();
    });
}

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
