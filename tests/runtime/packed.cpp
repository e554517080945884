// SPDX-License-Identifier: BSL-1.0
#include <motet/runtime/packed.hpp>
#include <motet/runtime/random.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

using namespace motet::runtime;

namespace {

struct letter {
    packed_place where;
    std::uint32_t type = 0;
    std::uint8_t flags = 0;
    address reply;
    stamp sent;
    std::vector<std::byte> body;
    std::vector<std::uint64_t> sizes;
};

/// Letters of which each has something in common with the one before.
std::vector<letter> some_letters(random_source& random, std::size_t count) {
    std::vector<letter> all;
    letter next;
    next.where.to = 3;
    for (std::size_t i = 0; i < count; ++i) {
        if (random() % 3 == 0) next.where.index.low = random();
        if (random() % 5 == 0) next.where.index.high = random();
        if (random() % 4 == 0) next.where.collection = {static_cast<pe_number>(random()), 7};
        if (random() % 4 == 0) next.where.to = static_cast<pe_number>(random() % 8);
        if (random() % 4 == 0) next.where.priority = -static_cast<std::int32_t>(random() % 100);
        next.type = 1 + static_cast<std::uint32_t>(random() % 50);
        next.flags = static_cast<std::uint8_t>((random() % 3 == 0 ? message::replies : 0) |
                                               (random() % 3 == 0 ? message::stamped : 0));
        next.reply.index.low = random();
        next.sent.flow = random();
        next.body.assign(8 * (random() % 6), static_cast<std::byte>(i));
        next.sizes.assign(random() % 4 == 0 ? 1 + random() % 3 : 0, random());
        all.push_back(next);
    }
    return all;
}

std::vector<std::byte> packed(const std::vector<letter>& letters) {
    std::vector<std::byte> all(64 << 10);
    const packet_header header{letters.front().where.to, 1};
    std::memcpy(all.data(), &header, sizeof header);
    std::size_t used = sizeof header;
    packed_place before;
    before.to = header.to;
    for (const letter& l : letters) {
        std::byte* const place = all.data() + used;
        std::byte* at = begin_packed(place, before, l.where, l.type, l.flags,
                                     (l.flags & message::replies) != 0 ? &l.reply : nullptr,
                                     (l.flags & message::stamped) != 0 ? &l.sent : nullptr);
        const auto put = [&](const void* from, std::size_t bytes) {
            if (bytes != 0) std::memcpy(at, from, bytes);
            at += bytes;
        };
        put(l.body.data(), l.body.size());
        put(l.sizes.data(), l.sizes.size() * sizeof(std::uint64_t));
        const packed_pieces pieces{77, static_cast<std::uint16_t>(l.sizes.size()), 0};
        if (!l.sizes.empty()) put(&pieces, sizeof pieces);
        finish_packed(place, static_cast<std::size_t>(at - place), !l.sizes.empty());
        used += static_cast<std::size_t>(at - place);
        before = l.where;
    }
    all.resize(used);
    all.shrink_to_fit();
    return all;
}

/// Reads all there is, and touches every byte of it. False at what is no message.
bool read_all(const std::vector<std::byte>& packet, std::size_t& count) {
    packet_reader in;
    packet_header header;
    if (!in.open(packet, header)) return false;
    unsigned sum = 0;
    for (count = 0; !in.at_end(packet); ++count) {
        if (!in.read(packet)) return false;
        const packed_message& m = in.next;
        for (std::size_t i = 0; i < attached_bytes(m.flags); ++i) sum += static_cast<unsigned>(m.attached[i]);
        for (std::size_t i = 0; i < m.pieces.count * sizeof(std::uint64_t); ++i)
            sum += static_cast<unsigned>(m.sizes[i]);
        for (const std::byte b : m.body) sum += static_cast<unsigned>(b);
    }
    return sum != 1;
}

} // namespace

TEST_CASE("messages are read from a packet as they were written") {
    random_source random{1};
    for (int round = 0; round < 200; ++round) {
        const auto letters = some_letters(random, 1 + random() % 60);
        const auto packet = packed(letters);
        packet_reader in;
        packet_header header;
        REQUIRE(in.open(packet, header));
        for (const letter& l : letters) {
            REQUIRE(!in.at_end(packet));
            REQUIRE(in.read(packet));
            const packed_message& m = in.next;
            CHECK(m.type == l.type);
            CHECK(m.flags == l.flags);
            CHECK(m.where.index == l.where.index);
            CHECK(m.where.collection == l.where.collection);
            CHECK(m.where.to == l.where.to);
            CHECK(m.where.priority == l.where.priority);
            CHECK(std::vector<std::byte>(m.body.begin(), m.body.end()) == l.body);
            if ((l.flags & message::replies) != 0) CHECK(std::memcmp(m.attached, &l.reply, sizeof l.reply) == 0);
            if ((l.flags & message::stamped) != 0)
                CHECK(std::memcmp(m.attached + attached_bytes(l.flags) - sizeof(stamp), &l.sent, sizeof(stamp)) == 0);
            REQUIRE(m.pieces.count == l.sizes.size());
            if (!l.sizes.empty()) {
                CHECK(m.pieces.tag == 77);
                CHECK(std::memcmp(m.sizes, l.sizes.data(), l.sizes.size() * sizeof(std::uint64_t)) == 0);
            }
        }
        CHECK(in.at_end(packet));
    }
}

TEST_CASE("a small message to where the last one went costs eight bytes more than its arguments") {
    std::vector<letter> letters(3);
    for (letter& l : letters) {
        l.where = {{5, 0}, {1, 2}, 4, 0};
        l.type = 9;
        l.body.resize(16);
    }
    const std::size_t of_two = packed({letters[0], letters[1]}).size();
    CHECK(packed(letters).size() - of_two == 24);
}

TEST_CASE("a packet that is cut or damaged is refused, or read within its bounds") {
    random_source random{2};
    const auto letters = some_letters(random, 20);
    const auto packet = packed(letters);
    std::size_t count = 0;
    REQUIRE(read_all(packet, count));
    CHECK(count == letters.size());
    std::size_t refused = 0;
    for (std::size_t size = 0; size < packet.size(); ++size) {
        std::vector<std::byte> cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
        cut.shrink_to_fit();
        refused += !read_all(cut, count);
    }
    CHECK(refused >= packet.size() - letters.size() - 1);
    for (int round = 0; round < 20'000; ++round) {
        auto damaged = packet;
        for (std::size_t i = 0; i < 1 + random() % 4; ++i)
            damaged[random() % damaged.size()] = static_cast<std::byte>(random());
        refused += !read_all(damaged, count);
    }
    CHECK(refused > packet.size());
}
