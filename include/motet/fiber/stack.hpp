// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/fiber/overflow_report.hpp>
#include <motet/fiber/sanitizer.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <new>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

// How stacks lie in memory. A slab is one mapping of many stacks; address space costs nothing until it is touched:
//
//     low addresses                                                                   high addresses
//     | page |seal| gap | stack 0 . . . . . |seal| gap | stack 1 . . . . . |seal| gap | stack 2 ...
//
// 1. The gap below a stack is its guard: pages that may not be touched. Linux 6.13 marks them in the page table, at no
//    cost; before, each needs mappings of its own, of which a process has 65,530 (vm.max_map_count), so that only
//    the first 30,000 stacks of a process are guarded in that way.
// 2. A stack beyond that number is watched by the seal below its gap, a pattern that an overflow destroys. It lies in
//    the page that the neighbour below has touched anyway, and is looked at whenever a fiber leaves such a stack.
// 3. The gap is an odd number of pages, so that the tops of the stacks spread over the sets of the TLB, and the tops
//    differ in their offset within a page, so that they spread over the sets of the caches.
namespace motet::fiber {

/// The address space of a stack unless the user says otherwise, in bytes: that of an OS thread, for the OpenMP, BLAS
/// and Fortran code that entry methods call.
inline constexpr std::size_t default_stack_size = std::size_t{8} << 20;

/// How a pool guards its stacks against overflow. `best` takes the first that the machine offers, in this order.
enum class guarding : unsigned char {
    best,   ///< whatever is strongest here
    marked, ///< marks in the page table (Linux 6.13 and later)
    mapped, ///< protected mappings, for at most `most_mapped_guards` stacks of a process
    sealed  ///< a pattern below the stack, looked at when a fiber leaves it
};

/// So many stacks of a process have a guard that costs mappings: half of what Linux allows, less some for the program.
inline constexpr std::size_t most_mapped_guards = 30'000;

/// Pages in the gap below each stack.
inline constexpr std::size_t gap_pages = 17;

/// The size of a page of memory, in bytes.
inline std::size_t page_size() noexcept { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

struct slab;

/// A handle to the memory of one stack; it grows from `top` downwards. Valid until it is released to its pool.
struct stack {
    void* top = nullptr;
    std::size_t size = 0;          ///< usable bytes below `top`
    std::uint64_t* seal = nullptr; ///< what to look at for overflow; null where guard pages do that
    std::list<slab>::iterator home = {};

    /// The lowest usable byte.
    std::byte* bottom() const noexcept { return static_cast<std::byte*>(top) - size; }

    /// Whether `address` lies in the gap below, where only an overflow leads.
    bool overflowed_at(const void* address) const noexcept {
        const auto end = reinterpret_cast<std::uintptr_t>(bottom());
        const auto at = reinterpret_cast<std::uintptr_t>(address);
        return at < end && at >= end - gap_pages * page_size();
    }
};

/// A stack that waits in its slab for the next use; lies at its top.
struct spare_stack {
    stack self;
    spare_stack* next;
    bool cool; ///< holds no memory but its top page
};

/// One mapping of many stacks.
struct slab {
    std::byte* begin;
    std::size_t size;
    std::size_t capacity;          ///< stacks it has room for
    std::size_t carved = 0;        ///< stacks handed out at least once: the lowest so many
    std::size_t live = 0;          ///< stacks in use
    std::size_t mapped_guards = 0; ///< guards that cost mappings
    spare_stack* spares = nullptr;

    bool full() const noexcept { return spares == nullptr && carved == capacity; }
};

/// The pattern below a stack that has no guard pages, large enough that few overflows jump over it.
struct seal {
    static constexpr std::size_t words = 32;
    static constexpr std::uint64_t pattern = 0x6d6f7465'745eaf1d;

    static void write(std::uint64_t* at) noexcept { std::fill_n(at, words, pattern); }
    static bool intact(const std::uint64_t* at) noexcept {
        std::uint64_t damage = 0;
        for (std::size_t i = 0; i < words; ++i) damage |= at[i] ^ pattern;
        return damage == 0;
    }
};

/// The stacks of one PE. Not thread safe. Everything that runs on its stacks must have ended before it is destroyed.
class stack_pool {
public:
    /// A pool of stacks of `size` usable bytes (a little less: alignment and seals), at least 16 KiB.
    /// Throws motet::error when the size makes no sense.
    explicit stack_pool(std::size_t size = default_stack_size, guarding how = guarding::best)
        : page_(page_size()), size_(size), how_(how) {
        if (size < smallest || size > largest)
            throw error("the stack of a fiber cannot have " + std::to_string(size / 1024) +
                        " KiB: --motet-stack takes 16 KiB to 1 TiB");
        size_ = (size + page_ - 1) / page_ * page_;
    }

    stack_pool(const stack_pool&) = delete;
    stack_pool& operator=(const stack_pool&) = delete;

    ~stack_pool() {
        for (const auto& each : slabs_) unmap(each);
    }

    /// A stack, a recently used one where there is one. Throws motet::error when no address space is left.
    stack acquire() {
        if (slabs_.empty() || slabs_.front().full()) add_slab();
        const auto home = slabs_.begin();
        stack taken;
        if (home->spares != nullptr) {
            taken = home->spares->self;
            home->spares = home->spares->next;
            --spares_;
        } else {
            taken = carve(home);
        }
        ++home->live;
        if (home->full()) slabs_.splice(slabs_.end(), slabs_, home);
        return taken;
    }

    /// Takes a stack back. The newest spare stacks keep the memory they touched, older ones give it back to the system.
    void release(stack done) noexcept {
        if (done.seal != nullptr && !seal::intact(done.seal)) report_overflow(done.size);
        const auto home = done.home;
        home->spares =
            new (static_cast<std::byte*>(done.top) - sizeof(spare_stack)) spare_stack{done, home->spares, false};
        --home->live;
        ++spares_;
        if (spares_ > warm_spares) {
            if (home->live == 0 && spares_ - home->carved >= warm_spares && remove(home)) return;
            cool(*home->spares);
        }
        slabs_.splice(slabs_.begin(), slabs_, home);
    }

    /// Usable bytes of each stack, a little less after alignment.
    std::size_t stack_size() const noexcept { return size_; }

    /// Stacks that are out of use and held for the next one.
    std::size_t spares() const noexcept { return spares_; }

private:
    static constexpr std::size_t smallest = std::size_t{16} << 10;
    static constexpr std::size_t largest = std::size_t{1} << 40;
    static constexpr std::size_t first_slab = 16;
    static constexpr std::size_t largest_slab = 1024;
    static constexpr std::size_t warm_spares = 1024;
    static constexpr std::size_t colours = 16;
    static constexpr std::size_t colour_bytes = 128;
    static constexpr std::size_t seal_bytes = seal::words * sizeof(std::uint64_t);

    /// Stacks of the process whose guards cost mappings.
    static std::atomic<std::size_t>& mapped_guards() noexcept {
        static std::atomic<std::size_t> count = 0;
        return count;
    }

    std::size_t gap() const noexcept { return gap_pages * page_; }
    std::size_t stride() const noexcept { return gap() + size_; }

    /// A new slab at the front, twice as large as all before; a smaller one where the system refuses that.
    void add_slab() {
        auto capacity = std::clamp(stacks_, first_slab, largest_slab);
        for (;; capacity /= 2) {
            const auto bytes = page_ + capacity * stride();
            auto* begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
            if (begin != MAP_FAILED) {
                // A huge page would give each stack that is touched at all 2 MiB. Kernels without them refuse: fine.
                madvise(begin, bytes, MADV_NOHUGEPAGE);
                slabs_.push_front({.begin = static_cast<std::byte*>(begin), .size = bytes, .capacity = capacity});
                stacks_ += capacity;
                return;
            }
            if (capacity == 1)
                throw error("no stack for another fiber: the system refused " + std::to_string(bytes / 1024) +
                            " KiB of address space (" + std::strerror(errno) + ") after " + std::to_string(stacks_) +
                            " stacks of this PE; make them smaller with --motet-stack, or raise `ulimit -v` or "
                            "vm.max_map_count");
        }
    }

    /// The lowest stack of the slab that was never handed out.
    stack carve(std::list<slab>::iterator home) noexcept {
        const auto index = home->carved++;
        auto* const below = home->begin + page_ + index * stride();
        const auto colour = seal_bytes + index * 5 % colours * colour_bytes;
        stack made{.top = below + stride() - colour, .size = size_ - colour, .seal = nullptr, .home = home};
        if (!guard(*home, below)) {
            made.seal = reinterpret_cast<std::uint64_t*>(below - seal_bytes);
            seal::write(made.seal);
        }
        return made;
    }

    /// Forbids the gap at `below`, if that is possible.
    bool guard(slab& home, std::byte* below) noexcept {
        constexpr int madv_guard_install = 102; // not yet in the headers of glibc 2.36
        if ((how_ == guarding::best || how_ == guarding::marked) && madvise(below, gap(), madv_guard_install) == 0)
            return true;
        if (how_ == guarding::best || how_ == guarding::mapped) {
            if (mapped_guards().fetch_add(1, std::memory_order_relaxed) < most_mapped_guards &&
                mprotect(below, gap(), PROT_NONE) == 0) {
                ++home.mapped_guards;
                return true;
            }
            mapped_guards().fetch_sub(1, std::memory_order_relaxed);
        }
        return false;
    }

    /// Gives back the memory of a spare stack but for its top page, where a neighbour's seal may lie.
    void cool(spare_stack& spare) const noexcept {
        if (spare.cool) return;
        spare.cool = true;
        const auto top_page = reinterpret_cast<std::uintptr_t>(&spare) / page_ * page_;
        auto* const bottom = spare.self.bottom();
        madvise(bottom, top_page - reinterpret_cast<std::uintptr_t>(bottom), MADV_DONTNEED);
    }

    /// Unmaps a slab of which nothing is in use. The system may refuse: then it stays.
    bool remove(std::list<slab>::iterator unused) noexcept {
        if (!unmap(*unused)) return false;
        spares_ -= unused->carved;
        stacks_ -= unused->capacity;
        slabs_.erase(unused);
        return true;
    }

    static bool unmap(const slab& unused) noexcept {
        if (unused.live > 0) sanitizer_view::forget(unused.begin, unused.size); // of fibers that were left for ever
        if (munmap(unused.begin, unused.size) != 0) return false;
        mapped_guards().fetch_sub(unused.mapped_guards, std::memory_order_relaxed);
        return true;
    }

    std::size_t page_;
    std::size_t size_;
    guarding how_;
    std::size_t stacks_ = 0; ///< room in all slabs
    std::size_t spares_ = 0;
    std::list<slab> slabs_; ///< those that are full stand last
};

} // namespace motet::fiber
