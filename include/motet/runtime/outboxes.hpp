// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/runtime/message.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

/// What a PE is about to send to another one of its process: nothing, a message, or a batch of them.
struct outbox {
    message* single = nullptr;
    message* batch = nullptr;
};

/// One for each PE of a process. Pages of them come into being when the first is used: a PE talks to its neighbours and
/// to those next to it in trees, and with n PEs, n outboxes in each are n squared.
class outbox_table {
public:
    explicit outbox_table(std::uint32_t pes) : pages((pes + page_size - 1) / page_size) {}

    [[gnu::always_inline]] outbox& operator[](std::uint32_t pe) {
        const auto& here = pages[pe / page_size];
        if (here == nullptr) [[unlikely]]
            return make(pe);
        return (*here)[pe % page_size];
    }

private:
    static constexpr std::uint32_t page_size = 64;
    using page = std::array<outbox, page_size>;

    [[gnu::noinline]] outbox& make(std::uint32_t pe) {
        pages[pe / page_size] = std::make_unique<page>();
        return (*pages[pe / page_size])[pe % page_size];
    }

    std::vector<std::unique_ptr<page>> pages;
};

} // namespace motet::inline MOTET_VARIANT::runtime
