// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/kind.hpp>

#include <doctest/doctest.h>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using motet::reflect::has_serialize;
using motet::reflect::kind;
using motet::reflect::kind_of;

namespace foreign {

struct opened_from_outside {
    int numbers[3];
};
template <class Archive>
void serialize(Archive& archive, opened_from_outside& value) {
    archive(value.numbers);
}

struct overloaded {
    void serialize(int&);
    void serialize(double&);
};
struct sealed final {
    int numbers[3];
    auto serialize(auto& archive) { return archive(numbers); }
};
struct incomplete;

} // namespace foreign

TEST_CASE("kind: of values") {
    static_assert(kind_of<bool> == kind::boolean);
    static_assert(kind_of<char> == kind::character && kind_of<char16_t> == kind::character);
    static_assert(kind_of<signed char> == kind::integer && kind_of<const unsigned long> == kind::integer);
    static_assert(kind_of<float> == kind::real && kind_of<long double> == kind::real);
    static_assert(kind_of<sample::color> == kind::enumeration && kind_of<std::byte> == kind::enumeration);
    static_assert(kind_of<std::string> == kind::text && kind_of<std::string_view> == kind::text);
    static_assert(kind_of<sample::particle> == kind::structure && kind_of<sample::bit_field> == kind::structure);
}

TEST_CASE("kind: of containers") {
    static_assert(kind_of<std::vector<int>> == kind::sequence && kind_of<std::vector<bool>> == kind::sequence);
    static_assert(kind_of<std::vector<sample::move_only>> == kind::sequence);
    static_assert(kind_of<std::deque<int>> == kind::sequence && kind_of<std::set<int>> == kind::sequence);
    static_assert(kind_of<std::array<int, 3>> == kind::sequence && kind_of<std::span<const int>> == kind::sequence);
    static_assert(kind_of<std::map<int, sample::move_only>> == kind::map);
    static_assert(kind_of<std::unordered_map<int, int>> == kind::map);
    static_assert(kind_of<std::pair<int, int>> == kind::tuple && kind_of<std::tuple<>> == kind::tuple);
    static_assert(kind_of<std::optional<int>> == kind::optional);
    static_assert(kind_of<std::variant<int, double>> == kind::variant);
    static_assert(kind_of<std::unique_ptr<int>> == kind::pointer && kind_of<std::shared_ptr<int>> == kind::pointer);
}

TEST_CASE("kind: what cannot be looked into is opaque") {
    static_assert(kind_of<int*> == kind::opaque && kind_of<void> == kind::opaque && kind_of<int[3]> == kind::opaque);
    static_assert(kind_of<std::weak_ptr<int>> == kind::opaque && kind_of<std::mutex> == kind::opaque);
    static_assert(kind_of<std::function<void()>> == kind::opaque && kind_of<std::filesystem::path> == kind::opaque);
    static_assert(kind_of<std::complex<double>> == kind::opaque && kind_of<std::bitset<3>> == kind::opaque);
    static_assert(kind_of<std::chrono::seconds> == kind::opaque && kind_of<sample::number> == kind::opaque);
    static_assert(kind_of<foreign::incomplete> == kind::opaque);
}

TEST_CASE("kind: a serialize of its own makes a struct opaque") {
    static_assert(has_serialize<sample::private_state> && kind_of<sample::private_state> == kind::opaque);
    static_assert(has_serialize<foreign::opened_from_outside> && has_serialize<foreign::overloaded>);
    static_assert(has_serialize<foreign::sealed> && kind_of<foreign::sealed> == kind::opaque);
    static_assert(!has_serialize<sample::particle> && !has_serialize<std::string> && !has_serialize<int>);
}
