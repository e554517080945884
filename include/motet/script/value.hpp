// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace motet {

/// A value that travels between scripts, programs and clients: what Python's built-in types and NumPy's arrays hold,
/// without Python.
struct value {
    struct entry; ///< of a dict
    struct bytes {
        std::vector<std::byte> content;
        friend bool operator==(const bytes&, const bytes&) = default;
    };
    struct list {
        std::vector<value> items;
        friend bool operator==(const list& a, const list& b);
    };
    struct tuple {
        std::vector<value> items;
        friend bool operator==(const tuple& a, const tuple& b);
    };
    struct dict {
        std::vector<entry> items; ///< in the order of insertion
        friend bool operator==(const dict& a, const dict& b);
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
    /// The number that it is: an int or a float (a bool is neither). Throws error if it is none.
    double number() const {
        if (const auto* whole = std::get_if<std::int64_t>(&data)) return static_cast<double>(*whole);
        return held<double>("a number");
    }
    /// The int that it is. Throws error if it is none.
    std::int64_t integer() const { return held<std::int64_t>("an int"); }
    /// The bool that it is. Throws error if it is none.
    bool truth() const { return held<bool>("True or False"); }
    /// The text that it is. Throws error if it is none.
    const std::string& text() const { return held<std::string>("a str"); }
    /// The items of the list or tuple that it is. Throws error if it is none.
    const std::vector<value>& items() const {
        if (const auto* found = std::get_if<tuple>(&data)) return found->items;
        return held<list>("a list").items;
    }
    /// What stands in a dict under a text; null: nothing does, or it is no dict.
    const value* find(std::string_view key) const;
    /// What Python calls its type.
    const char* type_name() const {
        static constexpr const char* names[] = {"NoneType",      "bool",  "int",   "float", "complex",
                                                "str",           "bytes", "list",  "tuple", "dict",
                                                "numpy.ndarray", "int",   "object"};
        return names[data.index()];
    }
    friend bool operator==(const value& a, const value& b);

private:
    template <class T>
    const T& held(const char* wanted) const {
        if (const T* found = std::get_if<T>(&data)) return *found;
        throw error(std::string("expected ") + wanted + ", got " + type_name());
    }
};

struct value::entry { // no std::pair, which clang++ 14 does not take of an incomplete type
    value first;
    value second;
};

inline const value* value::find(std::string_view key) const {
    if (const auto* all = std::get_if<dict>(&data))
        for (const auto& [name, each] : all->items)
            if (const auto* text = std::get_if<std::string>(&name.data); text != nullptr && *text == key) return &each;
    return nullptr;
}
inline bool operator==(const value& a, const value& b) { return a.data == b.data; }
inline bool operator==(const value::entry& a, const value::entry& b) {
    return a.first == b.first && a.second == b.second;
}
inline bool operator==(const value::list& a, const value::list& b) { return a.items == b.items; }
inline bool operator==(const value::tuple& a, const value::tuple& b) { return a.items == b.items; }
inline bool operator==(const value::dict& a, const value::dict& b) { return a.items == b.items; }

} // namespace motet
