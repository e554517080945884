// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/entry.hpp>
#include <motet/chare/frame.hpp>
#include <motet/chare/move.hpp>

#include <tuple>
#include <utility>

/// What happens when a message for a chare arrives: it is found by its index, or sent after it (location.hpp), held
/// back by its `when`, or run.
namespace motet::inline MOTET_VARIANT::runtime {

/// The element that a message is for, if it is here; otherwise the message is taken care of.
[[gnu::always_inline]] inline element_header* find_element(pe& p, message* m, part*& c) {
    local_chares& here = local_chares::of(p);
    c = here.find(p, m->collection);
    if (c == nullptr) [[unlikely]] {
        here.remember(m);
        return nullptr;
    }
    element_header* e = c->table.find(m->index);
    if (e == nullptr) [[unlikely]]
        misdelivered(p, *c, m);
    return e;
}

/// Messages that call an entry method.
template <auto M>
struct entry_call {
    using traits = traits_of<M>;
    using T = owner_of<M>;
    using stored = typename traits::stored;
    using payload = payload_of<stored>;
    static constexpr bool conditional = has_when<M>();

    static void run(pe& p, message* m) {
        part* c;
        if (element_header* e = find_element(p, m, c)) run_at(p, *c, *e, m);
    }
    /// False if the fiber was unwound.
    static bool run_at(pe& p, part& c, element_header& e, message* m) {
        if (e.has(element_header::hooks_running)) [[unlikely]] {
            hold_back(p, e, m);
            return true;
        }
        if constexpr (conditional) {
            // A `when` may read what the hooks have made.
            if (e.hooks_due() || !admits(p, c, e, *m)) {
                hold_back(p, e, m);
                return true;
            }
        }
        frame f{.element = &e,
                .part = &c,
                .reply = m->has(message::replies) ? &reply_of(*m) : nullptr,
                .below = p.current_frame,
                .type = m->type};
        if constexpr (can_be_debugged)
            if (p.hooks != nullptr) [[unlikely]] {
                const auto said = p.hooks->before(p, f, *m);
                if (said == debugger::verdict::ended) {
                    p.discard(m);
                    return false;
                }
                if constexpr (conditional)
                    if (said == debugger::verdict::again && !admits(p, c, e, *m)) {
                        hold_back(p, e, m);
                        return true;
                    }
                f.watched = true; // the hooks after it are called where it is observed
            }
        const bool goes_on = run_method<typename traits::returns>(p, c, e, f, m, [&]() -> decltype(auto) {
            return traits::call(static_cast<element<T>&>(e).object, M, payload::in(*m));
        });
        if (!f.parked) ++p.processed;
        if (goes_on && !p.loose.empty()) [[unlikely]]
            p.settle_loose();
        payload::destroy(*m);
        p.release(m);
        return goes_on;
    }
    static bool admitted(const void* e, const message& m) {
        return traits::ask_when(static_cast<const element<T>*>(static_cast<const element_header*>(e))->object,
                                entry<M>{}, payload::in(m));
    }
    static std::string name() { return entry_name<M>(); }
    static const std::type_info& result() { return typeid(result_of<M>); }
    static constexpr auto admission() -> bool (*)(const void*, const message&) {
        if constexpr (conditional)
            return &admitted;
        else
            return nullptr;
    }
    static inline const message_type operations {
        &run, &payload::destroy, &payload::encode, &payload::decode, payload::bytes, false, &name, admission(), &result,
            false, payload::plain
#if defined(MOTET_WITH_MPI) || defined(MOTET_WITH_SCRIPT)
            ,
            payload::tight, &reflect::describe<typename traits::stored>
#endif
    };
    static std::uint32_t id() { return registered<entry<M>, operations>::id(); }

    /// A message with converted arguments, and room for the address of a reply if there is one.
    template <bool Replies, class... A>
    static message* make(pe& from, collection_id id, const index_bits& index, A&&... a) {
        message* m = from.template allocate<payload::bytes + (Replies ? sizeof(address) : 0)>(entry_call::id());
        try {
            construct(m->payload(), std::make_index_sequence<sizeof...(A)>{}, std::forward<A>(a)...);
        } catch (...) {
            from.release(m);
            throw;
        }
        m->flags = message::constructed | (Replies ? message::replies : 0);
        m->collection = id;
        m->index = index;
        return m;
    }
    /// The same with arguments stored already.
    static message* make_stored(pe& from, collection_id id, const index_bits& index, const address* reply, stored&& a) {
        message* m = from.allocate(entry_call::id(), payload::bytes + (reply != nullptr ? sizeof(address) : 0));
        try {
            new (m->payload()) stored(std::move(a));
        } catch (...) { // of a type that only copies
            from.release(m);
            throw;
        }
        m->set(message::constructed);
        m->collection = id;
        m->index = index;
        if (reply != nullptr) {
            m->set(message::replies);
            reply_of(*m) = *reply;
        }
        return m;
    }

    /// The arguments converted to what the method takes.
    template <class... A>
    static stored convert(A&&... a) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return stored(store<std::tuple_element_t<I, stored>>(std::forward<A>(a))...);
        }(std::make_index_sequence<sizeof...(A)>{});
    }

private:
    template <std::size_t... I, class... A>
    static void construct(void* at, std::index_sequence<I...>, A&&... a) {
        new (at) stored(store<std::tuple_element_t<I, stored>>(std::forward<A>(a))...);
    }
};

/// Messages that run `F(pe&, part&, element_header&, arguments...)` at an element: the steps of protocols that follow
/// it wherever it is. Never waits.
template <auto F>
struct element_call;

template <class... P, void (*F)(pe&, part&, element_header&, P...)>
struct element_call<F> {
    using arguments = std::tuple<std::remove_cvref_t<P>...>;
    using payload = payload_of<arguments>;

    static void run(pe& p, message* m) {
        part* c;
        element_header* e = find_element(p, m, c);
        if (e == nullptr) return;
        try {
            apply(p, *c, *e, payload::in(*m), std::index_sequence_for<P...>{});
        } catch (...) {
            fail_on_the_way(p, *c, m->index, "a step of the runtime");
        }
        ++p.processed;
        if (!p.loose.empty()) p.settle_loose();
        payload::destroy(*m);
        p.release(m);
    }
    template <std::size_t... I>
    static void apply(pe& p, part& c, element_header& e, [[maybe_unused]] arguments& a, std::index_sequence<I...>) {
        F(p, c, e, static_cast<P&&>(std::get<I>(a))...);
    }
    static std::string name() { return called_function(typeid(element_call)); }
    static inline const message_type operations{.run = &run,
                                                .destroy = &payload::destroy,
                                                .encode = &payload::encode,
                                                .decode = &payload::decode,
                                                .payload_bytes = payload::bytes,
                                                .system = true,
                                                .name = &name,
                                                .plain = payload::plain};
    static std::uint32_t id() { return registered<element_call, operations>::id(); }
};

/// Runs `F` at the element; if there is none, `reply` (if it leads anywhere) gets motet::erased.
template <auto F, class... A>
void post_element(pe& from, collection_id id, const index_bits& index, const address& reply, A&&... a) {
    using what = element_call<F>;
    const pe_number to = where(from, id, index);
    message* m = from.template allocate<what::payload::bytes + sizeof(address)>(what::id());
    new (m->payload()) typename what::arguments(std::forward<A>(a)...);
    m->set(message::constructed);
    m->set(message::replies);
    reply_of(*m) = reply;
    m->collection = id;
    m->index = index;
    submit(from, to, m);
}

} // namespace motet::inline MOTET_VARIANT::runtime
