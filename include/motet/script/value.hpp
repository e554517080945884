// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace motet {

/// A value that travels between scripts, programs and clients: what Python's built-in types and NumPy's arrays hold,
/// without Python.
struct value {
    struct bytes {
        std::vector<std::byte> content;
        friend bool operator==(const bytes&, const bytes&) = default;
    };
    struct list {
        std::vector<value> items;
        friend bool operator==(const list&, const list&) = default;
    };
    struct tuple {
        std::vector<value> items;
        friend bool operator==(const tuple&, const tuple&) = default;
    };
    struct dict {
        std::vector<std::pair<value, value>> items; ///< in the order of insertion
        friend bool operator==(const dict&, const dict&) = default;
    };
    /// A NumPy array.
    struct array {
        std::string type; ///< of an element, as numpy.dtype takes it: "<f8", or a list of fields as text
        std::vector<std::int64_t> shape;
        std::vector<std::byte> content; ///< in C order
        friend bool operator==(const array&, const array&) = default;
    };
    /// An integer that 64 bits do not hold, in decimal digits.
    struct long_integer {
        std::string digits;
        friend bool operator==(const long_integer&, const long_integer&) = default;
    };
    /// Any other Python object: only what `repr` says of it travels.
    struct object {
        std::string type;
        std::string text;
        friend bool operator==(const object&, const object&) = default;
    };

    std::variant<std::monostate, bool, std::int64_t, double, std::complex<double>, std::string, bytes, list, tuple,
                 dict, array, long_integer, object>
        data;

    /// Whether it is Python's None.
    bool is_none() const { return data.index() == 0; }
    friend bool operator==(const value&, const value&) = default;
};

} // namespace motet
