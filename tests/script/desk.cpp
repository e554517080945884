// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"
#include "served_box.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

using namespace motet_test;
using motet::script_answer;
using motet::script::desk;
using served_test::box;

namespace desk_test {

motet::execute_request request(std::string code, bool wait = true, bool persistent = false, std::uint32_t handle = 0) {
    motet::execute_request r;
    r.name = "boxes";
    r.index = {1};
    r.wait = wait;
    r.script.code = std::move(code);
    r.script.persistent = persistent;
    r.script.handle = handle;
    return r;
}

struct clerk {
    motet::runtime::pe& p = motet::runtime::this_pe();
    desk& d = desk::of(p);
    kept_answer execute(motet::execute_request r) const {
        kept_answer a;
        d.execute(p, std::move(r), a.to());
        return a;
    }
    kept_answer print(std::uint32_t handle, bool wait, bool kill = false) const {
        kept_answer a;
        d.print(handle, wait, kill, a.to());
        return a;
    }
    kept_answer finished(std::uint32_t handle, bool wait) const {
        kept_answer a;
        d.finished(handle, wait, a.to());
        return a;
    }
};

motet::execute_request in_main(std::string code, bool wait = true) {
    motet::execute_request r = request(std::move(code), wait);
    r.name = "main";
    r.index = {};
    r.script.high_level = true;
    return r;
}

/// What goes on after a restart, and what came of it.
struct successor {
    motet::array<box> boxes;
    motet::chare<box> one;
    static inline bool too_early = true;
    static inline std::string said_then;

    void go_on() {
        motet::serve(boxes, "boxes");
        motet::serve(one, "one");
        const clerk c;
        const kept_answer first = c.execute(in_main("len(boxes)"));
        motet::quiescence().get(); // its answer comes to no chare, and so wakes up no condition
        CHECK(said(first.wait().outcomes.at(0)) == "3");
        motet::execute_request r = request("charm.when_told()\n'the new one'"); // the second one, as that one was
        r.name = "one";
        r.index = {};
        r.script.high_level = true;
        const kept_answer a = c.execute(r);
        boxes.tell<&box::tell_it>(); // the one from before the restart ends
        motet::quiescence().get();
        too_early = a.came() || boxes.reduce<&box::get>(motet::sum).get() != 24;
        one.tell<&box::tell_it>();
        motet::quiescence().get();
        said_then = said(a.wait().outcomes.at(0));
    }
};

} // namespace desk_test

using namespace desk_test;

TEST_CASE("the desk runs scripts by name and index, and says what there is") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(3, box{});
        motet::serve(boxes, "boxes");
        motet::serve(motet::chare<box>::create(box{9}), "one");
        const clerk c;
        kept_answer names;
        c.d.list(names.to());
        REQUIRE(names.wait().names.size() == 2);
        CHECK(names.wait().names[0].name == "boxes");
        CHECK(names.wait().names[1].type == "box");

        CHECK(said(c.execute(request("self.number + ck.myindex()[0]")).wait().outcomes.at(0)) == "6");
        auto r = request("self.number");
        r.index = {};
        CHECK(c.execute(r).wait().outcomes.size() == 3);
        r.name = "one";
        CHECK(said(c.execute(r).wait().outcomes.at(0)) == "9");
        r.name = "none";
        CHECK(c.execute(r).wait().error == "nothing is served under the name 'none'; there is boxes, one");
        r.name = "boxes";
        r.index = {1, 2};
        CHECK(contains(c.execute(r).wait().error, "an index of 1 numbers is wanted, and these are 2"));
        r.index = {7};
        CHECK(contains(said(c.execute(r).wait().outcomes.at(0)), "there is no element"));
    });
}

TEST_CASE("handles: new, persistent, busy, unknown, dead and foreign ones") {
    everywhere(
        [] {
            const auto boxes = motet::array<box>::create(3, box{});
            motet::serve(boxes, "boxes");
            motet::serve(boxes, "again");
            const clerk c;
            const auto first = c.execute(request("x = 1", true, true)).wait().handle;
            CHECK(first == 1);
            CHECK(said(c.execute(request("x += 1\nx", true, true, first)).wait().outcomes.at(0)) == "2");
            CHECK(c.execute(request("1", true, false, 77)).wait().error == "there is no interpreter 77");
            auto foreign = request("x", true, true, first);
            foreign.name = "again";
            CHECK(c.execute(foreign).wait().error == "interpreter 1 belongs to boxes");
            const auto second = c.execute(request("1")).wait().handle;
            CHECK(second == 2);
            CHECK(c.execute(request("1", true, false, second)).wait().error ==
                  "interpreter 2 was not persistent: its variables are gone");
            auto slow = request("charm.when_told()", false, true, first);
            slow.script.high_level = true;
            CHECK(c.execute(slow).wait().handle == first);
            CHECK(c.execute(request("x", true, true, first)).wait().error == "interpreter 1 still runs a script");
            CHECK(c.finished(first, false).wait().handle == 0);
            const auto end = c.finished(first, true);
            CHECK(!end.came());
            boxes[1].tell<&box::tell_it>();
            CHECK(said(end.wait().outcomes.at(0)) == "5");
            CHECK(c.finished(first, false).wait().handle == first);
            CHECK(said(c.execute(request("x", true, false, first)).wait().outcomes.at(0)) == "2");
            CHECK(contains(c.execute(request("x", true, false, first)).wait().error, "its variables are gone"));
            // An element that comes after another one under its index does not find its variables.
            const auto sparse = motet::array<box>::create();
            sparse.insert(1, box{}).get();
            motet::serve(sparse, "sparse");
            const auto in_sparse = [&](std::string code, std::uint32_t handle) {
                auto r = request(std::move(code), true, true, handle);
                r.name = "sparse";
                return c.execute(r).wait();
            };
            const auto third = in_sparse("x = 7", 0).handle;
            CHECK(said(in_sparse("x", third).outcomes.at(0)) == "7");
            sparse[1].erase().get();
            sparse.insert(1, box{}).get();
            CHECK(contains(said(in_sparse("x", third).outcomes.at(0)), "NameError: name 'x' is not defined"));
        },
        moves::none);
}

TEST_CASE("prints are kept until they are asked for, and outlive their script") {
    everywhere([] {
        const auto boxes = motet::array<box>::create(3, box{});
        motet::serve(boxes, "boxes");
        const clerk c;
        const auto handle = c.execute(request("print('a')", false)).wait().handle;
        c.finished(handle, true).wait();
        CHECK(c.print(handle, true).wait().output == "a\n");
        CHECK(c.print(handle, true).wait().output == "");
        CHECK(c.print(99, true).wait().error == "there is no interpreter 99");
        CHECK(c.execute(request("print('b')")).wait().output == "b\n");

        if (this_job().size > 1) return; // what is printed in another process comes at the end, if nobody listens
        auto slow = request("print('c')\ncharm.when_told()", false);
        slow.script.high_level = true;
        const auto other = c.execute(slow).wait().handle;
        std::string text;
        while (text != "c\n") { // it still runs
            text += c.print(other, false).wait().output;
            motet::sleep_for(std::chrono::milliseconds(1));
        }
        const auto earlier = c.print(other, true);
        CHECK(!earlier.came());
        const auto later = c.print(other, true);
        CHECK(earlier.wait().output == "");
        CHECK(!later.came());
        CHECK(c.print(other, false).wait().output == "");
        CHECK(later.came());
        const auto killed = c.print(other, true);
        CHECK(c.print(other, true, true).wait().output == "");
        CHECK(killed.wait().output == "");
        const auto last = c.print(other, true);
        boxes[1].tell<&box::tell_it>();
        CHECK(last.wait().output == "");
    });
}

TEST_CASE("threads of a script print where it does, also when it has ended; what it does to sys.stdout ends with it") {
    on_threads([] {
        const auto boxes = motet::array<box>::create(3, box{});
        motet::serve(boxes, "boxes");
        const clerk c;
        if (this_job().size > 1) return; // in another process it is the program's own output
        const auto answer = c.execute(request("import threading, time\n"
                                              "def speak():\n"
                                              "    print('at once')\n"
                                              "    said.set()\n"
                                              "    go_on.wait()\n"
                                              "    print('later')\n"
                                              "    threading.Thread(target=print, args=('of its own',)).start()\n"
                                              "said, go_on = threading.Event(), threading.Event()\n"
                                              "threading.Thread(target=speak).start()\n"
                                              "said.wait()",
                                              true, true))
                                .wait();
        CHECK(answer.output == "at once\n");
        std::string later = c.execute(request("go_on.set()", true, true, answer.handle)).wait().output;
        while (later.size() < 17) later += c.print(answer.handle, false).wait().output;
        CHECK(later == "later\nof its own\n");
        c.execute(request("import io, sys\nsys.stdout = sys.stderr = io.StringIO()\nprint('gone')")).wait();
        CHECK(c.execute(request("print('here')")).wait().output == "here\n");
    });
}

TEST_CASE("output is bounded, and ended handles are forgotten") {
    one(threads(1), [] {
        const auto boxes = motet::array<box>::create(3, box{});
        motet::serve(boxes, "boxes");
        const clerk c;
        auto all = request("print('x' * 700000)", false);
        all.index = {};
        const auto handle = c.execute(all).wait().handle;
        c.finished(handle, true).wait();
        const std::string output = c.print(handle, true).wait().output;
        CHECK(output.size() < (1u << 20) + 100);
        CHECK(contains(output, "[1051427 bytes of output dropped]"));
        for (int i = 0; i < 1001; ++i) c.execute(request("1")).wait();
        CHECK(c.finished(handle, false).wait().error == "there is no interpreter 1");
        CHECK(c.finished(handle + 1001, false).wait().error == "");
    });
}

TEST_CASE("scripts that belong to no chare run once, under the name main, and see what each PE does") {
    everywhere(
        [] {
            const auto boxes = motet::array<box>::create(3, box{});
            motet::serve(boxes, "boxes");
            CHECK(contains(thrown_by([&] { motet::serve(boxes, "main"); }),
                           "the name 'main' is that of the program itself"));
            const clerk c;
            const auto in_main = [&](std::string code, std::uint32_t handle = 0) {
                auto r = desk_test::in_main(std::move(code));
                r.script.persistent = true;
                r.script.handle = handle;
                return c.execute(r).wait();
            };
            const auto first = in_main("x = 4\nck.mype()");
            REQUIRE(first.outcomes.size() == 1);
            CHECK(first.outcomes[0].index.empty());
            CHECK(said(first.outcomes[0]) == "0");
            CHECK(said(in_main("x + 1", first.handle).outcomes.at(0)) == "5");
            CHECK(contains(said(in_main("x").outcomes.at(0)), "NameError"));
            const std::string pes = std::to_string(motet::pe_count());
            CHECK(said(in_main("[c.pe for c in charm.counters()] == list(range(" + pes + "))").outcomes.at(0)) ==
                  "True");
            CHECK(said(in_main("sum(c.chares for c in charm.counters()) >= 4").outcomes.at(0)) == "True");
            in_main("charm.entries()"); // counts from now on
            boxes.all<&box::tell_it>().get();
            CHECK(said(in_main("[(e.name, e.calls) for e in charm.entries() if 'tell_it' in e.name]").outcomes.at(0)) ==
                  "[('served_test::box::tell_it', 3)]");
            kept_answer names;
            c.d.list(names.to());
            CHECK(names.wait().names.size() == 1);
        },
        moves::none);
}

TEST_CASE("a checkpoint does not wait for scripts in main, and what it has of scripts answers nobody after a restart") {
    if (this_job().size > 1) return;
    const std::string folder = "/tmp/motet-desk-" + std::to_string(getpid());
    run_well(threads(1), [&] {
        const auto boxes = motet::array<box>::create(3, box{});
        const auto next = motet::chare<successor>::create(successor{boxes, motet::chare<box>::create(box{}, 0)}, 0);
        motet::serve(boxes, "boxes");
        const clerk c;
        const std::uint32_t sleeper = c.execute(in_main("boxes[0].number = 6\ncharm.sleep(1e6)", false)).wait().handle;
        while (boxes[0].ask<&box::get>().get() != 6) motet::sleep_for(std::chrono::milliseconds(1));
        motet::future<void> saved = motet::checkpoint(folder, next.to<&successor::go_on>());
        motet::execute_request r = request("charm.when_told()\nself.number = 8\n'the old one'");
        r.index = {}; // a broadcast has in it who is to be told
        r.script.high_level = true;
        const kept_answer a = c.execute(r); // a message in the checkpoint: PE 0 stands still from now on
        saved.get();
        CHECK_FALSE(a.came());
        boxes.tell<&box::tell_it>();
        CHECK(said(a.wait().outcomes.at(0)) == "'the old one'");
        auto& control = motet::script::script_control::of(c.p.job);
        control.interrupt(control.runs.run_of(sleeper));
        CHECK(contains(said(c.finished(sleeper, true).wait().outcomes.at(0)), "KeyboardInterrupt"));
    });
    options chosen = threads(1);
    chosen.restart = folder;
    CHECK(run(chosen, [] { FAIL("main runs after a restart"); }) == 0);
    CHECK_FALSE(successor::too_early);
    CHECK(successor::said_then == "'the new one'");
    std::filesystem::remove_all(folder);
}
