// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/variant.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace motet::inline MOTET_VARIANT::service {

/// The bytes of a request, for as long as it is under way: from its frame until it has been done, or its script has
/// ended, even if its client is gone. Any thread.
class request_weight {
public:
    using counter = std::shared_ptr<std::atomic<std::size_t>>;
    static counter none_yet() { return std::make_shared<std::atomic<std::size_t>>(0); }

    static constexpr std::size_t most_of_client = std::size_t{128} << 20;
    static constexpr std::size_t most_of_all = std::size_t{512} << 20;

    /// Why so many more are not taken, for people; empty: they are.
    static std::string refusal(std::size_t bytes, const counter& client, const counter& all) {
        const auto told = [&](std::size_t had, const std::string& whose, std::size_t most) {
            return "requests of " + std::to_string(had) + " bytes of " + whose +
                   " are under way, and with this one of " + std::to_string(bytes) + " they would be more than " +
                   std::to_string(most) + ": wait for answers, and for scripts to end";
        };
        if (const std::size_t had = *client; had + bytes > most_of_client)
            return told(had, "this client", most_of_client);
        if (const std::size_t had = *all; had + bytes > most_of_all) return told(had, "all clients", most_of_all);
        return {};
    }

    request_weight(std::size_t of, counter client, counter all)
        : bytes(of), of_client(std::move(client)), of_all(std::move(all)) {
        *of_client += bytes;
        *of_all += bytes;
    }
    request_weight(const request_weight&) = delete;
    request_weight& operator=(const request_weight&) = delete;
    ~request_weight() {
        *of_client -= bytes;
        *of_all -= bytes;
    }

private:
    std::size_t bytes;
    counter of_client;
    counter of_all;
};

} // namespace motet::inline MOTET_VARIANT::service
