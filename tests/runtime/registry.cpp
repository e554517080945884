// SPDX-License-Identifier: BSL-1.0
#include <motet/runtime/registry.hpp>

#include <doctest/doctest.h>

#include <string>
#include <typeinfo>

using motet::runtime::demangled;
using motet::runtime::registered;
using motet::runtime::registry;

namespace registry_test {
struct operations {
    int value;
};
inline constexpr operations one{1};
inline constexpr operations two{2};
struct first_key {};
struct second_key {};
} // namespace registry_test

using namespace registry_test;

namespace {
std::string error_of_sealing(registry& r) {
    try {
        r.seal();
    } catch (const motet::error& problem) {
        return problem.what();
    }
    return "";
}
} // namespace

TEST_CASE("items are numbered by name, whatever the order in which they came") {
    std::uint32_t a = 0, b = 0, c = 0;
    registry up, down;
    up.add("a", &one, &a), up.add("b", &two, &b), up.add("c", &one, &c);
    up.seal();
    CHECK(a == 1);
    CHECK(b == 2);
    CHECK(c == 3);
    down.add("c", &one, &c), down.add("b", &two, &b), down.add("a", &one, &a);
    down.seal();
    CHECK(a == 1);
    CHECK(b == 2);
    CHECK(c == 3);
    CHECK(up.fingerprint() == down.fingerprint());
    CHECK(down.at<operations>(2).value == 2);
    CHECK(std::string(down.name(3)) == "c");
    CHECK(!down.knows(0));
    CHECK(down.knows(3));
    CHECK(!down.knows(4));
    CHECK(down.is<operations>(3));
    CHECK(!down.is<int>(3)); // a number that was read may be that of something else
    CHECK(!down.is<operations>(4));
}

TEST_CASE("other names make another fingerprint") {
    std::uint32_t number = 0;
    registry a, b;
    a.add("a", &one, &number), a.seal();
    b.add("b", &one, &number), b.seal();
    CHECK(a.fingerprint() != b.fingerprint());
}

TEST_CASE("two entries with one name are refused, by that name") {
    std::uint32_t a = 0, b = 0, other = 0;
    registry r;
    r.add("N4heat4TileE", &one, &a), r.add("other", &one, &other), r.add("N4heat4TileE", &two, &b);
    const std::string text = error_of_sealing(r);
    CHECK(text.find("two entries have the same name, heat::Tile") == 0);
    CHECK(text.find("anonymous namespace") != std::string::npos);
}

TEST_CASE("what is added later, by a library that was loaded, is numbered by the next sealing") {
    std::uint32_t a = 0, b = 0;
    registry r;
    r.add("b", &two, &b);
    r.seal();
    CHECK(b == 1);
    r.add("a", &one, &a);
    r.seal();
    CHECK(a == 1);
    CHECK(b == 2);
    CHECK(r.at<operations>(b).value == 2);
}

TEST_CASE("who asks for a number is registered before main") {
    registry::instance().seal();
    const auto first = registered<first_key, one>::id();
    const auto second = registered<second_key, two>::id();
    CHECK(first != 0);
    CHECK(second != first);
    CHECK(registry::instance().get<operations>(first).value == 1);
    CHECK(registry::instance().get<operations>(second).value == 2);
    CHECK(demangled(registry::instance().name(first)) == "registry_test::first_key");
}

namespace registry_test {

struct of_strings {
    std::string text() { return {}; }
};
template <auto Method>
struct names {};

} // namespace registry_test

TEST_CASE("names of functions that return strings bear no mark of the library's") {
    const std::string name = demangled(typeid(registry_test::names<&registry_test::of_strings::text>).name());
    CHECK(name == "registry_test::names<&registry_test::of_strings::text>");
    CHECK(demangled(typeid(std::pair<std::string, int>).name()) == "std::pair<std::string, int>");
}

TEST_CASE("what is no mangled name stays as it is") { CHECK(demangled("not mangled!") == "not mangled!"); }
