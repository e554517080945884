// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/variant.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

/// The names by which the runtime knows chares: small values that mean the same on every process.
namespace motet::inline MOTET_VARIANT::runtime {

using pe_number = std::uint32_t;
inline constexpr pe_number no_pe = 0xFFFFFFFFu;

/// Any index of any collection, packed into 16 bytes.
struct index_bits {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const index_bits&, const index_bits&) = default;
    friend bool operator<(const index_bits& a, const index_bits& b) {
        return a.high != b.high ? a.high < b.high : a.low < b.low;
    }
};

/// Mixes all bits of an index (the finalizer of MurmurHash3, twice).
inline std::uint64_t hash_of(const index_bits& index) {
    std::uint64_t h = (index.low ^ (index.high * 0x9E3779B97F4A7C15u)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 32)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 29);
}

/// The name of a collection: the PE that created it (its root) and that PE's count of creations.
struct collection_id {
    pe_number root = no_pe;
    std::uint32_t serial = 0;
    friend bool operator==(const collection_id&, const collection_id&) = default;
    std::uint64_t bits() const { return (std::uint64_t{root} << 32) | serial; }
    /// The same in the order in which it lies in memory: one load.
    std::uint64_t key() const { return std::bit_cast<std::uint64_t>(*this); }
};

/// The root in the names of single chares, which stand in no collection that somebody created: the serial is the number
/// of their type.
inline constexpr pe_number singles_root = no_pe - 1;

/// What a PE has created so far is told apart by these numbers. A restart goes on with the largest of all PEs.
struct creation_counts {
    std::uint64_t collections = 0;
    std::uint64_t chares = 0; ///< single ones
    std::uint64_t others = 0; ///< ends of channels, sections, activities, transactions

    void reach(const creation_counts& other) {
        collections = std::max(collections, other.collections);
        chares = std::max(chares, other.chares);
        others = std::max(others, other.others);
    }
    /// The serial of the next collection. Throws `error` rather than give one twice.
    std::uint32_t next_collection() {
        if (collections >= 0xFFFF'FFFF)
            throw error("no more collections can be created here: a PE can create 4,294,967,295 in a run");
        return static_cast<std::uint32_t>(++collections);
    }
    /// A name that nothing else of its kind has in the run; not 0. Throws `error` rather than give one twice.
    std::uint64_t next_name(pe_number here) {
        constexpr int bits = 40; // there are at most 2^24 PEs
        if (others >= (std::uint64_t{1} << bits) - 1)
            throw error("no more sections, activities and channels can be made here: a PE can make 2^40 in a run");
        return (std::uint64_t{here} << bits) | ++others;
    }
};

/// Where a value goes: `how` names a registered kind of delivery (0: nowhere), the rest is its to interpret.
struct address {
    std::uint32_t how = 0;
    pe_number pe = no_pe;
    collection_id collection;
    index_bits index;
    friend bool operator==(const address&, const address&) = default;

    template <class Archive>
    void serialize(Archive& archive); ///< registry.hpp
};

} // namespace motet::inline MOTET_VARIANT::runtime
