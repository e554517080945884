// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/reflect/for_each_field.hpp>
#include <motet/reflect/to_text.hpp>
#include <motet/runtime/identity.hpp>
#include <motet/serial/serial.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace motet::inline MOTET_VARIANT {

/// An index of N coordinates, 1 to 6. They share 16 bytes: 64 bits each for 1 and 2, 42 for 3, 32 for 4, 25 for 5 and
/// 21 for 6 dimensions; a coordinate beyond that throws `error` when it is used. Takes part in structured bindings.
template <int N>
    requires(N >= 1 && N <= 6)
struct grid {
    std::array<std::int64_t, static_cast<std::size_t>(N)> at{};

    constexpr grid() = default;
    template <std::integral... C>
        requires(sizeof...(C) == N)
    constexpr grid(C... coordinate) : at{static_cast<std::int64_t>(coordinate)...} {}

    constexpr std::int64_t operator[](std::size_t i) const { return at[i]; }
    constexpr std::int64_t& operator[](std::size_t i) { return at[i]; }
    friend constexpr bool operator==(const grid&, const grid&) = default;
    friend constexpr auto operator<=>(const grid&, const grid&) = default;
    template <std::size_t I>
    constexpr std::int64_t get() const {
        return at[I];
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(at);
    }
};

namespace runtime {

template <class T>
inline constexpr int grid_dimensions = 0;
template <int N>
inline constexpr int grid_dimensions<grid<N>> = N;

template <class T>
concept packs_into_16_bytes = std::is_aggregate_v<T> && serial::serializable<T> && (serial::codec<T>::fixed > 0) &&
                              (serial::codec<T>::fixed <= 16);

/// A type that can be the index of an array: an integer, a grid, or an aggregate whose fields pack into 16 bytes.
template <class T>
concept array_index = (std::integral<T> && sizeof(T) <= 8) || grid_dimensions<T> != 0 || packs_into_16_bytes<T>;

/// How an index becomes 16 bytes and comes back.
template <class Index>
struct index_code {
    static_assert(array_index<Index>, "motet: an index is an integer, a motet::grid<1...6>, or a plain struct whose "
                                      "fields pack into 16 bytes");
    static constexpr int dimensions = grid_dimensions<Index> != 0 ? grid_dimensions<Index>
                                      : std::integral<Index>      ? 1
                                                                  : 0;

    static index_bits pack(const Index& index) {
        if constexpr (std::integral<Index>) {
            return {static_cast<std::uint64_t>(static_cast<std::int64_t>(index)), 0};
        } else if constexpr (dimensions == 1) {
            return {static_cast<std::uint64_t>(index.at[0]), 0};
        } else if constexpr (dimensions == 2) {
            return {static_cast<std::uint64_t>(index.at[0]), static_cast<std::uint64_t>(index.at[1])};
        } else if constexpr (dimensions > 2) {
            index_bits bits;
            for (const std::int64_t c : index.at) {
                if (c < -(std::int64_t{1} << (width - 1)) || c >= (std::int64_t{1} << (width - 1))) [[unlikely]]
                    throw error("the coordinate " + std::to_string(c) + " does not fit the " + std::to_string(width) +
                                " bits that a coordinate of motet::grid<" + std::to_string(dimensions) + "> has");
                bits.high = (bits.high << width) | (bits.low >> (64 - width));
                bits.low = (bits.low << width) | (static_cast<std::uint64_t>(c) & mask);
            }
            return bits;
        } else {
            Index same = index;
            for_each_number(same, []<class F>(F& number) {
                if constexpr (std::is_floating_point_v<F>) {
                    if (std::isnan(number))
                        throw error("an index of type " + std::string(reflect::short_type_name<Index>) +
                                    " cannot have NaN in it: NaN equals nothing, so that its element would never be "
                                    "found");
                    if (number == 0) number = 0; // and -0.0 equals it
                }
            });
            std::array<std::byte, 16> bytes{};
            serial::slot out{bytes.data()};
            serial::codec<Index>::write(out, same);
            index_bits bits;
            std::memcpy(&bits, bytes.data(), 16);
            return bits;
        }
    }
    static Index unpack(index_bits bits) {
        if constexpr (std::integral<Index>) {
            return static_cast<Index>(bits.low);
        } else if constexpr (dimensions == 1) {
            return Index(static_cast<std::int64_t>(bits.low));
        } else if constexpr (dimensions == 2) {
            return Index(static_cast<std::int64_t>(bits.low), static_cast<std::int64_t>(bits.high));
        } else if constexpr (dimensions > 2) {
            Index index;
            for (std::size_t i = dimensions; i-- > 0;) {
                const std::uint64_t low = bits.low & mask;
                index.at[i] = static_cast<std::int64_t>(low << (64 - width)) >> (64 - width);
                bits.low = (bits.low >> width) | (bits.high << (64 - width));
                bits.high >>= width;
            }
            return index;
        } else {
            Index index{};
            std::array<std::byte, 16> bytes;
            std::memcpy(bytes.data(), &bits, 16);
            serial::decode_into(std::span<const std::byte>(bytes.data(), serial::codec<Index>::fixed), index);
            return index;
        }
    }
    static std::string text(index_bits bits) {
        if constexpr (grid_dimensions<Index> != 0) {
            std::string all;
            for (const std::int64_t c : unpack(bits).at) all += (all.empty() ? "" : ", ") + std::to_string(c);
            return "[" + all + "]";
        } else {
            return "[" + reflect::to_text(unpack(bits)) + "]";
        }
    }
    /// The index as numbers: its coordinates, or those in its fields, fractions cut off.
    static std::vector<std::int64_t> coordinates(index_bits bits) {
        if constexpr (grid_dimensions<Index> != 0) {
            const auto index = unpack(bits);
            return {index.at.begin(), index.at.end()};
        } else if constexpr (std::integral<Index>) {
            return {static_cast<std::int64_t>(unpack(bits))};
        } else {
            std::vector<std::int64_t> all;
            Index index = unpack(bits);
            for_each_number(index, [&]<class F>(const F& number) {
                if constexpr (std::is_arithmetic_v<F> || std::is_enum_v<F>)
                    all.push_back(static_cast<std::int64_t>(number));
            });
            return all;
        }
    }
    /// The reverse. Throws `error` where the numbers are none of such an index.
    static index_bits from_coordinates(const std::vector<std::int64_t>& numbers) {
        const auto wanted = [&](std::size_t count) {
            if (numbers.size() != count)
                throw error("an index of " + std::to_string(count) + " numbers is wanted, and these are " +
                            std::to_string(numbers.size()));
        };
        Index index{};
        if constexpr (grid_dimensions<Index> != 0) {
            wanted(index.at.size());
            std::copy(numbers.begin(), numbers.end(), index.at.begin());
        } else if constexpr (std::integral<Index>) {
            wanted(1);
            index = fitting<Index>(numbers[0]);
        } else {
            std::size_t next = 0;
            for_each_number(index, [&]<class F>(F& number) {
                if constexpr (std::is_arithmetic_v<F> || std::is_enum_v<F>) {
                    if (next < numbers.size()) number = fitting<F>(numbers[next]);
                    ++next;
                }
            });
            wanted(next);
        }
        return pack(index);
    }
    /// Bits that compare as the indices do, coordinate by coordinate or field by field.
    static index_bits order(index_bits bits) {
        constexpr std::uint64_t sign = std::uint64_t{1} << 63;
        if constexpr (dimensions == 1) {
            return {bits.low ^ (std::is_unsigned_v<Index> ? 0 : sign), 0};
        } else if constexpr (dimensions == 2) {
            return {bits.high ^ sign, bits.low ^ sign};
        } else if constexpr (dimensions > 2) {
            index_bits flipped;
            for (const std::int64_t c : unpack(bits).at) {
                flipped.high = (flipped.high << width) | (flipped.low >> (64 - width));
                flipped.low =
                    (flipped.low << width) | ((static_cast<std::uint64_t>(c) & mask) ^ (sign >> (64 - width)));
            }
            return flipped;
        } else {
            index_bits all;
            int used = 0; // of 16 bytes, the first most significant
            Index index = unpack(bits);
            for_each_number(index, [&]<class F>(const F& number) {
                std::array<std::uint8_t, serial::codec<F>::fixed> bytes; // the last most significant
                serial::slot out{reinterpret_cast<std::byte*>(bytes.data())};
                serial::codec<F>::write(out, number);
                if (std::is_floating_point_v<F> && bytes.back() >= 0x80) { // negative: the greater, the less
                    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(~byte);
                } else if (is_signed<F>()) {
                    bytes.back() ^= 0x80;
                }
                for (std::size_t i = bytes.size(); i-- > 0; ++used)
                    (used < 8 ? all.high : all.low) |= std::uint64_t{bytes[i]} << (8 * (7 - used % 8));
            });
            return all;
        }
    }
    /// Elements in an extent. Throws `error` for a negative side and for more than there are numbers.
    static std::uint64_t count(const Index& extent) {
        if constexpr (std::integral<Index>) {
            if (extent < Index{}) throw error("an array cannot have " + std::to_string(extent) + " elements");
            return static_cast<std::uint64_t>(extent);
        } else if constexpr (dimensions > 0) {
            std::uint64_t n = 1;
            for (const std::int64_t side : extent.at) {
                if (side < 0) throw error("an array cannot have a side of " + std::to_string(side) + " elements");
                if (__builtin_mul_overflow(n, static_cast<std::uint64_t>(side), &n))
                    throw error("an array of this extent would have more than 2^64 elements");
            }
            return n;
        } else {
            return 0;
        }
    }
    /// The place of an index in the extent, the last coordinate running fastest; ~0 outside.
    static std::uint64_t linear(const Index& extent, const Index& index) {
        if constexpr (std::integral<Index>) {
            return index >= 0 && index < extent ? static_cast<std::uint64_t>(index) : ~std::uint64_t{0};
        } else if constexpr (dimensions > 0) {
            std::uint64_t place = 0;
            for (std::size_t i = 0; i < dimensions; ++i) {
                if (index.at[i] < 0 || index.at[i] >= extent.at[i]) return ~std::uint64_t{0};
                place = place * static_cast<std::uint64_t>(extent.at[i]) + static_cast<std::uint64_t>(index.at[i]);
            }
            return place;
        } else {
            return ~std::uint64_t{0};
        }
    }
    static Index from_linear(const Index& extent, std::uint64_t place) {
        if constexpr (std::integral<Index>) {
            return static_cast<Index>(place);
        } else if constexpr (dimensions > 0) {
            Index index;
            for (std::size_t i = dimensions; i-- > 0;) {
                index.at[i] = static_cast<std::int64_t>(place % static_cast<std::uint64_t>(extent.at[i]));
                place /= static_cast<std::uint64_t>(extent.at[i]);
            }
            return index;
        } else {
            return {};
        }
    }

private:
    template <class F>
    static constexpr bool is_signed() {
        if constexpr (std::is_enum_v<F>)
            return std::is_signed_v<std::underlying_type_t<F>>;
        else
            return std::is_signed_v<F>;
    }
    /// Calls `visit(number)` with each number, bool, enum and bitset in a field, in their order. It may change them.
    template <class F, class Visit>
    static void for_each_number(F& field, const Visit& visit) {
        constexpr serial::kind how = serial::kind_of<F>();
        const auto inside = [&](auto&... each) { (for_each_number(each, visit), ...); };
        if constexpr (how == serial::kind::aggregate) {
            reflect::apply_to_fields(field, inside);
        } else if constexpr (how == serial::kind::array || how == serial::kind::tuple) {
            std::apply(inside, field);
        } else if constexpr (how == serial::kind::duration) {
            auto count = field.count();
            for_each_number(count, visit);
            field = F(count);
        } else if constexpr (how == serial::kind::time_point) {
            auto since = field.time_since_epoch();
            for_each_number(since, visit);
            field = F(since);
        } else if constexpr (how == serial::kind::complex) {
            auto real = field.real(), imag = field.imag();
            inside(real, imag);
            field = F(real, imag);
        } else {
            visit(field);
        }
    }
    template <class Number>
    static Number fitting(std::int64_t number) {
        const auto made = static_cast<Number>(number);
        if (!std::is_floating_point_v<Number> && static_cast<std::int64_t>(made) != number)
            throw error("the number " + std::to_string(number) + " does not fit into " +
                        std::string(reflect::type_name<Number>) + ", the type of the index or of a field of it");
        return made;
    }

    static constexpr int width = dimensions == 3 ? 42 : dimensions == 4 ? 32 : dimensions == 5 ? 25 : 21;
    static constexpr std::uint64_t mask = (std::uint64_t{1} << width) - 1;
};

} // namespace runtime
} // namespace motet::inline MOTET_VARIANT

template <int N>
struct std::tuple_size<motet::grid<N>> : std::integral_constant<std::size_t, static_cast<std::size_t>(N)> {};
template <std::size_t I, int N>
struct std::tuple_element<I, motet::grid<N>> {
    using type = std::int64_t;
};
