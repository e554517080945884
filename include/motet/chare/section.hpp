// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/broadcast.hpp>
#include <motet/chare/check_call.hpp>
#include <motet/chare/many.hpp>
#include <motet/chare/reduction.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

/// Calls of some elements of an array, and reductions over them.
///
/// 1. A section is the list of its members' indices; its proxy carries it along.
/// 2. A call goes from relay to relay: each sends messages to the members it has, sorts the rest by where they are
///    said to be, and hands at most four parts of it on. The first member of a part is sent a message wherever it is,
///    so that every relay makes the list shorter. Results come back along the relays, put together.
/// 3. A contribution to a section's reduction goes to the home of the member's index. Member i's home waits for that
///    of the members 4i + 1 to 4i + 4 in the list, and reports to that of member (i - 1) / 4.
namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// What the call of one member gave goes to its relay.
MOTET_INLINE void give_section_result(pe& p, const address& to, partial one);

#if MOTET_BODIES
inline void take_section_result(pe& p, part& c, std::uint64_t relay, std::uint64_t members, partial one) {
    const auto found = c.relays.find(relay);
    section_relay& r = found->second;
    combine_into(p, c, type_of(*r.record), r.result, std::move(one));
    if ((r.missing -= members) > 0) return;
    section_relay done = std::move(r);
    c.relays.erase(found);
    if (done.parent.how != 0)
        return post_result<&take_section_result>(p, c, done.parent.pe, std::move(done.result), done.parent.index.low,
                                                 done.count);
    try {
        type_of(*done.record).finish(p, done.record->target, std::move(done.result));
    } catch (...) {
        deliver_failure(p, done.record->target, failure::current(c.type->name(), "a reducer"));
    }
}

MOTET_INLINE void give_section_result(pe& p, const address& to, partial one) {
    give_result_to<&take_section_result>(p, to, std::move(one), to.index.low, std::uint64_t{1});
}
#endif // MOTET_BODIES

template <auto M, class Op, class Index>
struct section_delivery {
    using calls = broadcast_of<M, Op, Index>;
    static void give_value(pe& p, const address& to, [[maybe_unused]] void* result) {
        partial one;
        if constexpr (!calls::counts_only) one.value = boxed::of<typename calls::accumulator>(calls::lift(p, result));
        give_section_result(p, to, std::move(one));
    }
    static void give_failure(pe& p, const address& to, failure&& why) {
        partial one;
        one.fail(std::move(why));
        give_section_result(p, to, std::move(one));
    }
    static inline const delivery operations{&give_value, &give_failure};
    static std::uint32_t id() { return registered<section_delivery, operations>::id(); }
};

MOTET_INLINE void issue_section(pe& p, collection_id id, std::shared_ptr<broadcast> record,
                                const std::vector<index_bits>& members);
/// Step 3, at the home of member `node`. `from`: itself (0), or which of those it waits for (1 to 4).
/// `path`: the members from this one up to the first. `awaited`: those it waits for, said by itself.
MOTET_INLINE void take_section_contribution(pe& p, part& c, std::uint64_t section, std::uint64_t round,
                                            std::uint64_t node, std::uint32_t from, std::vector<index_bits> path,
                                            std::vector<index_bits> awaited, std::uint32_t type, address target,
                                            partial one);

#if MOTET_BODIES
/// The relay that a part of a call comes from. After a restart it is no more: results of the part go to nobody.
struct upper_relay {
    address at;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(at);
        if constexpr (!Archive::is_writing)
            if (registry::translation != nullptr) at = {};
    }
};

inline void relay_section(pe& p, part& c, const std::shared_ptr<broadcast>& record, std::vector<index_bits> members,
                          upper_relay parent);
template <>
inline constexpr bool is_of_program<& relay_section> = true;

/// Step 2. `parent`: the relay this one is part of.
inline void relay_section(pe& p, part& c, const std::shared_ptr<broadcast>& record, std::vector<index_bits> members,
                          upper_relay parent) {
    if (p.job.shrunk && std::erase_if(members, [&](const auto& each) { return is_gone(p, c, each); }) > 0 &&
        members.empty())
        return type_of(*record).finish(p, record->target, {});
    const std::uint64_t number = ++c.relay_count;
    const bool wanted = record->reply != 0;
    const address reply{record->reply, p.number, c.info->id, {number, 0}};
    if (wanted) {
        section_relay& r = c.relays[number];
        r.record = record;
        r.parent = parent.at;
        r.missing = r.count = members.size();
    }
    std::vector<std::pair<pe_number, index_bits>> elsewhere;
    std::vector<failure> refused;
    const auto refuse_some = [&](std::size_t count) { // for what an argument's own serialize or copy has thrown
        refused.insert(refused.end(), count, failure::current(c.type->name(), "a section of it"));
    };
    for (std::size_t i = 0; i < members.size(); ++i) {
        pe_number at = no_pe;
        try {
            at = where(p, c, members[i]);
        } catch (const error& why) { // no index of this array
            refused.push_back({why.what(), "motet::error", c.type->name(), "a section of it", false});
            continue;
        }
        if (at != p.number && i != 0) {
            elsewhere.emplace_back(at, members[i]);
            continue;
        }
        try {
            p.send(at, type_of(*record).message_for(p, c, members[i], *record, wanted ? &reply : nullptr));
        } catch (...) {
            refuse_some(1);
        }
    }
    std::sort(elsewhere.begin(), elsewhere.end());
    for (std::size_t begin = 0, k = 0; begin < elsewhere.size(); ++k) {
        const std::size_t fair = std::max<std::size_t>(1, elsewhere.size() * (k + 1) / 4);
        std::size_t end = std::max(begin + 1, fair);
        while (end < elsewhere.size() && elsewhere[end].first == elsewhere[end - 1].first)
            ++end; // a PE's members together
        end = std::min(end, elsewhere.size());
        std::vector<index_bits> some;
        for (std::size_t i = begin; i < end; ++i) some.push_back(elsewhere[i].second);
        try {
            p.send(elsewhere[begin].first,
                   record->urgent.mark(part_message<&relay_section>(p, c.info->id, record, std::move(some),
                                                                    upper_relay{wanted ? reply : address{}})));
        } catch (...) {
            refuse_some(end - begin);
        }
        begin = end;
    }
    for (failure& why : refused) {
        if (!wanted) return fail_program(p, why);
        partial one;
        one.fail(std::move(why));
        take_section_result(p, c, number, 1, std::move(one));
    }
}

/// Step 3, when all that the member waits for has come.
inline void close_section_round(pe& p, part& c, const std::array<std::uint64_t, 3>& key) {
    const auto found = c.section_rounds.find(key);
    const section_round& r = found->second;
    if ((r.children & 1) == 0) return;
    for (std::size_t i = 0; i < r.awaited.size(); ++i)
        if ((r.children & (2u << i)) == 0 && !is_gone(p, c, r.awaited[i])) return;
    section_round done = std::move(found->second);
    c.section_rounds.erase(found);
    const auto [section, round, node] = key;
    if (node == 0) return finish_round(p, c, std::move(done));
    done.path.erase(done.path.begin());
    const pe_number at_home = home_of(p, c, done.path.front());
    post_result<&take_section_contribution>(p, c, at_home, std::move(done.result), section, round, (node - 1) / 4,
                                            static_cast<std::uint32_t>((node - 1) % 4 + 1), std::move(done.path),
                                            std::vector<index_bits>(), done.type, done.target);
}

MOTET_INLINE void issue_section(pe& p, collection_id id, std::shared_ptr<broadcast> record,
                                const std::vector<index_bits>& members) {
    if (members.empty()) return type_of(*record).finish(p, record->target, {});
    check_name(id);
    const urgency urgent = record->urgent;
    p.send(p.number, urgent.mark(part_message<&relay_section>(p, id, std::move(record), members, upper_relay{})));
}

MOTET_INLINE void take_section_contribution(pe& p, part& c, std::uint64_t section, std::uint64_t round,
                                            std::uint64_t node, std::uint32_t from, std::vector<index_bits> path,
                                            std::vector<index_bits> awaited, std::uint32_t type, address target,
                                            partial one) {
    const std::array<std::uint64_t, 3> key{section, round, node};
    section_round& r = c.section_rounds[key];
    r.path = std::move(path);
    if (from == 0) r.awaited = std::move(awaited);
    add_to_round(p, c, r, type, target, std::move(one));
    if ((r.children & (1u << from)) != 0)
        r.result.fail({"a member of a section gives twice to one reduction: it was erased and inserted again, and does "
                       "not know which reductions the others have behind them; make the section anew then",
                       "motet::error",
                       c.type->name(),
                       {},
                       false});
    r.children |= 1u << from;
    close_section_round(p, c, key);
}
#endif // MOTET_BODIES

} // namespace runtime

/// Some elements of a collection: called and reduced like all of it, along a tree. A value that can be sent along; it
/// carries the list of its members, which does not change. Members that move are found; the section of members that
/// were erased fails when called with motet::erased.
template <class T, class Index = std::int64_t>
class section : public runtime::calls_of_many<section<T, Index>, T, Index> {
public:
    section() = default;
    /// Made by a collection's `section(indices)`, whose urgency it has. Doubles count once.
    section(runtime::collection_id of, const std::vector<Index>& indices, runtime::urgency how)
        : id_(of), urgency_(how) {
        std::vector<runtime::index_bits> all;
        for (const Index& index : indices) all.push_back(runtime::index_code<Index>::pack(index));
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        members_ = std::make_shared<const std::vector<runtime::index_bits>>(std::move(all));
        runtime::pe& p = runtime::this_pe();
        number_ = p.created.next_name(p.number);
    }

    /// How many members it has.
    std::size_t size() const { return members_ ? members_->size() : 0; }
    /// The indices of the members, in their order, which is that of what is gathered.
    std::vector<Index> indices() const {
        using code = runtime::index_code<Index>;
        std::vector<runtime::index_bits> sorted = members();
        std::sort(sorted.begin(), sorted.end(),
                  [](const auto& a, const auto& b) { return code::order(a) < code::order(b); });
        std::vector<Index> all;
        for (const auto& bits : sorted) all.push_back(code::unpack(bits));
        return all;
    }

    template <class Archive>
    void serialize(Archive& archive) {
        std::vector<runtime::index_bits> all;
        if constexpr (Archive::is_writing) {
            if (members_) all = *members_;
        }
        archive(id_.root, id_.serial, urgency_, number_, all);
        if constexpr (!Archive::is_writing)
            members_ = std::make_shared<const std::vector<runtime::index_bits>>(std::move(all));
    }

    // For the runtime.
    runtime::collection_id collection() const { return id_; }
    std::uint64_t number() const { return number_; }
    const std::vector<runtime::index_bits>& members() const {
        static const std::vector<runtime::index_bits> none;
        return members_ ? *members_ : none;
    }

private:
    friend class runtime::calls_of_many<section, T, Index>;
    template <auto M, class Op, class... A>
    void issue(const runtime::address& target, A&&... a) const {
        using calls = runtime::broadcast_of<M, Op, Index>;
        auto record = calls::make(target, runtime::entry_call<M>::convert(std::forward<A>(a)...));
        record->urgent = urgency_;
        record->reply = std::is_same_v<Op, runtime::untold> ? 0 : runtime::section_delivery<M, Op, Index>::id();
        runtime::issue_section(runtime::this_pe(), id_, std::move(record), members());
    }

    runtime::collection_id id_;
    runtime::urgency urgency_;
    std::uint64_t number_ = 0;
    std::shared_ptr<const std::vector<runtime::index_bits>> members_;
};

} // namespace motet::inline MOTET_VARIANT
