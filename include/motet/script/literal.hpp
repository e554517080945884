// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/script/value.hpp>
#include <motet/variant.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// Values as Python's source text. What a client sends is never pasted into code as it is: a text is written as its
/// bytes where anything stands in it that could end it, or mean something else.
namespace motet::inline MOTET_VARIANT::script {

inline std::string hex_bytes(std::span<const std::byte> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text = "bytes.fromhex('";
    for (const std::byte b : bytes) {
        text += digits[std::to_integer<unsigned>(b) / 16];
        text += digits[std::to_integer<unsigned>(b) % 16];
    }
    return text + "')";
}

/// Throws error for a value that has no such text.
inline std::string literal(const value& v) {
    struct visitor {
        static std::string items(const std::vector<value>& all) {
            std::string text;
            for (const value& each : all) text += literal(each) + ", ";
            return text;
        }
        static std::string real(double n) {
            if (!std::isfinite(n)) return std::isnan(n) ? "float('nan')" : n > 0 ? "float('inf')" : "float('-inf')";
            char text[64];
            std::snprintf(text, sizeof text, "float.fromhex('%a')", n);
            return text;
        }
        std::string operator()(std::monostate) const { return "None"; }
        std::string operator()(bool b) const { return b ? "True" : "False"; }
        std::string operator()(std::int64_t n) const { return std::to_string(n); }
        std::string operator()(double n) const { return real(n); }
        std::string operator()(const std::complex<double>& n) const {
            return "complex(" + real(n.real()) + ", " + real(n.imag()) + ")";
        }
        std::string operator()(const std::string& text) const {
            const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '\'' && c != '\\'; };
            if (std::all_of(text.begin(), text.end(), plain)) return "'" + text + "'";
            return hex_bytes(std::as_bytes(std::span(text))) + ".decode('utf-8', 'surrogateescape')";
        }
        std::string operator()(const value::bytes& b) const { return hex_bytes(b.content); }
        std::string operator()(const value::list& l) const { return "[" + items(l.items) + "]"; }
        std::string operator()(const value::tuple& l) const { return "(" + items(l.items) + ")"; }
        std::string operator()(const value::dict& d) const {
            std::string text = "{";
            for (const auto& [key, each] : d.items) text += literal(key) + ": " + literal(each) + ", ";
            return text + "}";
        }
        std::string operator()(const value::array& a) const {
            value::list shape;
            for (const std::int64_t n : a.shape) shape.items.push_back({n});
            const std::string type = literal({a.type});
            return "__import__('numpy').frombuffer(" + hex_bytes(a.content) + ", " +
                   (a.type.starts_with("[") ? "__import__('ast').literal_eval(" + type + ")" : type) + ").reshape(" +
                   literal({std::move(shape)}) + ")";
        }
        std::string operator()(const value::long_integer& n) const { return "int(" + literal({n.digits}) + ")"; }
        std::string operator()(const value::object& o) const {
            throw error("a value of the type " + o.type + " cannot be sent");
        }
    };
    return std::visit(visitor{}, v.data);
}

} // namespace motet::inline MOTET_VARIANT::script
