// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

/// How messages lie in a packet that goes to another process.
///
/// A packet begins with the PE that its first message is for, the PE that all are from, and whether all are for that PE
/// and can wait for their turn. Each message begins with 8 bytes; of where it goes only that follows which differs from
/// the message before. A stream of small messages to one chare so costs 8 bytes more than their arguments each. All
/// parts lie at multiples of 8 bytes: header, collection, index, PE and priority, address of the reply, arguments,
/// sizes of the pieces, tag.
namespace motet::inline MOTET_VARIANT::runtime {

/// Where a message goes.
struct packed_place {
    index_bits index;
    collection_id collection{0, 0};
    pe_number to = no_pe;
    std::int32_t priority = 0;
};

/// What a packet begins with.
struct packet_header {
    pe_number to = no_pe;     ///< of the first message
    std::uint16_t varied = 0; ///< not 0: there are messages for other PEs, urgent ones, or such with pieces
    std::uint16_t from = 0;   ///< which PE of its process has sent it
};
static_assert(sizeof(packet_header) == 8);

/// What a message begins with.
struct packed_header {
    enum part : std::uint8_t { collection = 1, low = 2, high = 4, route = 8, pieces = 16 };
    std::uint32_t type;  ///< 0: the run ends; with flags: a note
    std::uint16_t units; ///< of 8 bytes: all that belongs to this message in the packet
    std::uint8_t parts;  ///< which of them stand in it
    std::uint8_t flags;
};
static_assert(sizeof(packed_header) == 8);

/// What stands behind the sizes of the pieces.
struct packed_pieces {
    std::uint32_t tag;           ///< of the first
    std::uint16_t count;         ///< whose sizes stand before
    std::uint16_t body_is_piece; ///< the first: it holds the arguments
};
static_assert(sizeof(packed_pieces) == 8);

/// How much of what stands with a message lies between its header and its arguments: where its reply goes, its stamp.
constexpr std::size_t attached_bytes(std::uint8_t flags) {
    return ((flags & message::replies) != 0 ? sizeof(address) : 0) +
           ((flags & message::stamped) != 0 ? sizeof(stamp) : 0);
}
inline constexpr std::size_t most_attached = sizeof(address) + sizeof(stamp);

/// The longest that can stand before the arguments.
inline constexpr std::size_t longest_header = sizeof(packed_header) + sizeof(packed_place) + most_attached;

constexpr std::size_t rounded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

/// Writes what stands before the arguments, whose place it returns. `before`: where the last message of the packet
/// goes; `place` has room for the longest header. Its size is noted by `finish_packed`.
inline std::byte* begin_packed(std::byte* place, const packed_place& before, const packed_place& where,
                               std::uint32_t type, std::uint8_t flags, const address* reply, const stamp* stamped) {
    unsigned parts = 0;
    std::byte* at = place + sizeof(packed_header);
    const auto put = [&](packed_header::part which, bool differs, const auto& value) {
        if (!differs) return;
        parts |= which;
        std::memcpy(at, &value, sizeof value);
        at += sizeof value;
    };
    static_assert(sizeof where.collection == 8);
    const std::uint64_t route =
        std::uint64_t{where.to} | (std::uint64_t{static_cast<std::uint32_t>(where.priority)} << 32);
    put(packed_header::collection, !(where.collection == before.collection), where.collection);
    put(packed_header::low, where.index.low != before.index.low, where.index.low);
    put(packed_header::high, where.index.high != before.index.high, where.index.high);
    // Not by two comparisons: compilers make one wide load of them, which waits for the narrow stores before it.
    const auto changed = (where.to ^ before.to) | static_cast<std::uint32_t>(where.priority ^ before.priority);
    put(packed_header::route, changed != 0, route);
    if (reply != nullptr) {
        std::memcpy(at, reply, sizeof *reply);
        at += sizeof *reply;
    }
    if (stamped != nullptr) {
        std::memcpy(at, stamped, sizeof *stamped);
        at += sizeof *stamped;
    }
    // Field by field: a processor waits for one that is put together by narrow stores and then loaded as a whole.
    std::memcpy(place + offsetof(packed_header, type), &type, sizeof type);
    place[offsetof(packed_header, parts)] = static_cast<std::byte>(parts);
    place[offsetof(packed_header, flags)] = std::byte{flags};
    return at;
}

/// Whether the message at `place`, which was begun, goes elsewhere than the one before.
inline bool differs_from_before(const std::byte* place) {
    return place[offsetof(packed_header, parts)] != std::byte{0};
}

/// Notes that the message at `place` has `bytes`, rounded, and whether it has pieces.
inline void finish_packed(std::byte* place, std::size_t bytes, bool has_pieces) {
    const auto units = static_cast<std::uint16_t>(bytes / 8);
    std::memcpy(place + offsetof(packed_header, units), &units, sizeof units);
    if (has_pieces) place[offsetof(packed_header, parts)] |= std::byte{packed_header::pieces};
}

/// A message as it lies in a packet.
struct packed_message {
    packed_place where;
    std::uint32_t type = 0;
    std::uint8_t flags = 0;
    std::uint16_t from = message::nobody; ///< as in `message`
    packed_pieces pieces{};
    const std::byte* attached = nullptr; ///< an address and a stamp, as the flags say
    const std::byte* sizes = nullptr;    ///< of the pieces
    std::span<const std::byte> body;     ///< the arguments
};

/// Reads a packet.
struct packet_reader {
    packed_message next; ///< the message read last
    std::size_t begin = 0;

    /// Begins to read. False if it is no packet.
    bool open(std::span<const std::byte> packet, packet_header& header) {
        if (packet.size() < sizeof header) return false;
        std::memcpy(&header, packet.data(), sizeof header);
        next.where = {};
        next.where.to = header.to;
        begin = sizeof header;
        return true;
    }
    bool at_end(std::span<const std::byte> packet) const { return begin >= packet.size(); }
    /// Reads one more message. False if what stands there is none.
    [[gnu::always_inline]] bool read(std::span<const std::byte> packet) {
        const std::span<const std::byte> rest = packet.subspan(begin);
        packed_header header;
        if (rest.size() < sizeof header) return false;
        std::memcpy(&header, rest.data(), sizeof header);
        std::size_t left = std::size_t{header.units} * 8;
        if (left < sizeof header || left > rest.size()) return false;
        begin += left;
        const std::byte* at = rest.data() + sizeof header;
        left -= sizeof header;
        const auto get = [&](auto& value) {
            if (left < sizeof value) return false;
            std::memcpy(&value, at, sizeof value);
            at += sizeof value;
            left -= sizeof value;
            return true;
        };
        if ((header.parts & ~packed_header::pieces) != 0) {
            std::uint64_t route = 0;
            if ((header.parts & packed_header::collection) != 0 && !get(next.where.collection)) return false;
            if ((header.parts & packed_header::low) != 0 && !get(next.where.index.low)) return false;
            if ((header.parts & packed_header::high) != 0 && !get(next.where.index.high)) return false;
            if ((header.parts & packed_header::route) != 0) {
                if (!get(route)) return false;
                next.where.to = static_cast<pe_number>(route);
                next.where.priority = static_cast<std::int32_t>(route >> 32);
            }
        }
        next.attached = at;
        const std::size_t attached = attached_bytes(header.flags);
        if (left < attached) return false;
        at += attached;
        left -= attached;
        next.pieces.count = 0;
        if ((header.parts & packed_header::pieces) != 0) {
            if (left < sizeof next.pieces) return false;
            left -= sizeof next.pieces;
            std::memcpy(&next.pieces, at + left, sizeof next.pieces);
            const std::size_t sizes = next.pieces.count * sizeof(std::uint64_t);
            if (next.pieces.count == 0 || left < sizes) return false;
            left -= sizes;
            next.sizes = at + left;
        }
        next.type = header.type;
        next.flags = static_cast<std::uint8_t>(header.flags & ~message::constructed);
        next.body = {at, left};
        return true;
    }
};

} // namespace motet::inline MOTET_VARIANT::runtime
