// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/boxed.hpp>
#include <motet/runtime/identity.hpp>
#include <motet/runtime/message.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/runtime/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

struct part;

/// Values sent to an element through a channel, by number, and who waits for the next.
struct channel_end {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t name = 0;  ///< of this end, among all that there ever are; 0: it has sent nothing
    std::uint64_t other = 0; ///< the same of the end that values came from
    bool cut = false;        ///< some came from another one: its element was erased and inserted again
    std::map<std::uint64_t, boxed> values;
    waiter* receiver = nullptr; ///< only while a frame stands in the element: never travels

    bool has_next() const { return !values.empty() && values.begin()->first == received + 1; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(sent, received, name, other, cut, values);
    }
};

/// Names the other end of a channel.
struct channel_key {
    std::uint64_t collection = 0;
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t tag = 0;
    friend auto operator<=>(const channel_key&, const channel_key&) = default;
    collection_id of() const {
        return {static_cast<pe_number>(collection >> 32), static_cast<std::uint32_t>(collection)};
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(collection, low, high, tag);
        if constexpr (!Archive::is_writing) {
            collection_id id = of();
            translate(id);
            collection = id.bits();
        }
    }
};

/// A PE that answers for what an element owes to reduction rounds that were passed on without it where it is now.
struct sponsor {
    std::uint64_t upto = 0; ///< the last such round
    pe_number pe = no_pe;
};

/// A call of a method of an element that waits for something the runtime does (postponed.hpp). Encoded, so that it goes
/// with the element anywhere.
struct postponed_call {
    std::uint64_t until = 0; ///< the release of its collection that it waits for; 0: there is none
    std::uint32_t type = 0;
    address reply;
    std::vector<std::byte> arguments;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(until, type, reply, arguments);
    }
};

/// How many messages an element has sent to another one of its collection.
struct sent_count {
    index_bits to;
    std::uint64_t count = 0;
};

/// What few elements need, and only for a while.
struct element_extension {
    element_extension();
    element_extension(const element_extension&) = delete;
    element_extension& operator=(const element_extension&) = delete;
    ~element_extension();

    waiter_list conditions; ///< parked in this element, waiting for its state
    message_list held;      ///< held back by a `when`
    pe_number move_to = no_pe;
    std::vector<address> after_move; ///< whom to tell when it has moved
    std::vector<address> after_erasure;
    std::vector<sponsor> sponsors; ///< with rising rounds
    std::map<channel_key, channel_end> channels;
    std::map<std::uint64_t, std::uint64_t> section_rounds; ///< contributions made, by section
    postponed_call postponed;
    double load = 0;      ///< seconds that its methods have run for since the last balancing began
    double last_load = 0; ///< the same between the two balancings before
    std::vector<sent_count> sent;
};

#if MOTET_BODIES
MOTET_INLINE element_extension::element_extension() = default;
MOTET_INLINE element_extension::~element_extension() = default;
#endif // MOTET_BODIES

/// What stands before each chare in memory.
struct element_header {
    enum flag : std::uint8_t {
        watched = 1,       ///< the extension has conditions or held messages
        erase_pending = 2, ///< to be erased when no frame stands in it
        move_pending = 4,
        created_due = 8, ///< its on(created) has not run yet
        arrived_due = 16,
        hooks_running = 32, ///< messages wait until they have returned
        locked = 64,        ///< with hooks_running, though none does: by an atomic script
        catching_up = 128   ///< it gets what it has not seen by itself, not with the others here
    };
    index_bits index;
    std::unique_ptr<element_extension> extension;
    std::uint64_t seen = 0;    ///< the last broadcast delivered
    std::uint64_t round = 0;   ///< reductions contributed to
    std::uint64_t version = 0; ///< birth number of its home (high bits: move.hpp) and moves since
    std::uint32_t position = 0;
    std::uint32_t pins : 24 = 0; ///< frames that stand in it: stacks for 16 million need more memory than there is
    std::uint8_t flags = 0;

    bool has(flag f) const { return (flags & f) != 0; }
    /// A message that will run them is under way on this PE; until then it does not move.
    bool hooks_due() const { return (flags & (created_due | arrived_due)) != 0; }
    bool in_a_hook() const { return (flags & (hooks_running | locked)) == hooks_running; }
    void set(flag f) { flags = static_cast<std::uint8_t>(flags | f); }
    void unset(flag f) { flags = static_cast<std::uint8_t>(flags & ~f); }
    element_extension& extend() {
        if (!extension) extension = std::make_unique<element_extension>();
        return *extension;
    }
};
static_assert(sizeof(element_header) == 56);

/// The last reduction round that somebody else than the PE where `e` is answers for, or that e has contributed to.
inline std::uint64_t rounds_done(const element_header& e) {
    const bool sponsored = e.extension && !e.extension->sponsors.empty();
    return sponsored ? std::max(e.round, e.extension->sponsors.back().upto) : e.round;
}

template <class T>
struct element : element_header {
    explicit element(T made) : object(std::move(made)) {}
    T object;
};

/// The elements of a collection on one PE, found by index. As long as they are those of a row of indices, as in a dense
/// array that nobody has moved or left, their places say where they are; from then on a hash table does.
class element_table {
public:
    element_header* find(const index_bits& index) const {
        if (index.low - row_first < row_count && index.high == 0) [[likely]]
            return elements[index.low - row_first];
        const std::uint64_t hash = hash_of(index);
        for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
            const std::uint64_t slot = slots[i];
            if (slot == 0) return nullptr;
            if ((slot >> 32) == (hash >> 32)) {
                element_header* e = elements[(slot & 0xFFFFFFFFu) - 1];
                if (e->index == index) return e;
            }
        }
    }
    void insert(element_header* e) {
        if (row_count != 0 || row_expected) {
            if (e->index == index_bits{row_first + elements.size(), 0}) {
                row_expected = false;
                ++row_count;
                e->position = static_cast<std::uint32_t>(elements.size());
                return elements.push_back(e);
            }
            leave_row();
        }
        if (2 * (elements.size() + 1) > slots.size()) grow(4 * (elements.size() + 1));
        e->position = static_cast<std::uint32_t>(elements.size());
        elements.push_back(e);
        place(*e);
    }
    void remove(element_header* e) {
        if (row_count != 0) leave_row();
        std::size_t hole = slot_of(*e);
        element_header* last = elements.back();
        if (last != e) {
            slots[slot_of(*last)] = (hash_of(last->index) >> 32 << 32) | (e->position + 1);
            last->position = e->position;
            elements[e->position] = last;
        }
        elements.pop_back();
        slots[hole] = 0; // then close the gap in the probe sequence
        for (std::size_t i = (hole + 1) & mask; slots[i] != 0; i = (i + 1) & mask) {
            const std::size_t ideal = hash_of(elements[(slots[i] & 0xFFFFFFFFu) - 1]->index) & mask;
            if (((i - ideal) & mask) >= ((i - hole) & mask)) {
                slots[hole] = slots[i];
                slots[i] = 0;
                hole = i;
            }
        }
    }
    /// Makes room for `count` elements that come next.
    void reserve(std::size_t count) {
        elements.reserve(count);
        if (2 * count > slots.size()) grow(2 * count);
    }
    /// The same for the first elements of an empty table, whose indices will be `first`, `first` + 1 and so on.
    void reserve_row(std::uint64_t first, std::size_t count) {
        elements.reserve(count);
        row_first = first;
        row_expected = true;
    }

    std::vector<element_header*> elements; ///< a removal puts the last one into the gap

private:
    void leave_row() {
        row_count = 0;
        row_expected = false;
        grow(2 * (elements.size() + 1));
    }
    void place(const element_header& e) {
        const std::uint64_t hash = hash_of(e.index);
        std::size_t i = hash & mask;
        while (slots[i] != 0) i = (i + 1) & mask;
        slots[i] = (hash >> 32 << 32) | (e.position + 1);
    }
    std::size_t slot_of(const element_header& e) const {
        std::size_t i = hash_of(e.index) & mask;
        while ((slots[i] & 0xFFFFFFFFu) != e.position + 1) i = (i + 1) & mask;
        return i;
    }
    void grow(std::size_t least) {
        std::size_t size = 8;
        while (size < least) size *= 2;
        slots.assign(size, 0);
        mask = size - 1;
        for (const element_header* e : elements) place(*e);
    }

    std::vector<std::uint64_t> slots = std::vector<std::uint64_t>(8, 0);
    std::size_t mask = 7;
    std::uint64_t row_first = 0;
    std::uint64_t row_count = 0; ///< all elements, while their places say where they are; else 0
    bool row_expected = false;   ///< the first element may begin a row
};

} // namespace motet::inline MOTET_VARIANT::runtime
