// SPDX-License-Identifier: BSL-1.0
#include <motet/chare/entry.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using motet::runtime::entry_name;

namespace entry_test {

struct plain {
    void told(int) {}
    int asked(std::string, std::vector<int>) const { return 0; }
    void quiet() noexcept {}
    void overloaded(int) {}
    void overloaded(std::string) const {}
    int operator()(int a) const { return a; }
    template <class T>
    void generic(T) {}
};
template <class T>
struct boxed_in {
    T get() const { return {}; }
    void set(T) {}
};

} // namespace entry_test
namespace {
struct hidden {
    int value() const { return 0; }
    void none() {}
};
} // namespace

using namespace entry_test;

TEST_CASE("an entry is named as its method is") {
    CHECK(entry_name<&plain::told>() == "entry_test::plain::told");
    CHECK(entry_name<&plain::asked>() == "entry_test::plain::asked");
    CHECK(entry_name<&plain::quiet>() == "entry_test::plain::quiet");
    CHECK(entry_name<static_cast<void (plain::*)(int)>(&plain::overloaded)>() == "entry_test::plain::overloaded");
    CHECK(entry_name<static_cast<void (plain::*)(std::string) const>(&plain::overloaded)>() ==
          "entry_test::plain::overloaded");
    CHECK(entry_name<&plain::operator()>() == "entry_test::plain::operator()");
    CHECK(entry_name<&plain::generic<int>>() == "entry_test::plain::generic<int>");
    CHECK(entry_name<&boxed_in<std::vector<int>>::get>().find("entry_test::boxed_in<std::vector<int") == 0);
    CHECK(entry_name<&boxed_in<int>::get>() == "entry_test::boxed_in<int>::get");
    struct local {
        int get(int (*)(int)) const { return 0; }
    };
    CHECK(entry_name<&local::get>().ends_with("()::local::get"));
    CHECK(entry_name<&boxed_in<int>::set>() == "entry_test::boxed_in<int>::set");
    CHECK(entry_name<&hidden::value>() == "(anonymous namespace)::hidden::value");
    CHECK(entry_name<&hidden::none>() == "(anonymous namespace)::hidden::none");
}

TEST_CASE("what a caller gives becomes what the method takes") {
    using motet::runtime::store;
    using motet::runtime::takes;
    CHECK(store<std::string>("text") == "text");
    CHECK(store<std::string>(std::string_view("text")) == "text");
    const int plain[] = {1, 2};
    CHECK(store<std::vector<int>>(std::span<const int>(plain)) == std::vector<int>{1, 2});
    CHECK(store<std::vector<int>>(plain) == std::vector<int>{1, 2});
    CHECK(store<std::int64_t>('a') == 97);
    static_assert(takes<std::span<const int>, const std::vector<int>&> && takes<std::string_view, const char*>);
    static_assert(!takes<std::span<const int>, std::vector<double>> &&
                  !takes<std::unique_ptr<int>, std::unique_ptr<int>&>);
}
