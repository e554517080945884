// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi.hpp>
#include <motet/net/neighbours.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

/// Bytes between the processes of a job, over MPI.
///
/// * Packets are small, go to any process at any time, and need no announcement: each process has receives posted for
///   three kinds of them. The oldest receive of a kind is the next to be filled, so only that one is looked at. Those
///   to a process of the same machine go through memory (net/neighbours.hpp) as long as there is room.
/// * Large data has been announced in a packet: both sides name it by a number, and it goes from where it is to where
///   it shall be, in chunks of at most 1 GiB.
namespace motet::inline MOTET_VARIANT::net {

/// Something under way that consists of one or more MPI operations.
struct transfer {
    std::uint32_t pending = 0;                        ///< operations not completed
    void (*done)(transfer&, void* context) = nullptr; ///< what the owner does then; null: it is a packet that has left
};

/// A packet, and where its bytes are: behind it, or in a block that processes share.
struct alignas(16) packet : transfer {
    std::size_t capacity = 0;
    std::size_t used = 0;
    int process = -1; ///< where it goes, or came from
    int kind = 0;     ///< urgent, small or medium
    std::byte* place = nullptr;
    shared_room::block* block = nullptr;

    std::byte* data() { return place; }
    std::size_t room() const { return capacity - used; }
    std::span<const std::byte> bytes() { return {data(), used}; }
};
static_assert(sizeof(packet) % 16 == 0); // so data() is aligned

/// Not to be used by two threads at the same time.
class mpi_transport {
public:
    /// Of packets. Urgent ones are small, and seen before the others.
    static constexpr int urgent = 0, small = 1, medium = 2, kinds = 3;
    static constexpr std::size_t packet_bytes[kinds] = {shared_inbox::most_bytes, shared_inbox::most_bytes,
                                                        shared_room::block_bytes};
    static constexpr std::size_t receives[kinds] = {8, 32, 4}; ///< posted at any time
    static constexpr std::size_t looked_at = 32;               ///< operations at a time
    static constexpr int most_quick_looks = 3; ///< for small packets only, between two looks for everything

    /// `sharers`: how many processes of a machine hand each other packets through memory; 0: none.
    mpi_transport(MPI_Comm from, std::uint32_t sharers) : packets(from), large(from), near(packets, sharers) {
        void* most = nullptr;
        int found = 0;
        MPI_Comm_get_attr(large, MPI_TAG_UB, &most, &found);
        if (found != 0) tags = static_cast<std::uint32_t>(*static_cast<int*>(most));
        requests.resize(kinds, MPI_REQUEST_NULL);
        owners.resize(kinds, nullptr);
        for (int k = 0; k < kinds; ++k) {
            ring& r = rings[k];
            r.blocks.resize(receives[k]);
            r.requests.resize(receives[k], MPI_REQUEST_NULL);
            r.missing = receives[k];
            post_again(k);
            requests[static_cast<std::size_t>(k)] = r.requests[0];
        }
    }
    mpi_transport(const mpi_transport&) = delete;
    mpi_transport& operator=(const mpi_transport&) = delete;
    /// Nothing must be under way any more.
    ~mpi_transport() {
        for (int k = 0; k < kinds; ++k) {
            ring& r = rings[k];
            r.requests[r.head] = requests[static_cast<std::size_t>(k)];
            for (MPI_Request& each : r.requests) {
                if (each == MPI_REQUEST_NULL) continue;
                MPI_Cancel(&each);
                MPI_Wait(&each, MPI_STATUS_IGNORE);
            }
            for (packet* each : r.blocks) std::free(each);
            for (packet* each : unused[k]) std::free(each);
        }
        for (packet* each : unused_labels) std::free(each);
    }

    int process_number() const { return packets.rank; }
    int process_count() const { return packets.size; }
    const communicator& group() const { return packets; }
    /// How many processes of the job are on this machine.
    int neighbour_count() const { return near.count(); }

    /// An empty packet for a process.
    packet* take_packet(int kind, int process) {
        shared_room::block* const block = kind == medium ? near.take_block(process) : nullptr;
        packet* const p = block != nullptr ? label(*block) : take_packet(kind);
        p->process = process;
        return p;
    }
    void give_back(packet* p) {
        if (p->block == nullptr) return unused[p->kind].push_back(p);
        std::exchange(p->block, nullptr)->in_use.store(0, std::memory_order_release);
        unused_labels.push_back(p);
    }

    /// Sends a packet, which is given back when it has left.
    void send(packet* p) {
        if (p->block != nullptr && near.send(p->process, *p->block, p->used)) { // whoever reads it gives it back
            ++sent;
            return unused_labels.push_back(p);
        }
        if (p->kind != medium && near.send(p->process, p->bytes())) {
            ++sent;
            return give_back(p);
        }
        MPI_Request request = MPI_REQUEST_NULL;
        check(MPI_Isend(p->data(), static_cast<int>(p->used), MPI_BYTE, p->process, p->kind, packets, &request),
              "MPI_Isend");
        ++sent;
        int done = 0;
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (done != 0) return give_back(p);
        p->pending = 1;
        add(request, p, true);
    }
    /// A number by which the next `count` pieces of large data that leave here are known.
    std::uint32_t next_tag(std::uint32_t count) {
        if (next_piece + count > tags) next_piece = 0;
        return std::exchange(next_piece, next_piece + count);
    }
    /// Sends large data from where it is, as a part of `whole`.
    void send_large(int process, std::uint32_t tag, std::span<const std::byte> data, transfer& whole) {
        each_chunk(data.size(), [&](std::size_t at, int count) {
            MPI_Request request = MPI_REQUEST_NULL;
            check(MPI_Isend(data.data() + at, count, MPI_BYTE, process, static_cast<int>(tag), large, &request),
                  "MPI_Isend of large data");
            ++whole.pending;
            add(request, &whole, true);
        });
    }
    /// Receives large data to where it shall be, as a part of `whole`.
    void receive_large(int process, std::uint32_t tag, std::span<std::byte> place, transfer& whole) {
        each_chunk(place.size(), [&](std::size_t at, int count) {
            MPI_Request request = MPI_REQUEST_NULL;
            check(MPI_Irecv(place.data() + at, count, MPI_BYTE, process, static_cast<int>(tag), large, &request),
                  "MPI_Irecv of large data");
            ++whole.pending;
            add(request, &whole, false);
        });
    }

    /// Moves on what is under way. Adds the packets that came to `arrived`, whose owner gives them back, and transfers
    /// that are complete to `finished`. False if there was nothing. Whoever is `idle` will soon look again.
    bool progress(std::vector<packet*>& arrived, std::vector<transfer*>& finished, bool idle) {
        const bool came_near = take_near(arrived);
        return progress_of_mpi(arrived, finished, idle) || came_near;
    }
    /// The same for somebody idle who calls `progress` now and then: asks MPI only for what may come soon. Where all
    /// processes share memory that is what has been announced; a look of MPI takes as long as a packet's way.
    bool glance(std::vector<packet*>& arrived, std::vector<transfer*>& finished) {
        const bool came_near = take_near(arrived);
        if (near.everywhere() && under_way() == 0) return came_near;
        return progress_of_mpi(arrived, finished, true) || came_near;
    }
    /// Sends that have not left.
    std::size_t unsent() const { return sends_pending; }
    /// All that is under way.
    std::size_t under_way() const { return requests.size() - kinds; }

    /// Adds up two numbers over all processes: begins, and tells whether the sums are there.
    void begin_sums(std::int64_t a, std::int64_t b) {
        summands[0] = a, summands[1] = b;
        check(MPI_Iallreduce(summands, sums, 2, MPI_INT64_T, MPI_SUM, packets, &summing), "MPI_Iallreduce");
    }
    bool sums_ready() {
        int done = 0;
        check(MPI_Test(&summing, &done, MPI_STATUS_IGNORE), "MPI_Test");
        return done != 0;
    }

    std::size_t chunk = std::size_t{1} << 30; ///< bytes of large data that go in one operation of MPI; not over 2^31-1
    std::int64_t sums[2] = {};
    std::int64_t sent = 0;     ///< packets
    std::int64_t received = 0; ///< packets

private:
    packet* take_packet(int kind) {
        packet* const p = take_from(unused[kind], packet_bytes[kind]);
        p->kind = kind;
        p->capacity = packet_bytes[kind];
        p->place = reinterpret_cast<std::byte*>(p + 1);
        return p;
    }
    /// A packet whose bytes are in a block.
    packet* label(shared_room::block& block) {
        packet* const p = take_from(unused_labels, 0);
        p->kind = medium;
        p->capacity = sizeof block.data;
        p->place = block.data;
        p->block = &block;
        return p;
    }
    static packet* take_from(std::vector<packet*>& unused, std::size_t bytes) {
        packet* p = nullptr;
        if (unused.empty()) {
            void* memory = std::aligned_alloc(64, (sizeof(packet) + bytes + 63) / 64 * 64);
            if (memory == nullptr) throw std::bad_alloc();
            p = new (memory) packet;
        } else {
            p = unused.back();
            unused.pop_back();
        }
        p->used = 0;
        return p;
    }
    bool take_near(std::vector<packet*>& arrived) {
        return near.receive([&](int process, std::span<const std::byte> bytes, shared_room::block* block) {
            packet* const p = block != nullptr ? label(*block) : take_packet(small);
            p->used = bytes.size();
            p->process = process;
            if (block == nullptr) std::memcpy(p->data(), bytes.data(), bytes.size());
            arrived.push_back(p);
            ++received;
        });
    }
    bool progress_of_mpi(std::vector<packet*>& arrived, std::vector<transfer*>& finished, bool idle) {
        // What comes most often first: MPI_Test looks again after it has made progress, MPI_Testsome does not.
        if (idle && quick_looks-- > 0 && sends_pending == 0 && requests.size() == kinds) {
            MPI_Status status;
            int done = 0;
            check(MPI_Test(&requests[small], &done, &status), "MPI_Test");
            if (done == 0) {
                post_receives(true);
                return false;
            }
            arrived.push_back(take_arrival(small, status));
            post_receives(false);
            return true;
        }
        quick_looks = most_quick_looks;
        int indices[looked_at];
        MPI_Status statuses[looked_at];
        int count = 0;
        const int looks = static_cast<int>(std::min(requests.size(), looked_at));
        check(MPI_Testsome(looks, requests.data(), &count, indices, statuses), "MPI_Testsome");
        const std::size_t before = requests.size();
        for (int i = 0; i < count; ++i)
            if (indices[i] < kinds) arrived.push_back(take_arrival(indices[i], statuses[i]));
        std::sort(indices, indices + std::max(count, 0));
        for (int i = count - 1; i >= 0 && indices[i] >= kinds; --i)
            complete(static_cast<std::size_t>(indices[i]), finished);
        if (requests.size() == before) look_at_others();
        post_receives(count <= 0);
        return count > 0;
    }
    struct ring {
        std::vector<packet*> blocks;
        std::vector<MPI_Request> requests;
        std::size_t head = 0;    ///< the oldest
        std::size_t missing = 0; ///< those before the oldest have been filled and are not posted again yet
    };

    template <class F>
    void each_chunk(std::size_t size, F&& f) const {
        for (std::size_t at = 0; at < size; at += chunk) f(at, static_cast<int>(std::min(chunk, size - at)));
    }
    void post_receive(int kind, std::size_t slot) {
        ring& r = rings[kind];
        packet* p = r.blocks[slot];
        check(MPI_Irecv(p->data(), static_cast<int>(p->capacity), MPI_BYTE, MPI_ANY_SOURCE, kind, packets,
                        &r.requests[slot]),
              "MPI_Irecv");
    }
    packet* take_arrival(int kind, const MPI_Status& status) {
        ring& r = rings[kind];
        packet* p = r.blocks[r.head];
        int count = 0;
        MPI_Get_count(&status, MPI_BYTE, &count);
        p->used = static_cast<std::size_t>(count);
        p->process = status.MPI_SOURCE;
        r.blocks[r.head] = nullptr;
        r.requests[r.head] = MPI_REQUEST_NULL;
        ++r.missing;
        r.head = (r.head + 1) % r.blocks.size();
        if (r.missing == r.blocks.size()) post_again(kind);
        requests[static_cast<std::size_t>(kind)] = r.requests[r.head];
        ++received;
        return p;
    }
    void post_again(int kind) {
        ring& r = rings[kind];
        const std::size_t count = r.blocks.size();
        for (; r.missing > 0; --r.missing) {
            const std::size_t slot = (r.head + count - r.missing) % count;
            r.blocks[slot] = take_packet(kind);
            post_receive(kind, slot);
        }
    }
    /// Posts receives again: what has just come goes first, as long as half of them are still there.
    void post_receives(bool idle) {
        for (int k = 0; k < kinds; ++k)
            if (rings[k].missing > (idle ? 0 : rings[k].blocks.size() / 2)) post_again(k);
    }
    /// What is under way and was looked at in vain changes places with some of the rest: a piece may wait for another
    /// process to see what has come there, and that one for this one.
    void look_at_others() {
        if (requests.size() <= looked_at) return;
        for (std::size_t i = kinds; i < looked_at; ++i) {
            if (not_looked_at >= requests.size()) not_looked_at = looked_at;
            const std::size_t other = not_looked_at++;
            std::swap(requests[i], requests[other]);
            std::swap(owners[i], owners[other]);
            std::vector<bool>::swap(sends[i - kinds], sends[other - kinds]);
        }
    }
    void add(MPI_Request request, transfer* owner, bool is_send) {
        requests.push_back(request);
        owners.push_back(owner);
        sends.push_back(is_send);
        sends_pending += is_send;
    }
    void complete(std::size_t at, std::vector<transfer*>& finished) {
        transfer* owner = owners[at];
        const bool was_send = sends[at - kinds];
        sends_pending -= was_send;
        requests[at] = requests.back();
        owners[at] = owners.back();
        sends[at - kinds] = sends.back();
        requests.pop_back();
        owners.pop_back();
        sends.pop_back();
        if (--owner->pending > 0) return;
        if (owner->done == nullptr)
            give_back(static_cast<packet*>(owner));
        else
            finished.push_back(owner);
    }

    communicator packets;
    communicator large;
    neighbours near;
    std::uint32_t tags = 32767;
    ring rings[kinds];
    std::vector<packet*> unused[kinds];
    std::vector<packet*> unused_labels;
    std::vector<MPI_Request> requests;     ///< the oldest receive of each kind, then all else that is under way
    std::vector<transfer*> owners;         ///< of requests
    std::vector<bool> sends;               ///< of those behind the receives: whether they send
    std::size_t not_looked_at = looked_at; ///< of those that are not looked at: who takes a place next
    std::uint32_t next_piece = 0;
    std::size_t sends_pending = 0;
    int quick_looks = 0;
    MPI_Request summing = MPI_REQUEST_NULL;
    std::int64_t summands[2] = {};
};

} // namespace motet::inline MOTET_VARIANT::net
