// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi_transport.hpp>
#include <motet/runtime/mpi_agreement.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/runtime/remote.hpp>
#include <motet/serial/serial.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <sched.h>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// Messages between the processes of an MPI job.
///
/// 1. A PE encodes each message behind the others for that process, in a packet; the packet leaves when the PE turns
///    to something else (pe::flush), when it is full, or at once if the message is expedited.
/// 2. Arguments that are large and contiguous (serial/lend.hpp) stay in the message, which is kept until they have
///    left. Their sizes stand in the packet, and a number under which each is sent beside it. The receiver decodes the
///    message, which makes room for them, and receives them there. It is delivered when they are complete.
/// 3. What is too large for a packet otherwise is encoded into memory of its own, and goes in the same way, as the
///    first piece; the others are received when that one has been decoded.
/// 4. Any PE that has nothing to do, or looks up from its work, polls for all PEs of the process. It decodes what is
///    for itself, and what has pieces; other messages it hands on in encoded form.
/// 5. A PE that sends faster than MPI takes it (`most_unsent` packets) takes what comes meanwhile until that is
///    better.
/// 6. The end: the process that stops tells all others. When the PEs of a process have stopped, it goes on taking what
///    comes until the sums of packets sent and received over all processes, which have stopped too, are equal.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

/// What stands in a packet before each message.
struct packed_header {
    index_bits index;
    collection_id collection;
    std::uint32_t type = 0; ///< 0: the run ends, with `priority` as its exit code and a text of `index.low` bytes
    std::int32_t priority = 0;
    std::uint32_t bytes = 0; ///< of all that belongs to this message in the packet
    pe_number to = no_pe;
    std::uint32_t tag = 0;    ///< of the first piece
    std::uint16_t pieces = 0; ///< whose sizes stand at the end
    std::uint8_t flags = 0;
    bool body_is_piece = false; ///< the first
};
static_assert(sizeof(packed_header) == 48);

class mpi_link final : public remote_port {
public:
    explicit mpi_link(MPI_Comm from) : net(from) {}

    std::uint32_t process_number() const override { return static_cast<std::uint32_t>(net.process_number()); }
    std::uint32_t process_count() const override { return static_cast<std::uint32_t>(net.process_count()); }
    const net::communicator& group() const { return net.group(); }
    void agree(const std::string& problem) override { agreement(net.group()).on(problem); }
    void attach(machine& owner) override {
        job = &owner;
        width = owner.options.pes;
        out.resize(width);
    }

    void send(pe& from, pe_number to, message* m) override {
        const message_type& type = pe::type_of(*m);
        if (type.encode == nullptr)
            broken("a message that cannot be serialized would leave its process: " + type.name());
        try {
            pack(from, to, m, type);
        } catch (...) { // a user's own serialize may throw: to the sender
            from.take_back(m);
            throw;
        }
    }
    void flush(pe& from) override {
        collected& own = of(from);
        if (own.open.empty()) return;
        post(from, own.open);
        own.open.clear();
    }
    bool poll(pe& at) override {
        collected& own = of(at);
        {
            const std::unique_lock lock(guard, std::try_to_lock);
            if (!lock.owns_lock()) return false;
            if (!own.taken.empty()) give_back_taken(own);
            if (!net.progress(own.arrived, own.finished)) return false;
        }
        for (std::size_t i = 0; i < own.arrived.size(); ++i) {
            unpack(at, *own.arrived[i]);
            own.taken.push_back(own.arrived[i]);
        }
        own.arrived.clear();
        for (std::size_t i = 0; i < own.finished.size(); ++i) own.finished[i]->done(*own.finished[i], &at);
        own.finished.clear();
        return true;
    }
    void stop_others(int code, const std::string& why) override {
        packed_header end;
        end.priority = code;
        const std::size_t shown =
            std::min(why.size(), net::mpi_transport::packet_bytes[net::mpi_transport::urgent] - sizeof end - 16);
        end.bytes = static_cast<std::uint32_t>(sizeof end + rounded(shown));
        end.index.low = shown;
        const std::lock_guard lock(guard);
        for (int process = 0; process < net.process_count(); ++process) {
            if (process == net.process_number()) continue;
            net::packet* p = net.take_packet(net::mpi_transport::urgent);
            std::memcpy(p->data(), &end, sizeof end);
            std::memcpy(p->data() + sizeof end, why.data(), shown);
            p->used = end.bytes;
            p->process = process;
            net.send(p);
        }
    }
    void finish() override {
        pe& at = *job->pes[0];
        do {
            {
                const std::lock_guard lock(guard);
                for (collected& own : out) {
                    for (net::packet* p : own.open) net.give_back(p);
                    own.open.clear();
                    give_back_taken(own);
                }
                net.begin_sums(net.sent - net.received, static_cast<std::int64_t>(net.under_way()));
            }
            while (!net.sums_ready()) {
                if (!poll(at)) sched_yield();
            }
        } while (net.sums[0] != 0 || net.sums[1] != 0);
        give_back_taken(of(at));
    }

private:
    static constexpr std::size_t most_open = 16; ///< packets that a PE collects at a time
    static constexpr std::size_t most_unsent = 256;

    /// What a PE has collected, and what it is taking.
    struct collected {
        std::vector<net::packet*> open;
        serial::lender lending;
        std::vector<net::packet*> arrived;
        std::vector<net::packet*> taken; ///< read, to be given back
        std::vector<net::transfer*> finished;
        serial::spare_containers spare;
    };
    /// A message whose pieces are on their way from here.
    struct departure : net::transfer {
        mpi_link* link = nullptr;
        message* m = nullptr;
        serial::buffer body;
        std::vector<serial::lender::piece> pieces;
    };
    /// A message whose pieces are on their way to here.
    struct arrival : net::transfer {
        mpi_link* link = nullptr;
        packed_header header;
        int process = -1;
        std::vector<std::byte> packed;       ///< what stood in the packet
        serial::buffer body;                 ///< where that is a piece
        std::vector<std::uint64_t> sizes;    ///< of what it lends
        message* m = nullptr;                ///< null: not decoded yet, or not to be had
        std::vector<serial::buffer> refused; ///< takes what cannot be received where it belongs
    };

    collected& of(const pe& p) { return out[p.number - p.home.first_pe]; }
    void give_back_taken(collected& own) {
        for (net::packet* p : own.taken) net.give_back(p);
        own.taken.clear();
    }
    static constexpr std::size_t rounded(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

    // Sending.

    /// The packet that collects for a process.
    net::packet* open_for(pe& from, collected& own, int process) {
        for (net::packet* p : own.open)
            if (p->process == process) return p;
        if (own.open.size() == most_open) flush(from);
        if (own.open.empty()) from.exchange_soon();
        return begin_packet(own, process, net::mpi_transport::small);
    }
    net::packet* begin_packet(collected& own, int process, int kind) {
        const std::lock_guard lock(guard);
        own.open.push_back(net.take_packet(kind));
        own.open.back()->process = process;
        return own.open.back();
    }
    static net::packet* stop_collecting(collected& own, net::packet* p) {
        own.open.erase(std::find(own.open.begin(), own.open.end(), p));
        return p;
    }

    void pack(pe& from, pe_number to, message* m, const message_type& type) {
        collected& own = of(from);
        const int process = static_cast<int>(to / width);
        net::packet* p = m->has(message::expedited) ? begin_packet(own, process, net::mpi_transport::urgent)
                                                    : open_for(from, own, process);
        packed_header header{m->index, m->collection, m->type, m->priority, 0, to, 0, 0, 0, false};
        header.flags = static_cast<std::uint8_t>(m->flags & ~message::constructed);
        const std::size_t before = begin_of_body(header);

        // Straight into the packet, as long as there is room.
        serial::writer body(p->room() > before ? std::span(p->data() + p->used + before, p->room() - before)
                                               : std::span<std::byte>());
        own.lending.lent.clear();
        body.lends = &own.lending;
        type.encode(*m, body);
        std::size_t pieces = own.lending.lent.size();
        std::size_t whole = rounded(before + body.size() + pieces * sizeof(std::uint64_t));
        bool leaves = m->has(message::expedited) || pieces > 0;
        if (!body.external() || whole > p->room()) { // not behind the others
            if (whole > net::mpi_transport::packet_bytes[net::mpi_transport::medium]) {
                header.body_is_piece = true;
                whole = rounded(before + ++pieces * sizeof(std::uint64_t));
                leaves = true;
            }
            if (whole > p->room()) {
                net::packet* const full = stop_collecting(own, p);
                const bool is_small = whole <= net::mpi_transport::packet_bytes[net::mpi_transport::small];
                p = begin_packet(own, process, is_small ? net::mpi_transport::small : net::mpi_transport::medium);
                leaves = leaves || !is_small;
                if (full->used > 0)
                    post(from, full);
                else
                    give_back(full);
            }
            if (!header.body_is_piece) std::memcpy(p->data() + p->used + before, body.data(), body.size());
        }
        std::byte* place = p->data() + p->used;
        header.bytes = static_cast<std::uint32_t>(whole);
        header.pieces = static_cast<std::uint16_t>(pieces);
        if (before > sizeof header) std::memcpy(place + sizeof header, &reply_of(*m), sizeof(address));
        departure* whole_message = pieces > 0 ? announce(header, place, body, own.lending, process) : nullptr;
        std::memcpy(place, &header, sizeof header);
        p->used += whole;
        if (leaves || p->room() < least_room) post(from, stop_collecting(own, p));
        if (whole_message == nullptr) {
            type.destroy(*m);
            from.release(m);
        } else {
            whole_message->m = m;
            send_pieces(*whole_message, header.tag, process);
        }
    }
    void give_back(net::packet* unused) {
        const std::lock_guard lock(guard);
        net.give_back(unused);
    }
    /// Sends packets; where MPI does not take them fast enough, waits for that (step 5).
    void post(pe& from, std::span<net::packet* const> packets) {
        bool too_fast = false;
        {
            const std::lock_guard lock(guard);
            for (net::packet* p : packets) net.send(p);
            too_fast = net.unsent() > most_unsent;
        }
        if (too_fast) [[unlikely]]
            wait_for_sends(from);
    }
    void post(pe& from, net::packet* p) { post(from, std::span(&p, 1)); }
    void wait_for_sends(pe& from) {
        const auto too_many = [&] {
            const std::lock_guard lock(guard);
            return net.unsent() > most_unsent;
        };
        while (too_many())
            if (!poll(from)) sched_yield();
    }
    /// Writes the sizes of the pieces at the end of the message's place in the packet (step 2).
    departure* announce(packed_header& header, std::byte* place, serial::writer& body, const serial::lender& lending,
                        int process) {
        auto made = std::make_unique<departure>();
        made->done = &departed;
        made->link = this;
        made->pieces = lending.lent;
        std::byte* size_at = place + header.bytes - header.pieces * sizeof(std::uint64_t);
        const auto add = [&](std::uint64_t size) {
            std::memcpy(size_at, &size, sizeof size);
            size_at += sizeof size;
        };
        if (header.body_is_piece) {
            made->body = body.release();
            add(made->body.size());
        }
        for (const auto& piece : lending.lent) add(piece.data.size());
        const std::lock_guard lock(guard);
        header.tag = net.next_tag(process, header.pieces);
        return made.release();
    }
    void send_pieces(departure& d, std::uint32_t tag, int process) {
        const std::lock_guard lock(guard);
        if (!d.body.empty()) net.send_large(process, tag++, d.body.bytes(), d);
        for (const auto& piece : d.pieces) net.send_large(process, tag++, piece.data, d);
    }
    static void departed(net::transfer& which, void* context) {
        const std::unique_ptr<departure> gone(static_cast<departure*>(&which));
        pe& at = *static_cast<pe*>(context);
        for (const auto& piece : gone->pieces) piece.keep(piece.container, gone->link->of(at).spare);
        at.discard(gone->m);
    }

    // Receiving.

    void unpack(pe& at, net::packet& p) {
        std::size_t begin = 0;
        while (begin < p.used) {
            const std::span<const std::byte> rest(p.data() + begin, p.used - begin);
            packed_header header;
            if (rest.size() < sizeof header) return refuse(p.process);
            std::memcpy(&header, rest.data(), sizeof header);
            if (header.bytes < sizeof header || header.bytes > rest.size() || header.bytes % 16 != 0)
                return refuse(p.process);
            begin += header.bytes;
            if (header.type == 0) {
                if (header.index.low > header.bytes - sizeof header) return refuse(p.process);
                job->stop_here(header.priority,
                               {reinterpret_cast<const char*>(rest.data()) + sizeof header, header.index.low});
            } else if (!take(at, header, rest.first(header.bytes), p.process)) {
                return refuse(p.process);
            }
        }
    }
    void refuse(int process) {
        job->fail("a packet from process " + std::to_string(process) + " cannot be read: is it the same program?");
    }
    /// Where the body of a message begins.
    static std::size_t begin_of_body(const packed_header& header) {
        return sizeof header + ((header.flags & message::replies) != 0 ? sizeof(address) : 0);
    }
    /// One message of a packet. False if it cannot be.
    bool take(pe& at, const packed_header& header, std::span<const std::byte> all, int process) {
        const std::size_t before = begin_of_body(header);
        const std::size_t sizes = header.pieces * sizeof(std::uint64_t);
        if (before + sizes > all.size() || !registry::instance().knows(header.type) ||
            header.to - at.home.first_pe >= width)
            return false;
        if (header.pieces > 0) {
            begin_arrival(at, header, all, process);
        } else if (header.to == at.number) {
            try {
                at.enqueue(decoded(at, header, all, all.subspan(before), nullptr));
            } catch (const std::exception& problem) {
                tell_undecodable(*job, header, process, problem.what());
            }
        } else {
            hand_on(at, header, all, process);
        }
        return true;
    }
    static void tell_undecodable(machine& job, const packed_header& header, int process, const char* what) {
        job.fail("a message from process " + std::to_string(process) + " to PE " + std::to_string(header.to) + ", " +
                 registry::get<message_type>(header.type).name() + ", cannot be decoded: " + what);
    }
    /// The message itself. Throws what decoding throws.
    static message* decoded(pe& at, const packed_header& header, std::span<const std::byte> all,
                            std::span<const std::byte> body, serial::borrower* lends) {
        const message_type& type = registry::get<message_type>(header.type);
        const bool replies = (header.flags & message::replies) != 0;
        message* m = at.allocate(header.type, type.payload_bytes + (replies ? sizeof(address) : 0));
        m->index = header.index;
        m->collection = header.collection;
        m->priority = header.priority;
        m->flags = header.flags;
        m->bytes = header.bytes;
        if (replies) std::memcpy(&reply_of(*m), all.data() + sizeof header, sizeof(address));
        serial::reader in(body);
        in.lends = lends;
        try {
            type.decode(*m, in);
        } catch (...) {
            at.discard(m);
            throw;
        }
        return m;
    }
    void deliver(pe& at, pe_number to, message* m) {
        if (to == at.number)
            at.enqueue(m);
        else
            at.peer(to - at.home.first_pe).incoming.push(m);
    }

    /// What carries a message in encoded form to the PE that decodes it.
    struct still_packed {
        static void run(pe& p, message* m) {
            packed_header header;
            std::memcpy(&header, m->payload(), sizeof header);
            const std::span<const std::byte> all(static_cast<std::byte*>(m->payload()), header.bytes);
            message* made = nullptr;
            try {
                made = decoded(p, header, all, all.subspan(begin_of_body(header)), nullptr);
            } catch (const std::exception& problem) {
                tell_undecodable(p.job, header, static_cast<int>(m->bytes), problem.what());
            }
            p.release(m);
            if (made != nullptr) p.dispatch(made);
        }
        static void destroy(message&) {}
        static std::string name() { return "a message of another process"; }
        static inline const message_type operations{&run, &destroy, nullptr, nullptr, 0, true, &name};
        static std::uint32_t id() { return registered<still_packed, operations>::id(); }
    };
    void hand_on(pe& at, const packed_header& header, std::span<const std::byte> all, int process) {
        message* m = at.allocate(still_packed::id(), all.size());
        m->flags = header.flags & (message::expedited | message::prioritized | message::uncounted);
        m->priority = header.priority;
        m->bytes = static_cast<std::uint32_t>(process);
        std::memcpy(m->payload(), all.data(), all.size());
        deliver(at, header.to, m);
    }

    void begin_arrival(pe& at, const packed_header& header, std::span<const std::byte> all, int process) {
        auto* a = new arrival;
        a->done = &arrived;
        a->link = this;
        a->header = header;
        a->process = process;
        a->packed.assign(all.begin(), all.end());
        a->sizes.resize(header.pieces);
        const std::size_t sizes = header.pieces * sizeof(std::uint64_t);
        std::memcpy(a->sizes.data(), all.data() + all.size() - sizes, sizes);
        if (!header.body_is_piece) {
            const std::size_t before = begin_of_body(header);
            return receive_pieces(at, a, all.subspan(before, all.size() - before - sizes));
        }
        const std::uint64_t size = a->sizes.front();
        a->sizes.erase(a->sizes.begin());
        a->body = room_for(size);
        const std::lock_guard lock(guard);
        net.receive_large(process, a->header.tag++, {a->body.data(), size}, *a);
    }
    static serial::buffer room_for(std::uint64_t size) {
        auto* memory = static_cast<std::byte*>(std::malloc(size));
        if (memory == nullptr)
            broken("a message of " + std::to_string(size) + " bytes arrives, and there is no memory for it");
        return {memory, size};
    }
    /// The body is there: makes the message, and receives what it lends to where it belongs.
    void receive_pieces(pe& at, arrival* a, std::span<const std::byte> body) {
        serial::borrower lends{a->sizes, of(at).spare};
        try {
            a->m = decoded(at, a->header, a->packed, body, &lends);
            if (lends.places.size() != a->sizes.size()) throw error("it lends less than was announced");
        } catch (const std::exception& problem) {
            tell_undecodable(*job, a->header, a->process, problem.what());
            if (a->m != nullptr) at.discard(std::exchange(a->m, nullptr));
            lends.places.clear();
            for (const std::uint64_t size : a->sizes) { // its sender waits for them to be taken
                a->refused.push_back(room_for(size));
                lends.places.push_back({a->refused.back().data(), size});
            }
        }
        a->body = {};
        if (a->sizes.empty()) return complete(at, a);
        const std::lock_guard lock(guard);
        for (const auto& place : lends.places) net.receive_large(a->process, a->header.tag++, place, *a);
    }
    void complete(pe& at, arrival* a) {
        if (a->m != nullptr) deliver(at, a->header.to, a->m);
        delete a;
    }
    static void arrived(net::transfer& which, void* context) {
        auto* a = static_cast<arrival*>(&which);
        pe& at = *static_cast<pe*>(context);
        if (a->body.empty())
            a->link->complete(at, a);
        else
            a->link->receive_pieces(at, a, a->body.bytes());
    }

    static constexpr std::size_t least_room = 128; ///< a packet with less is full

    const net::ending::of_a_run running;
    net::mpi_transport net;
    std::mutex guard; ///< of net
    machine* job = nullptr;
    std::uint32_t width = 1;
    std::vector<collected> out; ///< by PE
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
