// SPDX-License-Identifier: BSL-1.0
// words FILE...: how often each word stands in the files, counted by a pool: one line "count word" for each, sorted by
// word. A word is a run of the letters a to z, in either case.
#include <motet/motet.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

using Counts = std::map<std::string, std::uint64_t>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Counts count_words(const std::string& text) {
    Counts counts;
    std::string word;
    for (const char c : text + " ") {
        if (is_letter(c)) {
            word += static_cast<char>(c | 0x20); // in lower case
        } else if (!word.empty()) {
            ++counts[word];
            word.clear();
        }
    }
    return counts;
}

/// The file in pieces of some length, which end where no word is cut.
std::vector<std::string> pieces_of(const std::string& name, std::size_t length) {
    std::ifstream file(name, std::ios::binary);
    file.peek(); // a folder can be opened, but not read
    if (!file.is_open() || file.bad()) throw std::runtime_error(name + ": " + std::strerror(errno));
    const std::string all(std::istreambuf_iterator<char>(file), {});
    std::vector<std::string> pieces;
    for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
        end = std::min(all.size(), begin + length);
        while (end < all.size() && is_letter(all[end])) ++end;
        pieces.push_back(all.substr(begin, end - begin));
    }
    return pieces;
}

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        if (motet::arguments().size() < 2) throw std::invalid_argument("usage: words FILE...");
        std::vector<std::string> pieces;
        for (std::size_t i = 1; i < motet::arguments().size(); ++i)
            for (auto& piece : pieces_of(motet::arguments()[i], 16384)) pieces.push_back(std::move(piece));
        Counts all;
        for (const Counts& some : motet::pool::create().map<&count_words>(std::move(pieces)).get())
            for (const auto& [word, count] : some) all[word] += count;
        for (const auto& [word, count] : all) motet::print("{} {}", count, word);
    });
}
