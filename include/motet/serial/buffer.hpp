// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <span>
#include <utility>

namespace motet::serial {

/// Owns encoded bytes: a block from std::malloc, aligned to 16 bytes. Moves, never copies.
class buffer {
public:
    buffer() noexcept = default;
    /// Takes over `size` bytes at `data`, which std::malloc gave.
    buffer(std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}
    buffer(buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    buffer& operator=(buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~buffer() { std::free(data_); }

    std::byte* data() noexcept { return data_; }
    const std::byte* data() const noexcept { return data_; }
    /// In bytes.
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
    operator std::span<const std::byte>() const noexcept { return bytes(); }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace motet::serial
