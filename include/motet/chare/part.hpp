// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/boxed.hpp>
#include <motet/chare/element.hpp>
#include <motet/reflect/describe.hpp>
#include <motet/runtime/deliver.hpp>
#include <motet/runtime/pe.hpp>
#include <motet/serial/by_name.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

enum class collection_kind : std::uint8_t { single, group, node_group, array };

/// What every PE knows of a collection. Inside a process all share one.
struct collection_info {
    collection_id id;
    std::uint32_t type = 0; ///< registered collection_type
    collection_kind kind = collection_kind::array;
    bool dense = false;      ///< elements exist for every index of the extent from the start
    bool on_demand = false;  ///< a message to an index that does not exist creates it
    bool linear = false;     ///< dense, and the index itself is the place in the extent
    std::uint64_t total = 0; ///< elements of a dense array
    index_bits extent;       ///< packed
    boxed prototype;
    std::uint32_t map = 0; ///< registered map_type; 0: blocks of the extent, else by hash
    boxed map_state;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(id.root, id.serial, type, kind, dense, on_demand, linear, total, extent.low, extent.high, prototype,
                map, map_state);
    }
};

/// What can be done with the chares of a collection without knowing their type.
struct collection_type {
    element_header* (*make)(const boxed& prototype); ///< a copy of the prototype
    void (*destroy)(element_header*);
    void (*encode)(const element_header&, serial::writer&);
    element_header* (*decode)(serial::reader&);
    void (*created)(element_header&); ///< the hooks; null where the struct has none
    void (*arrived)(element_header&);
    void (*departing)(element_header&);
    std::uint64_t (*count)(index_bits extent);
    std::uint64_t (*linear)(index_bits extent, index_bits index);
    index_bits (*from_linear)(index_bits extent, std::uint64_t place);
    index_bits (*order)(index_bits); ///< bits that compare as the indices do
    std::string (*index_text)(index_bits);
#ifdef MOTET_WITH_SCRIPT
    std::vector<std::int64_t> (*coordinates)(index_bits);
    index_bits (*from_coordinates)(const std::vector<std::int64_t>&);
#endif
    std::string (*name)();
    const reflect::type_description& (*describe)(); ///< the fields, for hooks and inspectors
    void* (*object)(element_header&);
    std::vector<serial::named_field> (*fields)(); ///< as they are saved
    void (*save)(const void* object, serial::writer&);
    void (*load)(void* object, serial::reader&, const std::vector<std::size_t>& places);
    const void* (*prototype)(const boxed&); ///< the object in it
    boxed (*blank)();                       ///< a prototype with the defaults
    /// What `encode` wrote of this element, over what has become of it; null: impossible.
    void (*restore)(element_header&, serial::reader&) = nullptr;
    bool saved = true; ///< in checkpoints; else neither are its messages, and what waits in it does not hold one up
};

struct map_type {
    std::int64_t (*place)(const void* map, index_bits index, index_bits extent, std::int64_t pes);
    std::string (*schema)(); ///< of its state; null: it has none
};

/// What the home of an index knows while the element is not there.
struct home_record {
    enum class state : std::uint8_t { unborn, moving, there, erased };
    state now = state::unborn;
    pe_number pe = no_pe;
    std::uint64_t version = 0;
    message_list held;
};

/// An element that has died, and when.
struct tombstone {
    index_bits index;
    std::uint64_t version;
};

struct index_hash {
    std::size_t operator()(const index_bits& i) const { return hash_of(i); }
};

struct broadcast;

/// What many elements give to one result, put together on the way up the tree of PEs.
struct partial {
    boxed value;
    std::unique_ptr<failure> why; ///< of the first that failed; null: none has

    template <class Archive>
    void serialize(Archive& archive) {
        archive(value, why);
    }
    partial copy() const { return {value.copy(), why ? std::make_unique<failure>(*why) : nullptr}; }
    void clear() {
        value.reset();
        why.reset();
    }
    void fail(failure&& reason) {
        if (!why) why = std::make_unique<failure>(std::move(reason));
    }
};

/// A broadcast with what its calls gave back, on one PE (broadcast.hpp).
struct open_broadcast {
    partial result;
    std::int64_t owed = 0;      ///< calls this PE answers for that have not returned
    std::uint32_t children = 0; ///< that have reported
    bool begun = false;
};

/// What some elements have contributed to a reduction round.
struct contributions {
    partial result;
    std::uint32_t type = 0; ///< registered reduction_type; 0: nothing has come
    address target;
};

/// A reduction round on one PE (reduction.hpp).
struct reduction_round : contributions {
    std::int64_t owed = 0;      ///< contributions this PE answers for that come from elsewhere
    std::uint32_t children = 0; ///< that have reported
    bool prompted = false;      ///< the children know that it has begun
    bool shared = false;        ///< the other PEs have this one's part

    void clear() { // by hand: it is on the way of each reduction, and compilers clear the whole by a slow instruction
        result.clear();
        type = children = 0;
        target = {};
        owed = 0;
        prompted = shared = false;
    }
};

/// What has come of a section's round for one member and those below it (section.hpp, step 3); `children` has a bit for
/// each of them.
struct section_round : reduction_round {
    std::vector<index_bits> path;    ///< the member, and those above it up to the first
    std::vector<index_bits> awaited; ///< the members below it; known when it has contributed itself
};

/// How many elements have moved to a PE so far, and away from it.
struct element_moves {
    std::uint64_t came = 0;
    std::uint64_t left = 0;
    friend bool operator==(const element_moves&, const element_moves&) = default;
};

/// So many PEs, and no more, exchange their parts of a reduction round: the children of one in the tree, and that one.
inline constexpr pe_number most_sharing = 5;

/// What PEs have sent each other of a reduction round (reduction.hpp, step 6).
struct shared_round {
    std::uint64_t number = 0;
    std::array<contributions, most_sharing> parts{}; ///< by PE
    std::uint32_t here = 0;
    std::uint32_t expected = 0; ///< not 0: they are not wanted any more when so many have come

    void put(pe_number from, std::uint32_t type, const address& target, partial&& result) {
        contributions& one = parts[from];
        one.type = type;
        one.target = target;
        one.result = std::move(result);
        ++here;
    }
};

/// A call of members of a section under way on this PE, which passed it on to them (section.hpp).
struct section_relay {
    std::shared_ptr<broadcast> record;
    address parent;            ///< the relay it came from; nowhere: this is the first
    std::uint64_t missing = 0; ///< members that have not answered
    std::uint64_t count = 0;   ///< all of them
    partial result;
};

/// What a floor above keeps with a collection on one PE.
struct part_state {
    virtual ~part_state() = default;
};

/// A collection on one PE.
struct part {
    explicit part(std::shared_ptr<collection_info> shared);
    part(const part&) = delete;
    part& operator=(const part&) = delete;
    ~part();

    std::shared_ptr<collection_info> info;
    const collection_type* type;
    element_table table;

    // Location (location.hpp).
    bool settled = true;         ///< no element was ever away from its home, as far as this PE knows
    std::uint64_t own_first = 0; ///< indices whose home this PE is, where they are numbers in a row
    std::uint64_t own_count = 0;
    std::uint64_t members = 0;    ///< indices that are PEs: those of a group
    std::uint64_t reciprocal = 0; ///< of the elements of a dense array, times 2^64; 0: not to be used
    bool sealed = false;          ///< an index that is unknown does not exist
    std::uint64_t births = 0;
    std::unordered_map<index_bits, home_record, index_hash> homes;
    std::vector<tombstone> tombstones; ///< the newest, from one place on round and round
    std::uint64_t tombstones_replaced = 0;
    std::unordered_map<index_bits, std::pair<pe_number, std::uint64_t>, index_hash> cache;
    std::uint64_t held = 0;

    static constexpr std::uint32_t not_counted = ~std::uint32_t{0};
    std::uint32_t children = not_counted; ///< of this PE in the tree from the root on, by which both of these go

    // Broadcasts (broadcast.hpp).
    std::uint64_t issued = 0;                     ///< at the root
    std::uint64_t current = 0;                    ///< the last one begun here
    std::uint64_t delivered = 0;                  ///< the last one that every element here has had
    std::vector<std::uint64_t> closed_broadcasts; ///< at the root: since the last one was issued
    std::map<std::uint64_t, std::shared_ptr<broadcast>> broadcasts;
    std::map<std::uint64_t, open_broadcast> open;
    std::map<std::uint64_t, std::uint32_t>
        away_seen; ///< elements sent off and not yet acknowledged, or catching up here, by what they had seen

    // Reductions (reduction.hpp).
    std::uint64_t begun = 0;                 ///< the last round known to have begun
    std::uint64_t passed = 0;                ///< the last round passed on to the parent
    std::uint64_t round_seen = 0;            ///< the last broadcast seen by those who have made rounds begin
    std::deque<reduction_round> rounds;      ///< from passed + 1 on
    std::deque<std::uint32_t> population{0}; ///< [i]: elements here that owe this PE the rounds from passed + 1 + i on
    std::list<shared_round> shares;          ///< few, by number
    std::list<shared_round> spare_shares;    ///< memory of such as are done with
    std::map<std::uint64_t, std::uint32_t> away_round; ///< elements sent off and not yet acknowledged, by rounds done

    // Sections (section.hpp).
    std::map<std::uint64_t, section_relay> relays;
    std::uint64_t relay_count = 0;
    std::map<std::array<std::uint64_t, 3>, section_round> section_rounds; ///< by section, round and node

    // Balancing (balance/).
    bool measured = false;                                ///< the time of its elements is taken
    bool counts_messages = false;                         ///< those between its elements are counted, if it is measured
    double due = std::numeric_limits<double>::infinity(); ///< when `when_due` is to be called, if it is measured
    void (*when_due)(pe&, part&) = nullptr;
    std::uint64_t released = 0; ///< calls that were postponed until then run
    std::uint64_t decided = 0;  ///< the release that is to come as soon as all PEs know of it, or has come
    std::uint64_t waiting = 0;  ///< elements here with a postponed call
    std::uint64_t asked = 0;    ///< the release that all elements of some PE wait for, or one before
    element_moves moves;
    void (*when_all_wait)(pe&, part&) = nullptr; ///< called when all elements here do, or there are none any more
    std::unique_ptr<part_state> balancing;
    void measure(pe& p); ///< begins or ends it, as the strategy needs it (balance/state.hpp)

    /// How many elements here owe this PE the rounds after `done`.
    std::uint32_t& population_of(std::uint64_t done) {
        const std::size_t place = done - passed;
        if (place >= population.size()) [[unlikely]]
            grow_population(place);
        return population[place];
    }
    reduction_round& round(std::uint64_t number) {
        const std::size_t place = number - passed - 1;
        if (place >= rounds.size()) [[unlikely]]
            grow_rounds(place);
        return rounds[place];
    }
    /// The first round has passed. Most often there is no other, and its memory serves the next.
    void next_round() {
        ++passed;
        if (rounds.size() > 1)
            rounds.pop_front();
        else
            rounds.front().clear();
        if (population.size() > 1)
            population.pop_front();
        else
            population.front() = 0;
    }
    /// What PEs have sent each other of a round; null if nothing has come yet.
    shared_round* find_shares(std::uint64_t number) {
        const auto found = place_of_shares(number);
        return found != shares.end() && found->number == number ? &*found : nullptr;
    }
    shared_round& shares_of(std::uint64_t number) {
        const auto place = place_of_shares(number);
        if (place != shares.end() && place->number == number) return *place;
        if (spare_shares.empty()) spare_shares.emplace_back();
        shares.splice(place, spare_shares, spare_shares.begin());
        shared_round& made = *std::prev(place);
        made.number = number;
        return made;
    }
    void forget_shares(std::uint64_t number) {
        const auto place = place_of_shares(number);
        place->here = place->expected = 0;
        for (contributions& each : place->parts) {
            if (std::exchange(each.type, 0) == 0) continue;
            each.target.how = 0;
            each.result.clear();
        }
        spare_shares.splice(spare_shares.begin(), shares, place);
    }
    bool fixed() const { return info->kind == collection_kind::group || info->kind == collection_kind::node_group; }

private:
    std::list<shared_round>::iterator place_of_shares(std::uint64_t number) {
        return std::find_if(shares.begin(), shares.end(), [=](const shared_round& r) { return r.number >= number; });
    }
    void grow_population(std::size_t place);
    void grow_rounds(std::size_t place);
};

#if MOTET_BODIES
MOTET_INLINE part::part(std::shared_ptr<collection_info> shared)
    : info(std::move(shared)), type(&registry::get<collection_type>(info->type)) {}
MOTET_INLINE part::~part() = default;
MOTET_INLINE void part::grow_population(std::size_t place) { population.resize(place + 1); }
MOTET_INLINE void part::grow_rounds(std::size_t place) { rounds.resize(place + 1); }
#endif // MOTET_BODIES

/// The chares of one PE: the state that the chare floor keeps with it.
class local_chares;

} // namespace motet::inline MOTET_VARIANT::runtime
