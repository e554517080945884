// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <string>
#include <utility>
#include <vector>

namespace {

class account { // a class with private state
public:
    account() = default;
    account(std::string owner, double balance) : owner_(std::move(owner)), balance_(balance) {}
    bool operator==(const account&) const = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(owner_, balance_);
        if constexpr (!Archive::is_writing) reads_ = 1;
        archive(notes_);
    }
    int reads() const { return reads_; }

private:
    std::string owner_;
    double balance_ = 0;
    std::vector<int> notes_;
    int reads_ = 0;
};

struct forgetful { // a plain struct that would be reflected otherwise
    int kept = 0;
    int transient = 0;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(kept);
    }
};

struct silent {
    bool operator==(const silent&) const = default;
    template <class Archive>
    void serialize(Archive&) {}
};

} // namespace

namespace third_party {

class money {
public:
    money() = default;
    explicit money(long cents) : cents_(cents) {}
    long cents() const { return cents_; }
    void set(long cents) { cents_ = cents; }
    bool operator==(const money&) const = default;

private:
    long cents_ = 0;
};

template <class Archive>
void serialize(Archive& archive, money& value) {
    long cents = value.cents();
    archive(cents);
    value.set(cents);
}

} // namespace third_party

using namespace motet_test;

TEST_CASE("a serialize of one's own is used, as a member or beside the type") {
    round_trip(third_party::money(499));
    round_trip(std::vector<third_party::money>{third_party::money(1), third_party::money(2)});
    const account mine("me", 3.5);
    const auto back = motet::serial::decode<account>(motet::serial::encode(mine));
    CHECK(back.reads() == 1);
    CHECK_FALSE(back == mine);
}

TEST_CASE("it goes before reflection") {
    const auto back = motet::serial::decode<forgetful>(motet::serial::encode(forgetful{1, 2}));
    CHECK(back.kept == 1);
    CHECK(back.transient == 0);
    CHECK(motet::serial::encode(std::vector<forgetful>(10)).size() == 1 + 10 * sizeof(int));
}

TEST_CASE("what writes nothing still takes a byte, so that its number is bounded") {
    round_trip(std::vector<silent>(3));
    CHECK(motet::serial::encode(std::vector<silent>(100)).size() == 101);
}

TEST_CASE("the path has the numbers of nameless items") {
    const auto bytes = motet::serial::encode(std::vector<account>{account("me", 1), account("you", 2)});
    CHECK(failure_of<std::vector<account>>(bytes.bytes().first(bytes.size() - 1)).path == "[1][2]");
}
