// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/check_call.hpp>
#include <motet/chare/collection_type.hpp>
#include <motet/chare/proxy.hpp>
#include <motet/chare/reduction.hpp>
#include <motet/chare/section.hpp>

#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

/// What a method knows of and does with its own chare.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// The frame of the method of a chare that runs here; throws `error` in main and elsewhere.
inline frame& method_frame(pe& p, const char* what) {
    frame* f = p.current_frame;
    if (f == nullptr || f->element == nullptr)
        throw error(std::string(what) + " is for methods of chares: there is no chare here");
    return *f;
}
inline part& part_of(const frame& f) { return *static_cast<part*>(f.part); }
inline element_header& element_of(const frame& f) { return *static_cast<element_header*>(f.element); }

/// Throws `error` unless the collection of `f` has chares T under indices Index.
template <class T, class Index>
void check_type(const frame& f, const char* what) {
    const part& c = part_of(f);
    if (c.info->type == collection_of<T, Index>::id()) return;
    const bool single = std::is_same_v<Index, single_index>;
    throw error(std::string(what) + "<" + demangled(typeid(T).name()) +
                (single ? "" : ", " + demangled(typeid(Index).name())) + ">: the method runs in " +
                element_text(c, element_of(f).index) +
                ", whose type or index type is another one: in a single chare write motet::this_chare<T>(), else "
                "motet::this_element<T, Index>() or motet::this_collection<T, Index>(), as the collection was created");
}

/// Throws `error` where the method that `what` shall call is none of the chare that `f` stands in.
MOTET_INLINE void check_own(const frame& f, bool same, const char* what, std::string (*name)());
/// Throws `error` where the next method is not one of the chare that `f` stands in (`same`), or its caller would get
/// another type than it waits for.
MOTET_INLINE void check_successor(const frame& f, bool same, const std::type_info& gives, std::string (*name)());

#if MOTET_BODIES
MOTET_INLINE void check_own(const frame& f, bool same, const char* what, std::string (*name)()) {
    if (!same)
        throw error(std::string(what) + "<&" + name() + ">: this is no method of the chare that runs, " +
                    element_text(part_of(f), element_of(f).index));
}
MOTET_INLINE void check_successor(const frame& f, bool same, const std::type_info& gives, std::string (*name)()) {
    check_own(f, same, "motet::next", name);
    const message_type& running = registry::get<message_type>(f.type);
    const std::type_info& wanted = running.result != nullptr ? running.result() : typeid(void);
    if (wanted == typeid(void) || wanted == gives) return;
    throw error("motet::next<&" + name() + "> gives " + demangled(gives.name()) + ", but the caller of " +
                running.name() + " waits for " + demangled(wanted.name()));
}
#endif // MOTET_BODIES

} // namespace runtime

/// The index of the chare whose method runs. `Index` is that of its collection; throws motet::error for another one,
/// and outside of chares.
template <class Index = std::int64_t>
Index this_index() {
    const runtime::frame& f = runtime::method_frame(runtime::this_pe(), "motet::this_index");
    const runtime::part& c = runtime::part_of(f);
    if (c.type->order != &runtime::index_code<Index>::order)
        throw error("motet::this_index: the index of " + runtime::element_text(c, runtime::element_of(f).index) +
                    " is of another type: write motet::this_index<Index>() with the Index of its collection");
    return runtime::index_code<Index>::unpack(runtime::element_of(f).index);
}

/// The array, group or node group of the chare whose method runs.
template <class T, class Index = std::int64_t>
collection<T, Index> this_collection() {
    const runtime::frame& f = runtime::method_frame(runtime::this_pe(), "motet::this_collection");
    runtime::check_type<T, Index>(f, "motet::this_collection");
    return collection<T, Index>(runtime::part_of(f).info->id);
}

/// A proxy to the chare whose method runs, in whatever collection (of a single chare: see this_chare<T>()).
template <class T, class Index = std::int64_t>
element_proxy<T, Index> this_element() {
    const runtime::frame& f = runtime::method_frame(runtime::this_pe(), "motet::this_element");
    runtime::check_type<T, Index>(f, "motet::this_element");
    return {runtime::part_of(f).info->id, runtime::element_of(f).index};
}
/// The single chare whose method runs.
template <class T>
chare<T> this_chare() {
    const runtime::frame& f = runtime::method_frame(runtime::this_pe(), "motet::this_chare");
    runtime::check_type<T, runtime::single_index>(f, "motet::this_chare");
    return chare<T>(runtime::element_of(f).index);
}

/// Ends this call and gives its caller what a call of method M of the same chare gives: `return
/// motet::next<&T::run>(n);`. Between the two no frame stands in the chare: it may move, be erased or be balanced. A
/// method that returns a value R declares its result as motet::eventually<R>.
template <auto M, class... A>
auto next(A&&... a) {
    using R = runtime::result_of<M>;
    if constexpr (runtime::check_call<M, runtime::owner_of<M>, A...>()) {
        runtime::pe& p = runtime::this_pe();
        runtime::frame& f = runtime::method_frame(p, "motet::next");
        if (f.type == 0 || !f.may_wait)
            throw error(
                "motet::next is for entry methods: a hook, a `when` or a condition is no call that could end so");
        if (f.successor != nullptr) throw error("motet::next was called twice in one call");
        const runtime::part& c = runtime::part_of(f);
        runtime::check_successor(f, &c.type->describe() == &reflect::describe<runtime::owner_of<M>>(), typeid(R),
                                 &runtime::entry_name<M>);
        f.successor = runtime::entry_call<M>::make_stored(p, c.info->id, runtime::element_of(f).index, f.reply,
                                                          runtime::entry_call<M>::convert(std::forward<A>(a)...));
    }
    if constexpr (!std::is_void_v<R>) return eventually<R>();
}

/// Moves the chare whose method runs to another PE, as soon as no frame stands in it.
inline void move_this(std::int64_t pe) {
    runtime::pe& p = runtime::this_pe();
    const runtime::frame& f = runtime::method_frame(p, "motet::move_this");
    p.refuse_to_hold("motet::move_this");
    runtime::request_move(p, runtime::part_of(f), runtime::element_of(f), runtime::checked_pe(p, pe), {});
}

/// Ends the chare whose method runs, as soon as no frame stands in it.
inline void erase_this() {
    runtime::pe& p = runtime::this_pe();
    const runtime::frame& f = runtime::method_frame(p, "motet::erase_this");
    p.refuse_to_hold("motet::erase_this");
    runtime::request_erasure(p, runtime::part_of(f), runtime::element_of(f), {});
}

/// Gives a value to the next reduction over this chare's collection, once every element alive has; the result goes to
/// `to`. Does not wait. An element that is inserted takes part from the round after its birth on.
template <class V, class Op, class Result>
void contribute(V&& value, Op, const target<Result>& to) {
    using contribution = runtime::contribution_of<Op, std::remove_cvref_t<V>, Result>;
    runtime::pe& p = runtime::this_pe();
    const runtime::frame& f = runtime::method_frame(p, "motet::contribute");
    p.refuse_to_hold("motet::contribute");
    runtime::part& c = runtime::part_of(f);
    if (c.info->kind == runtime::collection_kind::single)
        throw error("motet::contribute: a single chare has nobody to reduce with: send the value to the target");
    runtime::element_header& e = runtime::element_of(f);
    runtime::contribute(p, c, e, contribution::id(), to.address(),
                        contribution::lift(c, e, std::remove_cvref_t<V>(std::forward<V>(value))));
}
/// The same without a value: `to` is told when everybody has come.
MOTET_INLINE void contribute(const target<void>& to);
#if MOTET_BODIES
MOTET_INLINE void contribute(const target<void>& to) {
    contribute(runtime::no_value{}, runtime::nothing_reducer{}, to);
}
#endif // MOTET_BODIES

/// How many reductions of its collection this chare has taken part in, or missed by being born later.
inline std::uint64_t rounds_contributed() {
    return runtime::element_of(runtime::method_frame(runtime::this_pe(), "motet::rounds_contributed")).round;
}

/// Gives a value to the next reduction over a section that this chare is a member of.
template <class T, class Index, class V, class Op, class Result>
void contribute(const section<T, Index>& to_section, V&& value, Op, const target<Result>& to) {
    using contribution = runtime::contribution_of<Op, std::remove_cvref_t<V>, Result>;
    runtime::pe& p = runtime::this_pe();
    const runtime::frame& f = runtime::method_frame(p, "motet::contribute");
    p.refuse_to_hold("motet::contribute");
    runtime::part& c = runtime::part_of(f);
    runtime::element_header& e = runtime::element_of(f);
    const auto& members = to_section.members();
    const auto found = std::lower_bound(members.begin(), members.end(), e.index);
    if (c.info->id != to_section.collection() || found == members.end() || !(*found == e.index))
        throw error("motet::contribute: " + runtime::element_text(c, e.index) + " is no member of this section");
    const auto node = static_cast<std::uint64_t>(found - members.begin());
    std::vector<runtime::index_bits> path{e.index};
    for (std::uint64_t above = node; above != 0;) path.push_back(members[above = (above - 1) / 4]);
    std::vector<runtime::index_bits> awaited;
    for (std::uint64_t child = 4 * node + 1; child < std::min<std::uint64_t>(4 * node + 5, members.size()); ++child)
        awaited.push_back(members[child]);
    const std::uint64_t round = ++e.extend().section_rounds[to_section.number()];
    runtime::post_part<&runtime::take_section_contribution>(
        p, runtime::home_of(p, c, e.index), c.info->id, to_section.number(), round, node, std::uint32_t{0},
        std::move(path), std::move(awaited), contribution::id(), to.address(),
        contribution::lift(c, e, std::remove_cvref_t<V>(std::forward<V>(value))));
}
/// The same without a value: `to` is told when all members have come.
template <class T, class Index>
void contribute(const section<T, Index>& to_section, const target<void>& to) {
    contribute(to_section, runtime::no_value{}, runtime::nothing_reducer{}, to);
}

} // namespace motet::inline MOTET_VARIANT
