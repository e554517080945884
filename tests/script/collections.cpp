// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <string>
#include <vector>

using namespace motet_test;

namespace collections_test {

struct box {
    std::int64_t number = 0;
    void set(std::int64_t n) { number = n; }
    std::int64_t get() const { return number; }
    std::int64_t slow() const {
        motet::sleep_for(std::chrono::milliseconds(1));
        return number;
    }
};
MOTET_SCRIPT(box, slow)

} // namespace collections_test

using namespace collections_test;

TEST_CASE("a script runs in every element, with variables of its own, and results come by index") {
    everywhere([] {
        const auto boxes = motet::array<box, motet::grid<2>>::create({3, 2}, box{});
        const auto all = motet::run_script(boxes, {.code = "x = ck.myindex()[0] * 10 + ck.myindex()[1]\n"
                                                           "self.number = x\nprint(x)\nx"})
                             .get();
        REQUIRE(all.size() == 6);
        for (std::size_t i = 0; i < 6; ++i) {
            const auto row = static_cast<std::int64_t>(i / 2);
            const auto column = static_cast<std::int64_t>(i % 2);
            CHECK(all[i].index == std::vector<std::int64_t>{row, column});
            CHECK(said(all[i]) == std::to_string(row * 10 + column));
            CHECK(all[i].output == std::to_string(row * 10 + column) + "\n");
        }
        CHECK(boxes.reduce<&box::get>(motet::sum).get() == 63);
        CHECK(motet::run_script(motet::array<box>::create(), {.code = "1"}).get().empty());
    });
}

TEST_CASE("in groups and node groups too") {
    everywhere([] {
        const auto group = motet::group<box>::create(box{});
        const auto nodes = motet::node_group<box>::create(box{});
        const auto of_group = motet::run_script(group, {.code = "ck.mype()"}).get();
        REQUIRE(static_cast<std::int64_t>(of_group.size()) == motet::pe_count());
        for (std::size_t i = 0; i < of_group.size(); ++i) CHECK(said(of_group[i]) == std::to_string(i));
        CHECK(static_cast<std::int64_t>(motet::run_script(nodes, {.code = "ck.mynode()"}).get().size()) ==
              motet::process_count());
    });
}

TEST_CASE("where it fails in one element, the others go on and the errors come by index") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(5, box{});
        const auto all = motet::run_script(boxes, {.code = "self.number = 1 // (ck.myindex()[0] - 3)"}).get();
        REQUIRE(all.size() == 5);
        for (std::size_t i = 0; i < 5; ++i) CHECK(all[i].failed() == (i == 3));
        CHECK(said(all[3]) == "ZeroDivisionError: integer division or modulo by zero");
        CHECK(boxes[4].ask<&box::get>().get() == 1);
    });
}

TEST_CASE("while elements are inserted, erased and moved, and scripts wait") {
    everywhere([] {
        const auto boxes = motet::array<box>::create();
        for (std::int64_t i = 0; i < 8; ++i) boxes.insert(i, box{i}).get();
        std::vector<motet::future<std::vector<motet::script_outcome>>> under_way;
        for (int round = 0; round < 4; ++round) {
            under_way.push_back(
                motet::run_script(boxes, {.code = "charm.slow() + ck.myindex()[0]", .high_level = true}));
            boxes.insert(10 + round, box{10 + round}).get();
            boxes[round].move_to(round % motet::pe_count()).get();
            boxes[7 - round].erase().get();
        }
        for (std::size_t round = 0; round < 4; ++round) {
            std::int64_t before = -1;
            for (const auto& one : under_way[round].get()) {
                CHECK(one.index[0] > before);
                before = one.index[0];
                CHECK(said(one) == std::to_string(2 * before));
            }
        }
        std::string indices;
        for (const auto& one : motet::run_script(boxes, {.code = "ck.myindex()[0]"}).get()) indices += said(one) + " ";
        CHECK(indices == "0 1 2 3 10 11 12 13 ");
    });
}

TEST_CASE("a script for an element that does not exist fails as a call would") {
    for (const auto& chosen : some())
        run_well(chosen, [] {
            const auto boxes = motet::array<box>::create(3, box{});
            CHECK(
                contains(thrown_by([&] { motet::run_script(boxes[5], {.code = "1"}).get(); }), "there is no element"));
            const auto sparse = motet::array<box>::create();
            sparse.insert(1, box{}).get();
            sparse[1].erase().get();
            CHECK(contains(thrown_by([&] { motet::run_script(sparse[1], {.code = "1"}).get(); }), "box[1]"));
        });
}
