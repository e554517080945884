// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <deque>
#include <string>
#include <vector>

using namespace motet_test;

namespace iterate_test {

struct particle {
    double mass = 1;
    double velocity = 0;
};
struct named {
    std::string name;
};
struct inner {
    std::vector<int> numbers{1, 2, 3};
};
struct box {
    int number = 5;
    std::vector<particle> particles{{1, 0.5}, {2, 2}, {3, 3}};
    std::deque<named> names{{"a"}, {"b"}};
    inner within;
    std::vector<double> masses() const {
        std::vector<double> all;
        for (const auto& p : particles) all.push_back(p.mass);
        return all;
    }
};
MOTET_SCRIPT(box)

motet::script_request over(const char* field, std::string code, bool vectorized = false) {
    return {.code = std::move(code), .iterate = true, .vectorized = vectorized, .method = "f", .over = field};
}

} // namespace iterate_test

using namespace iterate_test;

TEST_CASE("a function is called for each element of a range, which it may change") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        const auto run = [&](const motet::script_request& r) { return said(motet::run_script(chare, r).get()); };
        // The manual's example (26.4).
        CHECK(run(over("particles", "def f(p):\n    if (p.velocity > 1): p.mass = p.mass * 2;")) == "None");
        CHECK(chare.ask<&box::masses>().get() == std::vector<double>{1, 4, 6});
        CHECK(run(over("particles", "def f(p): return p.mass")) == "[1, 4, 6]");
        CHECK(run(over("names", "def f(n):\n    n.name += '!'\n    return n.name")) == "['a!', 'b!']");
        CHECK(run(over("within.numbers", "def f(n): return n * 10")) == "[10, 20, 30]");
        CHECK(run(over("particles", "kept = []\ndef f(p): kept.append(p); return [q.mass for q in kept]")) ==
              "[[1], [1, 4], [1, 4, 6]]");
        CHECK(run(over("particles", "def f(p):\n    m = p.mass\n    self.particles.pop()\n    return m")) == "[1, 4]");
        CHECK(run(over("particles", "def f(p):\n    self.particles.clear()\n    return p.mass")) ==
              "IndexError: this element is not there any more");
        CHECK(run(over("particles", "def f(p): return p.mass")) == "None");
    });
}

TEST_CASE("vectorized, it is called once with all of them") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        const auto run = [&](const motet::script_request& r) { return said(motet::run_script(chare, r).get()); };
        CHECK(run(over("particles", "def f(p): p.mass[p.velocity > 1] *= 2", true)) == "None");
        CHECK(chare.ask<&box::masses>().get() == std::vector<double>{1, 4, 6});
        CHECK(run(over("particles", "def f(p): return p.mass.sum()", true)) == "11");
    });
}

TEST_CASE("iterating where it cannot be done says why") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        const auto run = [&](const motet::script_request& r) { return said(motet::run_script(chare, r).get()); };
        CHECK(contains(run(over("number", "def f(p): pass")), "TypeError: 'number' is no range to iterate over; the "
                                                              "ranges of box are: particles, names"));
        CHECK(contains(run(over("", "def f(p): pass")), "the ranges of box are: particles, names"));
        CHECK(contains(run(over("particls", "def f(p): pass")), "AttributeError: motet.box has no field or method"));
        CHECK(contains(run(over("particles", "def g(p): pass")), "NameError: there is no function 'f'"));
        CHECK(contains(run(over("particles", "f = 3")), "NameError: there is no function 'f'"));
        CHECK(contains(run(over("particles", "def f(p):\n  if p.mass == 2: 1/0\n  p.mass = 10")), "ZeroDivisionError"));
        CHECK(chare.ask<&box::masses>().get() == std::vector<double>{10, 2, 3});
        CHECK(contains(run(over("particles", "def f(p): p.mas = 1")), "AttributeError"));
    });
}

TEST_CASE("the newest upload of the function is what runs") {
    everywhere(
        [] {
            const auto chare = motet::chare<box>::create(box{});
            auto request = over("particles", "def f(p): return 1");
            request.persistent = true;
            request.handle = 4;
            CHECK(said(motet::run_script(chare, request).get()) == "[1, 1, 1]");
            request.code = "def f(p): return 2";
            CHECK(said(motet::run_script(chare, request).get()) == "[2, 2, 2]");
            request.code = "";
            CHECK(said(motet::run_script(chare, request).get()) == "[2, 2, 2]");
        },
        moves::none);
}
