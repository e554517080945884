// SPDX-License-Identifier: BSL-1.0
// buggy TILES CELLS STEPS: heat in a rod of TILES x CELLS cells, whose TILES chares hand on their ends, with a mistake
// in it: the values of cells belong between 0 and 10, and do not stay there. check.py finds where.
#include "../number.hpp"

#include <motet/script.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

struct Tile {
    std::int64_t tiles = 1; // in the rod
    std::int64_t step = 0;
    std::int64_t arrived = 0;
    double left = 0;
    double right = 0;
    std::vector<double> data{};

    void run(std::int64_t steps);
    void border(std::int64_t sent_at, std::int64_t side, double value);
    bool when(motet::entry<&Tile::border>, std::int64_t sent_at, std::int64_t, double) const { return sent_at == step; }
    void relax();
    double hottest() const;
};

void Tile::run(std::int64_t steps) {
    const std::int64_t i = motet::this_index();
    const auto rod = motet::this_collection<Tile>();
    while (step < steps) { // its ends meet: no end is special
        rod[(i + tiles - 1) % tiles].tell<&Tile::border>(step, 1, data.front());
        rod[(i + 1) % tiles].tell<&Tile::border>(step, 0, data.back());
        motet::wait([&] { return arrived == 2; });
        arrived = 0;
        relax();
        ++step;
    }
}

void Tile::border(std::int64_t, std::int64_t side, double value) {
    (side == 0 ? left : right) = value;
    ++arrived;
}

void Tile::relax() {
    std::vector<double> next(data.size());
    for (std::size_t i = 0; i < data.size(); ++i) {
        const double before = i == 0 ? left : data[i - 1];
        const double after = i + 1 == data.size() ? right : data[i + 1];
        next[i] = data[i] + 0.25 * (before - 2 * data[i] + after);
    }
    // The mistake: somebody has tried something, and left it there.
    if (motet::this_index() == 5 && step == 12) next[3] = -next[3] - 11;
    data = next;
}

double Tile::hottest() const {
    double most = data.front();
    for (const double value : data) most = std::max(most, value);
    return most;
}

// Nothing is served here, and no struct is open to scripts: hooks look into every chare.
int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto& given = motet::arguments();
        if (given.size() != 4) throw std::invalid_argument("usage: buggy TILES CELLS STEPS");
        const auto tiles = number<std::int64_t>(given[1], "TILES", 1, 1000000);
        const auto cells = number<std::size_t>(given[2], "CELLS", 4, 1000000);
        const auto steps = number<std::int64_t>(given[3], "STEPS", 0, 1000000000);
        const auto rod = motet::array<Tile>::create(tiles, Tile{.tiles = tiles, .data = std::vector<double>(cells, 5)});
        rod.all<&Tile::run>(steps).get();
        const auto hottest = rod.reduce<&Tile::hottest>(motet::max_at).get();
        motet::print("hottest {:.6f} in tile {}", hottest.value, hottest.index);
    });
}
