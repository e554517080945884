// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/broadcast.hpp>
#include <motet/chare/check_call.hpp>
#include <motet/chare/create.hpp>
#include <motet/chare/future.hpp>
#include <motet/chare/many.hpp>
#include <motet/chare/move.hpp>
#include <motet/chare/perform.hpp>
#include <motet/chare/reduction.hpp>
#include <motet/chare/section.hpp>
#include <motet/chare/target.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// Proxies: what a program holds to reach chares. Small values that can be copied, sent along and kept in fields.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// Sends `F(pe&, part&, arguments..., address)` to every PE; the future is ready when all have done it.
template <auto F, class... A>
future<void> tell_every_pe(pe& p, collection_id id, const A&... arguments) {
    check_name(id);
    auto [made, to] = new_future<void>(p, std::size_t{p.job.pe_total()});
    for (pe_number each = 0; each < p.job.pe_total(); ++each) post_part<F>(p, each, id, arguments..., to);
    return std::move(made);
}

/// A value on its way to entry method M of one chare.
template <auto M>
struct entry_delivery {
    static void give_value(pe& p, const address& to, void* value) {
        using stored = typename entry_call<M>::stored;
        if (p.job.shrunk && is_gone(p, to)) return;
        const pe_number at = where(p, to.collection, to.index);
        if constexpr (std::tuple_size_v<stored> == 0) {
            submit(p, at, entry_call<M>::make_stored(p, to.collection, to.index, nullptr, stored()));
        } else {
            using first = std::tuple_element_t<0, stored>;
            submit(p, at,
                   entry_call<M>::make_stored(p, to.collection, to.index, nullptr,
                                              stored(std::move(*static_cast<first*>(value)))));
        }
    }
    static void give_failure(pe& p, const address&, failure&& why) { fail_program(p, why); }
    static inline const delivery operations{&give_value, &give_failure};
    static std::uint32_t id() { return registered<entry_delivery, operations>::id(); }
};

/// A value on its way to entry method M of every chare of a collection.
template <auto M, class Index>
struct broadcast_delivery {
    using stored = typename entry_call<M>::stored;
    static void give_value(pe& p, const address& to, void* value) {
        if constexpr (std::tuple_size_v<stored> == 0) {
            issue(p, to, stored());
        } else {
            using first = std::tuple_element_t<0, stored>;
            issue(p, to, stored(std::move(*static_cast<first*>(value))));
        }
    }
    static void issue(pe& p, const address& to, stored&& arguments) {
        using call_of_all = broadcast_of<M, untold, Index>;
        if (to.pe == no_pe) return issue_broadcast(p, to.collection, call_of_all::make({}, std::move(arguments)));
        for (const element_header* e : local_chares::of(p).find(p, to.collection)->table.elements)
            p.send(p.number,
                   entry_call<M>::make_stored(p, to.collection, e->index, nullptr, call_of_all::copy_of(arguments)));
    }
    static void give_failure(pe& p, const address&, failure&& why) { fail_program(p, why); }
    static inline const delivery operations{&give_value, &give_failure, true};
    static std::uint32_t id() { return registered<broadcast_delivery, operations>::id(); }
};

template <auto M, class T>
consteval bool check_target() {
    static_assert(method_pointer<decltype(M)>, "motet: a target is a member function: proxy.to<&T::method>()");
    static_assert(std::is_same_v<owner_of<M>, T>,
                  "motet: this entry method belongs to another type of chare than the proxy");
    static_assert(traits_of<M>::count <= 1,
                  "motet: a target takes one value: the method must have one parameter, or none");
    return true;
}

} // namespace runtime

/// Reaches one chare of type T, whose index in its collection is an Index.
template <class T, class Index>
class element_proxy {
public:
    element_proxy() = default;

    /// Calls method M; nobody waits. Arguments are converted to its parameter types here and now, and moved.
    template <auto M, class... A>
    void tell(A&&... a) const {
        if constexpr (runtime::check_call<M, T, A...>()) {
            runtime::pe& p = runtime::this_pe();
            const runtime::pe_number to = runtime::where(p, id_, index_);
            runtime::submit(
                p, to,
                urgency_.mark(runtime::entry_call<M>::template make<false>(p, id_, index_, std::forward<A>(a)...)));
        }
    }
    /// Calls method M and gives a future of its result.
    template <auto M, class... A>
    future<runtime::result_of<M>> ask(A&&... a) const {
        if constexpr (runtime::check_ask<M, T, A...>()) {
            runtime::pe& p = runtime::this_pe();
            const runtime::pe_number at = runtime::where(p, id_, index_);
            auto [made, to] = runtime::new_future<runtime::result_of<M>>(p);
            made.held().awaited = &runtime::result_awaited<M>;
            runtime::message* m = runtime::entry_call<M>::template make<true>(p, id_, index_, std::forward<A>(a)...);
            runtime::reply_of(*m) = to;
            runtime::submit(p, at, urgency_.mark(m));
            return std::move(made);
        } else {
            return {};
        }
    }
    /// A target: a value sent there becomes the argument of method M, which has one parameter (or none).
    template <auto M>
    auto to() const {
        constexpr bool fits = runtime::check_target<M, T>();
        static_assert(fits);
        using value = typename runtime::only_parameter<typename runtime::traits_of<M>::stored>::type;
        return target<value>(runtime::address{runtime::entry_delivery<M>::id(), runtime::no_pe, id_, index_});
    }

    /// Moves the chare to another PE, as soon as no frame stands in it. The future is ready when it has arrived.
    future<void> move_to(std::int64_t pe) const {
        runtime::pe& p = runtime::this_pe();
        const runtime::pe_number target_pe = runtime::checked_pe(p, pe);
        auto [made, to] = runtime::new_future<void>(p);
        made.held().awaited = [] { return std::string("for a chare to move, in which no frame may stand then"); };
        runtime::post_element<&runtime::move_on_request>(p, id_, index_, to, target_pe, to);
        return std::move(made);
    }
    /// Ends the chare, as soon as no frame stands in it. The future is ready when it is gone.
    future<void> erase() const {
        runtime::pe& p = runtime::this_pe();
        auto [made, to] = runtime::new_future<void>(p);
        made.held().awaited = [] { return std::string("for a chare to be erased, in which no frame may stand then"); };
        runtime::post_element<&runtime::erase_on_request>(p, id_, index_, to, to);
        return std::move(made);
    }

    /// The same chare, with messages that are handled before those of higher numbers; 0 is the ordinary priority.
    element_proxy with_priority(std::int32_t priority) const {
        element_proxy other = *this;
        other.urgency_.priority = priority;
        other.urgency_.flags = priority != 0 ? runtime::message::prioritized : 0;
        return other;
    }
    /// The same chare, with messages that go before all others and are never batched.
    element_proxy expedited() const {
        element_proxy other = *this;
        other.urgency_.flags = runtime::message::expedited;
        return other;
    }

    Index index() const { return runtime::index_code<Index>::unpack(index_); }
    friend bool operator==(const element_proxy& a, const element_proxy& b) {
        return a.id_ == b.id_ && a.index_ == b.index_;
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(id_.root, id_.serial, index_.low, index_.high, urgency_);
        if constexpr (!Archive::is_writing) runtime::translate(id_);
    }

    // For the runtime.
    element_proxy(runtime::collection_id id, runtime::index_bits index, runtime::urgency how = {})
        : id_(id), index_(index), urgency_(how) {}
    runtime::collection_id collection_name() const { return id_; }
    runtime::index_bits index_name() const { return index_; }

private:
    runtime::collection_id id_;
    runtime::index_bits index_;
    runtime::urgency urgency_;
};

/// Reaches the chares of one name: the elements of an array, of a group, of a node group.
template <class T, class Index = std::int64_t>
class collection : public runtime::calls_of_many<collection<T, Index>, T, Index> {
public:
    collection() = default;

    /// One element. That there is none of this index shows when it is called.
    element_proxy<T, Index> operator[](const Index& index) const {
        return {id_, runtime::index_code<Index>::pack(index), urgency_};
    }
    template <class Other>
        requires(!std::is_convertible_v<const Other&, Index>)
    element_proxy<T, Index> operator[](const Other&) const {
        static_assert(
            std::is_convertible_v<const Other&, Index>,
            "motet: this is no index of the collection. An element of an array whose indices are a motet::grid "
            "or a struct is all[{x, y}], or all(x, y)");
        return {};
    }
    template <class... C>
        requires(sizeof...(C) > 1 && std::is_constructible_v<Index, C...>)
    element_proxy<T, Index> operator()(C... coordinate) const {
        return (*this)[Index(coordinate...)];
    }

    /// A target: a value sent there becomes the argument of method M of every element.
    template <auto M>
    auto to() const {
        constexpr bool fits = runtime::check_target<M, T>();
        static_assert(fits);
        using value = typename runtime::only_parameter<typename runtime::traits_of<M>::stored>::type;
        return target<value>(runtime::address{runtime::broadcast_delivery<M, Index>::id(), runtime::no_pe, id_, {}});
    }

    /// Some of the elements, as a value that can be sent along.
    motet::section<T, Index> section(const std::vector<Index>& indices) const { return {id_, indices, urgency_}; }

    /// The same collection, with messages that are handled before those of higher numbers; 0 is the ordinary priority.
    collection with_priority(std::int32_t priority) const {
        collection other = *this;
        other.urgency_.priority = priority;
        other.urgency_.flags = priority != 0 ? runtime::message::prioritized : 0;
        return other;
    }
    /// The same collection, with messages that go before all others.
    collection expedited() const {
        collection other = *this;
        other.urgency_.flags = runtime::message::expedited;
        return other;
    }

    friend bool operator==(const collection& a, const collection& b) { return a.id_ == b.id_; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(id_.root, id_.serial, urgency_);
    }

    // For the runtime.
    explicit collection(runtime::collection_id id) : id_(id) {}
    runtime::collection_id name() const { return id_; }

protected:
    runtime::collection_id id_;

private:
    friend class runtime::calls_of_many<collection, T, Index>;
    template <auto M, class Op, class... A>
    void issue(const runtime::address& target, A&&... a) const {
        auto record =
            runtime::broadcast_of<M, Op, Index>::make(target, runtime::entry_call<M>::convert(std::forward<A>(a)...));
        record->urgent = urgency_;
        runtime::issue_broadcast(runtime::this_pe(), id_, std::move(record));
    }

    runtime::urgency urgency_;
};

/// A map that leaves it to the runtime where elements live: blocks of a dense array, a hash of a sparse one's index.
struct default_map {};
/// The type of `sparse`.
struct sparse_t {};
/// The type of `on_demand`.
struct on_demand_t {};
/// Given to array<T>::create: an array without elements at first.
inline constexpr sparse_t sparse{};
/// Given to array<T>::create: an array whose elements come into being when they are first called.
inline constexpr on_demand_t on_demand{};

/// An array: chares under indices, dense or sparse. Index is an integer, a motet::grid<1...6>, or a plain struct whose
/// fields pack into 16 bytes.
template <class T, class Index = std::int64_t>
class array : public collection<T, Index> {
public:
    using collection<T, Index>::collection;
    /// The array that a collection is: inside an element, this_collection<T, Index>().
    array(const collection<T, Index>& other) : collection<T, Index>(other) {}

    /// An element for every index from zero up to `extent` (each coordinate), a copy of `prototype` each. `map(index,
    /// extent, pes)` says on which PE an element begins its life, and where its whereabouts are known for ever.
    template <class Map = default_map>
    static array create(const Index& extent, T prototype = T{}, const Map& map = {}) {
        static_assert(runtime::index_code<Index>::dimensions > 0,
                      "motet: an array under a struct as index has no extent: make it with create() and insert");
        auto info = start(map);
        info.dense = true;
        info.extent = runtime::index_code<Index>::pack(extent);
        info.total = runtime::index_code<Index>::count(extent);
        info.linear = runtime::index_code<Index>::dimensions == 1;
        info.prototype = runtime::boxed::of<T>(std::move(prototype));
        return finish(std::move(info));
    }
    /// An array without elements: insert them.
    static array create() { return create(sparse); }
    /// The same with a map: where an element lives that is inserted without a PE.
    template <class Map = default_map>
    static array create(sparse_t, const Map& map = {}) {
        auto info = start(map);
        info.prototype = runtime::boxed::of<T>(T{});
        return finish(std::move(info));
    }
    /// An array whose elements come into being, as copies of `prototype`, when they are first called.
    template <class Map = default_map>
    static array create(on_demand_t, T prototype = T{}, const Map& map = {}) {
        auto info = start(map);
        info.on_demand = true;
        info.prototype = runtime::boxed::of<T>(std::move(prototype));
        return finish(std::move(info));
    }

    /// A new element, a copy of `prototype`; `on`: its first PE (if none is given: where the map says). May be called
    /// anywhere at any time. The future is ready when it exists; it fails if there was one already, or after
    /// done_inserting().
    future<void> insert(const Index& index, T prototype = T{}, std::optional<std::int64_t> on = {}) const {
        runtime::check_name(this->id_);
        runtime::pe& p = runtime::this_pe();
        const runtime::index_bits bits = runtime::index_code<Index>::pack(index);
        const runtime::pe_number at = on ? runtime::checked_pe(p, *on) : runtime::no_pe;
        auto [made, to] = runtime::new_future<void>(p);
        made.held().awaited = [] { return std::string("for an insertion"); };
        runtime::boxed value = runtime::boxed::of<T>(std::move(prototype));
        if (runtime::part* c = runtime::local_chares::of(p).find(p, this->id_); c != nullptr && !p.holds_sends())
            runtime::insert_from(p, *c, bits, std::move(value), at, to);
        else
            runtime::post_part<&runtime::insert_on_request>(p, p.number, this->id_, bits, std::move(value), at, to);
        return std::move(made);
    }
    /// Ends an element, as soon as no frame stands in it. The future fails with motet::erased if there is none.
    future<void> erase(const Index& index) const { return (*this)[index].erase(); }
    /// No element will be inserted any more (wait for the futures of insert() first): a call of an index that does not
    /// exist is an error from now on, in place of being held. The future is ready when every PE knows.
    future<void> done_inserting() const {
        return runtime::tell_every_pe<&runtime::close_part>(runtime::this_pe(), this->id_);
    }

private:
    template <class Map>
    static runtime::collection_info start(const Map& map) {
        runtime::check_chare<T>();
        runtime::collection_info info;
        info.type = runtime::collection_of<T, Index>::id();
        info.kind = runtime::collection_kind::array;
        if constexpr (!std::is_same_v<Map, default_map>) {
            info.map = runtime::map_of<Map, Index>::id();
            info.map_state = runtime::map_of<Map, Index>::state(map);
        }
        return info;
    }
    static array finish(runtime::collection_info&& info) {
        return array(runtime::create_collection(runtime::this_pe(), std::move(info)));
    }
};

/// A group: one chare on each PE, whose index is the PE's number.
template <class T>
class group : public collection<T, std::int64_t> {
public:
    using collection<T, std::int64_t>::collection;
    /// The group that a collection is.
    group(const collection<T, std::int64_t>& other) : collection<T, std::int64_t>(other) {}

    /// A copy of `prototype` on each PE. Returns at once.
    static group create(T prototype = T{}) {
        runtime::check_chare<T>();
        runtime::collection_info info;
        info.type = runtime::collection_of<T, std::int64_t>::id();
        info.kind = runtime::collection_kind::group;
        info.prototype = runtime::boxed::of<T>(std::move(prototype));
        return group(runtime::create_collection(runtime::this_pe(), std::move(info)));
    }
    /// The chare on the caller's PE.
    element_proxy<T, std::int64_t> here() const { return (*this)[std::int64_t{runtime::this_pe().number}]; }
};

/// A node group: one chare in each process, whose index is the process's number.
template <class T>
class node_group : public collection<T, std::int64_t> {
public:
    using collection<T, std::int64_t>::collection;
    /// The node group that a collection is.
    node_group(const collection<T, std::int64_t>& other) : collection<T, std::int64_t>(other) {}

    /// A copy of `prototype` in each process. Returns at once.
    static node_group create(T prototype = T{}) {
        runtime::check_chare<T>();
        runtime::collection_info info;
        info.type = runtime::collection_of<T, std::int64_t>::id();
        info.kind = runtime::collection_kind::node_group;
        info.prototype = runtime::boxed::of<T>(std::move(prototype));
        return node_group(runtime::create_collection(runtime::this_pe(), std::move(info)));
    }
    /// The chare of the caller's process.
    element_proxy<T, std::int64_t> here() const { return (*this)[std::int64_t{runtime::this_pe().home.number}]; }
};

/// A single chare.
template <class T>
class chare : public element_proxy<T, runtime::single_index> {
public:
    chare() = default;

    /// A chare that is a copy of `prototype`, on PE `on` (if none is given: the next one in turn). Returns at once.
    static chare create(T prototype = T{}, std::optional<std::int64_t> on = {}) {
        runtime::check_chare<T>();
        runtime::pe& p = runtime::this_pe();
        const std::uint64_t serial = ++p.created.chares;
        const runtime::pe_number home =
            on ? runtime::checked_pe(p, *on) : static_cast<runtime::pe_number>((p.number + serial) % p.job.pe_total());
        p.job.created_something = true;
        const runtime::index_bits index{serial, (std::uint64_t{home} << 32) | p.number};
        runtime::post_part<&runtime::insert_at_home>(p, home, collection_name(), index,
                                                     runtime::boxed::of<T>(std::move(prototype)), runtime::no_pe,
                                                     runtime::address{});
        return chare(index);
    }

    // For the runtime.
    explicit chare(runtime::index_bits index) : element_proxy<T, runtime::single_index>(collection_name(), index) {}
    static runtime::collection_id collection_name() {
        return {runtime::singles_root, runtime::collection_of<T, runtime::single_index>::id()};
    }
};

// Calls without the word `template` in templates, and for overloaded methods after a cast.

/// proxy.tell<M>(arguments...)
template <auto M, class Proxy, class... A>
void tell(const Proxy& p, A&&... a) {
    p.template tell<M>(std::forward<A>(a)...);
}
/// proxy.ask<M>(arguments...)
template <auto M, class Proxy, class... A>
auto ask(const Proxy& p, A&&... a) {
    return p.template ask<M>(std::forward<A>(a)...);
}
/// collection.all<M>(arguments...)
template <auto M, class Proxy, class... A>
auto all(const Proxy& p, A&&... a) {
    return p.template all<M>(std::forward<A>(a)...);
}
/// collection.gather<M>(arguments...); motet::gather is the reducer.
template <auto M, class Proxy, class... A>
auto gather_from(const Proxy& p, A&&... a) {
    return p.template gather<M>(std::forward<A>(a)...);
}
/// collection.reduce<M>(op, arguments...)
template <auto M, class Proxy, class Op, class... A>
auto reduce(const Proxy& p, Op op, A&&... a) {
    return p.template reduce<M>(op, std::forward<A>(a)...);
}
/// proxy.to<M>(): the target
template <auto M, class Proxy>
auto to(const Proxy& p) {
    return p.template to<M>();
}

} // namespace motet::inline MOTET_VARIANT
