// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <bitset>
#include <complex>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using motet::serial::kind;
using motet::serial::kind_of;

namespace {

enum class colour : std::uint8_t { red, green, blue };

struct particle {
    std::uint32_t id = 0;
    std::array<double, 3> place{};
    colour colour_of = colour::red;
    bool alive = false;
    bool operator==(const particle&) const = default;
};

struct group {
    std::string name;
    std::vector<particle> members;
    std::map<std::string, std::deque<int>> marks;
    std::vector<bool> chosen;
    std::optional<std::pair<std::complex<float>, std::u16string>> extra;
    bool operator==(const group&) const = default;
};

struct world {
    std::vector<group> groups;
    std::list<std::forward_list<short>> lists;
    std::unordered_map<std::uint64_t, std::set<char>> index;
    std::variant<std::monostate, particle, std::vector<std::string>> chosen;
    std::multimap<int, std::tuple<>> many;
    std::array<std::bitset<17>, 2> flags;
    bool operator==(const world&) const = default;
};

using generator = std::mt19937_64;

std::size_t below(generator& random, std::size_t limit) { return random() % limit; }

template <class T>
void fill(T& value, generator& random) {
    constexpr kind how = kind_of<T>();
    if constexpr (std::is_same_v<T, bool>) {
        value = below(random, 2) != 0;
    } else if constexpr (std::is_floating_point_v<T>) {
        value = static_cast<T>(random()) / 7;
    } else if constexpr (how == kind::scalar) {
        value = static_cast<T>(random());
    } else if constexpr (how == kind::aggregate) {
        motet::reflect::apply_to_fields(value, [&](auto&... field) { (fill(field, random), ...); });
    } else if constexpr (how == kind::array) {
        for (auto& element : value) fill(element, random);
    } else if constexpr (how == kind::tuple) {
        std::apply([&](auto&... item) { (fill(item, random), ...); }, value);
    } else if constexpr (how == kind::complex) {
        value = T(static_cast<float>(below(random, 99)), -1);
    } else if constexpr (how == kind::bitset) {
        value = T(random());
    } else if constexpr (how == kind::packed_bools) {
        value.resize(below(random, 20));
        for (auto bit : value) bit = below(random, 2) != 0;
    } else if constexpr (how == kind::sequence) {
        value.resize(below(random, 6));
        for (auto& element : value) fill(element, random);
    } else if constexpr (how == kind::associative) {
        for (std::size_t i = below(random, 5); i != 0; --i) {
            typename T::key_type key{};
            fill(key, random);
            if constexpr (motet::serial::map_like<T>) {
                typename T::mapped_type mapped{};
                fill(mapped, random);
                value.emplace(std::move(key), std::move(mapped));
            } else {
                value.insert(std::move(key));
            }
        }
    } else if constexpr (how == kind::optional) {
        if (below(random, 2) != 0) fill(value.emplace(), random);
    } else if constexpr (how == kind::variant) {
        if (below(random, 3) == 0)
            fill(value.template emplace<1>(), random);
        else if (below(random, 2) == 0)
            fill(value.template emplace<2>(), random);
    } else {
        static_assert(how == kind::aggregate, "no random values of this kind");
    }
}

} // namespace

TEST_CASE("random values come back, and random damage does no harm") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        generator random(seed);
        world value;
        fill(value, random);
        motet_test::round_trip(value);
    }
}

TEST_CASE("random bytes do no harm") {
    generator random(7);
    for (int i = 0; i < 3'000; ++i) {
        std::vector<std::byte> bytes(below(random, 120));
        for (std::byte& byte : bytes) {
            byte = static_cast<std::byte>(below(random, 3) == 0 ? random() : below(random, 4)); // mostly small counts
        }
        motet_test::decode_anything<world>(bytes);
    }
}

TEST_CASE("one object may be read into again and again") {
    world used;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        generator random(seed);
        world value;
        fill(value, random);
        motet::serial::decode_into(motet::serial::encode(value), used);
        REQUIRE(used == value);
    }
}
