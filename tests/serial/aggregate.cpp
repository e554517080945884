// SPDX-License-Identifier: BSL-1.0
#include "round_trip.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

using namespace motet_test;

namespace {

struct nothing {
    bool operator==(const nothing&) const = default;
};
struct point {
    double x = 0, y = 0;
    bool operator==(const point&) const = default;
};
struct padded {
    char letter = 0;
    double value = 0;
    bool flag = false;
    bool operator==(const padded&) const = default;
};
struct tile {
    int step = 0;
    std::vector<double> cells;
    bool operator==(const tile&) const = default;
};
struct board {
    std::string name;
    std::vector<tile> tiles;
    padded extra;
    nothing empty;
    std::array<point, 2> corners{};
    bool operator==(const board&) const = default;
};
struct tree {
    int value = 0;
    std::vector<tree> children;
    bool operator==(const tree&) const = default;
};

const board sample{"chess", {{1, {1, 2, 3}}, {2, {}}, {3, {4}}}, {'x', 0.5, true}, {}, {{{1, 2}, {3, 4}}}};

} // namespace

TEST_CASE("plain structs come back") {
    round_trip(nothing{});
    round_trip(point{1, 2});
    round_trip(padded{'a', 2.5, true});
    round_trip(sample);
    round_trip(board{});
}

TEST_CASE("a struct may hold itself in a container") { round_trip(tree{1, {{2, {{3, {}}}}, {4, {}}}}); }

TEST_CASE("fields stand one behind the other, without padding") {
    CHECK(motet::serial::codec<padded>::fixed == 10);
    CHECK(motet::serial::encode(padded{}).size() == 10);
    CHECK(motet::serial::codec<point>::fixed == 16);
    CHECK(motet::serial::codec<nothing>::fixed == 1); // or a billion of them would fit one byte
}

TEST_CASE("equal values have equal bytes, whatever their padding holds") {
    alignas(padded) std::byte memory[2][sizeof(padded)];
    std::memset(memory[0], 0x55, sizeof(padded));
    std::memset(memory[1], 0xaa, sizeof(padded));
    const auto bytes_in = [](std::byte* where) {
        auto* object = new (where) padded;
        object->letter = 'l';
        object->value = 3;
        object->flag = true;
        const std::vector<padded> one(1, *object);
        motet::serial::writer out;
        motet::serial::write(out, std::span<const padded>(object, 1));
        motet::serial::write(out, one);
        motet::serial::write(out, *object);
        return out.release();
    };
    const auto a = bytes_in(memory[0]);
    const auto b = bytes_in(memory[1]);
    REQUIRE(a.size() == b.size());
    CHECK(std::memcmp(a.data(), b.data(), a.size()) == 0);
}

TEST_CASE("an error names the field path and the byte") {
    const auto bytes = motet::serial::encode(sample);
    // name: 6 bytes, count of tiles: 1, tiles[0]: step at 7, count at 11, padding to 16, cells to 40
    const motet::decode_error in_cells = failure_of<board>(bytes.bytes().first(39));
    CHECK(in_cells.path == "tiles[0].cells");
    CHECK(std::string(in_cells.what()).find("cannot decode 'tiles[0].cells' at byte 16: ") == 0);
    CHECK(failure_of<board>(bytes.bytes().first(42)).path == "tiles[1].step");
    CHECK(failure_of<board>(bytes.bytes().first(bytes.size() - 1)).path == "corners");
    CHECK(failure_of<board>(bytes.bytes().first(3)).path == "name");
    std::vector<std::byte> copy(bytes.bytes().begin(), bytes.bytes().end());
    const std::size_t flag = bytes.size() - sizeof sample.corners - 2;
    REQUIRE(copy[flag] == std::byte{1});
    copy[flag] = std::byte{7};
    CHECK(failure_of<board>(copy).path == "extra.flag");
    auto deep = motet::serial::encode(tree{1, {{2, {}}, {3, {{4, {}}}}}});
    deep.data()[deep.size() - 1] = std::byte{9};
    CHECK(failure_of<tree>(deep).path == "children[1].children[0].children");
}

TEST_CASE("reading uses the memory that is there") {
    const auto bytes = motet::serial::encode(sample);
    board used = sample;
    const double* cells = used.tiles[0].cells.data();
    const tile* tiles = used.tiles.data();
    motet::serial::decode_into(bytes, used);
    CHECK(used.tiles.data() == tiles);
    CHECK(used.tiles[0].cells.data() == cells);
}
