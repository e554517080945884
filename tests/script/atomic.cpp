// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

using namespace motet_test;

namespace atomic_test {

struct box {
    std::int64_t number = 1;
    std::vector<double> row{1, 2, 3};
    std::map<std::string, std::int64_t> named{{"a", 1}};
    bool go = false;
    bool parked = false;
    std::int64_t received = 0;

    void take(std::int64_t n) { received += n; }
    std::int64_t get() const { return number; }
    std::int64_t got() const { return received; }
    void set(std::int64_t n) { number = n; }
    void release() { go = true; }
    bool is_parked() const { return parked; }
    std::int64_t until_released() {
        parked = true;
        motet::wait([&] { return go; });
        return number;
    }
    /// Sends to the next one.
    void send(std::int64_t n) {
        const auto i = motet::this_index<std::int64_t>();
        motet::this_collection<box, std::int64_t>()[(i + 1) % 4].tell<&box::take>(n);
        if (i == 0) motet::this_collection<box, std::int64_t>()[0].tell<&box::take>(10 * n);
    }
    void give() { motet::contribute(motet::target<void>()); }
    void nap() { motet::sleep_for(std::chrono::milliseconds(1)); }
};
MOTET_SCRIPT(box, send, give, nap, until_released)

struct counter {
    std::int64_t kept = 0;
    motet::transient<std::int64_t> passing;
    void count() { ++kept, ++passing.value; }
    std::vector<std::int64_t> both() const { return {kept, passing.value}; }
    std::uint64_t timers() const { return motet::runtime::this_pe().sleeping; }
};
MOTET_SCRIPT(counter, count)

motet::script_request atomic(std::string code) { return {.code = std::move(code), .high_level = true, .atomic = true}; }

/// All that the boxes have received, when nothing moves any more.
std::int64_t received(const motet::array<box>& boxes) {
    motet::quiescence().get();
    return boxes.reduce<&box::got>(motet::sum).get();
}

} // namespace atomic_test

using namespace atomic_test;

TEST_CASE("an atomic script that fails has not been: fields, messages, output; what is transient stays") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(4, box{});
        const std::string changes = "view = self.row\nself.number = 7\nself.row[0] = 9\nself.row.append(4)\n"
                                    "self.named['b'] = 2\ndel self.named['a']\ncharm.send(5)\nprint('done')\n";
        auto outcome = motet::run_script(boxes[0], atomic(changes + "1 // 0")).get();
        CHECK(said(outcome) == "ZeroDivisionError: integer division or modulo by zero");
        CHECK(outcome.output == "");
        CHECK(received(boxes) == 0);
        const char* const look = "(self.number, self.row.tolist(), dict(self.named.items()))";
        CHECK(said(motet::run_script(boxes[0], {.code = look}).get()) == "(1, [1, 2, 3], {'a': 1})");
        const auto counters = motet::group<counter>::create(counter{}); // they do not move
        CHECK(motet::run_script(counters[0], atomic("charm.count()\nfailing")).get().failed());
        CHECK(counters[0].ask<&counter::both>().get() == std::vector<std::int64_t>{0, 1});

        outcome = motet::run_script(boxes[0], atomic(changes + "self.number")).get();
        CHECK(said(outcome) == "7");
        CHECK(outcome.output == "done\n");
        CHECK(received(boxes) == 55);
        CHECK(said(motet::run_script(boxes[0], {.code = look}).get()) == "(7, [9, 2, 3, 4], {'b': 2})");
        // What cannot be held, and what waits, is refused; and undone.
        CHECK(said(motet::run_script(boxes[0], atomic("self.number = 8\ncharm.give()")).get())
                  .find("motet::contribute: not in an atomic script") != std::string::npos);
        CHECK(motet::run_script(boxes[0], atomic("self.number = 8\ncharm.nap()")).get().failed());
        CHECK(boxes[0].ask<&box::get>().get() == 7);
    });
}

TEST_CASE("two transactions on one chare do not see each other in the middle") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(4, box{});
        std::vector<motet::future<motet::script_outcome>> all;
        for (int i = 0; i < 6; ++i)
            all.push_back(motet::run_script(
                boxes[2], atomic("before = self.number\nself.number = -1\ncharm.send(1)\nself.number = before * 2\n"
                                 "if ck.myindex() and " +
                                 std::to_string(i % 2) + ": raise KeyError(before)")));
        int failed = 0;
        for (auto& each : all) failed += each.get().failed() ? 1 : 0;
        CHECK(failed == 3);
        CHECK(boxes[2].ask<&box::get>().get() == 8);
        CHECK(received(boxes) == 3);
    });
}

TEST_CASE("it begins when no other method stands in the chare, and says what does if that takes too long") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(4, box{});
        auto parked = boxes[1].ask<&box::until_released>();
        while (!boxes[1].ask<&box::is_parked>().get()) {}
        auto request = atomic("self.number = 5");
        request.limit = 0.05;
        const std::string why = said(motet::run_script(boxes[1], request).get());
        INFO(why);
        CHECK(why.find("until_released") != std::string::npos);
        CHECK(boxes[1].ask<&box::get>().get() == 1);
        auto later = motet::run_script(boxes[1], atomic("self.number += 1"));
        boxes[1].ask<&box::set>(10).get(); // others go before
        boxes[1].tell<&box::release>();
        CHECK(parked.get() == 10);
        CHECK_FALSE(later.get().failed());
        CHECK(boxes[1].ask<&box::get>().get() == 11);
        // Neither the time that was over nor the one that was not needed is waited for by whoever wants all to rest.
        // (One that a chare has left behind comes to nothing.)
        if (motet::runtime::this_pe().job.sim) return;
        CHECK(motet::group<counter>::create(counter{}).reduce<&counter::timers>(motet::sum).get() == 0);
    });
}

TEST_CASE("a transaction over a collection happens everywhere or nowhere, and one after the other") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(4, box{});
        const std::string changes = "self.number *= 2\ncharm.send(1)\nprint('x')\n";
        auto all = motet::run_script(boxes, atomic(changes + "1 // (ck.myindex()[0] - 2)")).get();
        REQUIRE(all.size() == 4);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(all[i].error_type == (i == 2 ? "ZeroDivisionError" : "Undone"));
            CHECK(all[i].output == "");
        }
        CHECK(boxes.reduce<&box::get>(motet::sum).get() == 4);
        CHECK(received(boxes) == 0);

        std::vector<motet::future<std::vector<motet::script_outcome>>> under_way;
        for (int i = 0; i < 3; ++i)
            under_way.push_back(motet::run_script(boxes, atomic(changes + (i == 1 ? "1 // ck.myindex()[0]" : "0"))));
        for (std::size_t i = 0; i < 3; ++i)
            for (const auto& each : under_way[i].get()) CHECK(each.failed() == (i == 1));
        CHECK(boxes.reduce<&box::get>(motet::sum).get() == 16);
        CHECK(received(boxes) == 2 * (4 + 10));

        // One that cannot be sent holds up no other.
        CHECK(contains(thrown_by([&] {
                           motet::run_script(boxes, atomic("1"), {.slices = {{}, {}}}).get();
                       }),
                       "an index of 1 numbers takes as many slices"));
        for (const auto& each : motet::run_script(boxes, atomic("1")).get()) CHECK_FALSE(each.failed());

        // One chare that never becomes free: nothing happens anywhere, and nothing stays locked.
        auto parked = boxes[3].ask<&box::until_released>();
        while (!boxes[3].ask<&box::is_parked>().get()) {}
        auto request = atomic("self.number = 0");
        request.limit = 0.05;
        int refused = 0;
        for (const auto& each : motet::run_script(boxes, request).get())
            refused += each.error.find("until_released") != std::string::npos ? 1 : 0;
        CHECK(refused == 1);
        boxes[3].tell<&box::release>();
        parked.get();
        CHECK(boxes.reduce<&box::get>(motet::sum).get() == 16);
    });
}
