// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/script/debug_request.hpp>
#include <motet/script/request.hpp>
#include <motet/serial/serial.hpp>
#include <motet/variant.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// What clients and programs say to each other: frames, each eight bytes of length (the lowest first), then a request
/// or an answer as motet::serial writes it. docs/manual/wire.md has the bytes.
///
/// A client may send requests without waiting for answers, which come in any order with the number of their request.
namespace motet::inline MOTET_VARIANT::service {

/// Grows with each change of what stands here. A hello, and the number and the error at the beginning of an answer, are
/// the same in all versions: so a client and a program of different ones can say so.
inline constexpr std::uint32_t protocol_version = 2;
inline constexpr std::size_t most_request_bytes = std::size_t{64} << 20;

/// The first request of a client.
struct hello {
    std::uint32_t version = protocol_version;
};

struct request_frame {
    std::uint64_t number = 0; ///< chosen by the client
    std::variant<hello, list_request, execute_request, print_request, finished_request, interrupt_request,
                 running_request, read_request, write_request, hook_request, unhook_request, freeze_request, go_request,
                 step_request, events_request, inspect_request, stubs_request>
        what;
};

struct answer_frame {
    std::uint64_t number = 0; ///< of the request; 0: what came was none
    script_answer answer;
};

/// The frame with its length.
template <class Frame>
std::vector<std::byte> framed(const Frame& frame) {
    const auto body = serial::encode(frame);
    const std::uint64_t length = body.size();
    std::vector<std::byte> all(sizeof length + length);
    std::memcpy(all.data(), &length, sizeof length); // little endian, as both platforms are
    std::memcpy(all.data() + sizeof length, body.bytes().data(), length);
    return all;
}

/// The version of a client whose first request this is, whatever else that may hold; nothing if it is no hello.
inline std::optional<std::uint32_t> version_in(std::span<const std::byte> request) {
    try {
        serial::reader in(request);
        std::uint64_t number = 0;
        std::uint32_t version = 0;
        in.get(&number, sizeof number);
        if (in.take_size() != 0) return {};
        in.get(&version, sizeof version);
        return version;
    } catch (const error&) {
        return {};
    }
}

/// The error of an answer of any version; empty: there is none.
inline std::string error_in(std::span<const std::byte> answer) {
    serial::reader in(answer);
    std::uint64_t number = 0;
    in.get(&number, sizeof number);
    std::string text(in.take_count(1), '\0');
    in.get(text.data(), text.size());
    return text;
}

inline std::uint64_t length_of(const std::array<std::byte, 8>& header) {
    std::uint64_t length = 0;
    std::memcpy(&length, header.data(), sizeof length);
    return length;
}

} // namespace motet::inline MOTET_VARIANT::service
