// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/arguments.hpp>
#include <motet/reflect/for_each_field.hpp>
#include <motet/reflect/kind.hpp>
#include <motet/reflect/names.hpp>
#include <motet/reflect/policy.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace motet::reflect {

/// The value as text for people, without hidden fields, of at most `limit` characters and then "...": numbers in their
/// shortest exact form, "strings" in quotes, {x=1, y=2} for structs, [1, 2] for sequences, {1: 2} for maps, (1, 2) for
/// tuples, null for what is empty, and `<type>` for what cannot be looked into.
template <class T>
std::string to_text(const T& value, std::size_t limit = 200);

// Takes text until `limit` characters are reached; from there on it is full.
class text_sink {
public:
    explicit text_sink(std::size_t limit) : limit_(limit) {}

    bool full() const { return full_; }

    void put(std::string_view text) {
        if (full_) return;
        full_ = text.size() > limit_ - text_.size();
        text_ += text.substr(0, limit_ - text_.size());
        if (full_) text_ += "...";
    }

    template <class Number>
    void put_number(Number value) {
        char digits[128]; // enough for the shortest form of any number
        put({digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits)});
    }

    // Control characters are written as \xNN.
    void put_quoted(std::string_view text, char quote) {
        put({&quote, 1});
        for (std::size_t i = 0; i < text.size() && !full_; ++i) {
            const auto code = static_cast<unsigned char>(text[i]);
            if (code < 32 || code == 127) {
                const char escaped[] = {'\\', 'x', "0123456789abcdef"[code / 16], "0123456789abcdef"[code % 16]};
                put({escaped, 4});
            } else {
                if (text[i] == quote || text[i] == '\\') put("\\");
                put(text.substr(i, 1));
            }
        }
        put({&quote, 1});
    }

    std::string take() && { return std::move(text_); }

private:
    std::string text_;
    std::size_t limit_;
    bool full_ = false;
};

template <class T>
void put_text(text_sink& out, const T& value);

// Writes ", " between the parts of a value.
struct comma {
    text_sink& out;
    bool first = true;
    void operator()() {
        if (!std::exchange(first, false)) out.put(", ");
    }
};

template <class Variant, class... Alternatives>
void put_alternative(text_sink& out, const Variant& value, const types<Alternatives...>&) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (static_cast<void>(value.index() == I && (put_text(out, *get_if<I>(&value)), true)), ...);
    }(std::index_sequence_for<Alternatives...>{});
}

template <class T>
void put_opaque(text_sink& out, const T& value) {
    if constexpr (requires {
                      typename T::period;
                      static_cast<double>(value.count());
                  }) {
        out.put_number(static_cast<double>(value.count()) * T::period::num / T::period::den);
        out.put("s");
    } else if constexpr (requires {
                             out.put_number(value.real());
                             out.put_number(value.imag());
                         }) {
        out.put("(");
        out.put_number(value.real());
        out.put(", ");
        out.put_number(value.imag());
        out.put(")");
    } else if constexpr (requires {
                             { value.to_string() } -> std::convertible_to<std::string_view>;
                         }) {
        out.put(value.to_string());
    } else {
        out.put("<");
        out.put(type_name<T>);
        out.put(">");
    }
}

template <class T>
void put_text(text_sink& out, const T& value) {
    constexpr kind what = kind_of<T>;
    comma separate{out};
    if (out.full()) return;
    if constexpr (what == kind::boolean) {
        out.put(value ? "true" : "false");
    } else if constexpr (std::same_as<T, char>) {
        out.put_quoted({&value, 1}, '\'');
    } else if constexpr (what == kind::character) {
        out.put_number(static_cast<std::uint32_t>(value));
    } else if constexpr (what == kind::integer || what == kind::real) {
        out.put_number(value);
    } else if constexpr (what == kind::enumeration) {
        out.put(short_type_name<T>);
        out.put("(");
        put_text(out, static_cast<std::underlying_type_t<T>>(value));
        out.put(")");
    } else if constexpr (what == kind::text) {
        out.put_quoted(value, '"');
    } else if constexpr (what == kind::structure && obstacle_of<T> == obstacle::none) {
        out.put("{");
        for_each_field(value, [&](std::string_view name, const auto& field) {
            if (out.full() || is_hidden(value, field)) return;
            separate();
            out.put(name);
            out.put("=");
            put_text(out, field);
        });
        out.put("}");
    } else if constexpr (what == kind::sequence) {
        out.put("[");
        for (auto i = value.begin(); i != value.end() && !out.full(); ++i) {
            separate();
            put_text(out, static_cast<const typename T::value_type&>(*i));
        }
        out.put("]");
    } else if constexpr (what == kind::map) {
        out.put("{");
        for (auto i = value.begin(); i != value.end() && !out.full(); ++i) {
            separate();
            put_text(out, i->first);
            out.put(": ");
            put_text(out, i->second);
        }
        out.put("}");
    } else if constexpr (what == kind::tuple) {
        out.put("(");
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (static_cast<void>((separate(), put_text(out, get<I>(value)))), ...);
        }(std::make_index_sequence<std::tuple_size_v<T>>{});
        out.put(")");
    } else if constexpr (what == kind::optional || what == kind::pointer) {
        if (!value)
            out.put("null");
        else if constexpr (requires { *value; })
            put_text(out, *value);
        else
            put_opaque(out, value);
    } else if constexpr (what == kind::variant) {
        put_alternative(out, value, arguments_of<T>{});
    } else {
        put_opaque(out, value);
    }
}

template <class T>
std::string to_text(const T& value, std::size_t limit) {
    text_sink out(limit);
    put_text(out, value);
    return std::move(out).take();
}

} // namespace motet::reflect
