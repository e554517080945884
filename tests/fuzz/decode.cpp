// SPDX-License-Identifier: BSL-1.0
//
// libFuzzer target for the decoder: any bytes give a value or a decode_error, and a value that was read is written to
// bytes that give the same bytes again.

#include <motet/serial/serial.hpp>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace {

enum class colour : std::uint8_t { red, green };

struct nothing {};

struct padded {
    char letter = 0;
    double value = 0;
    bool flag = false;
};

struct views {
    std::string_view name;
    std::span<const double> values;
    std::span<const padded> structs;
};

class own {
public:
    template <class Archive>
    void serialize(Archive& archive) {
        archive(name_, numbers_);
    }

private:
    std::string name_;
    std::vector<short> numbers_;
};

struct node { // nothing shared leads back to itself: bytes can ask for a cycle, and that is never freed
    int value = 0;
    std::vector<node> children;
    std::unique_ptr<node> left;
    std::shared_ptr<own> shared;
    std::weak_ptr<own> watched;
};

struct everything {
    bool flag = false;
    long double wide = 0;
    colour shade = colour::red;
    std::vector<padded> structs;
    std::vector<bool> bits;
    std::bitset<19> few;
    std::array<std::u16string, 2> names;
    std::deque<nothing> empties;
    std::list<std::forward_list<int>> lists;
    std::map<std::string, std::set<int>> ordered;
    std::multimap<char, own> many;
    std::unordered_map<int, std::string> hashed;
    std::unordered_multiset<std::uint16_t> bag;
    std::optional<std::pair<std::complex<float>, std::tuple<>>> maybe;
    std::variant<std::monostate, int, std::vector<std::string>> choice;
    std::chrono::system_clock::time_point when;
};

template <class T>
void try_to_decode(std::span<const std::byte> bytes) {
    T value{};
    try {
        motet::serial::decode_into(bytes, value);
    } catch (const motet::decode_error&) {
        return;
    }
    const motet::serial::buffer once = motet::serial::encode(value);
    T again{};
    motet::serial::decode_into(once, again);
    const motet::serial::buffer twice = motet::serial::encode(again);
    if (once.size() != twice.size()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    motet::serial::writer aligned; // views need it
    aligned.put(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: try_to_decode<everything>(aligned.bytes()); break;
    case 1: try_to_decode<views>(aligned.bytes()); break;
    case 2: try_to_decode<node>(aligned.bytes()); break;
    default: try_to_decode<std::vector<std::vector<std::string>>>(aligned.bytes()); break;
    }
    return 0;
}
