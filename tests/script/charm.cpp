// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace motet_test;

namespace charm_test {

struct point {
    double x = 0;
    double y = 0;
};

struct worker {
    std::int64_t value = 1;
    std::vector<double> cells{1, 2};
    bool go = false;

    double total() const {
        double all = 0;
        for (const double c : cells) all += c;
        return all;
    }
    point moved(point p, double by) const { return {p.x + by, p.y + by}; }
    std::string join(const std::vector<std::string>& parts, std::string_view between) const {
        std::string all;
        for (const auto& part : parts) all += (all.empty() ? "" : std::string(between)) + part;
        return all;
    }
    std::map<std::string, int> counts() const { return {{"a", 1}}; }
    void set(std::vector<double> made) { cells = std::move(made); }
    void fail() const { throw std::out_of_range("too far"); }
    std::int64_t when_told() {
        motet::wait([&] { return go; });
        return value;
    }
    void tell_it(std::int64_t v) {
        value = v;
        go = true;
    }
    std::int64_t sum_of_all();
    std::int64_t own() const { return value; }
    void move(std::uint32_t pe) { motet::move_this(pe); }
    void leave() { motet::erase_this(); }
    void end(int code) { motet::exit(code); }
};
MOTET_SCRIPT(worker, total, moved, join, counts, set, fail, when_told, sum_of_all, move, leave, end)

std::int64_t worker::sum_of_all() {
    const auto all = motet::this_collection<worker, std::int64_t>();
    return all.reduce<&worker::own>(motet::sum).get();
}

motet::script_request high(std::string code) { return {.code = std::move(code), .high_level = true}; }

} // namespace charm_test

using namespace charm_test;

TEST_CASE("scripts call the listed methods, with any arguments and any result") {
    everywhere([] {
        const auto chare = motet::chare<worker>::create(worker{});
        const auto run = [&](const char* code) { return said(motet::run_script(chare, high(code)).get()); };
        CHECK(run("charm.total()") == "3");
        CHECK(run("import charm as c\nc.total()") == "3");
        CHECK(run("p = charm.moved({'x': 1, 'y': 2}, 0.5)\np.x, p.y, charm.moved(p, 1)") ==
              "(1.5, 2.5, {'x': 2.5, 'y': 3.5})");
        CHECK(run("charm.join(['a', 'b', 'c'], '-')") == "'a-b-c'");
        CHECK(run("charm.counts()") == "{'a': 1}");
        CHECK(run("charm.set([5.0, 6])\ncharm.total()") == "11");
        CHECK(run("sorted(dir(charm))[:4]") == "['counts', 'end', 'fail', 'join']");
        CHECK(run("repr(charm.join), charm.total.__doc__") ==
              "('<method join(list of str, str) -> str>', 'total() -> float64')");
    });
}

TEST_CASE("wrong calls are refused with what there is") {
    everywhere([] {
        const auto chare = motet::chare<worker>::create(worker{});
        const auto run = [&](const char* code) { return said(motet::run_script(chare, high(code)).get()); };
        CHECK(run("charm.totl()") == "AttributeError: worker has no method 'totl' for scripts; it has: total, moved, "
                                     "join, counts, set, fail, when_told, sum_of_all, move, leave, end");
        CHECK(run("charm.own()").substr(0, 14) == "AttributeError");
        CHECK(run("charm.total(1)") == "TypeError: total() -> float64 takes 0 arguments, and 1 are given");
        CHECK(run("charm.set(['a'])") == "TypeError: set.1st argument[0]: expected float64, got str");
        CHECK(run("charm.set(made=[1])") == "TypeError: set takes no keyword arguments");
        CHECK(run("charm.fail()") == "RuntimeError: too far (std::out_of_range, in fail)");
        CHECK(contains(said(motet::run_script(chare, {.code = "import charm\ncharm.total()"}).get()),
                       "scripts that run with high_level=True"));
        CHECK(contains(said(motet::run_script(chare, {.code = "charm"}).get()), "NameError"));
        CHECK(run("charm.total()") == "3");
    });
}

TEST_CASE("a method that waits suspends the script, and other messages go on") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(4, worker{});
        auto waits =
            motet::run_script(workers[1], high("y = 1\nprint('before')\nx = charm.when_told()\nprint('after')\nx"));
        CHECK(said(motet::run_script(workers[1], {.code = "self.cells.sum()"}).get()) == "3");
        CHECK(said(motet::run_script(workers[1], high("charm.total()")).get()) == "3");
        CHECK(!waits.ready());
        // Neither has the other's variables; with one handle they would, and so one is refused.
        CHECK(contains(said(motet::run_script(workers[1], high("y")).get()), "NameError"));
        auto kept = high("self.cells = [9]\ncharm.when_told()\nself.value");
        kept.handle = 3;
        auto with_handle = motet::run_script(workers[1], kept);
        while (workers[1].ask<&worker::total>().get() != 9) {}
        CHECK(contains(said(motet::run_script(workers[1], kept).get()), "interpreter 3 still runs a script"));
        workers[1].ask<&worker::tell_it>(17).get();
        CHECK(said(with_handle.get()) == "17");
        const auto outcome = waits.get();
        CHECK(said(outcome) == "17");
        CHECK(outcome.output == "before\nafter\n");
        CHECK(said(motet::run_script(workers[2], high("charm.sum_of_all(), charm.sum_of_all()")).get()) == "(20, 20)");
    });
}

TEST_CASE("many scripts are suspended on one PE and in one chare, and go on in any order") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(3, worker{});
        std::vector<motet::future<motet::script_outcome>> all;
        for (int i = 0; i < 9; ++i)
            all.push_back(motet::run_script(
                workers[i % 3],
                high("charm.total()\nv = [charm.when_told(), charm.sum_of_all()]\nv + [" + std::to_string(i) + "]")));
        for (int i = 2; i >= 0; --i) workers[i].tell<&worker::tell_it>(10);
        for (int i = 0; i < 9; ++i) {
            const auto text = said(all[static_cast<std::size_t>(i)].get());
            CHECK(text.substr(0, 5) == "[10, ");
            CHECK(text.substr(text.rfind(' ') + 1) == std::to_string(i) + "]");
        }
    });
}

TEST_CASE("NumPy, ctypes callbacks and Python threads work in a script that is suspended") {
    everywhere([] {
        const auto chare = motet::array<worker>::create(2, worker{});
        auto waits = motet::run_script(chare[0], high(R"py(
import ctypes, threading, numpy as np
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
def sort(values):
    numbers = (ctypes.c_int * len(values))(*values)
    ctypes.CDLL(None).qsort(numbers, len(values), ctypes.sizeof(ctypes.c_int), compare(lambda a, b: a[0] - b[0]))
    return list(numbers)
seen = []
before = sort([3, 1, 2])
thread = threading.Thread(target=lambda: seen.append(np.arange(10).sum()))
thread.start()
got = charm.when_told()
thread.join()
np.random.default_rng(1).normal(size=10).sort()
before, sort([2, 1]), got, int(seen[0]))py"));
        CHECK(said(motet::run_script(chare[0], {.code = "import numpy\nint(numpy.arange(5).sum())"}).get()) == "10");
        chare[0].ask<&worker::tell_it>(3).get();
        CHECK(said(waits.get()) == "([1, 2, 3], [1, 2], 3, 45)");
    });
}

TEST_CASE("what a script sets for its thread ends with it, and the next one runs on the same thread") {
    one(threads(1), [] {
        const auto chare = motet::chare<worker>::create(worker{});
        const auto run = [&](const char* code) { return said(motet::run_script(chare, high(code)).get()); };
        CHECK(run("import contextvars, decimal, sys, threading\n"
                  "sys.kept = threading.local(), contextvars.ContextVar('v'), threading.get_native_id()\n"
                  "sys.kept[0].x = 1\nsys.kept[1].set(1)\ndecimal.getcontext().prec = 3\n"
                  "sys.settrace(lambda *all: None)\ncharm.total()") == "3");
        CHECK(run("import decimal, sys, threading\n"
                  "hasattr(sys.kept[0], 'x'), sys.kept[1].get(2), decimal.getcontext().prec, sys.gettrace(), "
                  "sys.kept[2] == threading.get_native_id()") == "(False, 2, 28, None, True)");
    });
}

TEST_CASE("views that a script holds over a call are snapshots after it") {
    everywhere([] {
        const auto chare = motet::chare<worker>::create(worker{});
        CHECK(
            said(motet::run_script(chare, high("c = self.cells\ncharm.set([7.0])\nlist(c), list(self.cells)")).get()) ==
            "([1, 2], [7])");
        // Others change the struct while the script waits.
        auto waits = motet::run_script(chare, high("c = self.cells\nc[0] = 8\nself.value = 50\ncharm.when_told()\n"
                                                   "c[0] = 9\nlist(c), list(self.cells)"));
        while (chare.ask<&worker::own>().get() != 50) {}
        motet::run_script(chare, {.code = "self.cells[0] += 1\nself.cells.extend([5.0] * 1000)"}).get();
        chare.ask<&worker::set>(std::vector<double>{1, 2, 3}).get();
        chare.ask<&worker::tell_it>(1).get();
        CHECK(said(waits.get()) == "([9], [1, 2, 3])");
    });
}

TEST_CASE("a script moves its own chare, and erases it: when it has ended") {
    everywhere([] {
        const auto workers = motet::array<worker>::create();
        workers.insert(4, worker{}).get();
        const auto last = static_cast<std::uint32_t>(motet::pe_count() - 1);
        for (const std::uint32_t pe : {last, 0u, last})
            CHECK(said(motet::run_script(workers[4], high("here = ck.mype()\ncharm.move(" + std::to_string(pe) +
                                                          ")\nself.value += 1\nhere - ck.mype()"))
                           .get()) == "0");
        CHECK(said(motet::run_script(workers[4], {.code = "self.value"}).get()) == "4");
        CHECK(said(motet::run_script(workers[4], high("charm.leave()\nself.value += 1\nself.value")).get()) == "5");
        CHECK(contains(thrown_by([&] { workers[4].ask<&worker::own>().get(); }), "worker[4]"));
    });
}

TEST_CASE("a script ends the program") {
    for (const auto& chosen : some()) {
        const auto body = [] {
            const auto workers = motet::array<worker>::create(3, worker{});
            const auto other = motet::run_script(workers[1], high("charm.when_told()"));
            motet::run_script(workers[2], high("charm.end(6)\nwhile True: charm.total()")).get();
        };
        CHECK(run(chosen, body) == 6);
    }
}

TEST_CASE("a run that ends while scripts wait ends them") {
    for (const auto& chosen : some()) {
        const auto body = [] {
            const auto chare = motet::chare<worker>::create(worker{});
            const auto stubborn = motet::run_script(chare, high(R"py(
for i in range(1000):
    try: charm.when_told()
    except BaseException: pass
)py"));
            const auto other = motet::run_script(chare, high("charm.when_told()"));
            motet::run_script(chare, high("charm.total()")).get();
            motet::exit(5);
        };
        CHECK(run(chosen, body) == 5);
    }
}

TEST_CASE("a script that nobody can wake is part of the report of a deadlock") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(1), threads(2), simulated(2, 2)}) {
        const std::string told = error_of(chosen, [] {
            const auto chare = motet::chare<worker>::create(worker{});
            motet::run_script(chare, high("charm.when_told()")).get();
        });
        CHECK(contains(told, "worker, entry charm_test::worker::when_told"));
        CHECK(contains(told, "for a script to end"));
    }
}
