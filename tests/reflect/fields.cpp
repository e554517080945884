// SPDX-License-Identifier: BSL-1.0
#include "structs.hpp"

#include <motet/reflect/fields.hpp>

#include <doctest/doctest.h>

#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using motet::reflect::field_count;
using motet::reflect::field_type;
using motet::reflect::get;

namespace {

/// Whether a field of this type is counted as one and found, at the first place and in the middle.
template <class T>
constexpr bool can_be_field() {
    using front = sample::first_of_two<T>;
    using middle = sample::middle_of_three<T>;
    return field_count<front> == 2 && field_count<middle> == 3 && std::is_same_v<field_type<front, 0>, T> &&
           std::is_same_v<field_type<middle, 1>, T> && std::is_same_v<field_type<middle, 2>, int>;
}

template <class... T>
constexpr bool can_be_fields() {
    return (can_be_field<T>() && ...);
}

} // namespace

TEST_CASE("fields: of every type") {
    using namespace sample;
    static_assert(can_be_fields<bool, char, int, const int, double, long double, int*, void (*)(int), int point::*,
                                std::byte, std::nullptr_t, color>());
    static_assert(can_be_fields<point, empty, node, particle, move_only, token, pinned, explicit_default, greedy,
                                with_defaults, hundred, first_of_two<token>, with_constructor, with_virtual>());
    static_assert(can_be_fields<std::string, const std::string, std::string_view, std::vector<int>, std::vector<bool>,
                                std::list<int>, std::deque<int>, std::set<int>, std::map<int, int>,
                                std::unordered_map<int, int>, std::array<int, 1>, std::array<point, 3>,
                                std::span<const double>, std::bitset<9>, std::filesystem::path>());
    static_assert(can_be_fields<std::optional<int>, std::optional<std::any>, std::any, std::vector<std::any>,
                                std::variant<int>, std::variant<int, std::string>, std::variant<std::any>,
                                std::monostate, std::tuple<int>, std::tuple<int, double>, std::pair<int, int>>());
    static_assert(can_be_fields<std::unique_ptr<int>, std::shared_ptr<int>, std::weak_ptr<int>,
                                std::reference_wrapper<int>, std::function<void(int)>, std::complex<double>,
                                std::chrono::milliseconds, std::chrono::system_clock::time_point, std::atomic<int>,
                                std::mutex, std::thread, std::future<int>>());
}

TEST_CASE("fields: get refers into the object") {
    sample::particle one{"a", {1, 2}, 3, sample::color::green};
    get<0>(one) = "b";
    get<1>(one).y = 5;
    CHECK(one.name == "b");
    CHECK(one.at.y == 5);
    CHECK(&get<3>(one) == &one.tint);

    const sample::particle& same = one;
    static_assert(std::is_same_v<decltype(get<2>(same)), const double&>);
    CHECK(&get<2>(same) == &one.mass);

    sample::hundred many;
    get<99>(many) = 7;
    CHECK(many.last9 == 7);

    static constexpr sample::point fixed{3, 4};
    static_assert(get<1>(fixed) == 4);

    sample::move_only owner{std::make_unique<int>(6), {}};
    auto moved = std::move(get<0>(owner));
    CHECK(*moved == 6);
    CHECK(owner.owned == nullptr);
}

TEST_CASE("fields: local structs") {
    struct local {
        int number;
        std::string text;
    };
    local one{1, "x"};
    get<1>(one) += "y";
    CHECK(one.text == "xy");
    static_assert(field_count<local> == 2);
}

TEST_CASE("fields: every index, and all at once") {
    std::size_t sum = 0;
    motet::reflect::for_each_index<sample::particle>(
        [&](auto index) { sum += index + sizeof(field_type<sample::particle, index>); });
    CHECK(sum == 0 + 1 + 2 + 3 + sizeof(std::string) + sizeof(sample::point) + sizeof(double) + 1);
    motet::reflect::for_each_index<sample::empty>([](auto) { FAIL("an empty struct has no field"); });
    sample::empty nothing;
    CHECK(motet::reflect::apply_to_fields(nothing, [](auto&... field) { return sizeof...(field); }) == 0);
}
