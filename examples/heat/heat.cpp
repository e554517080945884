// SPDX-License-Identifier: BSL-1.0
// heat SIDE TILES STEPS [FILE]: heat spreads over a torus of SIDE x SIDE cells, which TILES x TILES chares share.
// Prints the total heat and the hottest cell; writes all cells to FILE, a line for each row.
#include "../number.hpp"

#include <motet/motet.hpp>

#include <algorithm>
#include <fstream>
#include <numeric>

constexpr int north = 0, south = 1, west = 2, east = 3;

struct Tile {
    std::int64_t tiles = 1; // on a side of the whole
    std::int64_t n = 1;     // cells on a side of this one
    int step = 0;
    int arrived = 0;             // borders of the neighbours
    std::vector<double> cells{}; // n + 2 rows of n + 2: the neighbours' borders stand around ours

    void on(motet::created);
    void run(int steps);
    void border(int sent_at, int side, std::span<const double> values);
    bool when(motet::entry<&Tile::border>, int sent_at, int, std::span<const double>) const { return sent_at == step; }
    double total() const;
    double hottest() const;
    std::vector<double> field() const;

    double& at(std::int64_t row, std::int64_t column) {
        return cells[static_cast<std::size_t>(row * (n + 2) + column)];
    }
    double at(std::int64_t row, std::int64_t column) const { return const_cast<Tile&>(*this).at(row, column); }
    std::vector<double> line(int side) const;
    void relax();
};

void Tile::on(motet::created) {
    const auto place = motet::this_index<motet::grid<2>>();
    const std::int64_t side = n * tiles;
    cells.assign(static_cast<std::size_t>((n + 2) * (n + 2)), 0);
    for (std::int64_t r = 0; r < n; ++r)
        for (std::int64_t c = 0; c < n; ++c)
            if (place[0] * n + r < side / 2 && place[1] * n + c < side / 3) at(r + 1, c + 1) = 100;
}

void Tile::run(int steps) {
    const auto [x, y] = motet::this_index<motet::grid<2>>();
    const auto all = motet::this_collection<Tile, motet::grid<2>>();
    for (; step < steps; ++step) { // on a torus: no edge is special
        all[{(x + tiles - 1) % tiles, y}].tell<&Tile::border>(step, south, line(north));
        all[{(x + 1) % tiles, y}].tell<&Tile::border>(step, north, line(south));
        all[{x, (y + tiles - 1) % tiles}].tell<&Tile::border>(step, east, line(west));
        all[{x, (y + 1) % tiles}].tell<&Tile::border>(step, west, line(east));
        motet::wait([&] { return arrived == 4; }); // other messages are handled meanwhile
        arrived = 0;
        relax();
    }
}

void Tile::border(int, int side, std::span<const double> values) {
    for (std::int64_t i = 1; i <= n; ++i) {
        const double value = values[static_cast<std::size_t>(i - 1)];
        if (side == north || side == south)
            at(side == north ? 0 : n + 1, i) = value;
        else
            at(i, side == west ? 0 : n + 1) = value;
    }
    ++arrived;
}

std::vector<double> Tile::line(int side) const {
    std::vector<double> values;
    for (std::int64_t i = 1; i <= n; ++i)
        values.push_back(side == north || side == south ? at(side == north ? 1 : n, i) : at(i, side == west ? 1 : n));
    return values;
}

void Tile::relax() {
    Tile next = *this;
    for (std::int64_t r = 1; r <= n; ++r)
        for (std::int64_t c = 1; c <= n; ++c)
            next.at(r, c) =
                at(r, c) + 0.125 * (at(r - 1, c) + at(r + 1, c) + at(r, c - 1) + at(r, c + 1) - 4 * at(r, c));
    cells.swap(next.cells);
}

std::vector<double> Tile::field() const {
    std::vector<double> ours;
    for (std::int64_t r = 1; r <= n; ++r)
        for (std::int64_t c = 1; c <= n; ++c) ours.push_back(at(r, c));
    return ours;
}

double Tile::total() const {
    const auto ours = field();
    return std::accumulate(ours.begin(), ours.end(), 0.0);
}

double Tile::hottest() const {
    const auto ours = field();
    return *std::max_element(ours.begin(), ours.end());
}

void write_field(std::ofstream& file, const std::vector<std::vector<double>>& fields, int tiles, int n) {
    for (int row = 0; row < tiles * n; ++row)
        for (int column = 0; column < tiles * n; ++column) {
            const auto& field = fields[static_cast<std::size_t>(row / n * tiles + column / n)];
            file << fmt::format("{:.17g}{}", field[static_cast<std::size_t>(row % n * n + column % n)],
                                column + 1 < tiles * n ? ' ' : '\n');
        }
}

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto& given = motet::arguments();
        if (given.size() < 4 || given.size() > 5) throw std::invalid_argument("usage: heat SIDE TILES STEPS [FILE]");
        const int side = number(given[1], "SIDE", 1, 100000);
        const int tiles = number(given[2], "TILES", 1, 1000);
        const int steps = number(given[3], "STEPS", 0, 1000000000);
        if (side % tiles != 0) throw std::invalid_argument("SIDE is not a multiple of TILES");
        std::ofstream file;
        if (given.size() == 5) file.open(given.back()); // now: a wrong name shall not cost the work
        if (!file) throw std::runtime_error(given.back() + " cannot be written");

        auto plate =
            motet::array<Tile, motet::grid<2>>::create({tiles, tiles}, Tile{.tiles = tiles, .n = side / tiles});
        plate.all<&Tile::run>(steps).get(); // call every one, wait for every one
        motet::print("total {:.6f}", plate.reduce<&Tile::total>(motet::sum).get());
        const auto hottest = plate.reduce<&Tile::hottest>(motet::max_at).get();
        motet::print("hottest {:.6f} in tile {}, {}", hottest.value, hottest.index[0], hottest.index[1]);
        if (given.size() == 5) write_field(file, plate.gather<&Tile::field>().get(), tiles, side / tiles);
        if (!file.flush()) throw std::runtime_error(given.back() + " cannot be written");
    });
}
