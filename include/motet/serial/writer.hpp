// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/serial/buffer.hpp>
#include <motet/serial/lend.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace motet::serial {

static_assert(std::endian::native == std::endian::little, "motet: runs on little-endian machines only");

/// Values nested deeper than this (a list of pointers, a tree of vectors) are neither written nor read: both recurse.
inline constexpr int max_depth = 500;

/// Sizes below the first mark take one byte; the marks announce four or eight more.
inline constexpr std::uint8_t four_byte_size = 254;
inline constexpr std::uint8_t eight_byte_size = 255;

/// What a codec keeps with a writer or a reader from one value to the next.
struct attachment {
    virtual ~attachment() = default;
};

/// Where encoded bytes go: memory that grows and is never filled in advance.
class writer {
public:
    writer() noexcept = default;

    /// Begins in `storage`, whose owner keeps it alive (aligned to 16 bytes if views are to be read from it);
    /// moves to memory of its own when that is full.
    explicit writer(std::span<std::byte> storage) noexcept
        : begin_(storage.data()), at_(begin_), end_(begin_ + storage.size()), external_(true) {}

    writer(writer&& other) noexcept
        : begin_(std::exchange(other.begin_, nullptr)), at_(std::exchange(other.at_, nullptr)),
          end_(std::exchange(other.end_, nullptr)), external_(std::exchange(other.external_, false)),
          depth(other.depth), shared(std::move(other.shared)), lends(other.lends) {}
    writer& operator=(writer&&) = delete;
    ~writer() {
        if (!external_) std::free(begin_);
    }

    const std::byte* data() const noexcept { return begin_; }
    std::byte* data() noexcept { return begin_; }
    /// Bytes written so far.
    std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
    std::span<const std::byte> bytes() const noexcept { return {begin_, size()}; }
    /// The same, copied.
    std::vector<std::byte> to_vector() const { return {begin_, at_}; }
    /// True while all of it fits the storage given at the start.
    bool external() const noexcept { return external_; }

    /// Forgets what was written and keeps the memory.
    void clear() noexcept {
        at_ = begin_;
        shared.reset();
    }

    /// Makes room for `count` more bytes.
    void reserve(std::size_t count) {
        if (static_cast<std::size_t>(end_ - at_) < count) grow(count);
    }

    /// The next `count` bytes, for the caller to fill.
    std::byte* claim(std::size_t count) {
        reserve(count);
        return std::exchange(at_, at_ + count);
    }

    /// Copies `count` bytes from `source`.
    void put(const void* source, std::size_t count) {
        if (count != 0) std::memcpy(claim(count), source, count);
    }

    /// Writes a number of elements: one byte for small ones.
    void put_size(std::size_t count) {
        if (count < four_byte_size) {
            *claim(1) = static_cast<std::byte>(count);
        } else if (count <= UINT32_MAX) {
            put_marked(four_byte_size, static_cast<std::uint32_t>(count));
        } else {
            put_marked(eight_byte_size, static_cast<std::uint64_t>(count));
        }
    }

    /// Fills with zeros up to a multiple of `alignment`, counted from the first byte written.
    void align(std::size_t alignment) {
        const std::size_t gap = (0 - size()) & (alignment - 1);
        if (gap != 0) std::memset(claim(gap), 0, gap);
    }

    /// Gives away what was written; the writer begins anew, empty.
    buffer release() {
        const std::size_t count = size();
        if (external_) {
            auto* copy = static_cast<std::byte*>(std::malloc(count != 0 ? count : 1));
            if (copy == nullptr) throw std::bad_alloc();
            if (count != 0) std::memcpy(copy, begin_, count);
            clear();
            return {copy, count};
        }
        at_ = end_ = nullptr;
        shared.reset();
        return {std::exchange(begin_, nullptr), count};
    }

private:
    template <class Size>
    void put_marked(std::uint8_t mark, Size count) {
        std::byte* at = claim(1 + sizeof count);
        *at = static_cast<std::byte>(mark);
        std::memcpy(at + 1, &count, sizeof count);
    }

    [[gnu::noinline, gnu::cold]] void grow(std::size_t count) {
        const std::size_t used = size();
        if (count > SIZE_MAX / 2 - used) throw std::bad_alloc();
        std::size_t capacity = 2 * static_cast<std::size_t>(end_ - begin_);
        if (capacity < used + count) capacity = used + count;
        if (capacity < 64) capacity = 64;
        auto* fresh = static_cast<std::byte*>(std::realloc(external_ ? nullptr : begin_, capacity));
        if (fresh == nullptr) throw std::bad_alloc();
        if (external_ && used != 0) std::memcpy(fresh, begin_, used);
        external_ = false;
        begin_ = fresh;
        at_ = fresh + used;
        end_ = fresh + capacity;
    }

    std::byte* begin_ = nullptr;
    std::byte* at_ = nullptr;
    std::byte* end_ = nullptr;
    bool external_ = false;

public:
    /// How deep the value being written lies inside others.
    int depth = 0;
    /// The shared objects written so far.
    std::unique_ptr<attachment> shared;
    /// Takes note of large data that is not copied; null: all is copied.
    lender* lends = nullptr;
};

/// Memory already claimed from a writer, where values of known size are put without a check.
struct slot {
    std::byte* at;

    void put(const void* source, std::size_t count) noexcept {
        std::memcpy(at, source, count);
        at += count;
    }
};

} // namespace motet::serial
