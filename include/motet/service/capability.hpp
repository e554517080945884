// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/service/wire.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

/// What a client may do. Whoever connects on the Unix socket is the user himself and may do everything; a key for TCP
/// says what its owner may do.
namespace motet::inline MOTET_VARIANT::service {

/// A set of capabilities.
struct capabilities {
    enum bit : std::uint8_t {
        look = 1,     ///< what is served, and what runs
        read = 2,     ///< values by their path, without code
        write = 4,    ///< the same
        run = 8,      ///< scripts: with this, all that the program may do
        control = 16, ///< what concerns others: interrupts their scripts, freezes the program
    };
    std::uint8_t bits = 0;

    static constexpr std::string_view names[] = {"look", "read", "write", "run", "control"};
    static capabilities all() { return {31}; }
    bool have(capabilities needed) const { return (bits & needed.bits) == needed.bits; }
    std::string text() const {
        std::string all;
        for (std::size_t i = 0; i < std::size(names); ++i)
            if ((bits >> i & 1) != 0) all += (all.empty() ? "" : ",") + std::string(names[i]);
        return all.empty() ? "nothing" : all;
    }
    /// "look,read", or "all". Throws error.
    static capabilities from(std::string_view text) {
        if (text == "all") return all();
        capabilities found;
        while (!text.empty()) {
            const std::string_view word = text.substr(0, text.find(','));
            text.remove_prefix(std::min(text.size(), word.size() + 1));
            std::size_t i = 0;
            while (i < std::size(names) && names[i] != word) ++i;
            if (i == std::size(names))
                throw error("'" + std::string(word) +
                            "' is no capability: there are look, read, write, run, control, all");
            found.bits = static_cast<std::uint8_t>(found.bits | 1 << i);
        }
        return found;
    }
};

/// What a request needs. One that is not named here needs the most: whoever adds a request says less with intent.
struct needed_capabilities {
    capabilities operator()(const hello&) const { return {}; }
    capabilities operator()(const list_request&) const { return {capabilities::look}; }
    capabilities operator()(const running_request&) const { return {capabilities::look}; }
    capabilities operator()(const read_request&) const { return {capabilities::read}; }
    capabilities operator()(const write_request&) const { return {capabilities::write}; }
    capabilities operator()(const execute_request&) const { return {capabilities::run}; }
    capabilities operator()(const print_request&) const { return {capabilities::run}; }
    capabilities operator()(const finished_request&) const { return {capabilities::run}; }
    capabilities operator()(const interrupt_request& r) const {
        return {r.handle == 0 ? capabilities::run : capabilities::control};
    }
    capabilities operator()(const stubs_request&) const { return {capabilities::look}; }
    capabilities operator()(const events_request&) const { return {capabilities::look}; }
    capabilities operator()(const inspect_request&) const { return {capabilities::look}; }
    capabilities operator()(const freeze_request&) const { return {capabilities::control}; }
    capabilities operator()(const go_request&) const { return {capabilities::control}; }
    capabilities operator()(const step_request&) const { return {capabilities::control}; }
    template <class Other>
    capabilities operator()(const Other&) const {
        return {capabilities::run | capabilities::control};
    }
};

} // namespace motet::inline MOTET_VARIANT::service
