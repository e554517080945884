// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi_transport.hpp>
#include <motet/runtime/call.hpp>
#include <motet/runtime/mpi_agreement.hpp>
#include <motet/runtime/packed.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/runtime/remote.hpp>
#include <motet/serial/serial.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <sched.h>
#include <span>
#include <string>
#include <string_view>
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
/// 6. A packet is from one PE, and says from which: whoever has to send one of its messages on tells that PE where its
///    element is (chare/move.hpp, step 5).
/// 7. A note is for a process, not for a PE, and whoever polls takes it: a thread that has no PE, too, while all PEs
///    are busy. It leaves all else that it finds to the next PE that polls.
/// 8. The end: the process that stops tells all others. When the PEs of a process have stopped, it goes on taking what
///    comes until the sums of packets sent and received over all processes, which have stopped too, are equal.
namespace motet::inline MOTET_VARIANT::runtime {

#if MOTET_BODIES

/// A mutex for what often is one thread's alone: then there is nothing to lock, which takes an eighth of the time of a
/// small message's way to another process.
class perhaps_shared {
public:
    /// Before anybody locks.
    void share(bool with_other_threads) { shared_ = with_other_threads; }
    void lock() {
        if (shared_) mutex_.lock();
    }
    bool try_lock() { return !shared_ || mutex_.try_lock(); }
    void unlock() {
        if (shared_) mutex_.unlock();
    }

private:
    std::mutex mutex_;
    bool shared_ = true;
};

class mpi_link final : public remote_port {
public:
    /// `sharers`: how many processes of a machine hand each other packets through memory; 0: none.
    mpi_link(MPI_Comm from, std::uint32_t sharers) : net(from, sharers) {}

    std::uint32_t process_number() const override { return static_cast<std::uint32_t>(net.process_number()); }
    std::uint32_t process_count() const override { return static_cast<std::uint32_t>(net.process_count()); }
    const net::communicator& group() const { return net.group(); }
    /// Processes of the job on this machine, this one among them.
    int neighbour_count() const { return net.neighbour_count(); }
    void agree(const std::string& problem) override { agreement(net.group()).on(problem); }
    void attach(machine& owner) override {
        job = &owner;
        width = owner.options.pes;
        out.resize(width);
        guard.share(width > 1 || machine::take_note != nullptr); // notes are sent and taken by any thread
    }

    void send(pe& from, pe_number to, message* m) override {
        const message_type& type = pe::type_of(*m);
        if (type.encode == nullptr)
            broken("a message that cannot be serialized would leave its process: " + type.name());
        try {
            pack(from, to, m, type);
        } catch (...) { // a user's own serialize may throw: to the sender
            from.take_back(m);
            discard_empty(of(from)); // what was opened for it alone
            throw;
        }
    }
    void flush(pe& from) override {
        collected& own = of(from);
        while (!own.open.empty()) post(from, stop_collecting(own, own.open.back()));
    }
    bool poll(pe& at) override { return take_what_came(at, false); }
    bool glance(pe& at) override { return take_what_came(at, true); }
    bool carries() const override { return carrying.load(std::memory_order_relaxed); }
    void give(std::uint32_t to, std::string_view bytes) override {
        net::check(MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, static_cast<int>(to),
                            outside_of_run, net.group()),
                   "MPI_Send");
    }
    std::string take(std::uint32_t from) override {
        MPI_Status status;
        net::check(MPI_Probe(static_cast<int>(from), outside_of_run, net.group(), &status), "MPI_Probe");
        int size = 0;
        MPI_Get_count(&status, MPI_BYTE, &size);
        std::string bytes(static_cast<std::size_t>(size), '\0');
        net::check(MPI_Recv(bytes.data(), size, MPI_BYTE, static_cast<int>(from), outside_of_run, net.group(),
                            MPI_STATUS_IGNORE),
                   "MPI_Recv");
        return bytes;
    }
    void stop_others(run_end end, const std::string& why) override {
        constexpr std::size_t most = net::mpi_transport::packet_bytes[net::mpi_transport::urgent];
        constexpr std::size_t before = sizeof(packet_header) + sizeof(packed_header) + sizeof end;
        const std::size_t shown = std::min(why.size(), most - before - 8);
        const std::lock_guard lock(guard);
        for (int process = 0; process < net.process_count(); ++process) {
            if (process == net.process_number()) continue;
            net::packet* p = net.take_packet(net::mpi_transport::urgent, process);
            p->used = sizeof(packet_header) + rounded(sizeof(packed_header) + sizeof end + shown);
            std::memset(p->data(), 0, p->used); // the text ends where zeros begin
            std::memcpy(p->data() + before - sizeof end, &end, sizeof end);
            std::memcpy(p->data() + before, why.data(), shown);
            finish_packed(p->data() + sizeof(packet_header), p->used - sizeof(packet_header), false);
            net.send(p);
        }
    }
    void note(std::uint32_t process, std::span<const std::byte> bytes) override {
        const auto size = static_cast<std::uint32_t>(std::min(bytes.size(), most_note));
        constexpr std::size_t before = sizeof(packet_header) + sizeof(packed_header) + sizeof size;
        const std::lock_guard lock(guard);
        net::packet* p = net.take_packet(net::mpi_transport::urgent, static_cast<int>(process));
        p->used = sizeof(packet_header) + rounded(sizeof(packed_header) + sizeof size + size);
        std::memset(p->data(), 0, p->used);
        std::memcpy(p->data() + before - sizeof size, &size, sizeof size);
        std::memcpy(p->data() + before, bytes.data(), size);
        p->data()[sizeof(packet_header) + offsetof(packed_header, flags)] = std::byte{message::uncounted};
        finish_packed(p->data() + sizeof(packet_header), p->used - sizeof(packet_header), false);
        if (may_call_mpi())
            net.send(p);
        else
            unsent_notes.push_back(p);
    }
    void take_notes() override {
        if (!may_call_mpi()) return;
        std::vector<net::packet*> notes;
        {
            const std::unique_lock lock(guard, std::try_to_lock);
            if (!lock.owns_lock()) return; // a PE polls
            send_notes();
            std::size_t rest = left.arrived.size();
            net.progress(left.arrived, left.finished, false);
            for (std::size_t i = rest; i < left.arrived.size(); ++i) {
                net::packet* const p = left.arrived[i];
                if (is_note(*p))
                    notes.push_back(p);
                else
                    left.arrived[rest++] = p;
            }
            left.arrived.resize(rest);
        }
        for (net::packet* p : notes) {
            packet_reader in;
            packet_header header;
            if (!in.open(p->bytes(), header) || !in.read(p->bytes()) || !take_unnamed(in.next)) refuse(p->process);
        }
        const std::lock_guard lock(guard);
        for (net::packet* p : notes) net.give_back(p);
    }
    void finish() override {
        pe& at = *job->pes[0];
        do {
            {
                const std::lock_guard lock(guard);
                for (collected& own : out) {
                    for (const open_packet& o : own.open) net.give_back(o.packet);
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

    /// A packet that collects messages.
    struct open_packet {
        net::packet* packet = nullptr;
        int process = -1;    ///< where it goes
        packed_place before; ///< where the last message goes
    };
    /// What a PE has collected, and what it is taking.
    struct collected {
        std::vector<open_packet> open;
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
        packed_message what;
        int process = -1;
        std::vector<std::byte> packed;       ///< what `what` points to
        serial::buffer body;                 ///< where that is a piece
        std::vector<std::uint64_t> sizes;    ///< of what it lends
        message* m = nullptr;                ///< null: not decoded yet, or not to be had
        std::vector<serial::buffer> refused; ///< takes what cannot be received where it belongs
    };

    bool take_what_came(pe& at, bool at_a_glance) {
        collected& own = of(at);
        {
            const std::unique_lock lock(guard, std::try_to_lock);
            if (!lock.owns_lock()) return false;
            if (!own.taken.empty()) give_back_taken(own);
            if (!unsent_notes.empty()) send_notes();
            if (!left.arrived.empty() || !left.finished.empty()) {
                own.arrived.swap(left.arrived);
                own.finished.swap(left.finished);
            } else if (!(at_a_glance ? net.glance(own.arrived, own.finished)
                                     : net.progress(own.arrived, own.finished, at.nothing_queued()))) {
                carrying.store(net.under_way() != 0, std::memory_order_relaxed);
                return false;
            }
        }
        // What has left first: what comes may need its memory (serial::spare_containers).
        for (std::size_t i = 0; i < own.finished.size(); ++i) own.finished[i]->done(*own.finished[i], &at);
        own.finished.clear();
        for (std::size_t i = 0; i < own.arrived.size(); ++i) unpack(at, *own.arrived[i]);
        own.arrived.clear();
        return true;
    }
    collected& of(const pe& p) { return out[p.number - p.home.first_pe]; }
    void give_back_taken(collected& own) {
        for (net::packet* p : own.taken) net.give_back(p);
        own.taken.clear();
    }

    // Sending.

    /// The packet that collects for a process.
    open_packet& open_for(pe& from, collected& own, int process, pe_number to) {
        for (open_packet& o : own.open)
            if (o.process == process) return o;
        if (own.open.size() == most_open) flush(from);
        if (own.open.empty()) from.exchange_soon();
        return begin_packet(own, process, net::mpi_transport::small, to);
    }
    open_packet& begin_packet(collected& own, int process, int kind, pe_number to) {
        const std::lock_guard lock(guard);
        own.open.push_back({net.take_packet(kind, process), process, {}});
        open_packet& o = own.open.back();
        o.before.to = to;
        const packet_header header{to, 0, static_cast<std::uint16_t>(&own - out.data())};
        std::memcpy(o.packet->data(), &header, sizeof header);
        o.packet->used = sizeof header;
        return o;
    }
    void discard_empty(collected& own) {
        std::erase_if(own.open, [&](const open_packet& o) {
            if (o.packet->used > sizeof(packet_header)) return false;
            give_back(o.packet);
            return true;
        });
    }
    static void note_varied(net::packet& p) {
        const std::uint16_t varied = 1;
        std::memcpy(p.data() + offsetof(packet_header, varied), &varied, sizeof varied);
    }
    static net::packet* stop_collecting(collected& own, const open_packet& o) {
        net::packet* const p = o.packet;
        own.open.erase(own.open.begin() + (&o - own.open.data()));
        return p;
    }

    void pack(pe& from, pe_number to, message* m, const message_type& type) {
        collected& own = of(from);
        const int process = static_cast<int>(width == 1 ? to : to / width);
        const bool at_once = m->leaves_at_once();
        open_packet& o =
            at_once ? begin_packet(own, process, net::mpi_transport::urgent, to) : open_for(from, own, process, to);
        net::packet& p = *o.packet;

        // Straight into the packet, as long as there is room.
        std::byte* const place = p.data() + p.used;
        std::byte* const arguments = begin(place, o, to, *m);
        const auto before = static_cast<std::size_t>(arguments - place);
        if (const std::size_t tight = before + rounded(type.tight); type.tight != 0 && tight <= p.room()) {
            copy_numbers(arguments, m->payload(), type.tight);
            return packed(from, own, o, to, m, place, tight);
        }
        serial::writer body(std::span(arguments, p.room() - before));
        own.lending.lent.clear();
        body.lends = &own.lending;
        type.encode(*m, body);
        const std::size_t whole = rounded(before + body.size());
        if (!body.external() || !own.lending.lent.empty() || whole > p.room()) [[unlikely]]
            return pack_otherwise(from, o, to, m, type, body);
        type.destroy(*m);
        packed(from, own, o, to, m, place, whole);
    }
    /// The message, whose arguments are no more, stands at `place` with so many bytes.
    void packed(pe& from, collected& own, open_packet& o, pe_number to, message* m, std::byte* place,
                std::size_t whole) {
        net::packet& p = *o.packet;
        finish_packed(place, whole, false);
        tell_serialized(from, *m, whole);
        if (to != o.before.to || (m->flags & (message::expedited | message::prioritized)) != 0) [[unlikely]]
            note_varied(p);
        p.used += whole;
        if (differs_from_before(place)) o.before = place_of(to, *m);
        if (p.room() < least_room || m->leaves_at_once()) [[unlikely]]
            post(from, stop_collecting(own, o));
        from.release(m);
    }
    /// Numbers without gaps, and zeros up to a multiple of eight bytes.
    static void copy_numbers(std::byte* to, const void* from, std::size_t bytes) {
        if (bytes == 16) {
            std::memcpy(to, from, 16);
        } else if (bytes == 8) {
            std::memcpy(to, from, 8);
        } else {
            std::memset(to + rounded(bytes) - 8, 0, 8);
            std::memcpy(to, from, bytes);
        }
    }
    static void tell_serialized(pe& from, message& m, std::size_t bytes) {
        if (!from.observers.empty() && !m.has(message::uncounted)) [[unlikely]]
            from.observers.tell(&observer::serialized, from, m, bytes);
    }
    static packed_place place_of(pe_number to, const message& m) { return {m.index, m.collection, to, m.priority}; }
    static std::byte* begin(std::byte* place, const open_packet& o, pe_number to, message& m) {
        return begin_packed(place, o.before, place_of(to, m), m.type, m.flags,
                            m.has(message::replies) ? &reply_of(m) : nullptr,
                            m.has(message::stamped) ? &stamp_of(m) : nullptr);
    }
    /// The same for what does not fit behind the others, or has pieces (steps 2 and 3).
    void pack_otherwise(pe& from, open_packet& first, pe_number to, message* m, const message_type& type,
                        serial::writer& body) {
        collected& own = of(from);
        const int process = first.process;
        std::size_t pieces = own.lending.lent.size();
        const auto sizes = [&] { return pieces > 0 ? pieces * sizeof(std::uint64_t) + sizeof(packed_pieces) : 0; };
        const auto fits = [&](int kind) {
            return sizeof(packet_header) + longest_header + rounded(body.size()) + sizes() <=
                   net::mpi_transport::packet_bytes[kind];
        };
        const bool is_small = fits(net::mpi_transport::small);
        const bool body_is_piece = !fits(net::mpi_transport::medium);
        if (body_is_piece) ++pieces;
        open_packet* o = &first;
        net::packet* full = nullptr;
        if (longest_header + (body_is_piece ? 0 : rounded(body.size())) + sizes() > first.packet->room()) {
            full = stop_collecting(own, first);
            const int kind = is_small || body_is_piece ? net::mpi_transport::small : net::mpi_transport::medium;
            o = &begin_packet(own, process, kind, to);
        }
        net::packet& p = *o->packet;
        std::byte* const place = p.data() + p.used;
        std::byte* end = begin(place, *o, to, *m);
        if (!body_is_piece) {
            std::memmove(end, body.data(), body.size()); // it may lie there already
            end += rounded(body.size());
        }
        const auto whole = static_cast<std::size_t>(end - place) + sizes();
        finish_packed(place, whole, pieces > 0);
        if (!from.observers.empty()) [[unlikely]] {
            std::size_t bytes = whole + (body_is_piece ? body.size() : 0);
            for (const auto& piece : own.lending.lent) bytes += piece.data.size();
            tell_serialized(from, *m, bytes);
        }
        std::uint32_t tag = 0;
        departure* const leaves = pieces > 0 ? announce(end, tag, pieces, body_is_piece, body, own) : nullptr;
        if (leaves != nullptr || to != o->before.to || (m->flags & (message::expedited | message::prioritized)) != 0)
            note_varied(p);
        p.used += whole;
        o->before = place_of(to, *m);
        if (leaves != nullptr || m->leaves_at_once() || p.room() < least_room) post(from, stop_collecting(own, *o));
        if (full != nullptr && full->used > sizeof(packet_header))
            post(from, full);
        else if (full != nullptr)
            give_back(full);
        if (leaves == nullptr) {
            type.destroy(*m);
            from.release(m);
        } else {
            leaves->pieces = own.lending.lent;
            leaves->m = m;
            send_pieces(*leaves, tag, process);
        }
    }
    void give_back(net::packet* unused) {
        const std::lock_guard lock(guard);
        net.give_back(unused);
    }
    /// Sends a packet; where MPI does not take them fast enough, waits for that (step 5).
    void post(pe& from, net::packet* p) {
        bool too_fast = false;
        {
            const std::lock_guard lock(guard);
            net.send(p);
            too_fast = net.unsent() > most_unsent;
        }
        if (too_fast) [[unlikely]]
            wait_for_sends(from);
    }
    void wait_for_sends(pe& from) {
        const auto too_many = [&] {
            const std::lock_guard lock(guard);
            return net.unsent() > most_unsent;
        };
        while (too_many())
            if (!poll(from)) sched_yield();
    }
    /// Writes the sizes of the pieces behind the arguments (step 2).
    departure* announce(std::byte* at, std::uint32_t& tag, std::size_t pieces, bool body_is_piece, serial::writer& body,
                        const collected& own) {
        auto made = std::make_unique<departure>();
        made->done = &departed;
        made->link = this;
        const auto add = [&](std::uint64_t size) {
            std::memcpy(at, &size, sizeof size);
            at += sizeof size;
        };
        if (body_is_piece) {
            made->body = body.release();
            add(made->body.size());
        }
        for (const auto& piece : own.lending.lent) add(piece.data.size());
        packed_pieces note{0, static_cast<std::uint16_t>(pieces), body_is_piece};
        {
            const std::lock_guard lock(guard);
            tag = note.tag = net.next_tag(note.count);
        }
        std::memcpy(at, &note, sizeof note);
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

    /// Takes what came: all of it, or the first message, if the others can be left where they are for now (step 4).
    void unpack(pe& at, net::packet& p) {
        packet_reader in;
        packet_header header;
        bool right = in.open(p.bytes(), header);
        in.next.from = static_cast<std::uint16_t>(
            std::min(static_cast<pe_number>(p.process) * width + header.from, pe_number{message::nobody}));
        while (right && !in.at_end(p.bytes())) {
            right = in.read(p.bytes()) && take(at, in.next, p.process);
            if (right && header.varied == 0 && header.to == at.number && !in.at_end(p.bytes()))
                return at.queue.push(unread::make(at, {this, &p, in, 0}));
        }
        if (!right) refuse(p.process);
        of(at).taken.push_back(&p);
    }
    void refuse(int process) {
        job->fail("a packet from process " + std::to_string(process) + " cannot be read: is it the same program?");
    }
    /// Messages that lie in a packet until their turn comes. Each is decoded where the one before was, which the
    /// processor still has at hand.
    struct unread {
        mpi_link* link;
        net::packet* packet;
        packet_reader in;
        std::uint32_t known_type = 0; ///< the last one that was found to be of messages

        static unread& of(message& m) { return *static_cast<unread*>(m.payload()); }
        static message* make(pe& at, const unread& what) {
            message* m = at.allocate<sizeof(unread)>(id());
            new (m->payload()) unread(what);
            m->set(message::uncounted); // what is in it counts
            return m;
        }
        bool knows(std::uint32_t type) {
            if (type != known_type || type == 0) {
                if (!registry::instance().is<message_type>(type)) return false;
                known_type = type;
            }
            return true;
        }
        static void run(pe& p, message* m) {
            unread& what = of(*m);
            mpi_link& link = *what.link;
            net::packet* const packet = what.packet;
            const int process = packet->process;
            const packed_message& next = what.in.next;
            const bool right = what.in.read(packet->bytes()) && what.knows(next.type) && next.where.to == p.number &&
                               next.pieces.count == 0;
            message* const made = right ? decoded(p, next, process) : nullptr;
            if (!right) {
                link.refuse(process);
            } else if (!what.in.at_end(packet->bytes())) {
                p.queue.push_front(m);
                m = nullptr;
            }
            if (m != nullptr) {
                link.of(p).taken.push_back(packet);
                p.release(m);
            }
            if (made != nullptr) p.dispatch(made);
        }
        static void destroy(message& m) { of(m).link->give_back(of(m).packet); }
        static std::string name() { return "messages of another process"; }
        static inline const message_type operations{&run, &destroy, nullptr, nullptr, 0, true, &name};
        static std::uint32_t id() { return registered<unread, operations>::id(); }
    };
    /// One message of a packet. False if it cannot be.
    bool take(pe& at, const packed_message& what, int process) {
        if (what.type == 0) return take_unnamed(what);
        if (!registry::instance().is<message_type>(what.type) || what.where.to - at.home.first_pe >= width)
            return false;
        if (what.pieces.count > 0)
            begin_arrival(at, what, process);
        else if (what.where.to != at.number)
            hand_on(at, what, process);
        else if (message* const m = decoded(at, what, process))
            at.enqueue(m);
        return true;
    }
    /// Only the thread that runs the PE calls MPI in an embedded machine: the program may have asked MPI for no more.
    bool may_call_mpi() const { return !job->options.embedded || pe::current_slot() != nullptr; }
    void send_notes() {
        for (net::packet* p : unsent_notes) net.send(p);
        unsent_notes.clear();
    }
    /// Whether a packet holds a note, or the end of the run: they are never behind other messages.
    static bool is_note(net::packet& p) {
        std::uint32_t type = 1;
        if (p.used >= sizeof(packet_header) + sizeof(packed_header))
            std::memcpy(&type, p.data() + sizeof(packet_header) + offsetof(packed_header, type), sizeof type);
        return type == 0;
    }
    /// A note, or the end of the run.
    bool take_unnamed(const packed_message& what) {
        if (what.flags == 0) return take_end(what.body);
        std::uint32_t size = 0;
        if (what.body.size() < sizeof size) return false;
        std::memcpy(&size, what.body.data(), sizeof size);
        if (size > what.body.size() - sizeof size) return false;
        if (machine::take_note != nullptr) machine::take_note(*job, what.body.subspan(sizeof size, size));
        return true;
    }
    bool take_end(std::span<const std::byte> body) {
        run_end end;
        if (body.size() < sizeof end) return false;
        std::memcpy(&end, body.data(), sizeof end);
        const auto* text = reinterpret_cast<const char*>(body.data()) + sizeof end;
        job->rested = end.rested != 0;
        job->stop_here(end.code, {text, strnlen(text, body.size() - sizeof end)});
        return true;
    }
    /// Ends the run with the exception being handled: a user's own serialize may throw anything.
    static void tell_undecodable(machine& job, const packed_message& what, int process) {
        job.fail("a message from process " + std::to_string(process) + " to PE " + std::to_string(what.where.to) +
                 ", " + registry::get<message_type>(what.type).name() +
                 ", cannot be decoded: " + exception_text::current().text);
    }
    /// The message itself. Throws what decoding throws.
    static message* decoded(pe& at, const packed_message& what, std::span<const std::byte> body,
                            serial::borrower* lends) {
        const message_type& type = registry::get<message_type>(what.type);
        const bool replies = (what.flags & message::replies) != 0;
        const std::size_t payload_bytes = type.payload_bytes + (replies ? sizeof(address) : 0);
        message* m = payload_bytes <= small_payload ? at.allocate<small_payload>(what.type)
                                                    : at.allocate(what.type, payload_bytes);
        m->index = what.where.index;
        m->collection = what.where.collection;
        m->priority = what.where.priority;
        m->flags = what.flags;
        m->from = what.from;
        m->bytes = static_cast<std::uint32_t>(sizeof(message) + body.size());
        if (replies) std::memcpy(&reply_of(*m), what.attached, sizeof(address));
        if (at.home.blocks.lead == 0) m->flags = static_cast<std::uint8_t>(m->flags & ~message::stamped); // no room
        if (m->has(message::stamped))
            std::memcpy(&stamp_of(*m), what.attached + attached_bytes(what.flags) - sizeof(stamp), sizeof(stamp));
        if (type.tight != 0 && body.size() == rounded(type.tight)) {
            copy_numbers(static_cast<std::byte*>(m->payload()), body.data(), type.tight);
            m->set(message::constructed);
            return m;
        }
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
    /// The same of one without pieces. Null, and the run ends, if that cannot be.
    static message* decoded(pe& at, const packed_message& what, int process) {
        try {
            return decoded(at, what, what.body, nullptr);
        } catch (...) {
            tell_undecodable(at.job, what, process);
            return nullptr;
        }
    }
    void deliver(pe& at, pe_number to, message* m) {
        if (to == at.number)
            at.enqueue(m);
        else
            at.peer(to - at.home.first_pe).incoming.push(m);
    }

    /// What carries a message in encoded form to the PE that decodes it.
    struct still_packed {
        packed_message what;
        int process;

        static void run(pe& p, message* m) {
            const auto& here = *static_cast<const still_packed*>(m->payload());
            message* const made = decoded(p, here.what, here.process);
            p.release(m);
            if (made != nullptr) p.dispatch(made);
        }
        static void destroy(message&) {}
        static std::string name() { return "a message of another process"; }
        static inline const message_type operations{&run, &destroy, nullptr, nullptr, 0, true, &name};
        static std::uint32_t id() { return registered<still_packed, operations>::id(); }
    };
    void hand_on(pe& at, const packed_message& what, int process) {
        message* m = at.allocate(still_packed::id(), sizeof(still_packed) + most_attached + what.body.size());
        m->flags = what.flags & (message::expedited | message::prioritized);
        m->set(message::uncounted); // what is in it counts
        m->priority = what.where.priority;
        auto* made = new (m->payload()) still_packed{what, process};
        auto* const copy = reinterpret_cast<std::byte*>(made + 1);
        std::memcpy(copy, what.attached, attached_bytes(what.flags));
        std::memcpy(copy + most_attached, what.body.data(), what.body.size());
        made->what.attached = copy;
        made->what.body = {copy + most_attached, what.body.size()};
        deliver(at, what.where.to, m);
    }

    void begin_arrival(pe& at, const packed_message& what, int process) {
        auto* a = new arrival;
        a->done = &arrived;
        a->link = this;
        a->what = what;
        a->process = process;
        a->packed.assign(what.attached, what.attached + attached_bytes(what.flags));
        a->what.attached = a->packed.data();
        a->sizes.resize(what.pieces.count);
        std::memcpy(a->sizes.data(), what.sizes, what.pieces.count * sizeof(std::uint64_t));
        if (what.pieces.body_is_piece == 0) return receive_pieces(at, a, what.body);
        const std::uint64_t size = a->sizes.front();
        a->sizes.erase(a->sizes.begin());
        a->body = room_for(size);
        const std::lock_guard lock(guard);
        net.receive_large(process, a->what.pieces.tag++, {a->body.data(), size}, *a);
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
            a->m = decoded(at, a->what, body, &lends);
            if (lends.places.size() != a->sizes.size()) throw error("it lends less than was announced");
        } catch (...) {
            tell_undecodable(*job, a->what, a->process);
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
        for (const auto& place : lends.places) net.receive_large(a->process, a->what.pieces.tag++, place, *a);
    }
    void complete(pe& at, arrival* a) {
        if (a->m != nullptr) deliver(at, a->what.where.to, a->m);
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

    static constexpr std::uint32_t small_payload = 16;               ///< of a message of one cache line
    static constexpr std::size_t least_room = 128;                   ///< a packet with less is full
    static constexpr int outside_of_run = net::mpi_transport::kinds; ///< the tag of what is no packet

    const net::ending::of_a_run running;
    net::mpi_transport net;
    perhaps_shared guard; ///< of net
    std::atomic<bool> carrying{false};
    machine* job = nullptr;
    std::uint32_t width = 1;
    std::vector<collected> out;             ///< by PE
    std::vector<net::packet*> unsent_notes; ///< of threads that may not call MPI
    collected left;                         ///< what `take_notes` has found beside notes, for the next PE that polls
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
