// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

/// The number that an argument of a program is. Throws std::invalid_argument, with a sentence, for anything else.
template <class Number = int>
Number number(const std::string& text, const std::string& name, Number least, Number most) {
    Number n{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (problem != std::errc{} || end != text.data() + text.size() || !(n >= least && n <= most))
        throw std::invalid_argument(fmt::format("{} is \"{}\": give a {}number from {} to {}", name, text,
                                                std::is_integral_v<Number> ? "whole " : "", least, most));
    return n;
}

/// Three numbers with commas between them, or one that stands for all three.
inline std::array<std::int64_t, 3> three_numbers(const std::string& text, const std::string& name, int least,
                                                 int most) {
    std::array<std::int64_t, 3> all{};
    std::size_t given = 0;
    for (std::size_t at = 0, comma = 0; comma != std::string::npos; at = comma + 1) {
        comma = text.find(',', at);
        if (given == 3)
            throw std::invalid_argument(name + " is \"" + text + "\": give one number, or three as in 4,2,1");
        all[given++] = number(text.substr(at, comma == std::string::npos ? comma : comma - at), name, least, most);
    }
    if (given == 2) throw std::invalid_argument(name + " is \"" + text + "\": give one number, or three as in 4,2,1");
    if (given == 1) all[1] = all[2] = all[0];
    return all;
}
