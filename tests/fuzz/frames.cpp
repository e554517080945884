// SPDX-License-Identifier: BSL-1.0
//
// libFuzzer target for what clients and programs send each other: any bytes give a request, an answer or a
// decode_error; what was read is written to bytes that give the same bytes again; its capabilities are known; and a
// file of keys, or the first line of a script, is read or refused.

#include <motet/service/capability.hpp>
#include <motet/service/secret.hpp>
#include <motet/service/wire.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <variant>

namespace {

using namespace motet::service;

template <class Frame>
bool try_to_decode(std::span<const std::byte> bytes, Frame& frame) {
    try {
        motet::serial::decode_into(bytes, frame);
    } catch (const motet::decode_error&) {
        return false;
    }
    const auto once = motet::serial::encode(frame);
    Frame again{};
    motet::serial::decode_into(once, again);
    if (once.size() != motet::serial::encode(again).size()) std::abort();
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    motet::serial::writer aligned; // as a frame's content is
    aligned.put(data + 1, size - 1);
    const std::span<const std::byte> bytes = aligned.bytes();
    switch (data[0] % 4) {
    case 0: {
        request_frame request;
        if (try_to_decode(bytes, request) && std::visit(needed_capabilities{}, request.what).bits > 31) std::abort();
        break;
    }
    case 1: {
        answer_frame answer;
        try_to_decode(bytes, answer);
        break;
    }
    case 2: {
        try {
            const auto keys =
                key_file::parse(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "keys");
            for (const auto& [name, each] : keys.keys)
                if (each.key.size() != 32) std::abort();
        } catch (const motet::error&) {}
        break;
    }
    default: { // a frame that nobody has signed is not taken, whatever stands in it
        if (size < 65) break;
        digest key{};
        digest signature{};
        std::memcpy(key.data(), data + 1, key.size());
        std::memcpy(signature.data(), data + 33, signature.size());
        seal program(key, seal::program);
        if (program.is_right(bytes.subspan(64), signature)) std::abort();
        break;
    }
    }
    return 0;
}
