// SPDX-License-Identifier: BSL-1.0
#include "scripted.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

using namespace motet_test;

namespace data_test {

enum class phase : std::int16_t { cold, warm = 7 };

struct particle {
    double mass = 1;
    std::array<double, 3> at{};
    int id = 0;
    friend bool operator==(const particle&, const particle&) = default;
};

struct named {
    std::string name;
    std::vector<int> tags;
};

struct place {
    int x = 0;
    int y = 0;
    friend auto operator<=>(const place&, const place&) = default;
};

/// One of everything that a field can be.
struct tile {
    bool on = false;
    char letter = 'a';
    std::int8_t small = -1;
    std::uint64_t large = 0;
    float narrow = 0.5f;
    double wide = 0.25;
    phase state = phase::warm;
    std::string text = "text";
    std::vector<double> cells{1, 2, 3};
    std::vector<particle> particles{{1, {}, 1}, {2, {}, 2}};
    std::vector<named> names{{"a", {1}}, {"b", {}}};
    std::vector<bool> bits{true, false};
    std::array<int, 3> three{1, 2, 3};
    std::deque<int> line{1, 2};
    std::list<std::string> words{"x", "y"};
    std::map<std::string, int> counts{{"x", 1}};
    std::unordered_map<int, named> book;
    std::set<int> seen{1, 2};
    std::optional<named> maybe;
    std::variant<int, std::string, double> either;
    std::unique_ptr<named> owned = std::make_unique<named>();
    std::tuple<int, std::string> pair{1, "t"};
    std::complex<double> phasor{1, 2};
    std::chrono::milliseconds pause{1500};
    std::bitset<4> mask{5};
    int watched = 3;
    double secret = 42;
    std::vector<particle> kept{{1, {}, 1}};
    std::vector<named> listed{{"l", {1}}};
    std::map<std::string, named> filed{{"f", {"f", {}}}};
    std::map<place, int> placed{{{1, 2}, 3}};
    std::set<place> places{{1, 2}, {3, 4}};
    motet::value anything{std::int64_t{4}};

    static constexpr auto policy(motet::hidden) { return motet::fields<&tile::secret>{}; }
    static constexpr auto policy(motet::read_only) {
        return motet::fields<&tile::watched, &tile::kept, &tile::listed, &tile::filed>{};
    }
    static constexpr auto policy(motet::unit) {
        return std::tuple{motet::fields<&tile::wide>::in("m/s"), motet::fields<&tile::cells, &tile::watched>::in("K")};
    }
    double second_mass() const { return particles.at(1).mass; }
    std::size_t size() const { return cells.size(); }
};
MOTET_SCRIPT(tile)

/// Holds one of two structs.
struct chooser {
    std::variant<particle, named> one;
};
MOTET_SCRIPT(chooser)

/// Says itself what its scripts find in it.
struct guarded {
    double mass = 1;
    std::vector<double> cells{1, 2, 3};
    int key = 42;
    motet::value read(const motet::script_path& where) const {
        if (where.is("weight")) return {mass * 10};
        if (where.begins("cells") && where.steps.size() == 2)
            return {cells.at(static_cast<std::size_t>(where.steps[1].integer()))};
        if (where.is("all")) return {motet::value::dict{{{{"mass"}, {mass}}}}};
        throw motet::no_such_path(where);
    }
    void write(const motet::script_path& where, const motet::value& what) {
        if (!where.is("weight")) throw motet::no_such_path(where);
        if (what.number() < 0) throw std::invalid_argument("a weight is not negative");
        mass = what.number() / 10;
    }
};
/// Only what can be read.
struct shown {
    double mass = 1;
    std::string read(const motet::script_path& where) const { return "<" + where.text() + ">"; }
};
/// More than its fields, and what is derived from them as well.
struct more {
    double mass = 2;
    int secret = 5;
    std::vector<double> cells{1, 2};
    std::vector<more> inner;
    static constexpr auto policy(motet::hidden) { return motet::fields<&more::secret>{}; }
    std::optional<double> read(const motet::script_path& where) const {
        if (where.is("weight")) return mass * 10;
        if (where.is("open_secret")) return secret;
        return {};
    }
    bool write(const motet::script_path& where, const motet::value& what) {
        if (where.is("mass") && what.number() < 0) throw std::invalid_argument("a mass is not negative");
        if (where.is("weight")) mass = what.number() / 10;
        return where.is("weight");
    }
    /// Not meant: other types.
    int range(int) const { return 0; }
};
/// A file has a `read`, too.
struct unrelated {
    int number = 3;
    template <class Archive>
    void read(Archive&) {}
    void write(const std::string&, int) {}
};
MOTET_SCRIPT(guarded)
MOTET_SCRIPT(shown)
MOTET_SCRIPT(more)
MOTET_SCRIPT(unrelated)

/// Runs Python that asserts, in a chare.
template <class T = tile>
void assert_in_python(const std::string& code) {
    const std::string with_helpers = R"py(
import numpy as np
def fails(kind, text, action):
    try: action()
    except kind as e:
        assert text in str(e), (text, str(e))
        return
    assert False, f"no {kind.__name__}: {text}"
)py" + code;
    one(threads(1), [&] {
        const auto chare = motet::chare<T>::create(T{});
        const auto outcome = motet::run_script(chare, {.code = with_helpers}).get();
        CHECK_MESSAGE(!outcome.failed(), outcome.traceback);
    });
}

} // namespace data_test

using namespace data_test;

TEST_CASE("scripts read every kind of field") {
    assert_in_python(R"py(
assert self.on is False and self.letter == "a" and self.small == -1 and self.large == 0
assert self.narrow == 0.5 and self.wide == 0.25 and self.state == 7 and self.text == "text"
assert isinstance(self.cells, np.ndarray) and self.cells.dtype == float and self.cells.sum() == 6
assert type(self.cells.sum()) is np.float64 and type(self.cells + 1) is np.ndarray
assert self.particles.mass.tolist() == [1, 2] and self.particles[1].mass == 2 and self.particles[1]["id"] == 2
assert self.particles.at.shape == (2, 3)
assert [n.name for n in self.names] == ["a", "b"] and self.names[-1].name == "b" and list(self.names[0].tags) == [1]
assert self.bits == [True, False] and self.three == [1, 2, 3] and self.line == [1, 2] and self.words == ["x", "y"]
assert self.counts == {"x": 1} and list(self.counts) == ["x"] and self.counts["x"] == 1 and len(self.book) == 0
assert self.seen == {1, 2} and 1 in self.seen and 3 not in self.seen and "x" not in self.seen
assert self.maybe is None and self.either == 0 and self.owned.name == ""
assert self.pair == (1, "t") and self.phasor == 1 + 2j and self.pause == 1.5 and self.mask == "0101"
assert self.line[0:2] == [1, 2] and self.line[::-1] == [2, 1]
)py");
}

TEST_CASE("scripts write every kind of field") {
    assert_in_python(R"py(
self.on = True; assert self.on is True
self.letter = "z"; assert self.letter == "z"
self.small = -128; assert self.small == -128
self.large = 2**64 - 1; assert self.large == 2**64 - 1
self.narrow = 1; assert self.narrow == 1
self.wide = np.float32(2.5); assert self.wide == 2.5
self.state = 0; assert self.state == 0
self.text = "Grüße\ud800"[:5]; assert self.text == "Grüße"
self.cells = range(5); assert self.cells.tolist() == [0, 1, 2, 3, 4]
self.cells = np.linspace(0, 1, 3); assert self.cells.tolist() == [0, 0.5, 1]
self.cells[1] = 9; assert self.cells[1] == 9
self.particles.mass *= 2; assert self.particles.mass.tolist() == [2, 4]
self.particles[0].at[1] = 3; assert self.particles[0].at[1] == 3
self.names[0].tags = [4, 5]; assert list(self.names[0].tags) == [4, 5]
self.names = [{"name": "new"}]; assert self.names[0].name == "new" and len(self.names[0].tags) == 0
self.bits[1] = True; assert self.bits == [True, True]
self.three[1] = 7; assert self.three == [1, 7, 3]
self.three = (4, 5, 6); assert self.three == [4, 5, 6]
self.line.append(3); self.line.insert(0, 9); self.line.extend([4, 5]); assert self.line == [9, 1, 2, 3, 4, 5]
assert self.line.pop() == 5 and self.line.pop(0) == 9; del self.line[0]; self.line[0] = 8; assert self.line == [8, 3, 4]
del self.line[::2]; assert self.line == [3]
self.words = ["p", "q", "r"]; self.words[1] = "s"; assert self.words == ["p", "s", "r"]
self.counts["y"] = 2; del self.counts["x"]; assert self.counts == {"y": 2}
self.book[3] = {"name": "three"}; self.book[3].tags = [3]; assert self.book[3].name == "three" and list(self.book[3].tags) == [3]
self.seen.add(5); self.seen.remove(1); self.seen.discard(77); assert self.seen == {2, 5}
self.maybe = {"name": "m", "tags": [1]}; assert self.maybe.name == "m"; self.maybe.name = "n"; assert self.maybe.name == "n"
self.maybe = None; assert self.maybe is None
self.either = "text"; assert self.either == "text"; self.either = 1.5; assert self.either == 1.5
self.owned.name = "o"; assert self.owned.name == "o"; self.owned = None; assert self.owned is None
self.pair = (2, "u"); assert self.pair == (2, "u")
self.phasor = 5; assert self.phasor == 5
self.pause = 0.25; assert self.pause == 0.25
)py");
}

TEST_CASE("what does not fit is refused with the place, and nothing is changed") {
    assert_in_python(R"py(
fails(TypeError, "on: expected bool, got int", lambda: setattr(self, "on", 1))
fails(TypeError, "small: expected int8, got float", lambda: setattr(self, "small", 1.0))
fails(OverflowError, "small: 128 does not fit in int8", lambda: setattr(self, "small", 128))
fails(OverflowError, "large: -1 does not fit in uint64", lambda: setattr(self, "large", -1))
fails(TypeError, "wide: expected float64, got str", lambda: setattr(self, "wide", "1"))
fails(TypeError, "cells[1]: expected float64, got str", lambda: setattr(self, "cells", [1, "a"]))
fails(TypeError, "cells: expected list of float64, got str", lambda: setattr(self, "cells", "abc"))
fails(TypeError, "one dimension", lambda: setattr(self, "cells", np.zeros((2, 2))))
fails(TypeError, "its elements are complex128", lambda: setattr(self, "cells", np.zeros(2, complex)))
fails(TypeError, "names[0].tags[1]: expected int32, got NoneType", lambda: setattr(self, "names", [{"tags": [1, None]}]))
fails(AttributeError, "named has no field 'nam'; it has name, tags", lambda: self.names.append({"nam": 1}))
fails(TypeError, "three: expected 3 times int32, got list (2 elements)", lambda: setattr(self, "three", [1, 2]))
fails(TypeError, "cannot", lambda: self.three.append(4))
fails(IndexError, "index 5, and there are 2", lambda: self.names[5])
fails(KeyError, "nothing", lambda: self.counts["nothing"])
fails(TypeError, "pair: expected tuple of int32, str, got tuple (3 values)", lambda: setattr(self, "pair", (1, "a", 2)))
fails(TypeError, "cannot make", lambda: setattr(self, "mask", 3))
fails(AttributeError, "tile has no field or method 'cels'; it has on, letter", lambda: self.cels)
fails(AttributeError, "no field or method 'new'", lambda: setattr(self, "new", 1))
fails(AttributeError, "cannot be deleted", lambda: delattr(self, "on"))
assert self.on is False and self.small == -1 and self.cells.tolist() == [1, 2, 3] and len(self.names) == 2
)py");
}

TEST_CASE("what a struct hides is hidden, and what is read-only stays") {
    assert_in_python(R"py(
fails(AttributeError, "no field or method 'secret'", lambda: self.secret)
fails(AttributeError, "no field or method 'secret'", lambda: setattr(self, "secret", 1))
fails(AttributeError, "no field or method 'secret'", lambda: ck.read("secret"))
assert "secret" not in repr(self) and "42" not in repr(self) and "secret" not in dir(self)
fails(AttributeError, "watched is read-only", lambda: setattr(self, "watched", 1))
assert self.watched == 3
assert "watched: int32 in K (read-only)" in type(self).__doc__ and "cells: list of float64 in K" in type(self).__doc__
assert type(self).cells.__doc__ == "list of float64 in K" and type(self).wide.__doc__ == "float64 in m/s"
assert type(self).narrow.__doc__ == "float32" and type(self).pause.__doc__.endswith(" in s")
)py");
}

TEST_CASE("a view that outlives its buffer is a snapshot") {
    assert_in_python(R"py(
c = self.cells
c[0] = 10
assert self.cells[0] == 10 and self.cells.ctypes.data == c.ctypes.data
self.cells.append(4)
assert c.tolist() == [10, 2, 3] and self.cells.tolist() == [10, 2, 3, 4]
c[0] = 11
assert self.cells[0] == 10 and c[0] == 11
tail = self.cells[2:]
self.cells = []
assert tail.tolist() == [3, 4] and len(self.cells) == 0
fails(TypeError, "cannot grow", lambda: tail.append(1))
p = self.particles[0]
self.particles.extend([{"mass": 5}] * 100)
p.mass = 99
assert self.particles[0].mass == 1 and len(self.particles) == 102 and self.particles[101].mass == 5
self.particles.pop(); del self.particles[0]
assert len(self.particles) == 100
)py");
}

TEST_CASE("a reference follows what it stands for, or says that it is gone") {
    assert_in_python(R"py(
n = self.names[0]
tags = n.tags
self.names.extend([{"name": str(i)} for i in range(100)])
assert n.name == "a"
n.name = "again"
assert self.names[0].name == "again"
self.names.clear()
fails(IndexError, "not there any more", lambda: n.name)
fails(IndexError, "not there any more", lambda: setattr(n, "name", "x"))
self.book[1] = {"name": "one"}
b = self.book[1]
del self.book[1]
fails(KeyError, "1", lambda: b.name)
self.maybe = {"name": "m"}
m = self.maybe
self.maybe = None
fails(ReferenceError, "not there any more", lambda: m.name)
class evil:
    def __index__(self_): self.line.clear(); return 3
def write(): self.line[0] = evil()
fails(IndexError, "", write)
self.line.extend(self.line); assert self.line == []
self.line.append(1); self.line.extend(self.line); assert self.line == [1, 1]
)py");
}

TEST_CASE("references of an ended script raise, and are good again in the next one of their interpreter") {
    one(threads(2), [] {
        const auto tiles = motet::array<tile>::create(2, tile{});
        const motet::script_request first{
            .code = "keep = self.names[0]; c = self.cells", .persistent = true, .handle = 1};
        CHECK(said(motet::run_script(tiles[0], first).get()) == "None");
        CHECK(said(motet::run_script(tiles[0], {.code = "c[0] = 5; keep.name, c[0] == self.cells[0]", .handle = 1})
                       .get()) == "('a', False)");
        // A thread of Python's own holds what it should not.
        const auto late = motet::run_script(tiles[1], {.code = R"py(
import threading, time
result = []
def later(name):
    time.sleep(0.05)
    try: result.append(name.name)
    except ReferenceError as e: result.append(str(e))
t = threading.Thread(target=later, args=(self.names[0],)); t.start()
)py",
                                                       .persistent = true,
                                                       .handle = 2})
                              .get();
        CHECK_MESSAGE(!late.failed(), late.traceback);
        motet::sleep_for(std::chrono::milliseconds(200));
        CHECK(contains(said(motet::run_script(tiles[1], {.code = "t.join(); result", .handle = 2}).get()),
                       "is not at hand any more"));
    });
}

TEST_CASE("what lies in a read-only field cannot be changed either, nor can keys") {
    assert_in_python(R"py(
def read_only(action): fails(AttributeError, "is read-only", action)
assert self.kept.mass.tolist() == [1] and self.listed[0].name == "l" and self.filed["f"].name == "f"
fails(ValueError, "read-only", lambda: self.kept.mass.__imul__(2))
fails(ValueError, "read-only", lambda: self.kept.mass.__setitem__(0, 2))
fails(ValueError, "WRITEABLE", lambda: self.kept.setflags(write=True))
read_only(lambda: self.kept.append({}))
read_only(lambda: self.kept.clear())
read_only(lambda: setattr(self.listed[0], "name", "x"))
read_only(lambda: self.listed.append({}))
read_only(lambda: self.listed.pop())
fails(ValueError, "read-only", lambda: self.listed[0].tags.__setitem__(0, 5))
read_only(lambda: self.listed.__setitem__(0, {}))
read_only(lambda: self.filed.__setitem__("g", {}))
read_only(lambda: self.filed.__delitem__("f"))
read_only(lambda: setattr(self.filed["f"], "name", "x"))
key = list(self.placed)[0]
one = [p for p in self.places][1]
self.text = "longer than what a text holds in itself"
assert (key.x, key.y) == (1, 2) and (one.x, one.y) == (3, 4)
read_only(lambda: setattr(key, "x", 5))
read_only(lambda: setattr(one, "x", 5))
assert self.anything == 4
self.anything = {"a": [1, (2.5, None)], "b": b"x"}
assert self.anything == {"a": [1, (2.5, None)], "b": b"x"}
)py");
}

TEST_CASE("a struct that says itself what scripts find in it") {
    assert_in_python<guarded>(R"py(
assert ck.read("weight") == 10 and ck.read(("weight",)) == 10 and self.weight == 10 and ck.read("all") == {"mass": 1}
assert ck.read("cells", 1) == 2
self.weight = 50
assert self.weight == 50
ck.write("weight", 30)
assert ck.read("all") == {"mass": 3}
fails(AttributeError, "there is no mass", lambda: self.mass)
fails(AttributeError, "there is no mass", lambda: ck.read("mass"))
fails(LookupError, "there is no mass[0].x", lambda: ck.read("mass", 0, "x"))
fails(AttributeError, "there is no key", lambda: setattr(self, "key", 1))
fails(LookupError, "there is no cells[0]", lambda: ck.write("cells", 0, 1))
fails(IndexError, "", lambda: ck.read("cells", 9))
fails(ValueError, "a weight is not negative", lambda: setattr(self, "weight", -1))
fails(RuntimeError, "expected a number, got str", lambda: setattr(self, "weight", "x"))
assert not hasattr(self, "key") and "key" not in dir(self) and "42" not in repr(self) and "42" not in str(self)
)py");
    assert_in_python<shown>(R"py(
assert self.mass == "<mass>" and ck.read("a", 0, "b") == "<a[0].b>"
fails(AttributeError, "mass is read-only", lambda: setattr(self, "mass", 1))
fails(AttributeError, "a[0] is read-only", lambda: ck.write("a", 0, 1))
)py");
    assert_in_python<more>(R"py(
assert self.mass == 2 and self.weight == 20 and self.open_secret == 5 and self.cells.tolist() == [1, 2]
fails(AttributeError, "no field or method 'secret'", lambda: self.secret)
self.weight = 70
self.mass += 1
self.cells[0] = 4
assert ck.read("mass") == 8 and ck.read("cells", 0) == 4
fails(ValueError, "a mass is not negative", lambda: setattr(self, "mass", -1))
# The same of structs in it.
self.inner.append({"mass": 3})
self.inner.append({"weight": 40})
fails(ValueError, "a mass is not negative", lambda: self.inner.append({"mass": -1}))
assert [x.weight for x in self.inner] == [30, 40] and ck.read("inner", 1, "weight") == 40
ck.write("inner", 0, "weight", 90)
assert self.inner[0].mass == 9
)py");
    assert_in_python<unrelated>("assert self.number == 3\nself.number = 4\nassert ck.read('number') == 4");
}

TEST_CASE("what a value is made of may change while it is read") {
    assert_in_python<tile>(R"py(
class clears:
    def __init__(self, all): self.all = all
    def __index__(self):
        self.all.clear()
        return 5
given = []
given += [clears(given), 6, 7]
self.line = given
assert list(self.line) == [5, 6, 7]
fields = {}
fields.update(id=clears(fields), mass=2.5)
self.particles.append(fields)
assert self.particles[-1].id == 5 and self.particles[-1].mass == 2.5
self.particles.pop()
self.line = [1, 2]
)py");
}

TEST_CASE("a reference into a variant ends with what that held") {
    assert_in_python<chooser>(R"py(
first = self.one
first.id = 7
assert self.one.id == 7
self.one = {"name": "a name that is no number", "tags": [1]}
def gone(what):
    try: what()
    except ReferenceError as problem: return "not there any more" in str(problem)
assert gone(lambda: first.id) and gone(lambda: setattr(first, "mass", 3))
assert self.one.name == "a name that is no number"
)py");
}

TEST_CASE("results are values") {
    one(threads(1), [] {
        const auto chare = motet::chare<tile>::create(tile{});
        const auto result = [&](const char* code) { return said(motet::run_script(chare, {.code = code}).get()); };
        CHECK(result("1 + 1") == "2");
        CHECK(result("x = 5") == "None");
        CHECK(result("2**63, -2**63, 2**100") ==
              "(9223372036854775808, -9223372036854775808, 1267650600228229401496703205376)");
        CHECK(result("[True, None, 1.5, 'a', b'bc', {'k': (1,)}]") == "[True, None, 1.5, 'a', 2 bytes, {'k': (1)}]");
        CHECK(result("self.cells") == "array <f8 3");
        CHECK(result("self.cells * 2") == "array <f8 3");
        CHECK(result("self.cells[0], self.cells.sum(), self.cells > 1") == "(1, 6, array |b1 3)");
        CHECK(result("self.particles[1]") == "{'mass': 2, 'at': array <f8 3, 'id': 2}");
        CHECK(result("self.particles") == "array [('mass', '<f8'), ('at', '<f8', (3,)), ('id', '<i4')] 2");
        CHECK(result("self.names[0]") == "{'name': 'a', 'tags': array <i4 1}");
        CHECK(result("self.counts, self.seen, self.words") == "({'x': 1}, [1, 2], ['x', 'y'])");
        CHECK(result("print, self.watched") == "(<builtin_function_or_method>, 3)");
        for (const char* deep : {"x = []\nx.append(x)\nx", "x = {}\nfor i in range(700): x = {1: x}\nx"})
            CHECK(contains(result(deep), "ValueError: more than 100 lists or dicts that lie in each other"));
        CHECK(result("class broken:\n    def __repr__(self): 1/0\nbroken()") == "<broken>");
    });
}
