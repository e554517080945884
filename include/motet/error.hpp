// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace motet {

/// The base of every error a user of Motet can cause. what() says what happened, where, and what to do.
struct error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Bytes that are not what they should be: truncated, too long, or of another type.
/// `path` is the field path from the decoded object down to the place ("tiles[3].cells"), `offset` the byte position.
struct decode_error : error {
    decode_error(const std::string& problem, std::string where, std::size_t at)
        : error("cannot decode " + (where.empty() ? std::string("the value") : "'" + where + "'") + " at byte " +
                std::to_string(at) + ": " + problem),
          reason(problem), path(std::move(where)), offset(at) {}

    std::string reason;
    std::string path;
    std::size_t offset;
};

} // namespace motet
