// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
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

motet::script_request with(motet::script_request request, motet::value select, std::string reduce = {}) {
    request.select = std::move(select);
    request.reduce = std::move(reduce);
    return request;
}

struct cell {
    std::vector<particle> particles;
    std::optional<inner> maybe;
};

/// Ranges of every kind, in each other.
struct grid {
    std::vector<cell> cells{{{{1, 0}, {2, 1}}, {}}, {{}, inner{{7}}}, {{{3, 2}}, {}}};
    std::map<std::string, particle> book{{"a", {5, 5}}, {"b", {6, 6}}};
    std::set<int> seen{3, 1};
    std::list<named> line{{"x"}, {"y"}, {"z"}};
    std::vector<bool> bits{true, false, true};
    std::vector<std::vector<double>> rows{{1, 2}, {3}};
    std::vector<double> fixed{1, 2};
    std::vector<double> secret{1};
    static constexpr auto policy(motet::read_only) { return motet::fields<&grid::fixed>{}; }
    static constexpr auto policy(motet::hidden) { return motet::fields<&grid::secret>{}; }
};
MOTET_SCRIPT(grid)

/// A chare whose particles lie by column, with attributes and groups that are made while it runs.
struct columns {
    std::map<std::string, std::vector<double>> attributes{{"mass", {1, 2, 3, 4}}};
    std::map<std::string, std::vector<std::size_t>> groups{{"odd", {1, 3}}};
    std::vector<named> notes;

    /// One particle.
    struct member {
        columns* of;
        std::size_t which;
        double read(const motet::script_path& where) const { return of->attribute(where).at(which); }
        void write(const motet::script_path& where, const motet::value& what) const {
            of->attribute(where).at(which) = what.number();
        }
    };
    /// A group of them, one after the other.
    struct walk {
        columns* of;
        std::vector<std::size_t> members;
        double least = 0;
        member current{};
        std::size_t at = 0;
        member* next() {
            while (at < members.size() && of->attributes["mass"][members[at]] < least) ++at;
            if (at == members.size()) return nullptr;
            current = {of, members[at++]};
            return &current;
        }
        std::vector<double> read(const motet::script_path& where) const {
            std::vector<double> all;
            for (const std::size_t i : members) all.push_back(of->attribute(where).at(i));
            return all;
        }
        void write(const motet::script_path& where, const motet::value& what) const {
            const auto& given = std::get<motet::value::array>(what.data);
            if (given.content.size() != members.size() * sizeof(double)) throw std::invalid_argument("too few");
            for (std::size_t i = 0; i < members.size(); ++i)
                std::memcpy(&of->attribute(where).at(members[i]), given.content.data() + i * sizeof(double),
                            sizeof(double));
        }
    };
    std::vector<double>& attribute(const motet::script_path& where) {
        const auto found = where.steps.size() == 1 ? attributes.find(where.steps[0].text()) : attributes.end();
        if (found == attributes.end()) throw motet::no_such_path(where);
        return found->second;
    }
    std::optional<walk> range(const motet::range_request& what) {
        const auto found = groups.find(what.over);
        if (found == groups.end()) return {};
        const auto* least = what.parameters.find("least");
        return walk{this, found->second, least != nullptr ? least->number() : 0};
    }
    void make(std::string name) { attributes[name].resize(4); }
    void group(std::string name, std::vector<std::size_t> members) { groups[name] = std::move(members); }
};
MOTET_SCRIPT(columns, make, group)

/// A range whose iterator fails in the middle.
struct breaking {
    std::vector<particle> particles{{1, 0}, {2, 0}, {3, 0}};
    struct walk {
        breaking* of;
        std::size_t at = 0;
        particle* next() {
            if (at == 2) throw std::out_of_range("the third one is broken");
            return &of->particles[at++];
        }
    };
    auto range(const motet::range_request&) { return walk{this}; }
};
MOTET_SCRIPT(breaking)

/// A C++ range, and an iterator that listens.
struct spoken {
    std::vector<particle> particles{{1, 0.5}, {2, 2}, {3, 3}};
    std::string heard;
    struct teller {
        spoken* of;
        std::size_t at = 0;
        particle* next() { return at < of->particles.size() ? &of->particles[at++] : nullptr; }
        void returned(const motet::value& what) const { of->heard += what.text(); }
        motet::value result() const { return {"heard " + of->heard}; }
    };
    auto range(const motet::range_request&) { return teller{this}; }
};
MOTET_SCRIPT(spoken)

struct numbered {
    int many = 5;
    auto range(const motet::range_request& what) const {
        std::vector<int> all;
        for (int i = 0; i < many; ++i) all.push_back(i * static_cast<int>(what.parameters.integer()));
        return all;
    }
};
MOTET_SCRIPT(numbered)

struct with_span {
    std::vector<particle> particles{{1, 0}, {2, 0}, {3, 0}};
    spoken inside;
    std::optional<std::span<particle>> range(const motet::range_request& what) {
        if (what.over != "tail") return {};
        return std::span(particles).subspan(1);
    }
    std::optional<spoken> read(const motet::script_path& where) const {
        return where.is("made") ? std::optional(spoken{}) : std::nullopt;
    }
};
MOTET_SCRIPT(with_span)

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

TEST_CASE("a selection: places, a slice, or a condition") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        const auto run = [&](const motet::script_request& r) { return said(motet::run_script(chare, r).get()); };
        using motet::selected;
        for (const bool vectorized : {false, true}) {
            const auto mass = over(
                "particles", vectorized ? "def f(p): return p.mass.tolist()" : "def f(p): return p.mass", vectorized);
            CHECK(run(with(mass, selected::at({2, 0, -1}))) == "[3, 1, 3]");
            CHECK(run(with(mass, selected::at({}))) == (vectorized ? "[]" : "None"));
            CHECK(run(with(mass, selected::slice(1))) == "[2, 3]");
            CHECK(run(with(mass, selected::slice({}, {}, -2))) == "[3, 1]");
            CHECK(run(with(mass, selected::where("p.velocity > 1"))) == "[2, 3]");
            CHECK(run(with(mass, {motet::value::list{{{true}, {false}, {true}}}})) == "[1, 3]");
            CHECK(contains(run(with(mass, selected::at({3}))), "IndexError"));
            CHECK(contains(run(with(mass, {motet::value::list{{{true}}}})), "IndexError"));
            CHECK(contains(run(with(mass, selected::where("p.speed > 1"))), "Error"));
            CHECK(contains(run(with(mass, selected::where("p.mass >"))), "SyntaxError"));
            CHECK(contains(run(with(mass, {1.5})), "TypeError: select is a list of places"));
            CHECK(contains(run(with(mass, {motet::value::tuple{}})), "TypeError: select is a list of places"));
        }
        CHECK(run(with(over("particles", "def heavy(x): return x.mass > 2\ndef f(q): return q.mass"),
                       selected::where("heavy"))) == "[3]");
        // The expression is of the function's own parameter.
        CHECK(run(with(over("particles", "def f(body): return body.mass"), selected::where("body.mass < 2"))) == "[1]");
        // What is selected is written back, and nothing else.
        CHECK(run(with(over("particles", "def f(p): p.mass = 10"), selected::at({1}))) == "None");
        CHECK(run(with(over("particles", "def f(p): p.mass += 1", true), selected::where("p.mass > 2"))) == "None");
        CHECK(run(with(over("particles", "def f(p): p.mass += 1", true), selected::slice(0, 1))) == "None");
        CHECK(chare.ask<&box::masses>().get() == std::vector<double>{2, 11, 4});
        CHECK(run(with(over("names", "def f(all): return [n.name for n in all]", true), selected::at({1}))) == "['b']");
        CHECK(run(with(over("names", "def f(all): return [n.name for n in all]", true),
                       selected::where("n.name > 'a'"))) == "NameError: name 'n' is not defined");
        CHECK(run(with(over("particles", "def f(p): self.particles.pop()", true), selected::at({0}))) ==
              "RuntimeError: the function changed how many elements there are: what it has changed in them is lost");
        CHECK(run(with(over("particles", "def f(p):\n    self.particles.clear()\n    return 1"),
                       selected::at({0, 1}))) == "[1]");
    });
}

TEST_CASE("what the function returns is collected, reduced, or stored") {
    everywhere([] {
        const auto chare = motet::chare<box>::create(box{});
        const auto run = [&](const motet::script_request& r) { return said(motet::run_script(chare, r).get()); };
        const auto mass = [&](std::string reduce) {
            return run(with(over("particles", "def f(p): return p.mass\ndef less(a, b): return a - b"), {},
                            std::move(reduce)));
        };
        CHECK(mass("sum") == "6");
        CHECK(mass("product") == "6");
        CHECK(mass("min") == "1");
        CHECK(mass("max") == "3");
        CHECK(mass("count") == "3");
        CHECK(mass("any") == "True");
        CHECK(mass("all") == "True");
        CHECK(mass("less") == "-4");
        CHECK(contains(mass("summ"), "NameError: reduce: 'summ' is none of sum, product"));
        const auto of_none = [&](std::string reduce) {
            return run(
                with(over("particles", "def f(p): return None if p.mass == 2 else p.mass"), {}, std::move(reduce)));
        };
        CHECK(of_none("sum") == "4");
        CHECK(run(with(over("particles", "def f(p): 1/0"), motet::selected::at({}), "sum")) == "0");
        CHECK(run(with(over("particles", "def f(p): 1/0"), motet::selected::at({}), "min")) == "None");
        // An error in the middle: what was changed before stays.
        CHECK(contains(run(with(over("within.numbers", "def f(n): return n / (n - 2)"), {}, "sum")),
                       "ZeroDivisionError"));
        CHECK(run(with(over("within.numbers", "def f(n): return n * 10"), motet::selected::at({0, 2}), "store")) ==
              "None");
        CHECK(run(with(over("within.numbers", "def f(n): return n + 1", true), {}, "store")) == "None");
        CHECK(run(over("within.numbers", "def f(n): return n")) == "[11, 3, 31]");
        CHECK(run(with(over("particles", "def f(p): return {'mass': 7}"), motet::selected::at({1}), "store")) ==
              "None");
        CHECK(chare.ask<&box::masses>().get() == std::vector<double>{1, 7, 3});
        CHECK(
            contains(run(with(over("within.numbers", "def f(n): return 'x'"), {}, "store")), "TypeError: numbers[0]"));
        CHECK(contains(run(with(over("within.numbers", "def f(n): return 2**40"), {}, "store")),
                       "OverflowError: numbers[0]"));
    });
}

TEST_CASE("ranges in ranges, and of every kind") {
    everywhere([] {
        const auto chare = motet::chare<grid>::create(grid{});
        const auto run = [&](const motet::script_request& r) { return said(motet::run_script(chare, r).get()); };
        const std::string mass = "def f(p): return p.mass";
        CHECK(run(over("cells.particles", mass)) == "[1, 2, 3]");
        CHECK(run(with(over("cells.particles", mass), motet::selected::at({-1, 1}))) == "[3, 2]");
        CHECK(run(with(over("cells.particles", mass), motet::selected::slice(1))) == "[2, 3]");
        CHECK(run(with(over("cells.particles", mass), motet::selected::where("p.velocity > 0"), "sum")) == "5");
        CHECK(run(over("cells.particles", "def f(p):\n    p.mass *= 2\n    return p.mass.sum()", true)) == "12");
        CHECK(run(with(over("cells.particles", "def f(p): p.mass += 1", true), motet::selected::at({0, 2}))) == "None");
        CHECK(run(over("cells.particles", mass)) == "[3, 4, 7]");
        CHECK(run(over("cells.maybe.numbers", "def f(n): return n")) == "[7]");
        CHECK(run(over("rows", "def f(row):\n    row *= 2\n    return len(row)")) == "[2, 1]");
        CHECK(run(over("rows", "def f(row): return row.tolist()")) == "[[2, 4], [6]]");
        CHECK(run(over("book", "def f(p):\n    p.mass += 1\n    return p.mass")) == "[6, 7]");
        CHECK(run(with(over("book", mass), motet::selected::at({1}))) == "[7]");
        CHECK(run(over("seen", "def f(n): return n")) == "[1, 3]");
        CHECK(run(over("line", "def f(n):\n    n.name += '!'\n    return n.name")) == "['x!', 'y!', 'z!']");
        CHECK(run(over("line", "def f(n):\n    name = n.name\n    self.line.pop()\n    return name")) ==
              "['x!', 'y!']");
        CHECK(run(with(over("bits", "def f(b): return not b"), {}, "store")) == "None");
        CHECK(run(over("bits", "def f(b): return b")) == "[False, True, False]");
        CHECK(contains(run(with(over("seen", "def f(n): return n"), {}, "store")), "TypeError: set of int32 cannot"));
        // What is read-only stays so, and what is hidden is not there.
        CHECK(run(over("fixed", "def f(n): return n")) == "[1, 2]");
        CHECK(run(over("fixed", "def f(n): return n.tolist()", true)) == "[1, 2]");
        CHECK(run(with(over("fixed", "def f(n): return n.tolist()", true), motet::selected::at({1}))) == "[2]");
        CHECK(contains(run(over("fixed", "def f(n): n[0] = 5", true)), "read-only"));
        CHECK(contains(run(with(over("fixed", "def f(n): n[0] = 5", true), motet::selected::at({1}))), "read-only"));
        CHECK(contains(run(with(over("fixed", "def f(n): return 5"), {}, "store")),
                       "AttributeError: fixed is read-only"));
        CHECK(contains(run(over("secret", "def f(n): return n")), "AttributeError: motet.grid has no field"));
    });
}

TEST_CASE("a struct's own range, with parameters: groups and attributes that are made at run time") {
    everywhere([] {
        const auto chare = motet::chare<columns>::create(columns{});
        const auto run = [&](motet::script_request r, motet::value parameters = {}, bool high = false) {
            r.parameters = std::move(parameters);
            r.high_level = high;
            return said(motet::run_script(chare, r).get());
        };
        const auto least = [](double n) { return motet::value{motet::value::dict{{{{"least"}, {n}}}}}; };
        CHECK(run(over("odd", "def f(p): return p.mass")) == "[2, 4]");
        CHECK(run(over("odd", "def f(p): return p.mass"), least(3)) == "[4]");
        CHECK(run(with(over("odd", "def f(p): return p.mass"), motet::selected::where("p.mass < 3"), "sum")) == "2");
        CHECK(run(with(over("odd", "def f(p): return p.mass"), motet::selected::at({1}))) == "[4]");
        CHECK(run(with(over("odd", "def f(p): return p.mass"), motet::selected::slice(0, 1))) == "[2]");
        CHECK(contains(run(with(over("odd", "def f(p): return p.mass"), motet::selected::at({7}))), "IndexError"));
        CHECK(contains(run(with(over("odd", "def f(p): return p.mass"), motet::selected::at({-1}))), "IndexError"));
        CHECK(run(over("all", "charm.group('all', [0, 1, 2, 3])\ncharm.make('weight')\n"
                              "def f(p):\n    p.weight = p.mass * 10\n    return p.weight"),
                  {}, true) == "[10, 20, 30, 40]");
        CHECK(run(over("odd", "def f(p): return p.weight.sum()", true)) == "60");
        CHECK(run(over("odd", "def f(p): p.weight /= 2", true)) == "None");
        CHECK(run(over("all", "def f(p): return p.weight")) == "[10, 10, 30, 20]");
        CHECK(contains(run(over("odd", "def f(p): p.weight = p.weight[:1]", true)), "ValueError: too few"));
        CHECK(run(over("odd", "def f(p): return p.colour")) == "AttributeError: there is no colour");
        CHECK(run(over("odd", "def f(p): p.mass = 'x'")) == "RuntimeError: expected a number, got str");
        // A field where it makes no range of that name; and nothing.
        CHECK(run(over("notes", "def f(n): return n")) == "None");
        CHECK(contains(run(over("even", "def f(p): return 1")), "AttributeError: motet.columns has no field"));
        CHECK(contains(run(over("odd", "def f(p): self.notes.append({'name': 'x'})")),
                       "RuntimeError: while a range of its own is gone through"));
        CHECK(run(over("odd", "kept = []\ndef f(p):\n    kept.append(p)\n    return kept[0].mass")) ==
              "ReferenceError: an element of columns is not at hand any more: this belongs to a script that has ended, "
              "or "
              "the chare has moved or been erased");
    });
}

TEST_CASE("an iterator of one's own hears what the function returns, and has the last word") {
    everywhere([] {
        const auto chare = motet::chare<spoken>::create(spoken{});
        const auto run = [&](const auto& where, motet::script_request r) {
            return said(motet::run_script(where, r).get());
        };
        CHECK(run(chare, over("", "def f(p):\n    p.mass *= 2\n    return str(int(p.mass))")) == "['heard 246']");
        CHECK(run(chare, over("anything", "def f(p): 1/0")) == "ZeroDivisionError: division by zero");
        CHECK(contains(run(chare, over("", "def f(p): return 1", true)), "is gone through one by one only"));
        const auto broken = motet::chare<breaking>::create(breaking{});
        CHECK(run(broken, over("", "def f(p): p.mass *= 2")) == "IndexError: the third one is broken");
        CHECK(said(motet::run_script(broken, {.code = "self.particles.mass.tolist()"}).get()) == "[2, 4, 3]");
        const auto numbers = motet::chare<numbered>::create(numbered{});
        auto request = with(over("x", "def f(n): return n"), {}, "sum");
        request.parameters = {std::int64_t{3}};
        CHECK(run(numbers, request) == "30");
        request.parameters = {};
        CHECK(run(numbers, request) == "RuntimeError: expected an int, got NoneType");
        request.parameters = {std::int64_t{1}};
        CHECK(run(motet::chare<numbered>::create(numbered{0}), request) == "0");
        // A C++ range of what lies in the chare; a struct in it that says itself what it is.
        const auto spanned = motet::chare<with_span>::create(with_span{});
        CHECK(run(spanned, over("tail", "def f(p): p.mass *= 3")) == "None");
        CHECK(run(spanned, over("tail", "def f(p): return p.mass")) == "[6, 9]");
        CHECK(run(spanned, over("inside.any", "def f(p): return str(int(p.mass))")) == "['heard 123']");
        CHECK(run(spanned, over("made.any", "def f(p): return str(int(p.mass))")) == "['heard 123']");
        CHECK(run(spanned, over("particles", "def f(p): return p.mass")) == "[1, 6, 9]");
    });
}
