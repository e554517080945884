// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/payload.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/serial/check.hpp>

#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace motet::inline MOTET_VARIANT::runtime {

/// The text and the type of the exception being handled.
struct exception_text {
    std::string text;
    std::string type;

    static exception_text current();
    /// Both, for people.
    std::string whole() const;
};

#if MOTET_BODIES
MOTET_INLINE exception_text exception_text::current() {
    try {
        throw;
    } catch (const std::exception& e) {
        return {e.what(), demangled(typeid(e).name())};
    } catch (const std::string& text) {
        return {text, "std::string"};
    } catch (const char* text) {
        return {text != nullptr ? text : "", "const char*"};
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        return {"an exception that is no std::exception", type != nullptr ? demangled(type->name()) : "unknown"};
    }
}
MOTET_INLINE std::string exception_text::whole() const { return text + " (" + type + ")"; }
#endif // MOTET_BODIES

/// The name of the function F alone, where `type` is a template of F that calls it.
MOTET_INLINE std::string called_function(const std::type_info& type);

#if MOTET_BODIES
MOTET_INLINE std::string called_function(const std::type_info& type) {
    const std::string whole = demangled(type.name());
    const std::string_view unnamed = "(anonymous namespace)";
    const std::string_view of_template = "(void "; // then its whole type stands there
    std::size_t first = whole.find("<&") + 2;
    if (whole.compare(first, of_template.size(), of_template) == 0) first += of_template.size();
    std::size_t end = first;
    for (int depth = 0; end < whole.size(); ++end) { // to the end of F, or to where its parameters begin
        if (whole.compare(end, unnamed.size(), unnamed) == 0) end += unnamed.size();
        if (depth == 0 && (whole[end] == '>' || whole[end] == '(')) break;
        depth += (whole[end] == '<') - (whole[end] == '>');
    }
    return whole.substr(first, end - first);
}
#endif // MOTET_BODIES

/// `call<F>` runs the free function `F(pe&, arguments...)` on a PE: the steps of every protocol are such functions.
template <auto F>
struct call;

template <class... P, void (*F)(pe&, P...)>
struct call<F> {
    using arguments = std::tuple<std::remove_cvref_t<P>...>;
    using payload = payload_of<arguments>;

    static void run(pe& p, message* m) {
        frame f{.below = p.current_frame, .type = m->type, .counted = !m->has(message::uncounted)};
        p.current_frame = &f;
        try {
            apply(p, payload::in(*m), std::index_sequence_for<P...>{});
        } catch (const fiber::unwind&) {
        } catch (...) {
            p.fail(exception_text::current().whole() + ", on PE " + std::to_string(p.number));
        }
        p.current_frame = f.below;
        if (!f.parked && f.counted) ++p.processed;
        if (!p.loose.empty()) p.settle_loose();
        payload::destroy(*m);
        p.release(m);
    }
    template <std::size_t... I>
    static void apply(pe& p, [[maybe_unused]] arguments& a, std::index_sequence<I...>) {
        F(p, static_cast<P&&>(std::get<I>(a))...);
    }
    static std::string name() { return called_function(typeid(call)); }
    static auto encoder() {
        if constexpr (serial::serializable<arguments>)
            return &payload::encode;
        else
            return static_cast<void (*)(const message&, serial::writer&)>(nullptr);
    }
    static auto decoder() {
        if constexpr (serial::serializable<arguments>)
            return &payload::decode;
        else
            return static_cast<void (*)(message&, serial::reader&)>(nullptr);
    }
    static inline const message_type operations{.run = &run,
                                                .destroy = &payload::destroy,
                                                .encode = encoder(),
                                                .decode = decoder(),
                                                .payload_bytes = payload::bytes,
                                                .system = true,
                                                .name = &name,
                                                .plain = payload::plain};
    static std::uint32_t id() { return registered<call, operations>::id(); }

    template <class... A>
    static message* make(pe& from, A&&... a) {
        message* m = from.template allocate<payload::bytes>(id());
        new (m->payload()) arguments(std::forward<A>(a)...);
        m->set(message::constructed);
        return m;
    }
};

/// Runs `F` on PE `to`.
template <auto F, class... A>
void post(pe& from, pe_number to, A&&... a) {
    from.send(to, call<F>::make(from, std::forward<A>(a)...));
}

/// The same, at once if that PE is this one.
template <auto F, class... A>
void do_at(pe& p, pe_number to, A&&... a) {
    if (to == p.number && !p.holds_sends())
        F(p, std::forward<A>(a)...);
    else if (to < p.job.pe_total()) // else it is of a run with more PEs, before a restart: nobody waits there
        post<F>(p, to, std::forward<A>(a)...);
}

/// The same as post outside of what quiescence counts, before all other messages.
template <auto F, class... A>
void post_uncounted(pe& from, pe_number to, A&&... a) {
    message* m = call<F>::make(from, std::forward<A>(a)...);
    m->set(message::uncounted);
    m->set(message::expedited);
    from.send(to, m);
}

/// The same from a thread that has no PE: to a PE of this process, whose machine is not simulated.
template <auto F, class... A>
void post_from_outside(pe& to, A&&... a) {
    using payload = typename call<F>::payload;
    auto* m = new (to.blocks.take(unpooled, sizeof(message) + payload::bytes)) message; // not from its free lists
    m->size_class = unpooled;
    m->type = call<F>::id();
    new (m->payload()) typename call<F>::arguments(std::forward<A>(a)...);
    m->set(message::constructed);
    m->set(message::uncounted);
    to.incoming.push(m);
}

/// A tree with four children for each member, over 0 to total - 1, rotated so that `root` is its root.
struct rotated_tree {
    std::uint32_t root;
    std::uint32_t total;

    std::uint32_t rank(std::uint32_t member) const { return (member + total - root) % total; }
    std::uint32_t member(std::uint64_t rank) const { return static_cast<std::uint32_t>((rank + root) % total); }
    std::uint32_t parent(std::uint32_t of) const { return member((rank(of) - 1) / 4); }
    std::uint32_t child_count(std::uint32_t of) const {
        const std::uint64_t first = 4 * std::uint64_t{rank(of)} + 1;
        return first >= total ? 0 : static_cast<std::uint32_t>(std::min<std::uint64_t>(4, total - first));
    }
    template <class F>
    void for_each_child(std::uint32_t of, F&& f) const {
        const std::uint64_t first = 4 * std::uint64_t{rank(of)} + 1;
        for (std::uint32_t i = 0, n = child_count(of); i < n; ++i) f(member(first + i));
    }
};

/// The tree over all PEs whose root is `root`: a tree over the processes, and one inside of each, so that what goes
/// along it crosses between processes as seldom as can be. At most eight children.
struct tree {
    pe_number root;
    pe_number total;
    pe_number width; ///< PEs of each process

    tree(const pe& within, pe_number at) : tree(at, within.job.pe_total(), within.home.pe_count) {}
    tree(pe_number at, pe_number all, pe_number each) : root(at), total(all), width(each) {}

    pe_number parent(pe_number p) const {
        if (p != lead(p / width)) return first(p) + inside(p).parent(p - first(p));
        return lead(processes().parent(p / width));
    }
    std::uint32_t child_count(pe_number p) const {
        return inside(p).child_count(p - first(p)) + (p == lead(p / width) ? processes().child_count(p / width) : 0);
    }
    template <class F>
    void for_each_child(pe_number p, F&& f) const {
        if (p == lead(p / width)) processes().for_each_child(p / width, [&](std::uint32_t q) { f(lead(q)); });
        inside(p).for_each_child(p - first(p), [&](std::uint32_t local) { f(first(p) + local); });
    }

private:
    pe_number first(pe_number p) const { return p - p % width; }
    /// The PE of a process that hears from other processes.
    pe_number lead(std::uint32_t process) const { return process == root / width ? root : process * width; }
    rotated_tree processes() const { return {root / width, total / width}; }
    rotated_tree inside(pe_number p) const { return {lead(p / width) % width, width}; }
};

} // namespace motet::inline MOTET_VARIANT::runtime
