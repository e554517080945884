// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MOTET_PLAIN_BLOCKS 1 // sanitizers see every block when it comes from malloc
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define MOTET_PLAIN_BLOCKS 1
#endif
#endif

/// Memory of messages. Each PE keeps free lists by size class; a block belongs to the PE that frees it. What flows one
/// way is given back in magazines of 64 through the process's depot (Bonwick and Adams, "Magazines and Vmem", 2001).
namespace motet::inline MOTET_VARIANT::runtime {

inline constexpr std::size_t block_classes = 8; // 64 bytes to 8 KiB
inline constexpr std::uint8_t unpooled = 255;
constexpr std::size_t block_size(std::size_t size_class) { return std::size_t{64} << size_class; }
constexpr std::uint8_t block_class(std::size_t bytes) {
    for (std::uint8_t c = 0; c < block_classes; ++c)
        if (bytes <= block_size(c)) return c;
    return unpooled;
}

struct free_block {
    free_block* next;
};

/// Full magazines and the memory behind them, shared by the PEs of a process.
class block_depot {
public:
    static constexpr std::uint32_t magazine = 64;
    std::size_t lead = 0; ///< bytes that each block has before it, a multiple of 16; set before the first is taken

    block_depot() = default;
    block_depot(const block_depot&) = delete;
    block_depot& operator=(const block_depot&) = delete;
    ~block_depot();
    void give(std::size_t size_class, free_block* chain);
    /// A chain of `magazine` free blocks.
    free_block* take(std::size_t size_class);

private:
    std::mutex mutex;
    std::array<std::vector<free_block*>, block_classes> full;
    std::vector<void*> slabs;
};

/// The free lists of one PE.
class block_pool {
public:
    explicit block_pool(block_depot& behind) : depot(behind) {}
    block_pool(const block_pool&) = delete;
    block_pool& operator=(const block_pool&) = delete;

    [[gnu::always_inline]] void* take([[maybe_unused]] std::uint8_t size_class, [[maybe_unused]] std::size_t bytes) {
#ifdef MOTET_PLAIN_BLOCKS
        return allocate(bytes);
#else
        if (size_class == unpooled) [[unlikely]]
            return allocate(bytes);
        shelf& s = shelves[size_class];
        if (s.current == nullptr) [[unlikely]]
            refill(s, size_class);
        free_block* block = s.current;
        s.current = block->next;
        --s.count;
        return block;
#endif
    }
    [[gnu::always_inline]] void give([[maybe_unused]] std::uint8_t size_class, void* memory) {
#ifdef MOTET_PLAIN_BLOCKS
        release(memory);
#else
        if (size_class == unpooled) [[unlikely]]
            return release(memory);
        shelf& s = shelves[size_class];
        if (s.count == block_depot::magazine) [[unlikely]]
            spill(s, size_class);
        s.current = new (memory) free_block{s.current};
        ++s.count;
#endif
    }

private:
    struct shelf {
        free_block* current = nullptr;
        free_block* spare = nullptr; // a full magazine
        std::uint32_t count = 0;     // of `current`
    };
    void* allocate(std::size_t bytes);
    void release(void* memory);
    void refill(shelf& s, std::size_t size_class);
    void spill(shelf& s, std::size_t size_class);

    block_depot& depot;
    std::array<shelf, block_classes> shelves;
};

#if MOTET_BODIES

MOTET_INLINE block_depot::~block_depot() {
    for (void* slab : slabs) std::free(slab);
}
MOTET_INLINE void block_depot::give(std::size_t size_class, free_block* chain) {
    const std::lock_guard lock(mutex);
    full[size_class].push_back(chain);
}
MOTET_INLINE free_block* block_depot::take(std::size_t size_class) {
    const std::lock_guard lock(mutex);
    if (auto& chains = full[size_class]; !chains.empty()) {
        free_block* chain = chains.back();
        chains.pop_back();
        return chain;
    }
    const std::size_t size = lead + block_size(size_class);
    auto* slab = static_cast<std::byte*>(std::aligned_alloc(64, size * magazine));
    if (slab == nullptr) throw std::bad_alloc();
    slabs.push_back(slab);
    free_block* chain = nullptr;
    for (std::size_t i = magazine; i-- > 0;) chain = new (slab + i * size + lead) free_block{chain};
    return chain;
}

[[gnu::noinline]] MOTET_INLINE void* block_pool::allocate(std::size_t bytes) {
    const std::size_t size = depot.lead + std::max(bytes, block_size(0)); // slot_ring copies so much of the small ones
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, (size + 63) / 64 * 64));
    if (memory == nullptr) throw std::bad_alloc();
    return memory + depot.lead;
}
[[gnu::noinline]] MOTET_INLINE void block_pool::release(void* memory) {
    std::free(static_cast<std::byte*>(memory) - depot.lead);
}
[[gnu::noinline]] MOTET_INLINE void block_pool::refill(shelf& s, std::size_t size_class) {
    s.current = s.spare != nullptr ? s.spare : depot.take(size_class);
    s.spare = nullptr;
    s.count = block_depot::magazine;
}
[[gnu::noinline]] MOTET_INLINE void block_pool::spill(shelf& s, std::size_t size_class) {
    if (s.spare != nullptr) depot.give(size_class, s.spare);
    s.spare = s.current;
    s.current = nullptr;
    s.count = 0;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
