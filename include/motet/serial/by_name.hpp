// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/reflect/schema.hpp>
#include <motet/serial/serial.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace motet::serial {

/// A field as it stands in a file.
struct named_field {
    std::string name;
    std::string schema;
};

/// Values whose fields are found again by their names, by a program whose struct has changed meanwhile. Plain structs
/// field by field, each after its size; what has a `serialize` of its own is one field without a name.
template <class T>
struct by_name {
    static constexpr bool has_fields = [] {
        if constexpr (kind_of<T>() == kind::aggregate)
            return reflect::field_count<T> != 0;
        else
            return false; // PFR would refuse it
    }();

    static std::vector<named_field> fields() {
        std::vector<named_field> all;
        if constexpr (has_fields) {
            [&]<std::size_t... I>(std::index_sequence<I...>) {
                (all.push_back(
                     {std::string(reflect::field_name<T, I>), reflect::schema_of<reflect::field_type<T, I>>()}),
                 ...);
            }(std::make_index_sequence<reflect::field_count<T>>());
        } else {
            all.push_back({"", reflect::schema_of<T>()});
        }
        return all;
    }

    static void write(writer& out, const T& value) {
        const auto write_field = [&](const auto& field) {
            out.align(8);
            const std::size_t at = out.size();
            std::uint64_t size = 0;
            out.put(&size, sizeof size);
            put(out, field);
            size = out.size() - at - sizeof size;
            std::memcpy(out.data() + at, &size, sizeof size);
        };
        if constexpr (has_fields)
            reflect::apply_to_fields(value, [&](const auto&... field) { (write_field(field), ...); });
        else
            write_field(value);
    }

    /// places[i]: which field of T the i-th of the file is.
    static void read(reader& in, T& value, const std::vector<std::size_t>& places) {
        for (const std::size_t place : places) {
            in.align(8);
            std::uint64_t size = 0;
            in.get(&size, sizeof size);
            if (size > in.remaining()) in.fail_count(size);
            const std::size_t end = in.position() + size;
            if constexpr (has_fields)
                read_field(in, value, place);
            else
                get(in, value);
            if (in.position() != end) in.fail("a field has " + std::to_string(size) + " bytes, which is not its size");
        }
    }

private:
    static void read_field(reader& in, T& value, std::size_t place) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            reflect::apply_to_fields(value, [&](auto&... field) {
                (void)((place == I && (read_named(in, field, reflect::field_name<T, I>), true)) || ...);
            });
        }(std::make_index_sequence<reflect::field_count<T>>());
    }
    template <class Field>
    static void read_named(reader& in, Field& field, std::string_view name) {
        try {
            get(in, field);
        } catch (const decode_error& inner) {
            fail_below(std::string(name), inner);
        }
    }
};

} // namespace motet::serial
