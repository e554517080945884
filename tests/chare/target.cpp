// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace target_test {

struct receiver {
    std::vector<int> got;
    std::string text;
    int pulses = 0;

    void take(int n) { got.push_back(n); }
    void take_text(const std::string& s) { text += s; }
    void take_span(std::span<const int> v) { got.insert(got.end(), v.begin(), v.end()); }
    void pulse() { ++pulses; }
    int count() const { return pulses; }
    std::vector<int> all() const { return got; }
    std::string all_text() const { return text; }
};

struct giver {
    motet::target<int> kept;
    void give(motet::target<int> to, int n) const { to.send(n); }
    void keep(motet::target<int> to) { kept = to; }
    void give_kept(int n) const { kept.send(n); }
    void pulse(motet::target<void> to) const { to.send(); }
    void fail(motet::target<int> to) const { to.fail("nothing to give"); }
};

} // namespace target_test

using namespace target_test;

TEST_CASE("a value goes to a method of an element, of every element, of a single chare, to a future") {
    everywhere([] {
        const auto receivers = motet::array<receiver>::create(5);
        const auto one = motet::chare<receiver>::create();
        const auto givers = motet::array<giver>::create(3);
        givers[1].ask<&giver::give>(receivers[3].to<&receiver::take>(), 4).get();
        givers[2].ask<&giver::give>(receivers.to<&receiver::take>(), 5).get();
        givers[0].ask<&giver::give>(one.to<&receiver::take>(), 6).get();
        auto [f, p] = motet::make_future<int>();
        givers[0].tell<&giver::give>(p, 7);
        CHECK(f.get() == 7);
        givers.all<&giver::pulse>(receivers[0].to<&receiver::pulse>()).get();
        givers.all<&giver::pulse>(receivers.to<&receiver::pulse>()).get();
        receivers[1].to<&receiver::take_text>().send("text");
        receivers[1].to<&receiver::take_span>().send(std::vector<int>{8, 9});
        motet::to<&receiver::take>(receivers[1]).send(10);
        motet::quiescence().get();
        CHECK(receivers[3].ask<&receiver::all>().get().size() == 2);
        CHECK(receivers[0].ask<&receiver::all>().get() == std::vector<int>{5});
        CHECK(one.ask<&receiver::all>().get() == std::vector<int>{6});
        CHECK(receivers.gather<&receiver::count>().get() == std::vector<int>{6, 3, 3, 3, 3});
        CHECK(receivers[1].ask<&receiver::all_text>().get() == "text");
        CHECK(receivers[1].ask<&receiver::all>().get().size() == 4);
    });
}

TEST_CASE("a target kept in a field moves with its chare, and finds a receiver that moved") {
    everywhere([] {
        const auto receivers = motet::array<receiver>::create(3);
        const auto givers = motet::array<giver>::create(3);
        givers.all<&giver::keep>(receivers[2].to<&receiver::take>()).get();
        for (int i = 0; i < 6; ++i) {
            givers[1].move_to(i % motet::pe_count()).get();
            receivers[2].move_to((i * 3 + 1) % motet::pe_count()).get();
            givers[1].tell<&giver::give_kept>(i);
        }
        motet::quiescence().get();
        CHECK(receivers[2].ask<&receiver::all>().get().size() == 6);
    });
}

TEST_CASE("a target that leads nowhere takes everything; a failure ends up where somebody waits, or ends the program") {
    everywhere([] {
        const motet::target<int> nowhere;
        CHECK(!nowhere);
        nowhere.send(3);
        nowhere.fail("no matter");
        const auto givers = motet::array<giver>::create(2);
        givers.all<&giver::give>(nowhere, 1).get();
        auto [f, p] = motet::make_future<int>();
        CHECK(p);
        givers[1].tell<&giver::fail>(p);
        CHECK(contains(thrown_by([&f = f] { f.get(); }), "nothing to give"));
    });
    for (const auto& chosen : some())
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto receivers = motet::array<receiver>::create(2);
                                    motet::array<giver>::create(2)[1].tell<&giver::fail>(
                                        receivers[0].to<&receiver::take>());
                                    motet::quiescence().get();
                                }),
                       "nothing to give"));
}
