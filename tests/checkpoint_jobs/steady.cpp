// SPDX-License-Identifier: BSL-1.0
// steady STEPS FOLDER [once [map|settings|strategy|kept]]: a ring of cells that exchange values with their neighbours,
// step by step, and write checkpoints all the time (once: one, in the middle, after which the program stops). Prints
// what all cells have in the end. map: where they are is said by one that has a state. settings: there is program data,
// which is printed, too. strategy: they are balanced, by one that not all programs have. kept: instead of all that, a
// checkpoint of steps of the runtime that have not run, and of a channel. Compiled in several ways, as
// the structs of one program may change: see steady.sh.
#include <motet/motet.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace steady {

constexpr std::int64_t cells = 12;

#ifdef OTHER_STATE
using number = float; // of what is no field of a chare
#else
using number = std::int32_t;
#endif
struct Side {
    number which = 0;
};
struct Shifted {
    number by = 0;
    std::int64_t operator()(std::int64_t index, std::int64_t, std::int64_t pes) const {
        return (index + static_cast<std::int64_t>(by)) % pes;
    }
};
struct Settings {
#ifdef MORE_FIELDS
    std::string added = "more";
#endif
    number scale = 0;
};

#ifdef AS_IT_WAS
struct AllStay {
    void operator()(motet::balancing&) const {}
};
#endif

struct Cell {
#ifdef MORE_FIELDS
    std::vector<int> added = {1, 2, 3}; // missing in the file: keeps its default
#endif
#ifdef OTHER_TYPE
    float value = 0;
#else
    double value = 0;
#endif
#ifdef MORE_FIELDS // in another order
    std::int64_t steps = 0;
    std::int64_t step = 0;
#else
    std::int64_t step = 0;
    std::int64_t steps = 0;
#endif
    std::vector<double> history;
    std::array<double, 2> sides = {};
    std::int64_t arrived = 0;
#ifndef REMOVED_FIELD
    std::string label = "cell";
#endif

    void begin(std::int64_t count) {
        value = static_cast<decltype(value)>(motet::this_index() * motet::this_index() % 7);
        steps = count;
        tell_neighbours();
    }
    void tell_neighbours() const {
        const auto all = motet::this_collection<Cell>();
        const std::int64_t own = motet::this_index();
        all[(own + 1) % cells].tell<&Cell::take>(step, Side{0}, static_cast<double>(value));
        all[(own + cells - 1) % cells].tell<&Cell::take>(step, Side{1}, static_cast<double>(value));
    }
    void take(std::int64_t, Side side, double theirs) {
        sides.at(static_cast<std::size_t>(side.which)) = theirs;
        if (++arrived < 2) return;
        arrived = 0;
        value = static_cast<decltype(value)>(0.5 * value + 0.25 * (sides[0] + sides[1]));
        if (step % 100 == 0) history.push_back(value);
        if (++step < steps) tell_neighbours();
    }
    bool when(motet::entry<&Cell::take>, std::int64_t at, Side, double) const { return at == step; }
    void add(double more) { value += static_cast<decltype(value)>(more); }
    double get() const { return static_cast<double>(value); }
    double result() const {
#ifdef MORE_FIELDS
        if (added != std::vector<int>{1, 2, 3}) return -1;
#endif
        double sum = value * static_cast<double>(motet::this_index() + 1);
        for (const double each : history) sum += each;
        return sum;
    }
};

struct Judge {
    motet::array<Cell> all;
    bool has_settings = false;
    void finish() {
        motet::quiescence().get();
        std::string text;
        if (has_settings) {
            text += fmt::format(" settings {}", motet::readonly<Settings>().scale);
#ifdef MORE_FIELDS
            text += " " + motet::readonly<Settings>().added;
#endif
        }
        for (const double each : all.gather<&Cell::result>().get()) text += fmt::format(" {:.17g}", each);
        motet::print("result{}", text);
    }
};

/// One end of a channel.
struct Peer {
    motet::chare<Peer> other;
    motet::array<Cell> all;
    motet::array<Cell> late;
    void know(motet::chare<Peer> peer) { other = peer; }
    void begin(std::string folder) {
        motet::channel<std::int64_t>(other).send(5);
        motet::checkpoint(folder, other.to<&Peer::finish>());
        all.tell<&Cell::add>(1);
        all.section({3, 5}).tell<&Cell::add>(100);
    }
    void finish() {
        late.insert(7).get();
        motet::quiescence().get();
        const double sum = all.reduce<&Cell::get>(motet::sum).get();
        const std::int64_t received = motet::channel<std::int64_t>(other).receive();
        std::string found = "there";
        try {
            late[7].ask<&Cell::get>().get();
        } catch (const motet::erased&) {
            found = "erased";
        }
        motet::print("kept {} {} {}", sum, received, found);
    }
};

} // namespace steady

int main(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto& words = motet::arguments();
        if (words.size() < 3) {
            motet::print("usage: steady STEPS FOLDER [once]");
            return 2;
        }
        const bool once = words.size() > 3;
        const std::string with = words.size() > 4 ? words[4] : "";
        if (with == "settings") motet::set_readonly(steady::Settings{.scale = 3});
        const auto all = with == "map" ? motet::array<steady::Cell>::create(steady::cells, {}, steady::Shifted{1})
                                       : motet::array<steady::Cell>::create(steady::cells);
#ifdef AS_IT_WAS
        if (with == "strategy") motet::balance_with(all, steady::AllStay{}).get();
#endif
        if (with == "kept") {
            const auto late = motet::array<steady::Cell>::create();
            const auto one = motet::chare<steady::Peer>::create({{}, all, late});
            const auto two = motet::chare<steady::Peer>::create({one, all, late});
            one.ask<&steady::Peer::know>(two).get();
            const auto held = late[7].erase();
            one.tell<&steady::Peer::begin>(words[2]);
            while (!std::filesystem::exists(words[2] + "/newest")) motet::sleep_for(std::chrono::milliseconds(1));
            motet::exit(0);
        }
        const auto judge = motet::chare<steady::Judge>::create({all, with == "settings"});
        const auto goes_on = judge.to<&steady::Judge::finish>();
        if (!once) motet::checkpoint_every(words[2], goes_on, std::chrono::milliseconds(1));
        all.tell<&steady::Cell::begin>(std::int64_t{std::atoll(words[1].c_str())});
        if (once) {
            motet::sleep_for(std::chrono::milliseconds(20));
            motet::checkpoint(words[2], goes_on).get();
            motet::exit(0);
        }
        motet::quiescence().get();
        judge.ask<&steady::Judge::finish>().get();
        return 0;
    });
}
