// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace motet_test;
using motet::script_answer;
using motet::script::desk;

namespace hooks_test {

/// Hooks see it whether it is served or not.
struct counter {
    std::int64_t number = 0;
    std::vector<double> cells{1, 2, 3};
    std::int64_t ready_from = 0;
    void add(std::int64_t n, const std::string& /*why*/) { number += n; }
    void late(std::int64_t n) { number += n; }
    bool when(motet::entry<&counter::late>, std::int64_t) const { return number >= ready_from; }
    std::int64_t slow(std::int64_t n) {
        motet::sleep_for(std::chrono::microseconds(10));
        number += n;
        return number;
    }
    std::int64_t get() const { return number; }
};

MOTET_SCRIPT(counter)

struct debugging {
    motet::runtime::pe& p = motet::runtime::this_pe();

    template <class Request>
    script_answer ask(const Request& request) const {
        kept_answer a;
        motet::script::ask_debugger(p, 0, request, a.to());
        return a.wait();
    }
    std::string printed(std::uint32_t handle) const {
        kept_answer a;
        desk::of(p).print(handle, true, false, a.to());
        return a.wait().output;
    }
    std::int64_t count(const char* what) const {
        std::int64_t all = 0;
        for (const auto& each : lines("hooks")) all += each.find(what)->integer();
        return all;
    }
    std::vector<motet::value> lines(const char* what) const {
        const auto found = ask(motet::inspect_request{what}).found;
        return std::get<motet::value::list>(found.find(what)->data).items;
    }
};

} // namespace hooks_test

using namespace hooks_test;

TEST_CASE("hooks run before and after the messages that they are for, wherever those are handled") {
    everywhere([] {
        const auto counters = motet::array<counter>::create(6, counter{});
        const debugging d;
        const auto add_all = [&] {
            for (std::int64_t i = 0; i < 6; ++i) counters[i].ask<&counter::add>(i, "x").get();
            counters.all<&counter::slow>(1).get();
            return counters.reduce<&counter::get>(motet::sum).get();
        };
        CHECK(add_all() == 15 + 6);
        // Each of add, slow and get is a message for each element.
        const auto every = d.ask(motet::hook_request{.code = "None"});
        REQUIRE(every.error == "");
        CHECK(add_all() == 2 * (15 + 6));
        CHECK(d.count("calls") == 18);
        CHECK(d.ask(motet::unhook_request{every.handle}).error == "");
        CHECK(add_all() == 3 * (15 + 6));
        CHECK(d.lines("hooks").empty());

        // Chosen entries, one element, a filter; several at once, each for itself.
        d.ask(motet::hook_request{.on = "counter", .entries = {"add", "counter::get"}, .before = true, .code = "None"});
        d.ask(motet::hook_request{.on = "hooks_test::counter", .index = {3}, .code = "None"});
        d.ask(motet::hook_request{
            .entries = {"add"}, .filter = "self.number > 0 and ck.arguments()[0] == 4", .code = "print(self.number)"});
        add_all();
        std::vector<std::int64_t> calls;
        for (const auto& each : d.lines("hooks")) calls.push_back(each.find("calls")->integer());
        CHECK(calls == std::vector<std::int64_t>{12, 3, 6});
        CHECK(d.lines("hooks").at(1).find("index")->type_name() == std::string("tuple"));
    });
}

TEST_CASE("a hook has the chare, its index, the entry and the arguments at hand, and may change fields") {
    everywhere([] {
        const auto counters = motet::array<counter, motet::grid<2>>::create({2, 2}, counter{});
        const debugging d;
        const auto hook = d.ask(motet::hook_request{.on = "counter",
                                                    .entries = {"add"},
                                                    .before = true,
                                                    .code = "def see(self):\n"
                                                            "    print(ck.entry(), ck.myindex(), ck.arguments(),\n"
                                                            "          self.number, self.cells.sum())\n"
                                                            "    self.number = 10\n",
                                                    .method = "see"});
        REQUIRE(hook.error == "");
        CHECK(d.ask(motet::inspect_request{"hooks"}).found.find("frozen")->truth() == false);
        counters[{1, 0}].ask<&counter::add>(5, "why").get();
        CHECK(d.printed(hook.handle) == "add (1, 0) (5, 'why') 0 6.0\n");
        CHECK(counters[{1, 0}].ask<&counter::get>().get() == 15);
        // What a hook changes lets run what waits for it.
        d.ask(motet::unhook_request{hook.handle});
        counters.all<&counter::add>(0, "").get();
        const auto more = d.ask(motet::hook_request{
            .entries = {"get"},
            .code = "kept = globals().get('kept', []) + [self.cells]\nself.number = 100\nprint(kept[0].tolist())"});
        REQUIRE(more.error == "");
        counters.all<&counter::get>().get();
        CHECK(counters[{0, 0}].ask<&counter::get>().get() == 100);
        CHECK(contains(d.printed(more.handle), "[1.0, 2.0, 3.0]"));
    });
}

TEST_CASE("hooks that cannot be: unknown names, no code, wrong code") {
    on_threads([] {
        const auto counters = motet::array<counter>::create(3, counter{});
        counters.all<&counter::add>(1, "").get();
        const debugging d;
        const auto error = [&](const motet::hook_request& r) { return d.ask(r).error; };
        CHECK(contains(error({.on = "nobody", .code = "1"}), "nothing is served under the name 'nobody'"));
        CHECK(contains(error({.on = "counter", .entries = {"fly"}, .code = "1"}),
                       "no message calls a method 'fly'; methods that are called: "));
        CHECK(contains(error({.on = "counter", .entries = {"fly"}, .code = "1"}), "counter::add"));
        CHECK(error({.on = "counter"}) == "the hook has no code");
        CHECK(contains(error({.code = "1 +"}), "the hook cannot be installed: SyntaxError"));
        CHECK(contains(error({.filter = "x = 1", .code = "1"}), "the filter of a hook is no expression"));
        CHECK(contains(error({.code = "x = 1", .method = "see"}), "there is no function 'see'"));
        CHECK(contains(error({.code = "1", .hold = -1}), "0 to 1e9 seconds"));
        CHECK(d.ask(motet::unhook_request{77}).error == "there is no hook 77");
        CHECK(d.ask(motet::go_request{}).error == "the program is not frozen");
        CHECK(contains(d.ask(motet::step_request{}).error, "the program is not frozen"));
        CHECK(contains(d.ask(motet::inspect_request{"souls"}).error, "'souls' cannot be inspected"));
        CHECK(d.lines("hooks").empty());
    });
}

TEST_CASE("a hook that raises is told once, counted and removed; the others and the program go on") {
    everywhere([] {
        const auto counters = motet::array<counter>::create(6, counter{});
        const debugging d;
        const auto bad = d.ask(motet::hook_request{.entries = {"add"}, .code = "self.nothing"}).handle;
        d.ask(motet::hook_request{.entries = {"add"}, .code = "None"});
        counters.all<&counter::add>(1, "").get();
        const auto found = d.ask(motet::events_request{}).found;
        const auto& event = std::get<motet::value::list>(found.find("events")->data).items.at(0);
        CHECK(event.find("kind")->text() == "error");
        CHECK(event.find("hook")->integer() == bad);
        CHECK(event.find("type")->text() == "AttributeError");
        CHECK(contains(event.find("traceback")->text(), "line 1"));
        motet::wait([&] { return d.p.hooks != nullptr; });
        for (int i = 0; i < 3; ++i) counters.all<&counter::add>(1, "").get();
        CHECK(counters.reduce<&counter::get>(motet::sum).get() == 24);
        const auto left = d.lines("hooks");
        CHECK(left.at(0).find("removed")->truth());
        CHECK(left.at(0).find("errors")->integer() >= 1);
        CHECK(left.at(1).find("calls")->integer() == 24);
        d.ask(motet::unhook_request{bad});
        CHECK(d.lines("hooks").size() == 1);
    });
}

TEST_CASE("a hook that does not come to an end ends with the program, and by --motet-script-limit") {
    if (motet_test::this_job().size > 1) return;
    auto chosen = threads(2);
    const auto endless = [](const debugging& d) {
        const auto counters = motet::array<counter>::create(2, counter{});
        const auto hook = d.ask(motet::hook_request{.entries = {"add"}, .code = "while True: pass"});
        CHECK(hook.error == "");
        counters[1].tell<&counter::add>(1, "");
        return hook.handle;
    };
    CHECK(error_of(chosen, [&] {
              const debugging d;
              const auto handle = endless(d);
              const auto running = [&] { return motet::script::script_control::of(d.p.job).list().at(0); };
              while (!contains(running().where, "at messages on PE 1")) motet::sleep_for(std::chrono::milliseconds(1));
              CHECK(running().handle == handle);
              motet::exit(0);
          }) == "");
    chosen.script_limit = 0.05;
    run_well(chosen, [&] {
        const debugging d;
        endless(d);
        const auto found = d.ask(motet::events_request{}).found;
        const auto& event = std::get<motet::value::list>(found.find("events")->data).items.at(0);
        CHECK(event.find("type")->text() == "TimeLimit");
        CHECK(event.find("text")->text() ==
              "it has kept its PE for longer than 0.05 s (--motet-script-limit), and nothing else could run there");
        CHECK(event.find("pe")->integer() == 1);
    });
}

namespace hooks_test {

/// Somebody who has frozen the program: what is called back on PE 0, for main stands still with the rest.
struct visitor {
    motet::runtime::pe& p = motet::runtime::this_pe();
    using then = std::function<void(const script_answer&)>;

    template <class Request>
    void ask(const Request& request, then next) const {
        motet::script::ask_debugger(p, 0, request, std::move(next));
    }
    /// Runs a script in that counter, or in all of them.
    void look(std::vector<std::int64_t> index, std::string code, then next) const {
        motet::execute_request r;
        r.name = "counters";
        r.index = std::move(index);
        r.script.code = std::move(code);
        desk::of(p).execute(p, std::move(r), std::move(next));
    }
    void sum(std::function<void(std::int64_t)> next) const {
        look({}, "self.number", [next = std::move(next)](const script_answer& a) {
            std::int64_t all = 0;
            for (const auto& each : a.outcomes) all += each.result.integer();
            next(all);
        });
    }
};

inline const motet::value& item(const script_answer& a, const char* list, std::size_t place) {
    return std::get<motet::value::list>(a.found.find(list)->data).items.at(place);
}

} // namespace hooks_test

TEST_CASE("a hook before a message freezes the program there: look around, step, go on") {
    everywhere(
        [] {
            const auto counters = motet::array<counter>::create(6, counter{});
            motet::serve(counters, "counters");
            const debugging d;
            const auto hook = d.ask(motet::hook_request{.on = "counters",
                                                        .entries = {"late"},
                                                        .before = true,
                                                        .filter = "ck.arguments()[0] == 1000",
                                                        .code = "self.number",
                                                        .hold = 3600})
                                  .handle;
            const visitor v;
            std::vector<std::string> story;
            std::int64_t at_first = -1;
            std::int64_t seen = -1;
            v.ask(motet::events_request{}, [&, v](const script_answer& a) {
                story.push_back(item(a, "events", 0).find("kind")->text());
                const motet::value& stop = item(a, "events", 1);
                for (const char* name : {"kind", "when", "chare", "entry", "index", "value", "hook"})
                    story.push_back(text_of(*stop.find(name)));
                v.sum([&, v](std::int64_t before) {
                    at_first = before;
                    v.look({3}, "[each['waits'] for each in ck.fibers() if each['chare'] == 'counter']",
                           [&, v](const script_answer& fibers) {
                               story.push_back(said(fibers.outcomes.at(0)));
                               v.ask(motet::step_request{}, [&, v](const script_answer& stepped) {
                                   story.push_back(item(stepped, "ran", 0).find("entry")->text());
                                   v.sum([&, v](std::int64_t after) {
                                       seen = after;
                                       v.ask(motet::go_request{}, [&](const script_answer& gone) {
                                           story.push_back(text_of(*gone.found.find("frozen")));
                                       });
                                   });
                               });
                           });
                });
            });
            for (int round = 0; round < 10; ++round)
                for (std::int64_t i = 0; i < 6; ++i) counters[i].tell<&counter::add>(1, "");
            counters[3].ask<&counter::late>(1000).get();
            motet::quiescence().get();
            CHECK(counters.reduce<&counter::get>(motet::sum).get() == 1060);
            motet::wait([&] { return story.size() == 11; });
            CHECK(seen == at_first + 1000);
            const std::vector<std::string> expected{"frozen",
                                                    "'hook'",
                                                    "'before'",
                                                    "'counter'",
                                                    "'hooks_test::counter::late'",
                                                    "(3)",
                                                    story.at(6),
                                                    std::to_string(hook),
                                                    "['before its method, where a hook has stopped it']",
                                                    "hooks_test::counter::late",
                                                    "False"};
            CHECK(story == expected);
        },
        moves::any);
}
