// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace motet_test;
using motet::serial::decode;
using motet::serial::encode;

namespace {
struct chain_link {
    int value = 0;
    std::unique_ptr<chain_link> next;
};
struct node {
    int value = 0;
    std::shared_ptr<node> next;
    std::weak_ptr<node> back;
};
struct base {
    int value = 0;
};

/// What it shares is made when it is written, and gone when the next one is.
struct maker {
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        auto made = std::make_shared<int>(value);
        archive(made);
        value = *made;
    }
};

std::unique_ptr<chain_link> chain_of(int length) {
    std::unique_ptr<chain_link> chain;
    for (int i = 0; i < length; ++i) {
        auto next = std::make_unique<chain_link>();
        next->value = i;
        next->next = std::move(chain);
        chain = std::move(next);
    }
    return chain;
}
} // namespace

TEST_CASE("what a unique_ptr owns comes back") {
    const auto text = decode<std::unique_ptr<std::string>>(encode(std::make_unique<std::string>("owned")));
    REQUIRE(text != nullptr);
    CHECK(*text == "owned");
    CHECK(decode<std::unique_ptr<int>>(encode(std::unique_ptr<int>())) == nullptr);
    CHECK(*decode<std::unique_ptr<const int>>(encode(std::make_unique<const int>(4))) == 4);
    const auto chain = decode<std::unique_ptr<chain_link>>(encode(chain_of(3)));
    CHECK(chain->next->next->value == 0);
    CHECK(chain->next->next->next == nullptr);
}

TEST_CASE("an object that is there is read into") {
    auto used = std::make_unique<std::string>("a text that is longer than sixteen");
    const std::string* where = used.get();
    motet::serial::decode_into(encode(std::make_unique<std::string>("new")), used);
    CHECK(used.get() == where);
    CHECK(*used == "new");
}

TEST_CASE("sharing is kept inside one archive") {
    const auto one = std::make_shared<std::string>("shared");
    const std::vector<std::shared_ptr<std::string>> all{one, nullptr, one, std::make_shared<std::string>("other")};
    const auto back = decode<std::vector<std::shared_ptr<std::string>>>(encode(all));
    REQUIRE(back.size() == 4);
    CHECK(*back[0] == "shared");
    CHECK(back[0] == back[2]);
    CHECK(back[1] == nullptr);
    CHECK(*back[3] == "other");
    CHECK(back[0].use_count() == 2);
    const std::pair<std::shared_ptr<const std::string>, std::shared_ptr<std::string>> mixed{one, one};
    const auto mixed_back = decode<std::remove_const_t<decltype(mixed)>>(encode(mixed));
    CHECK(mixed_back.first == mixed_back.second);
}

TEST_CASE("one address may be two objects") {
    const auto outer = std::make_shared<base>(base{5});
    const std::pair<std::shared_ptr<base>, std::shared_ptr<int>> both{outer,
                                                                      std::shared_ptr<int>(outer, &outer->value)};
    const auto back = decode<std::remove_const_t<decltype(both)>>(encode(both));
    CHECK(back.first->value == 5);
    CHECK(*back.second == 5);
}

TEST_CASE("an object that another one takes the place of while the archive is written stays another one") {
    const auto back = decode<std::vector<maker>>(encode(std::vector<maker>{{1}, {2}, {3}}));
    REQUIRE(back.size() == 3);
    for (int i = 0; i < 3; ++i) CHECK(back[static_cast<std::size_t>(i)].value == i + 1);
}

TEST_CASE("cycles come back as cycles") {
    const auto ring = std::make_shared<node>();
    ring->value = 1;
    ring->next = std::make_shared<node>();
    ring->next->value = 2;
    ring->next->next = ring;
    ring->next->back = ring;
    const auto back = decode<std::shared_ptr<node>>(encode(ring));
    CHECK(back->next->value == 2);
    CHECK(back->next->next == back);
    CHECK(back->next->back.lock() == back);
    back->next.reset();
    ring->next.reset();
}

TEST_CASE("a weak_ptr keeps nothing alive") {
    const auto owner = std::make_shared<int>(3);
    const std::pair<std::weak_ptr<int>, std::shared_ptr<int>> weak_first{owner, owner};
    const auto back = decode<std::remove_const_t<decltype(weak_first)>>(encode(weak_first));
    CHECK(back.first.lock() == back.second);
    CHECK(decode<std::weak_ptr<int>>(encode(std::weak_ptr<int>(owner))).expired());
    CHECK(decode<std::weak_ptr<int>>(encode(std::weak_ptr<int>())).expired());
}

TEST_CASE("a reference to an object that is not there, or of another type, is refused") {
    using two = std::pair<std::shared_ptr<int>, std::shared_ptr<float>>;
    CHECK_THROWS_AS(decode<std::shared_ptr<int>>(bytes_of(2, 0)), motet::decode_error);
    CHECK_THROWS_AS(decode<std::shared_ptr<int>>(bytes_of(3, 0, 0, 0, 0)), motet::decode_error);
    CHECK_THROWS_AS(decode<two>(bytes_of(1, 9, 0, 0, 0, 2, 0)), motet::decode_error);
    const motet::decode_error error = failure_of<two>(bytes_of(1, 9, 0, 0, 0, 2, 1));
    CHECK(error.path == "[1]");
}

TEST_CASE("nesting has a limit in both directions") {
    const int most = motet::serial::max_depth;
    CHECK(decode<std::unique_ptr<chain_link>>(encode(chain_of(most - 1)))->value == most - 2);
    CHECK_THROWS_WITH_AS(encode(chain_of(most + 1)), doctest::Contains("nested deeper than 500 levels"), motet::error);
    // present, a value, present, a value, ...
    std::vector<std::byte> deep;
    for (int i = 0; i < 100'000; ++i) {
        for (const int byte : {1, 0, 0, 0, 0}) deep.push_back(static_cast<std::byte>(byte));
    }
    CHECK(failure_of<std::unique_ptr<chain_link>>(deep).reason == "nested deeper than 500 levels");
    std::vector<std::byte> shared_deep(deep);
    CHECK(failure_of<std::shared_ptr<node>>(shared_deep).reason == "nested deeper than 500 levels");
}
