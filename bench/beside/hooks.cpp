// SPDX-License-Identifier: BSL-1.0
// What bench_hooks runs, built with scripts and without:
//   game MESSAGES: two chares on one PE throw balls; prints nanoseconds per message.
//   jacobi SIZE CHARES STEPS: five points on SIZE x SIZE cells in CHARES tiles (the paper's Table 4); prints
//   milliseconds per step.
// With `hook CODE [METHOD]` at the end that runs after every message, where there are scripts.
#ifdef MOTET_WITH_SCRIPT
#include <motet/script.hpp>
#else
#include <motet/motet.hpp>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace beside {

double since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

constexpr std::int64_t balls = 50;

struct Player {
    motet::element_proxy<Player, std::int64_t> other;
    std::int64_t flying = balls;
    std::int64_t caught = 0;
    motet::promise<void> end;

    void meet(motet::element_proxy<Player, std::int64_t> whom, motet::promise<void> told) { other = whom, end = told; }
    void ball(std::int64_t left, std::int64_t flown) {
        ++caught;
        if (left > 0) return other.tell<&Player::ball>(left - 1, flown + 1);
        if (--flying == 0) end.set();
    }
};

/// Seconds. Every ball ends where it began.
double play(std::int64_t messages) {
    const auto players = motet::array<Player>::create(2);
    motet::future<void> over;
    motet::promise<void> end;
    std::tie(over, end) = motet::make_future<void>();
    players[0].ask<&Player::meet>(players[1], end).get();
    players[1].ask<&Player::meet>(players[0], end).get();
    const std::int64_t throws = messages / balls / 2 * 2;
    const auto begin = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < balls; ++i) players[0].tell<&Player::ball>(throws, std::int64_t{0});
    over.get();
    return since(begin);
}

/// side x side tiles of width x width cells; the outermost ones are kept at 1.
struct Tile {
    std::int64_t side = 0;
    std::int64_t width = 0;
    std::vector<double> data = {};
    std::int64_t step = 0;
    std::int64_t last = 0;
    std::int64_t arrived = 0;
    std::int64_t awaited = 0;
    std::vector<std::vector<double>> edges = {}; ///< of the neighbours
    motet::promise<double> end = {};

    void begin(std::int64_t steps, motet::promise<double> told) {
        const auto [x, y] = motet::this_index<motet::grid<2>>();
        data.assign(static_cast<std::size_t>(width * width), 0);
        edges.assign(4, std::vector<double>(static_cast<std::size_t>(width), 1));
        awaited = (x > 0) + (x + 1 < side) + (y > 0) + (y + 1 < side);
        last = steps, end = told;
        send();
    }
    void border(std::int64_t /*sent_at*/, std::int64_t from, std::vector<double> values) {
        edges[static_cast<std::size_t>(from)] = std::move(values);
        if (++arrived == awaited) relax();
    }
    bool when(motet::entry<&Tile::border>, std::int64_t sent_at, std::int64_t, const std::vector<double>&) const {
        return sent_at == step;
    }

    double at(std::int64_t row, std::int64_t column) const {
        return data[static_cast<std::size_t>(row * width + column)];
    }
    void send() const {
        const auto [x, y] = motet::this_index<motet::grid<2>>();
        const auto tiles = motet::this_collection<Tile, motet::grid<2>>();
        const auto line = [&](std::int64_t first, std::int64_t stride) {
            std::vector<double> values(static_cast<std::size_t>(width));
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] = data[static_cast<std::size_t>(first) + i * static_cast<std::size_t>(stride)];
            return values;
        };
        if (x > 0) tiles[{x - 1, y}].tell<&Tile::border>(step, std::int64_t{1}, line(0, 1));
        if (x + 1 < side) tiles[{x + 1, y}].tell<&Tile::border>(step, std::int64_t{0}, line((width - 1) * width, 1));
        if (y > 0) tiles[{x, y - 1}].tell<&Tile::border>(step, std::int64_t{3}, line(0, width));
        if (y + 1 < side) tiles[{x, y + 1}].tell<&Tile::border>(step, std::int64_t{2}, line(width - 1, width));
    }
    /// In place: the row above is kept as it was.
    void relax() {
        const auto n = static_cast<std::size_t>(width);
        std::vector<double> above = edges[0];
        std::vector<double> before(n);
        for (std::size_t row = 0; row < n; ++row) {
            double* const here = data.data() + row * n;
            const double* const below = row + 1 < n ? here + n : edges[1].data();
            std::copy(here, here + n, before.begin());
            if (n == 1) {
                here[0] = 0.25 * (above[0] + below[0] + edges[2][row] + edges[3][row]);
            } else {
                here[0] = 0.25 * (above[0] + below[0] + edges[2][row] + before[1]);
                for (std::size_t i = 1; i + 1 < n; ++i)
                    here[i] = 0.25 * (above[i] + below[i] + before[i - 1] + before[i + 1]);
                here[n - 1] = 0.25 * (above[n - 1] + below[n - 1] + before[n - 2] + edges[3][row]);
            }
            above.swap(before);
        }
        arrived = 0;
        if (++step < last)
            send();
        else
            motet::contribute(data.front(), motet::max, end);
    }
};

/// Seconds of so many steps, and the highest corner of a tile then.
std::pair<double, double> jacobi(std::int64_t size, std::int64_t chares, std::int64_t steps) {
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(chares))));
    const auto tiles =
        motet::array<Tile, motet::grid<2>>::create({side, side}, Tile{.side = side, .width = size / side});
    auto [highest, end] = motet::make_future<double>();
    const auto begin = std::chrono::steady_clock::now();
    tiles.all<&Tile::begin>(steps, end).get();
    const double found = highest.get();
    return {since(begin), found};
}

} // namespace beside

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto& words = motet::arguments();
        const auto number = [&](std::size_t place) { return std::stoll(words.at(place)); };
        const bool game = words.at(1) == "game";
#ifdef MOTET_WITH_SCRIPT
        if (const std::size_t hook = game ? 3 : 5; words.size() > hook) {
            motet::hook_request request{.on = game ? "Player" : "Tile", .entries = {game ? "ball" : "border"}};
            request.code = words.at(hook);
            if (words.size() > hook + 1) request.method = words.at(hook + 1);
            auto [installed, to] = motet::make_future<std::string>();
            motet::script::ask_debugger(motet::runtime::this_pe(), 0, request,
                                        [to = to](const motet::script_answer& said) { to.set(said.error); });
            if (const std::string problem = installed.get(); !problem.empty()) throw motet::error(problem);
        }
#endif
        if (game) {
            motet::print("{}", 1e9 * beside::play(number(2)) / static_cast<double>(number(2)));
        } else {
            const auto [seconds, highest] = beside::jacobi(number(2), number(3), number(4));
            motet::print("{} {}", 1e3 * seconds / static_cast<double>(number(4)), highest);
        }
    });
}
