// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <array>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace proxies_test {

struct point {
    double x = 0;
    double y = 0;
};
struct label {
    std::string name;
    std::vector<int> tags;
};

struct tile {
    std::int64_t step = 0;
    std::vector<double> cells{1, 2};
    point origin{};
    std::vector<label> labels{{"a", {1}}};
    std::map<std::string, int> counts{{"k", 1}};
    double secret = 3;
    int watched = 4;
    static constexpr auto policy(motet::hidden) { return motet::fields<&tile::secret>{}; }
    static constexpr auto policy(motet::read_only) { return motet::fields<&tile::watched>{}; }

    double total() const {
        double all = 0;
        for (const double c : cells) all += c;
        return all;
    }
    point moved(point p, double by) const { return {p.x + by, p.y + by}; }
    std::int64_t when_at(std::int64_t wanted) {
        motet::wait([&] { return step >= wanted; });
        return step;
    }
    void fail() const { throw std::out_of_range("too far"); }
};
MOTET_SCRIPT(tile, total, moved, when_at, fail)

/// Everything there is to serve, and a script in a chare of its own.
struct program {
    motet::array<tile, motet::grid<2>> tiles = motet::array<tile, motet::grid<2>>::create({2, 3}, tile{});
    motet::array<tile> sparse = motet::array<tile>::create();
    motet::group<tile> team = motet::group<tile>::create(tile{});
    motet::node_group<tile> nodes = motet::node_group<tile>::create(tile{});
    motet::chare<tile> one = motet::chare<tile>::create(tile{});

    program() {
        sparse.insert(7, tile{.step = 7}).get();
        sparse.insert(-2, tile{.step = -2}).get();
        motet::serve(tiles, "tiles");
        motet::serve(sparse, "sparse");
        motet::serve(team, "team");
        motet::serve(nodes, "nodes");
        motet::serve(one, "one");
    }
    std::string run(const std::string& code, bool high_level = true) const {
        return said(motet::run_script(one, {.code = code, .high_level = high_level}).get());
    }
};

} // namespace proxies_test

using namespace proxies_test;

TEST_CASE("collections stand in scripts by their names: methods of one and of all, fields, reductions") {
    everywhere([] {
        const program all;
        CHECK(all.run("tiles[1, 2].total(), one.total(), team[0].total(), nodes[0].total(), sparse[7].step") ==
              "(3, 3, 3, 3, 7)");
        CHECK(all.run("tiles[1, 2].cells = [3, 4.5, 5]\ntiles[1, -1].cells[0] = 10\ntiles[1, 2].cells *= 2\n"
                      "tiles[1, 2].cells.append(1)\nlist(tiles[1, 2].cells), tiles[1, 2].total()") ==
              "([20, 9, 10, 1], 40)");
        CHECK(all.tiles(1, 2).ask<&tile::total>().get() == 40);
        CHECK(all.run("tiles.step = 4\ntiles[0, 0].step += 1\ntiles.step.tolist()") == "[[5, 4, 4], [4, 4, 4]]");
        CHECK(all.run("tiles.step *= 10\ntiles.step.shape, tiles.step.indices[:2], int(tiles.step[0, 0])") ==
              "((2, 3), [(0, 0), (0, 1)], 50)");
        CHECK(all.run("tiles.total(), sparse.total().indices") == "([3, 3, 3, 3, 3, 40], [-2, 7])");
        CHECK(all.run("tiles.reduce('total', sum), tiles.reduce(tiles.total, max), sparse.reduce('step', 'mean'), "
                      "tiles.reduce(lambda self: len(self.cells), lambda a, b: a + b), sparse.reduce('step', set)") ==
              "(55, 40, 2.5, 14, [-2, 7])");
        CHECK(all.run("p = tiles[0, 1].moved({'x': 1, 'y': 2}, 1)\np.x, p.y, tiles[0, 1].moved(p, 1)") ==
              "(2, 3, {'x': 3, 'y': 4})");
        CHECK(all.run("scale = 3\ndef f(x): return x * scale\nsparse.map(lambda self, k: f(self.step) + k, 1)") ==
              "[-5, 22]");
        CHECK(all.run("[t.step for t in tiles[1:2, 0:2].values()], [(i, t.index) for i, t in sparse.items()]") ==
              "([40, 40], [(-2, -2), (7, 7)])");
        CHECK(all.run("repr(tiles[1, 2].cells), repr(tiles[1, 2].cells * 2 > 30)") ==
              "('array([20.,  9., 10.,  1.])', 'array([ True, False, False, False])')");
        CHECK(all.run("import motet\nrepr(motet.tiles), repr(charm.tiles[1, 0]), repr(one)") ==
              "('tiles', 'tiles[1, 0]', 'one')");
    });
}

TEST_CASE("a field of all elements is one array: stacked, of structs, or of objects") {
    everywhere([] {
        const program all;
        CHECK(all.run("tiles.cells") == "array <f8 2 3 2");
        CHECK(all.run("tiles.origin") == "array [('x', '<f8'), ('y', '<f8')] 2 3");
        CHECK(all.run("tiles.origin.x.sum()") == "0");
        CHECK(all.run("sparse[7].cells = [1.0]\nc = sparse.cells\nc.dtype == object, c.indices, list(c[1])") ==
              "(True, [-2, 7], [1])");
        CHECK(all.run("nodes.cells.shape == (ck.numnodes(), 2), team.step.shape == (ck.numpes(),)") == "(True, True)");
        CHECK(all.run("tiles[:, ::2].step.indices, tiles[0].step if False else len(tiles[1, 1:])") ==
              "([(0, 0), (0, 2), (1, 0), (1, 2)], 2)");
        CHECK(all.run("tiles.where('index[0] == 1 and self.step == 0').keys(), list(tiles[[(0, 1), (1, 0)]].step)") ==
              "([(1, 0), (1, 1), (1, 2)], [0, 0])");
        CHECK(all.run("len(tiles), list(sparse), 7 in sparse, 8 in sparse, len(team) == ck.numpes()") ==
              "(6, [-2, 7], True, False, True)");
        CHECK(all.run("sparse[100:].reduce('step', sum), sparse[[]].step.size") == "(0, 0)");
    });
}

TEST_CASE("structs and containers of other chares are read in parts, and changed as Python's own") {
    everywhere([] {
        const program all;
        CHECK(all.run(R"(
l = tiles[0, 0].labels
l.append({"name": "b", "tags": [2, 3]})
l[1].tags.append(9)
l[0].name = "z"
del l[0].tags[0]
l.insert(0, {"name": "c"})
tiles[0, 0].counts["q"] = 5
del tiles[0, 0].counts["k"]
tiles[0, 0].origin.x = 3
t = tiles[0, 0]
[e["name"] for e in t.labels], list(t.labels[2].tags), t.counts, t.origin, len(t.labels), "q" in t.counts)") ==
              "(['c', 'z', 'b'], [2, 3, 9], {'q': 5}, {'x': 3, 'y': 0}, 3, True)");
        CHECK(all.run("tiles[0, 0].copy()['watched'], tiles[0, 0].index, tiles[0, 0] == tiles[0, 0]") ==
              "(4, (0, 0), True)");
    });
}

TEST_CASE("several calls go on at once, and are waited for") {
    everywhere([] {
        const program all;
        CHECK(all.run(R"(
import motet
slow = tiles[0, 0].when_at.start(5)
quick = tiles[0, 1].total.start()
first = motet.wait_any([slow, quick])
before = slow.ready, quick.get()
tiles[0, 0].step = 5
first, before, motet.wait(slow, quick), motet.wait([t.total.start() for t in (tiles[1, 0], tiles[1, 1])]))") ==
              "(1, (False, 3), [5, 3], [3, 3])");
    });
}

TEST_CASE("scripts insert chares and erase them, their own too") {
    everywhere([] {
        const program all;
        CHECK(all.run("sparse.insert(5, {'step': 3, 'cells': [1.0]})\nsparse.insert(6)\n"
                      "sparse[5].step, sparse[6].step, sparse.keys()") == "(3, 0, [-2, 5, 6, 7])");
        CHECK(all.run("del sparse[5]\nsparse.insert(5)\ns = sparse[5].step\nsparse[5].erase()\ns, sparse.keys()") ==
              "(0, [-2, 6, 7])");
        CHECK(contains(all.run("sparse.insert(6)"), "RuntimeError: an element of this index exists already"));
        CHECK(
            contains(all.run("sparse.insert(9, {'stp': 3})"), "AttributeError: tile has no field 'stp'; it has step"));
        CHECK(all.run("sparse.insert(9, {'watched': 3})") == "AttributeError: watched is read-only");
        CHECK(all.run("sparse.insert(9, {'step': 'x'})") == "TypeError: step: expected int64, got str");
        CHECK(contains(all.run("tiles.insert((9, 9))"), "IndexError: there is no element tile[9, 9]"));
        CHECK(contains(all.run("team.insert(9)"), "TypeError: tile cannot be inserted: this is a group"));
        CHECK(contains(all.run("del team[0]"), "TypeError: tile[0] cannot be erased: it belongs to a group"));
        CHECK(contains(all.run("del sparse[5]"), "LookupError: there is no tile[5]: it was erased, or never inserted"));
        CHECK(said(motet::run_script(all.sparse[6],
                                     {.code = "del sparse[6]\nself.step = 1\nself.step", .high_level = true})
                       .get()) == "1");
        CHECK(all.run("6 in sparse") == "False");
    });
}

TEST_CASE("what cannot be is said") {
    everywhere([] {
        const program all;
        CHECK(
            contains(all.run("tiles[0, 0].secret"), "AttributeError: tiles[0, 0] has no field or method 'secret'; it"));
        CHECK(
            contains(all.run("tiles.nothing = 1"), "AttributeError: tiles has no field 'nothing'; it has step, cells"));
        CHECK(all.run("tiles[0, 0].watched = 1") == "AttributeError: watched is read-only");
        CHECK(all.run("tiles[0, 0].step = 'x'") == "TypeError: step: expected int64, got str");
        CHECK(all.run("tiles[0, 0].total(1)") == "TypeError: total() -> float64 takes 0 arguments, and 1 are given");
        CHECK(contains(all.run("tiles[0, 0].moved(open, 1)"), "TypeError: builtin_function_or_method cannot be sent"));
        CHECK(all.run("tiles[0, 0].fail()") == "RuntimeError: too far (std::out_of_range, in fail)");
        CHECK(
            contains(all.run("tiles.fail()"), "Errors: 6 of 6 elements failed; the first, (0, 0): RuntimeError: too"));
        CHECK(all.run("tiles[5, 5]") == "IndexError: there is no tiles[5, 5]: it has the extent 2, 3");
        CHECK(all.run("tiles[5]") == "IndexError: tiles has indices of 2 numbers, and these are 1");
        CHECK(contains(all.run("sparse[99].total()"), "LookupError: there is no tile[99]"));
        CHECK(all.run("sparse[100:].reduce('step', max)") == "ValueError: there are no elements to take the max of");
        CHECK(all.run("tiles.reduce('step', lambda a, b: a / 0)") == "ZeroDivisionError: division by zero");
        CHECK(contains(all.run("tiles.reduce('step', 'summ')"), "ValueError: 'summ' is no reducer"));
        CHECK(
            contains(all.run("tiles.reduce('totl', sum)"), "AttributeError: tiles has no field or method 'totl'; it"));
        CHECK(contains(all.run("tiles.where('self.').keys()"), "SyntaxError"));
        CHECK(contains(all.run("tiles.cells[0, 0, 0] = 1"), "TypeError: this is a field of several elements"));
        CHECK(contains(all.run("tiles[0, 0].step", false), "waits for an answer, and this script is of the kind that"));
        CHECK(all.run("repr(tiles[0, 0].total.start())", false) == "'<future of tiles[0, 0].total(), not ready>'");
    });
}

TEST_CASE("a function takes along what it uses, as it is each time, and nothing else") {
    one(threads(1), [] {
        const program all;
        CHECK(all.run("import numpy\nw = numpy.zeros(5000)\nf = lambda self: int(w.sum())\nbefore = tiles.map(f)\n"
                      "w[2500] = 1\nset(before), set(tiles.map(f))") == "([0], [1])");
        CHECK(all.run("step = object()\nset(tiles.map(lambda self: self.step))") == "[0]");
        CHECK(contains(all.run("step = object()\ntiles.map(lambda self: step)"), "cannot be sent to another chare"));
    });
}

TEST_CASE("names, docstrings and help say what there is") {
    one(threads(1), [] {
        const program all;
        CHECK(all.run("[n for n in dir(tiles[0, 0]) if n[0] != '_']") ==
              "['cells', 'copy', 'counts', 'erase', 'fail', 'index', 'labels', 'moved', 'origin', 'step', 'total', "
              "'watched', 'when_at']");
        CHECK(contains(all.run("tiles.moved.__doc__"),
                       "moved(point, float64) -> point\n\nC++: proxies_test::point moved("));
        CHECK(all.run("type(tiles).watched.__doc__") == "'int32 (read-only); C++: int'");
        CHECK(all.run("sorted(set(dir(tiles[0, 0].labels[0])))") == "['copy', 'name', 'tags']");
        const auto help = motet::run_script(all.one, {.code = "help(tiles)", .high_level = true}).get().output;
        CHECK(contains(help, "'tiles': array of tile."));
        CHECK(contains(help, "cells: list of float64; C++: std::vector<double>"));
        CHECK(!contains(help, "secret"));
        CHECK(all.run(R"(
import ast, motet
text = motet.stubs("tiles", "one")
names = [each.name for each in ast.parse(text).body if isinstance(each, ast.ClassDef)]
lines = [line.partition("  #")[0].strip() for line in text.splitlines()]
wanted = ["labels: list[label]", "counts: dict[str, int]", "tags: numpy.ndarray", "def total(self) -> results[float]: ...",
          "def moved(self, argument1: point | dict[str, Any], argument2: float, /) -> point: ...",
          "def watched(self) -> int: ...", "tiles: collection_of_tile", "one: element_of_tile"]
names[4:], [line for line in wanted if line not in lines], "secret" in text)") ==
              "(['label', 'point', 'element_of_tile', 'collection_of_tile'], [], False)");
        motet::withdraw("one");
        CHECK(contains(all.run("one"), "NameError: name 'one' is not defined"));
        CHECK(contains(all.run("import motet\nmotet.one"), "nothing is served under the name 'one'"));
        CHECK(all.run("repr(tiles)") == "'tiles'");
        CHECK(contains(all.run("motet.stubs('tles')"), "NameError"));
        CHECK(contains(all.run("import motet\nmotet.stubs('tles')"), "nothing is served under the name 'tles'"));
    });
}
