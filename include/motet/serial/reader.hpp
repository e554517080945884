// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/serial/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace motet::serial {

/// Where encoded bytes come from. Every length is checked before it is used; what is wrong is thrown as decode_error.
class reader {
public:
    /// The bytes must outlive the reader, and any view that is read from it. To read views (std::span,
    /// std::string_view) of types wider than a byte they must lie at a multiple of 16.
    explicit reader(std::span<const std::byte> bytes) noexcept
        : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}
    reader(reader&&) = delete;

    bool restores = false; ///< into the object that was written, as it has become: what is transient stays as it is

    /// Bytes read so far.
    std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
    /// Bytes not yet read.
    std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    /// The next `count` bytes.
    const std::byte* take(std::size_t count) {
        if (count > remaining()) fail_short(count);
        return std::exchange(at_, at_ + count);
    }

    /// Copies the next `count` bytes to `target`.
    void get(void* target, std::size_t count) {
        if (count != 0) std::memcpy(target, take(count), count);
    }

    /// Reads what writer::put_size wrote.
    std::size_t take_size() {
        const auto first = static_cast<std::uint8_t>(*take(1));
        if (first < four_byte_size) return first;
        return first == four_byte_size ? take_number<std::uint32_t>() : take_number<std::uint64_t>();
    }

    /// Reads a number of elements that take at least `least` bytes each: more than the bytes left can hold is an error.
    std::size_t take_count(std::size_t least) {
        const std::size_t count = take_size();
        if (count > remaining() / least) fail_count(count);
        return count;
    }

    /// Skips what writer::align wrote.
    void align(std::size_t alignment) { take((0 - position()) & (alignment - 1)); }

    /// Throws decode_error for what was just read; codecs further out add the path.
    [[noreturn, gnu::noinline, gnu::cold]] void fail(std::string_view problem) const {
        throw decode_error(std::string(problem), {}, position());
    }

    /// Throws decode_error for a count that the bytes left cannot hold.
    [[noreturn, gnu::noinline, gnu::cold]] void fail_count(std::size_t count) const {
        fail("announces " + std::to_string(count) + " elements, but only " + std::to_string(remaining()) +
             " bytes are left");
    }

private:
    template <class Number>
    Number take_number() {
        Number number;
        get(&number, sizeof number);
        return number;
    }

    [[noreturn, gnu::noinline, gnu::cold]] void fail_short(std::size_t count) const {
        fail("needs " + std::to_string(count) + " bytes, but " + std::to_string(remaining()) + " are left");
    }

    const std::byte* begin_;
    const std::byte* at_;
    const std::byte* end_;

public:
    /// How deep the value being read lies inside others.
    int depth = 0;
    /// The shared objects read so far.
    std::unique_ptr<attachment> shared;
    /// Takes note of where large data shall go that was not copied; null: all was.
    borrower* lends = nullptr;
};

/// Bytes already taken from a reader, where values of known size are read without a check.
struct checked_bytes {
    const std::byte* at;
    const reader& from;

    void get(void* target, std::size_t count) noexcept {
        std::memcpy(target, at, count);
        at += count;
    }
    [[noreturn]] void fail(std::string_view problem) const { from.fail(problem); }
};

/// Counts one level of nesting for as long as it lives.
class nested {
public:
    explicit nested(writer& out) : depth_(out.depth) {
        if (++depth_ > max_depth) {
            --depth_;
            throw error("cannot encode: the value is nested deeper than " + std::to_string(max_depth) +
                        " levels; keep links as indices into a container");
        }
    }
    explicit nested(reader& in) : depth_(in.depth) {
        if (++depth_ > max_depth) {
            --depth_;
            in.fail("nested deeper than " + std::to_string(max_depth) + " levels");
        }
    }
    nested(nested&&) = delete;
    ~nested() { --depth_; }

private:
    int& depth_;
};

/// Throws `inner` again with `step` (a field's name, "[3]") put before its path.
[[noreturn, gnu::noinline, gnu::cold]] inline void fail_below(std::string step, const decode_error& inner) {
    if (!inner.path.empty() && inner.path.front() != '[') step += '.';
    throw decode_error(inner.reason, step + inner.path, inner.offset);
}

/// The same for the element at `index`.
[[noreturn, gnu::noinline, gnu::cold]] inline void fail_below(std::size_t index, const decode_error& inner) {
    fail_below('[' + std::to_string(index) + ']', inner);
}

} // namespace motet::serial
