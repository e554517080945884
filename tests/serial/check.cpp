// SPDX-License-Identifier: BSL-1.0
#include <motet/serial/serial.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

using motet::serial::serializable;

namespace {
struct plain {
    int a;
    std::vector<std::string> b;
};
struct with_pointer {
    int* where;
};
struct with_const {
    const int fixed;
};
struct base_of_many {
    virtual ~base_of_many() = default;
};
struct last final : base_of_many {
    template <class Archive>
    void serialize(Archive&) {}
};
struct no_default {
    explicit no_default(int) {}
    template <class Archive>
    void serialize(Archive&) {}
};
class closed {
    [[maybe_unused]] int hidden_ = 0;
};
struct tree {
    std::vector<tree> children;
    std::unique_ptr<tree> left;
    std::shared_ptr<tree> right;
    std::unordered_map<int, tree> named;
};
struct poisoned_tree {
    std::vector<poisoned_tree> children;
    std::thread worker;
};
} // namespace

TEST_CASE("what can be serialized is known when compiled") {
    static_assert(serializable<plain>);
    static_assert(serializable<tree>);
    static_assert(serializable<std::vector<std::variant<plain, tree>>>);
    static_assert(serializable<std::span<const double>>);
    static_assert(serializable<std::string_view>);
    static_assert(serializable<no_default>); // read into, but not held by a container
    static_assert(serializable<std::shared_ptr<last>>);

    static_assert(!serializable<int*>);
    static_assert(!serializable<int&>);
    static_assert(!serializable<int[3]>);
    static_assert(!serializable<void (*)()>);
    static_assert(!serializable<std::nullptr_t>);
    static_assert(!serializable<with_pointer>);
    static_assert(!serializable<std::vector<with_pointer>>);
    static_assert(!serializable<with_const>);
    static_assert(!serializable<std::span<int>>);
    static_assert(!serializable<std::span<const std::string>>);
    static_assert(!serializable<std::span<const int, 4>>);
    static_assert(!serializable<std::span<int* const>>);
    static_assert(!serializable<std::shared_ptr<base_of_many>>);
    static_assert(!serializable<std::unique_ptr<int[]>>);
    static_assert(!serializable<std::shared_ptr<int[]>>);
    static_assert(!serializable<std::weak_ptr<int[]>>);
    static_assert(!serializable<std::shared_ptr<void>>);
    static_assert(!serializable<std::unique_ptr<int, void (*)(int*)>>);
    static_assert(!serializable<std::vector<no_default>>);
    static_assert(!serializable<std::unordered_map<int, no_default>>);
    static_assert(!serializable<std::atomic<int>>);
    static_assert(!serializable<std::function<void()>>);
    static_assert(!serializable<std::thread>);
    static_assert(!serializable<closed>);
    static_assert(!serializable<poisoned_tree>);
    static_assert(!serializable<std::reference_wrapper<int>>);
    CHECK(true);
}
