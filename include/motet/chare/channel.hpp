// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/future.hpp>
#include <motet/chare/self.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// Which value it is: the name of the end that it comes from, and its number there.
struct channel_place {
    std::uint64_t end = 0;
    std::uint64_t number = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(end, number);
    }
};

/// A value arrives at an end of a channel.
MOTET_INLINE void take_channel_value(pe& p, part&, element_header& e, channel_key from, channel_place place,
                                     boxed value);

/// The place of the next value that this element sends there.
MOTET_INLINE channel_place next_channel_place(pe& p, element_header& e, const channel_key& to);

/// Waits for the next value from there, which must be of the type with this number and name.
MOTET_INLINE boxed receive_from_channel(pe& p, const frame& f, const channel_key& from, std::uint32_t type,
                                        const char* name);

#if MOTET_BODIES
MOTET_INLINE void take_channel_value(pe& p, part&, element_header& e, channel_key from, channel_place place,
                                     boxed value) {
    channel_end& end = e.extend().channels[from];
    if (end.other == 0) end.other = place.end;
    if (end.other == place.end)
        end.values[place.number] = std::move(value);
    else
        end.cut = true;
    if (end.receiver != nullptr && (end.has_next() || end.cut)) p.make_ready(*end.receiver);
}

MOTET_INLINE channel_place next_channel_place(pe& p, element_header& e, const channel_key& to) {
    channel_end& end = e.extend().channels[to];
    if (end.name == 0) end.name = p.created.next_name(p.number);
    return {end.name, ++end.sent};
}

struct channel_waiter : waiter {
    channel_waiter(channel_end& at, const channel_key& other) : end(at), from(other) {
        describe = [](waiter& own) {
            const auto& self = static_cast<channel_waiter&>(own);
            std::string text = "for a value from a channel";
            pe& p = this_pe();
            if (const part* c = local_chares::of(p).find(p, self.from.of()))
                text += " of " + element_text(*c, {self.from.low, self.from.high});
            if (self.from.tag != 0) text += " with tag " + std::to_string(self.from.tag);
            if (!self.end.values.empty())
                text += ", of which later ones have come (a chare that is inserted again needs another channel)";
            return text;
        };
        end.receiver = this;
    }
    channel_waiter(const channel_waiter&) = delete;
    channel_waiter& operator=(const channel_waiter&) = delete;
    ~channel_waiter() { end.receiver = nullptr; }
    channel_end& end;
    const channel_key& from;
};

MOTET_INLINE boxed receive_from_channel(pe& p, const frame& f, const channel_key& from, std::uint32_t type,
                                        const char* name) {
    element_header& e = element_of(f);
    channel_end& end = e.extend().channels[from]; // stays where it is while this frame pins the chare
    while (!end.has_next()) {
        waiting_frame(p);
        if (end.cut)
            throw error("the other end of a channel of " + element_text(part_of(f), e.index) +
                        " was erased and inserted again: a channel is over with one of its ends, and the new one needs "
                        "another tag");
        if (end.receiver != nullptr)
            throw error("two methods of " + element_text(part_of(f), e.index) +
                        " wait for one channel: give each a tag of its own");
        channel_waiter w(end, from);
        p.park(w);
    }
    if (end.values.begin()->second.type_number() != type)
        throw error("a channel brings a value of another type than " + demangled(name));
    boxed value = std::move(end.values.begin()->second);
    end.values.erase(end.values.begin());
    ++end.received;
    return value;
}
#endif // MOTET_BODIES

} // namespace runtime

/// One of the two ends of a channel between two chares: values of type T that arrive in the order of sending. Made
/// inside a method, at no cost, each time it is needed: what was sent and not yet received is kept with the chare, and
/// moves with it. Channels of one pair of chares are told apart by their tag; the ends must agree on it and on T. A
/// channel is over when one of the two chares is erased.
template <class T>
class channel {
public:
    /// The end of the chare whose method runs; the other end is `peer`'s.
    template <class Other, class Index>
    explicit channel(const element_proxy<Other, Index>& peer, std::uint64_t tag = 0)
        : to_(peer.collection_name()), index_(peer.index_name()), tag_(tag) {
        serial::check_owning<T>();
        runtime::method_frame(runtime::this_pe(), "motet::channel");
    }

    /// Sends a value. Returns at once.
    void send(T value) const {
        runtime::pe& p = runtime::this_pe();
        const runtime::frame& f = runtime::method_frame(p, "motet::channel::send");
        runtime::element_header& e = runtime::element_of(f);
        const runtime::channel_place place = runtime::next_channel_place(p, e, key());
        const runtime::channel_key own{runtime::part_of(f).info->id.bits(), e.index.low, e.index.high, tag_};
        runtime::post_element<&runtime::take_channel_value>(p, to_, index_, runtime::address{}, own, place,
                                                            runtime::boxed::of<T>(std::move(value)));
    }
    /// Waits for the next value. Throws motet::error if another type comes than T, and when the peer was erased and
    /// another chare sends from its index.
    T receive() const {
        runtime::pe& p = runtime::this_pe();
        const runtime::frame& f = runtime::method_frame(p, "motet::channel::receive");
        runtime::boxed value = runtime::receive_from_channel(p, f, key(), runtime::boxed_as<T>::id(), typeid(T).name());
        return std::move(value.as<T>());
    }

private:
    runtime::channel_key key() const { return {to_.bits(), index_.low, index_.high, tag_}; }

    runtime::collection_id to_;
    runtime::index_bits index_;
    std::uint64_t tag_;
};

} // namespace motet::inline MOTET_VARIANT
