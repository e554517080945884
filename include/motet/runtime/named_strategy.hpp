// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <cstdint>
#include <string_view>

namespace motet::inline MOTET_VARIANT::runtime {

/// A balancing strategy that --motet-balance may name because this program has it, beside those that every program has.
/// They are listed before main, and never after.
class named_strategy {
public:
    named_strategy(const char* called, bool counts, std::uint32_t (*number)())
        : name(called), uses_messages(counts), id(number), before(newest) {
        newest = this;
    }
    named_strategy(const named_strategy&) = delete;
    named_strategy& operator=(const named_strategy&) = delete;

    /// Null: this program has none of that name.
    static const named_strategy* find(std::string_view name) {
        for (const named_strategy* each = newest; each != nullptr; each = each->before)
            if (each->name == name) return each;
        return nullptr;
    }

    const std::string_view name;
    const bool uses_messages;
    std::uint32_t (*const id)();

private:
    const named_strategy* const before;
    static inline constinit const named_strategy* newest = nullptr;
};

} // namespace motet::inline MOTET_VARIANT::runtime
