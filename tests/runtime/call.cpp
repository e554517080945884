// SPDX-License-Identifier: BSL-1.0
#include "run.hpp"

#include <motet/runtime/call.hpp>

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;
using motet::runtime::exception_text;
using motet::runtime::tree;

namespace call_test {

struct seen {
    std::vector<std::string> calls;
};

void nothing(pe& p) { static_cast<void>(p); }
template <class T>
void nothing_of(pe&) {}
template <class T>
struct of_type {
    static void nothing(pe&) {}
};
void values(pe&, seen* into, int a, std::string b) { into->calls.push_back(std::to_string(a) + b); }
void references(pe&, seen* into, const std::string& a, std::unique_ptr<int> b) {
    into->calls.push_back(a + std::to_string(*b));
}

/// Counts the copies alive.
struct counted {
    std::atomic<int>* alive; ///< what is sent dies on another thread
    explicit counted(std::atomic<int>* where) : alive(where) { ++*alive; }
    counted(const counted& other) : alive(other.alive) { ++*alive; }
    counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
    counted& operator=(const counted&) = delete;
    ~counted() { --*alive; }
};
void throws(pe&, counted, bool really) {
    if (really) throw std::runtime_error("so it is");
}

} // namespace call_test

using namespace call_test;

TEST_CASE("a call passes arguments on to a function on another PE" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(2), simulated(1, 2)}) {
        seen far;
        run(chosen, [&](pe& p) {
            post<&values>(p, 1, &far, 1, "a");
            post<&references>(p, 1, &far, std::string("b"), std::make_unique<int>(2));
        });
        CHECK(std::set<std::string>(far.calls.begin(), far.calls.end()) == std::set<std::string>{"1a", "b2"});
    }
}

TEST_CASE("a call is known by the name of its function") {
    CHECK(call<&nothing>::name() == "call_test::nothing");
    CHECK(call<&of_type<std::set<int*>>::nothing>::name().starts_with("call_test::of_type<std::set<int*, "));
    CHECK(call<&of_type<std::set<int*>>::nothing>::name().ends_with(" >::nothing"));
    CHECK(call<&nothing_of<int>>::name() == "call_test::nothing_of<int>");
    CHECK(call<&nothing>::operations.system);
    CHECK((call<&nothing>::operations.encode != nullptr));
    CHECK((call<&references>::operations.encode == nullptr)); // a raw pointer stays in its process
    CHECK(call<&nothing>::operations.payload_bytes == 0);
    CHECK(call<&throws>::operations.payload_bytes == 16);
}

TEST_CASE("arguments are destroyed once, after the call, after an exception, and when the run ends before it" *
          doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(2), simulated(1, 2)}) {
        std::atomic<int> alive = 0;
        run(chosen, [&](pe& p) { post<&throws>(p, 1, counted(&alive), false); });
        CHECK(alive == 0);
        CHECK(error_of(chosen, [&](pe& p) { post<&throws>(p, 1, counted(&alive), true); }) ==
              "so it is (std::runtime_error), on PE 1");
        CHECK(alive == 0);
        run(chosen, [&](pe& p) {
            for (int i = 0; i < 1'000; ++i) post<&throws>(p, 0, counted(&alive), false);
            p.job.stop(0);
        });
        CHECK(alive == 0);
    }
}

TEST_CASE("the text of an exception says what and which type") {
    auto text_of = [](auto&& thrown) {
        try {
            throw thrown;
        } catch (...) {
            const auto e = exception_text::current();
            return e.type + ": " + e.text;
        }
    };
    CHECK(text_of(std::out_of_range("far")) == "std::out_of_range: far");
    CHECK(text_of(motet::error("wrong")) == "motet::error: wrong");
    CHECK(text_of(std::string("text")) == "std::string: text");
    CHECK(text_of("literal") == "const char*: literal");
    CHECK(text_of(7) == "int: an exception that is no std::exception");
}

TEST_CASE("what is no std::exception ends a run all the same") {
    CHECK(error_of(threads(1), [](pe&) { throw 7; }) == "an exception that is no std::exception (int), on PE 0");
}

TEST_CASE("a tree reaches every PE once from any root, and every process but the root's by one message") {
    for (const auto& shape : std::vector<std::pair<pe_number, pe_number>>{{1, 1},
                                                                          {1, 2},
                                                                          {1, 5},
                                                                          {1, 6},
                                                                          {1, 100},
                                                                          {2, 1},
                                                                          {6, 1},
                                                                          {21, 1},
                                                                          {1000, 1},
                                                                          {2, 2},
                                                                          {3, 4},
                                                                          {22, 7},
                                                                          {100, 22}}) {
        const pe_number width = shape.second, total = shape.first * width;
        for (const pe_number root : {0u, 1u, total / 2, total - 1}) {
            if (root >= total) continue;
            const tree t{root, total, width};
            std::vector<pe_number> reached{root};
            std::size_t across = 0;
            for (std::size_t i = 0; i < reached.size(); ++i) {
                std::uint32_t children = 0;
                t.for_each_child(reached[i], [&](pe_number child) {
                    REQUIRE(t.parent(child) == reached[i]);
                    reached.push_back(child);
                    ++children;
                    across += child / width != reached[i] / width;
                });
                REQUIRE(children == t.child_count(reached[i]));
                REQUIRE(children <= 8);
            }
            CHECK(reached.size() == total);
            CHECK(std::set<pe_number>(reached.begin(), reached.end()).size() == total);
            CHECK(across == shape.first - 1);
        }
    }
}
