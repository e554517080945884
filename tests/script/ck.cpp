// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <string>
#include <vector>

using namespace motet_test;

namespace ck_test {

struct particle {
    double mass = 1;
    double velocity = 0;
};
struct box {
    int number = 5;
    std::vector<particle> particles{{1, 0.5}, {2, 2}, {3, 3}};
    std::vector<double> cells{1, 2};
    int get() const { return number; }
};
MOTET_SCRIPT(box)

struct place {
    std::int32_t x = 0;
    std::int32_t y = 0;
    friend bool operator==(const place&, const place&) = default;
};

std::string run_in(const auto& chare, const std::string& code) {
    return said(motet::run_script(chare, {.code = code}).get());
}

} // namespace ck_test

using namespace ck_test;

TEST_CASE("ck says where a script runs") {
    everywhere([] {
        const auto line = motet::array<box>::create(3, box{});
        const auto plane = motet::array<box, motet::grid<2>>::create({2, 2}, box{});
        const auto custom = motet::array<box, place>::create();
        custom.insert(place{3, -4}, box{}).get();
        const auto group = motet::group<box>::create(box{});
        const auto nodes = motet::node_group<box>::create(box{});
        const auto single = motet::chare<box>::create(box{});
        CHECK(run_in(line[2], "ck.myindex()") == "(2)");
        CHECK(run_in(plane(1, 0), "ck.myindex()") == "(1, 0)");
        CHECK(run_in(custom[place{3, -4}], "ck.myindex()") == "(3, -4)");
        CHECK(run_in(group[0], "ck.myindex()") == "None");
        CHECK(run_in(nodes[0], "ck.myindex()") == "None");
        CHECK(run_in(single, "ck.myindex()") == "None");
        const std::string where = std::to_string(motet::pe_count()) + ", " + std::to_string(motet::process_count());
        CHECK(run_in(line[1], "ck.numpes(), ck.numnodes()") == "(" + where + ")");
        for (const auto& one : motet::run_script(group, {.code = "ck.mype(), ck.mynode()"}).get()) {
            const auto pe = one.index.at(0);
            CHECK(said(one) == "(" + std::to_string(pe) + ", " +
                                   std::to_string(pe * motet::process_count() / motet::pe_count()) + ")");
        }
    });
}

TEST_CASE("ck.read and ck.write take paths, in the manual's forms and without the second parentheses") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        CHECK(run_in(chare, "ck.read('number'), ck.read(('number',))") == "(5, 5)");
        CHECK(run_in(chare, "ck.read('particles', 1, 'mass'), ck.read(('particles', 1, 'mass'))") == "(2, 2)");
        CHECK(run_in(chare, "ck.write('number', 6)\nck.write(('particles', 0, 'mass'), 7)\n"
                            "ck.write('particles', 1, 'mass', 8)\nck.write(('cells', 0), 9)\n"
                            "ck.read('number'), ck.read('particles', 0, 'mass'), ck.read('particles', 1, 'mass'), "
                            "ck.read('cells', 0)") == "(6, 7, 8, 9)");
        CHECK(run_in(chare, "len(ck.read('particles')), ck.read(('particles', -1)).velocity") == "(3, 3)");
        CHECK(chare.ask<&box::get>().get() == 6);
        // The manual's example (26.4), in its first form.
        CHECK(run_in(chare, R"py(
for i in range(0, len(ck.read("particles"))):
    vel = ck.read(("particles", i, "velocity"))
    mass = ck.read(("particles", i, "mass"))
    mass = mass * 2
    if vel > 1: ck.write(("particles", i, "mass"), mass)
[float(p.mass) for p in self.particles])py") == "[7, 16, 6]");
        CHECK(run_in(chare, "ck.read('numbr')") ==
              "AttributeError: motet.box has no field or method 'numbr'; it has number, particles, cells");
        CHECK(run_in(chare, "ck.write('number', 'x')") == "TypeError: number: expected int32, got str");
        CHECK(contains(run_in(chare, "ck.read()"), "TypeError: ck.read takes a path"));
        CHECK(contains(run_in(chare, "ck.write('number')"), "TypeError: ck.write takes a path and a value"));
        CHECK(contains(run_in(chare, "ck.read('particles', 5)"), "IndexError"));
        CHECK(contains(run_in(chare, "ck.read('particles', 'mass', 'more')"), "Error"));
    });
}

TEST_CASE("what a script prints comes back with it") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        const auto output = [&](const char* code, bool keep = true) {
            return motet::run_script(chare, {.code = code, .keep_print = keep}).get().output;
        };
        CHECK(output("print('a', 1)\nck.printclient('b')\nimport sys\nsys.stderr.write('c\\n')") == "a 1\nbc\n");
        CHECK(output("print('a')", false) == "");
        CHECK(output("import warnings\nwarnings.warn('careful')").find("careful") != std::string::npos);
        CHECK(output("print('before')\n1/0") == "before\n");
        const std::string much = output("for i in range(200): print('x' * 9999)");
        CHECK(much.size() < (1u << 20) + 100);
        CHECK(contains(much, "bytes of output dropped]"));
        CHECK(contains(run_in(chare, R"py(
import threading
result = []
def other():
    try: ck.mype()
    except RuntimeError as e: result.append(str(e))
t = threading.Thread(target=other); t.start(); t.join(); result)py"),
                       "belongs to a script that runs in a chare"));
    });
}

TEST_CASE("errors come back with type, text and traceback, and the program goes on") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        const auto broken = motet::run_script(chare, {.code = "def f(x):\n    return 1 / x\n\nf(0)"}).get();
        CHECK(said(broken) == "ZeroDivisionError: division by zero");
        CHECK(broken.traceback.find("line 4, in <module>\n    f(0)") != std::string::npos);
        CHECK(broken.traceback.find("line 2, in f\n    return 1 / x") != std::string::npos);
        const auto unread = motet::run_script(chare, {.code = "x = (1 +\n"}).get();
        CHECK(unread.error_type == "SyntaxError");
        CHECK(contains(unread.traceback, "x = (1 +"));
        CHECK(!contains(unread.traceback, "ast.py"));
        CHECK(run_in(chare, "raise KeyError('k')") == "KeyError: 'k'");
        CHECK(run_in(chare, "import sys\nsys.exit(3)") == "SystemExit: 3");
        CHECK(run_in(chare, "raise KeyboardInterrupt") == "KeyboardInterrupt: ");
        CHECK(contains(run_in(chare, "def f(): f()\nf()"), "RecursionError"));
        CHECK(contains(run_in(chare, "class e(Exception):\n  def __str__(self): 1/0\nraise e"), "its text raises"));
        CHECK(contains(run_in(chare, "'\\0'.encode('x')"), "LookupError"));
        CHECK(run_in(chare, std::string("1\0 2", 4)).find("Error") != std::string::npos);
        CHECK(chare.ask<&box::get>().get() == 5);
    });
}

TEST_CASE("variables stay where a request is persistent") {
    everywhere(
        [] {
            const auto chare = motet::chare<box>::create(box{});
            const auto run = [&](const char* code, std::uint32_t handle, bool persistent) {
                return said(motet::run_script(chare, {.code = code, .persistent = persistent, .handle = handle}).get());
            };
            CHECK(run("def f(): return self.number\nx = 1", 1, true) == "None");
            CHECK(run("x += 1\nx, f()", 1, true) == "(2, 5)");
            CHECK(run("x", 2, true) == "NameError: name 'x' is not defined");
            CHECK(run("def f(): return 'again'", 1, true) == "None");
            CHECK(run("f()", 1, false) == "'again'");
            CHECK(run("f()", 1, false) == "NameError: name 'f' is not defined");
            // Tracebacks have its lines, however many others have come since.
            run("def g():\n    return 1 / 0", 1, true);
            for (int i = 0; i < 300; ++i) run(std::to_string(i).c_str(), 2, false);
            const auto later = motet::run_script(chare, {.code = "g()", .persistent = true, .handle = 1}).get();
            CHECK(contains(later.traceback, "line 2, in g\n    return 1 / 0"));
        },
        moves::none);
}
