// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <stdexcept>
#include <string>

/// The number that an argument of a program is. Throws std::invalid_argument, with a sentence, for anything else.
inline int number(const std::string& text, const std::string& name, int least, int most) {
    int n = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (problem != std::errc{} || end != text.data() + text.size() || n < least || n > most)
        throw std::invalid_argument(name + " is \"" + text + "\": give a whole number from " + std::to_string(least) +
                                    " to " + std::to_string(most));
    return n;
}
