// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/describe.hpp>
#include <motet/reflect/fnv.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace motet::reflect {

// Each structure is written out where it occurs first, and only named from there on: so a struct that holds itself
// ends, and one that is used often does not grow the text. "point#2" is the second of those written out as "point".
class schema_writer {
public:
    void add(const type_description& type) {
        switch (type.kind) {
        case kind::boolean: text_ += "bool"; return;
        case kind::character: text_ += type.name; return;
        case kind::integer: text_ += (type.is_signed ? "int" : "uint") + std::to_string(type.size * 8); return;
        case kind::real: text_ += type.size <= 8 ? "float" + std::to_string(type.size * 8) : long_double; return;
        case kind::text: text_ += "string"; return;
        default: break;
        }
        text_ += type.short_name;
        // Nobody but the type itself knows what it makes of its arguments: these are named only.
        const bool named_only = std::exchange(names_only_, names_only_ || type.kind == kind::opaque);
        add_arguments(type);
        names_only_ = named_only;
        if (type.kind == kind::structure && !names_only_) add_fields(type);
    }

    std::string take() && { return std::move(text_); }

private:
    static constexpr std::string_view long_double = __LDBL_MANT_DIG__ == 64 ? "float80" : "float128";

    void add_arguments(const type_description& type) {
        if (type.parts.empty() && type.numbers.empty()) return;
        std::string_view before = "<";
        for (const type_description* part : type.parts) {
            text_ += before;
            add(*part);
            before = ", ";
        }
        for (std::int64_t number : type.numbers) {
            text_ += before;
            text_ += std::to_string(number);
            before = ", ";
        }
        text_ += ">";
    }

    void add_fields(const type_description& type) {
        const auto found = std::find(written_.begin(), written_.end(), &type);
        if (found != written_.end()) {
            const auto earlier = std::count_if(written_.begin(), found, [&](const type_description* other) {
                return other->short_name == type.short_name;
            });
            if (earlier > 0) text_ += '#' + std::to_string(earlier + 1);
            return;
        }
        written_.push_back(&type);
        text_ += "{";
        for (const field_description& field : type.fields) {
            if (&field != type.fields.data()) text_ += ", ";
            text_ += field.name;
            text_ += ": ";
            add(*field.type);
        }
        text_ += "}";
    }

    std::string text_;
    bool names_only_ = false;
    std::vector<const type_description*> written_;
};

/// What values of the type are made of, as text that is the same with every compiler: for example
/// "particle{id: uint64, at: array<float64, 3>, tags: vector<string>}". An enumeration gives the integer below it, a
/// type with its own `serialize` its name only. Namespaces are left out.
inline std::string schema_of(const type_description& type) {
    schema_writer writer;
    writer.add(type);
    return std::move(writer).take();
}

/// The schema of T.
template <class T>
std::string schema_of() {
    return schema_of(describe<T>());
}

/// A number that differs for types of different schema, and is the same with every compiler.
template <class T>
std::uint64_t schema_hash() {
    static const std::uint64_t hash = fnv_1a(schema_of<T>());
    return hash;
}

} // namespace motet::reflect
