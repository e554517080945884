// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <vector>

/// Packets between the processes of one machine, through memory that they share (MPI_Win_allocate_shared): a packet is
/// there as soon as its cache lines are, which takes half of the time that a message of MPI does.
///
/// Each process has one inbox of fixed size, a ring of slots; place n of all that ever come is slot n % slots.
///
/// 1. A sender claims the next place (`tail`), if fewer than `slots` lie between it and `head`. It reads `head` only
///    when what it read there last says that the ring is full. If it is, the packet goes over MPI: nobody waits here.
/// 2. It copies the packet into the slot, and then stores there in which lap that was.
/// 3. The owner looks at the one slot that is next, until its lap is right. It copies the packet out of it.
/// 4. It tells by `head` how far it is after a quarter of the ring only: so it writes nothing that senders look at as
///    long as there is room.
/// 5. A packet larger than a slot is written in a block of the sender's from the beginning, and read there: only its
///    number goes through the ring. Who has read it marks the block as free. If none is, the packet goes over MPI.
///
/// Order is not kept between packets here and over MPI, as it is not promised between messages at all.
namespace motet::inline MOTET_VARIANT::net {

/// The inbox of a process, in memory that its neighbours see. No process's addresses are in it.
class shared_inbox {
public:
    static constexpr std::size_t slots = 64;
    static constexpr std::size_t most_bytes = 4032; ///< of a packet; MPI, where it goes there, sends so much eagerly

    struct alignas(64) slot {
        std::atomic<std::uint32_t> lap{0};
        std::uint32_t bytes = 0; ///< of the packet
        std::int32_t from = 0;
        std::uint32_t block = 0; ///< of the sender, in which it is, counted from 1; 0: it is here
        alignas(
            16) std::byte data[most_bytes + 64]; // a power of two would put all slots into the same lines of the cache
        std::span<const std::byte> packet() const { return {data, std::min<std::size_t>(bytes, most_bytes)}; }
    };
    /// What a sender knows of another's inbox.
    struct view {
        shared_inbox* inbox = nullptr;
        std::uint64_t head = 0; ///< as read last
    };

    /// False if it is full. Any process.
    static bool put(view& to, std::int32_t from, std::span<const std::byte> packet, std::uint32_t block = 0) {
        shared_inbox& in = *to.inbox;
        std::uint64_t place = in.tail.load(std::memory_order_relaxed);
        do {
            if (place - to.head < slots) continue;
            to.head = in.head.load(std::memory_order_acquire);
            if (place - to.head >= slots) return false;
        } while (!in.tail.compare_exchange_weak(place, place + 1, std::memory_order_relaxed));
        slot& s = in.ring[place % slots];
        s.from = from;
        s.bytes = static_cast<std::uint32_t>(packet.size());
        s.block = block;
        if (block == 0) std::memcpy(s.data, packet.data(), packet.size());
        s.lap.store(lap_of(place), std::memory_order_release);
        __builtin_prefetch(&in.ring[(place + 1) % slots], 1);
        return true;
    }
    /// What is at `place`; null: it has not come. Its owner only.
    const slot* look(std::uint64_t place) const {
        const slot& s = ring[place % slots];
        return s.lap.load(std::memory_order_acquire) == lap_of(place) ? &s : nullptr;
    }
    /// The owner has taken all before `place`.
    void taken(std::uint64_t place) {
        if (place % (slots / 4) == 0) head.store(place, std::memory_order_release);
    }

private:
    static constexpr std::uint32_t lap_of(std::uint64_t place) { return static_cast<std::uint32_t>(place / slots + 1); }

    alignas(64) std::atomic<std::uint64_t> tail{0};
    alignas(64) std::atomic<std::uint64_t> head{0};
    slot ring[slots];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

/// What a process shares with its neighbours.
struct shared_room {
    static constexpr std::size_t block_bytes = 64 << 10;

    struct alignas(64) block {
        std::atomic<std::uint32_t> in_use{0};
        alignas(64) std::byte data[block_bytes];
    };
    shared_inbox inbox;
    block blocks[16];
};

/// The processes of a job on this machine, and the way to them. Making and ending it is collective.
class neighbours {
public:
    static constexpr std::uint32_t all = ~std::uint32_t{0};

    /// So many of them share memory, the first with the next ones and so on; 0: none does. Of what the processes of a
    /// machine say the least counts.
    neighbours(const communicator& job, std::uint32_t sharers) : own_process(job.rank) {
        check(MPI_Comm_split_type(job, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here), "MPI_Comm_split_type");
        MPI_Comm_size(here, &count_);
        const std::uint32_t together = least(sharers);
        if (together < static_cast<std::uint32_t>(count_)) share_in_parts(static_cast<int>(together));
        MPI_Comm_size(here, &sharers_);
        if (sharers_ > 1) begin_sharing();
        everywhere_ = sharing() && sharers_ == job.size;
    }
    neighbours(const neighbours&) = delete;
    neighbours& operator=(const neighbours&) = delete;
    ~neighbours() {
        if (window != MPI_WIN_NULL) MPI_Win_free(&window);
        if (here != MPI_COMM_NULL) MPI_Comm_free(&here);
    }

    /// How many there are, this one among them.
    int count() const { return count_; }
    bool sharing() const { return own != nullptr; }
    /// Whether all processes of the job share memory.
    bool everywhere() const { return everywhere_; }
    /// Hands a packet to a neighbour. False if it is none, or if its inbox is full.
    bool send(int process, std::span<const std::byte> packet) {
        neighbour* const to = find(process);
        return to != nullptr && shared_inbox::put(to->inbox, own_process, packet);
    }
    /// A block of this process to write a packet in that goes to a neighbour. Null if it is none, or none is free.
    shared_room::block* take_block(int process) {
        if (find(process) == nullptr) return nullptr;
        for (std::size_t tries = 0; tries < std::size(own->blocks); ++tries) {
            shared_room::block& each = own->blocks[next_block++ % std::size(own->blocks)];
            if (each.in_use.load(std::memory_order_acquire) != 0) continue;
            each.in_use.store(1, std::memory_order_relaxed);
            return &each;
        }
        return nullptr;
    }
    /// Hands a packet of so many bytes in a block to the neighbour for which it was taken. False if its inbox is full.
    bool send(int process, shared_room::block& written, std::size_t bytes) {
        return shared_inbox::put(find(process)->inbox, own_process, {written.data, bytes},
                                 static_cast<std::uint32_t>(&written - own->blocks + 1));
    }
    /// Gives what has come to `take(process, bytes, block)`, at most one lap of it; what comes in a block stays there
    /// until its `in_use` is 0. False if there was nothing.
    template <class Take>
    bool receive(Take&& take) {
        if (own == nullptr) return false;
        const std::uint64_t begin = next;
        while (next - begin < shared_inbox::slots) {
            const shared_inbox::slot* const came = own->inbox.look(next);
            if (came == nullptr) break;
            const neighbour* const from = came->block != 0 ? find(came->from) : nullptr;
            if (from != nullptr && came->block <= std::size(own->blocks)) {
                shared_room::block& written = from->room->blocks[came->block - 1];
                take(came->from, {written.data, std::min<std::size_t>(came->bytes, shared_room::block_bytes)},
                     &written);
            } else {
                take(came->from, came->packet(), nullptr);
            }
            own->inbox.taken(++next);
        }
        return next != begin;
    }

private:
    struct neighbour {
        int process = -1;
        shared_room* room = nullptr;
        shared_inbox::view inbox;
    };
    std::uint32_t least(std::uint32_t mine) const {
        check(MPI_Allreduce(MPI_IN_PLACE, &mine, 1, MPI_UINT32_T, MPI_MIN, here), "MPI_Allreduce");
        return mine;
    }
    void share_in_parts(int together) {
        MPI_Comm part = MPI_COMM_NULL;
        const int rank = rank_in(here);
        check(MPI_Comm_split(here, together == 0 ? rank : rank / together, 0, &part), "MPI_Comm_split");
        MPI_Comm_free(&here);
        here = part;
    }
    /// Where MPI has no shared memory to give, nothing is shared.
    void begin_sharing() {
        void* memory = nullptr;
        const auto bytes = static_cast<MPI_Aint>(sizeof(shared_room) + alignof(shared_room));
        const int outcome = MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, here, &memory, &window);
        if (least(outcome == MPI_SUCCESS ? 1 : 0) == 0) return;
        auto* const mine = new (aligned(memory)) shared_room;
        std::vector<int> processes(static_cast<std::size_t>(sharers_));
        // This also waits until all have made theirs.
        check(MPI_Allgather(&own_process, 1, MPI_INT, processes.data(), 1, MPI_INT, here), "MPI_Allgather");
        for (int r = 0; r < sharers_; ++r) {
            if (processes[static_cast<std::size_t>(r)] == own_process) continue;
            MPI_Aint size = 0;
            int unit = 1;
            check(MPI_Win_shared_query(window, r, &size, &unit, static_cast<void*>(&memory)), "MPI_Win_shared_query");
            auto* const room = static_cast<shared_room*>(aligned(memory));
            others.push_back({processes[static_cast<std::size_t>(r)], room, {&room->inbox, 0}});
        }
        std::sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.process < b.process; });
        own = mine;
    }
    /// The same place in all processes, in which a segment begins at a page.
    static void* aligned(void* memory) {
        std::size_t space = sizeof(shared_room) + alignof(shared_room);
        return std::align(alignof(shared_room), sizeof(shared_room), memory, space);
    }
    neighbour* find(int process) {
        const auto found = std::lower_bound(others.begin(), others.end(), process,
                                            [](const auto& other, int wanted) { return other.process < wanted; });
        return found != others.end() && found->process == process ? &*found : nullptr;
    }

    MPI_Comm here = MPI_COMM_NULL; ///< those that share memory
    MPI_Win window = MPI_WIN_NULL;
    int count_ = 1;
    int sharers_ = 1;
    std::int32_t own_process;
    bool everywhere_ = false;
    shared_room* own = nullptr; ///< null: nothing is shared
    std::uint64_t next = 0;     ///< the place in its inbox that is taken next
    std::size_t next_block = 0;
    std::vector<neighbour> others; ///< none if nothing is shared
};

} // namespace motet::inline MOTET_VARIANT::net
