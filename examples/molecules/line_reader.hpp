// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace molecules {

/// What is wrong with a data file, and in which line.
struct data_file_error : motet::error {
    data_file_error(const std::string& file, std::size_t at, const std::string& problem)
        : motet::error(file + ":" + std::to_string(at) + ": " + problem), line(at) {}

    std::size_t line; ///< counted from 1
};

using words = std::vector<std::string_view>;

/// A word for an error message. The file may be anything: it is cut, and shows no controls to a terminal.
inline std::string quoted(std::string_view word) {
    constexpr std::size_t most = 60;
    std::string shown(word.substr(0, most));
    std::ranges::replace_if(
        shown, [](char c) { return c < ' ' || c > '~'; }, '?');
    return '\'' + shown + (word.size() > most ? "...'" : "'");
}

inline std::string joined(const words& all) {
    std::string result;
    for (auto word : all) result.append(result.empty() ? "" : " ").append(word);
    return result;
}

/// Cuts a text into lines and words, and says in which line something is wrong.
class line_reader {
public:
    /// `name` is what error messages call the text.
    line_reader(std::string name, std::string_view content) : file(std::move(name)), text(content) {}

    words fields;  ///< of the current line
    words comment; ///< what follows a '#' in it

    std::size_t bytes_left() const { return text.size(); }

    [[noreturn]] void fail(const std::string& problem) const {
        throw data_file_error(file, std::max<std::size_t>(line, 1), problem);
    }

    /// Takes the next line, blank or not; false at the end of the text. A line without an end is an error: a number in
    /// it may lack digits.
    bool next_line() {
        fields.clear(), comment = {};
        if (text.empty()) return false;
        ++line;
        const auto end = text.find('\n');
        if (end == text.npos) fail("the last line has no end: the file is cut off, or lacks a newline there");
        auto here = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (const auto hash = here.find('#'); hash != here.npos) {
            comment = split(here.substr(hash + 1));
            here = here.substr(0, hash);
        }
        fields = split(here);
        return true;
    }

    /// Takes the next line that is not blank; false at the end of the text.
    bool next_words() {
        while (next_line())
            if (!fields.empty()) return true;
        return false;
    }

    /// The number that `word` spells, all of it; `what` says in the error what was expected.
    template <typename Number>
    Number number(std::string_view word, const char* what) const {
        Number value{};
        auto digits = word;
        if (digits.starts_with('+')) digits.remove_prefix(1);
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (problem == std::errc::result_out_of_range)
            fail(std::string(what) + " " + quoted(word) + " is out of range");
        if (problem != std::errc{} || end != digits.data() + digits.size() || digits.starts_with('+'))
            fail(std::string("expected ") + what + ", found " + quoted(word));
        if constexpr (std::is_floating_point_v<Number>)
            if (!std::isfinite(value)) fail(std::string(what) + " " + quoted(word) + " is not finite");
        return value;
    }

private:
    static words split(std::string_view here) {
        constexpr std::string_view blank = " \t\r\f\v";
        words result;
        for (auto from = here.find_first_not_of(blank); from != here.npos; from = here.find_first_not_of(blank)) {
            here.remove_prefix(from);
            const auto length = std::min(here.find_first_of(blank), here.size());
            result.push_back(here.substr(0, length));
            here.remove_prefix(length);
        }
        return result;
    }

    std::string file;
    std::string_view text;
    std::size_t line = 0;
};

} // namespace molecules
