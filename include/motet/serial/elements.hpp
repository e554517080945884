// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/serial/codec.hpp>

#include <cstddef>

namespace motet::serial {

/// Writes the elements of a range without a count.
template <class Sink, class Range>
void write_elements(Sink& out, const Range& range) {
    using element = typename Range::value_type;
    for (const element& item : range) put(out, item);
}

/// Reads into the elements that a range has; an error names the index.
template <class Source, class Range>
void read_elements(Source& in, Range& range) {
    std::size_t index = 0;
    try {
        for (auto& item : range) {
            get(in, item);
            ++index;
        }
    } catch (const decode_error& inner) {
        fail_below(index, inner);
    }
}

} // namespace motet::serial
