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

TEST_CASE("scripts of the program that run in one chare at the same time have variables of their own") {
    everywhere([] {
        const auto boxes = motet::array<box, motet::grid<2>>::create({1, 2}, box{});
        const auto in_first = [&](const char* n) {
            return motet::run_script(boxes[{0, 0}], {.code = "x = " + std::string(n) + "\ncharm.slow()\nself.number, x",
                                                     .high_level = true});
        };
        auto a = in_first("1");
        auto b = in_first("2");
        CHECK(said(a.get()) == "(0, 1)");
        CHECK(said(b.get()) == "(0, 2)");
    });
}

TEST_CASE("a script runs in chosen elements only: some indices, slices, or those that meet a condition") {
    everywhere([] {
        const auto boxes = motet::array<box, motet::grid<2>>::create({3, 4}, box{});
        const auto in = [&](motet::chosen_elements chosen) {
            std::string all;
            for (const auto& one : motet::run_script(boxes,
                                                     {.code = "self.number = ck.myindex()[0] * 10 + ck.myindex()[1]\n"
                                                              "self.number"},
                                                     std::move(chosen))
                                       .get())
                all += said(one) + " ";
            return all;
        };
        CHECK(in({.indices = {{2, 1}, {0, 3}, {2, 1}}}) == "3 21 ");
        CHECK(boxes.reduce<&box::get>(motet::sum).get() == 24);
        CHECK(in({.slices = {{.begin = 1}, {.step = 2}}}) == "10 12 20 22 ");
        CHECK(in({.slices = {{.end = 1}, {.begin = 1, .end = 4, .step = 2}}}) == "1 3 ");
        CHECK(in({.where = "index[0] == 2 and self.number < 22"}) == "20 21 23 ");
        CHECK(in({.indices = {{0, 0}, {2, 2}}, .slices = {{.begin = 1}, {}}, .where = "self.number == 22"}) == "22 ");
        CHECK(in({.indices = {{0, 0}}, .slices = {{.begin = 1}, {}}}) == "");
        CHECK(contains(in({.where = "self.nothing"}), "AttributeError"));
        CHECK(contains(thrown_by([&] { in({.slices = {{}}}); }), "an index of 2 numbers takes as many slices"));
        CHECK(contains(thrown_by([&] { in({.indices = {{1}}}); }), "an index of 2 numbers is wanted"));
        const auto sparse = motet::array<box>::create();
        sparse.insert(4, box{4}).get();
        const auto some = motet::run_script(sparse, {.code = "self.number"}, {.indices = {{4}, {5}}}).get();
        REQUIRE(some.size() == 2);
        CHECK(said(some[0]) == "LookupError: there is no box[5]: it was erased, or never inserted");
        CHECK(said(some[1]) == "4");
    });
}

TEST_CASE("what a script gives in many elements is reduced along a tree; errors come by index") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(100, box{});
        const auto reduced = [&](std::string code, std::string how) {
            return motet::run_script(boxes, {.code = std::move(code), .reduce = std::move(how)}).get();
        };
        const auto one = [&](std::string code, std::string how) {
            const auto all = reduced(std::move(code), std::move(how));
            CHECK(all.size() == 1);
            return said(all.at(0));
        };
        CHECK(one("ck.myindex()[0]", "sum") == "4950");
        CHECK(one("float(ck.myindex()[0])", "max") == "99");
        CHECK(one("(ck.myindex()[0] * 37) % 101 - 5", "min") == "-5");
        CHECK(one("ck.myindex()[0] % 3 == 0", "count") == "34");
        CHECK(one("ck.myindex()[0]", "mean") == "49.5");
        CHECK(one("ck.myindex()[0] % 4", "set") == "[0, 1, 2, 3]");
        CHECK(one("ck.myindex()[0] == 7", "any") == "True");
        CHECK(one("ck.myindex()[0] != 7", "all") == "False");
        CHECK(one("import numpy\nnumpy.arange(3) * ck.myindex()[0]", "sum") == "array <i8 3");
        CHECK(one("ck.myindex()[0], 'x'", "lambda a, b: a if a[0] > b[0] else b") == "(99, 'x')");
        CHECK(contains(said(reduced("1", "summ").at(0)), "ValueError: 'summ' is no reducer"));
        CHECK(contains(said(reduced("1", "lambda a, b: a / 0").at(0)), "ZeroDivisionError"));
        const auto some = reduced("1 // (ck.myindex()[0] % 50)", "sum");
        REQUIRE(some.size() == 3);
        CHECK(said(some[0]) == "2");
        CHECK(some[1].failed());
        CHECK(some[1].index.at(0) + some[2].index.at(0) == 50);
        const auto broken = reduced("1 / 0", "sum");
        CHECK(broken.size() == 21);
        CHECK(said(broken.back()) == "RuntimeError: and as much in 80 more elements");
        CHECK(said(motet::run_script(motet::array<box>::create(), {.code = "1", .reduce = "sum"}).get().at(0)) ==
              "None");
    });
}
