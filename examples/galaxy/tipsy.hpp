// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Snapshots of N-body simulations in the Tipsy format (University of Washington N-Body Shop): a header, then all gas,
/// dark and star particles. All fields of a particle are 4-byte reals. "Standard" files are big-endian with a header of
/// 32 bytes, "native" ones in the byte order of the machine that wrote them, with a header of 32 or 28.
namespace tipsy {

struct attribute {
    std::string_view name;
    std::size_t width; ///< numbers
};
inline constexpr attribute gas_attributes[] = {{"mass", 1},        {"position", 3},  {"velocity", 3}, {"density", 1},
                                               {"temperature", 1}, {"softening", 1}, {"metals", 1},   {"potential", 1}};
inline constexpr attribute dark_attributes[] = {
    {"mass", 1}, {"position", 3}, {"velocity", 3}, {"softening", 1}, {"potential", 1}};
inline constexpr attribute star_attributes[] = {{"mass", 1},          {"position", 3},  {"velocity", 3}, {"metals", 1},
                                                {"formationtime", 1}, {"softening", 1}, {"potential", 1}};

/// The particles of one kind.
struct family {
    std::string_view name;
    std::span<const attribute> attributes;
    constexpr std::size_t numbers() const {
        std::size_t all = 0;
        for (const attribute& each : attributes) all += each.width;
        return all;
    }
};
inline constexpr std::array<family, 3> families{
    {{"gas", gas_attributes}, {"dark", dark_attributes}, {"star", star_attributes}}};
static_assert(families[0].numbers() == 12 && families[1].numbers() == 9 && families[2].numbers() == 11);

/// A snapshot whose header has been read.
struct snapshot {
    std::string path;
    double time = 0;
    std::array<std::int64_t, 3> counts{}; ///< of each family
    std::int64_t header = 32;             ///< bytes
    bool swapped = false;                 ///< its byte order is not this machine's

    /// Where the particles of a family begin; of number 3: the end of the file.
    std::int64_t begin(std::size_t which) const {
        std::int64_t at = header;
        for (std::size_t i = 0; i < which; ++i) at += counts[i] * bytes_of(i);
        return at;
    }
    static std::int64_t bytes_of(std::size_t which) { return static_cast<std::int64_t>(4 * families[which].numbers()); }
};

template <class Number>
Number read_number(const std::byte* at, bool swapped) {
    std::array<std::byte, sizeof(Number)> bytes;
    std::memcpy(bytes.data(), at, sizeof(Number));
    if (swapped) std::reverse(bytes.begin(), bytes.end());
    return std::bit_cast<Number>(bytes);
}

inline std::ifstream open(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw motet::error(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
    return file;
}

/// Reads and checks the header. Throws motet::error with the byte where something is wrong.
inline snapshot read_header(const std::string& path) {
    std::ifstream file = open(path);
    std::array<std::byte, 28> bytes{};
    file.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
    if (file.gcount() != static_cast<std::streamsize>(bytes.size()))
        throw motet::error(
            fmt::format("{}: cut off at byte {}: a Tipsy header has {}", path, file.gcount(), bytes.size()));
    file.seekg(0, std::ios::end);
    const std::int64_t size = file.tellg();
    const auto number = [&](std::size_t at, bool swapped) {
        return read_number<std::int32_t>(bytes.data() + at, swapped);
    };
    snapshot s{.path = path};
    constexpr std::size_t at_dimensions = 12;
    const auto is_right = [](std::int32_t dimensions) { return dimensions >= 1 && dimensions <= 3; };
    s.swapped = !is_right(number(at_dimensions, false));
    if (s.swapped && !is_right(number(at_dimensions, true)))
        throw motet::error(
            fmt::format("{}: no Tipsy file: the number of dimensions at byte {} is {:#010x}, in neither byte "
                        "order from 1 to 3",
                        path, at_dimensions, static_cast<std::uint32_t>(number(at_dimensions, true))));
    s.time = read_number<double>(bytes.data(), s.swapped);
    for (std::size_t i = 0; i < 3; ++i) {
        s.counts[i] = number(16 + 4 * i, s.swapped);
        if (s.counts[i] < 0)
            throw motet::error(fmt::format("{}: {} {} particles, says the header at byte {}", path, s.counts[i],
                                           families[i].name, 16 + 4 * i));
    }
    const std::int64_t total = s.counts[0] + s.counts[1] + s.counts[2];
    if (number(8, s.swapped) != total)
        throw motet::error(
            fmt::format("{}: the header says at byte 8 that there are {} particles, and from byte 16 on {} of "
                        "gas, {} dark and {} stars, which are {}",
                        path, number(8, s.swapped), s.counts[0], s.counts[1], s.counts[2], total));
    if (size == s.begin(3) - 4) s.header = 28; // written without the padding that most machines put there
    if (size < s.begin(3)) {
        std::size_t in = 0;
        while (in + 1 < 3 && s.begin(in + 1) <= size) ++in;
        throw motet::error(fmt::format(
            "{}: cut off at byte {}, in {} particle {}: {} particles need {} bytes", path, size, families[in].name,
            std::max<std::int64_t>(0, size - s.begin(in)) / snapshot::bytes_of(in), total, s.begin(3)));
    }
    if (size > s.begin(3))
        throw motet::error(fmt::format("{}: {} bytes more than its {} particles have, from byte {} on", path,
                                       size - s.begin(3), total, s.begin(3)));
    return s;
}

/// The attributes of `count` particles of a family, from number `first` on, by column. Throws motet::error for what is
/// no number, with its byte.
inline std::vector<std::vector<double>> read_particles(const snapshot& s, std::size_t which, std::int64_t first,
                                                       std::int64_t count) {
    const family& of = families[which];
    const std::int64_t begin = s.begin(which) + first * snapshot::bytes_of(which);
    std::vector<std::byte> bytes(static_cast<std::size_t>(count * snapshot::bytes_of(which)));
    std::ifstream file = open(s.path);
    file.seekg(begin);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (file.gcount() != static_cast<std::streamsize>(bytes.size()))
        throw motet::error(
            fmt::format("{}: cut off at byte {} since its header was read", s.path, begin + file.gcount()));
    std::vector<std::vector<double>> columns(of.attributes.size());
    std::size_t at = 0;
    for (std::int64_t i = 0; i < count; ++i)
        for (std::size_t a = 0; a < of.attributes.size(); ++a)
            for (std::size_t k = 0; k < of.attributes[a].width; ++k, at += 4) {
                const auto n = static_cast<double>(read_number<float>(bytes.data() + at, s.swapped));
                if (!std::isfinite(n))
                    throw motet::error(fmt::format("{}: {} particle {} has the {} {}, at byte {}", s.path, of.name,
                                                   first + i, of.attributes[a].name, n,
                                                   begin + static_cast<std::int64_t>(at)));
                columns[a].push_back(n);
            }
    return columns;
}

} // namespace tipsy
