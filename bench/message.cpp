// SPDX-License-Identifier: BSL-1.0
// needs: caf
//
// Messages with two arguments, beside the actors of CAF and, for the round trip, two cache lines that two threads
// bounce by hand. 1,000 messages are in flight: each handler sends the next one.

#include "harness.hpp"
#include "program.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <tuple>

namespace {

using motet_bench::check;
using motet_bench::on_pes;
using motet_bench::seconds;

/// A game: so many balls, each thrown so often (an even number) after it was served.
struct game {
    std::int64_t balls;
    std::int64_t throws;
    std::int64_t messages() const { return balls * (throws + 1); }
};
constexpr game many{1000, 1000};
constexpr game one{1, 50'000};

/// Throws on every ball that it catches, and counts. `left` and `flown`: how often the ball will be and was thrown.
struct Player {
    motet::element_proxy<Player, std::int64_t> other;
    std::int64_t home = 0;
    std::int64_t served = 0; ///< balls of the game that have not landed here yet
    std::int64_t caught = 0;
    motet::promise<void> end;

    void meet(motet::element_proxy<Player, std::int64_t> whom, std::int64_t pe, std::int64_t balls,
              motet::promise<void> told) {
        other = whom, home = pe, served = balls, end = told;
    }
    void ball(std::int64_t left, std::int64_t flown) {
        ++caught;
        if (left > 0) return other.tell<&Player::ball>(left - 1, flown + 1);
        check(motet::my_pe() == home, "the PE of a player");
        if (--served == 0) end.set();
    }
    std::int64_t count() const { return caught; }
};

/// Nanoseconds per message of a game between the players 0 and 1, who live on these PEs.
double play(const motet::collection<Player>& players, game g, std::int64_t second_pe) {
    motet::future<void> over;
    motet::promise<void> end;
    std::tie(over, end) = motet::make_future<void>();
    players[0].ask<&Player::meet>(players[1], 0, g.balls, end).get();
    players[1].ask<&Player::meet>(players[0], second_pe, g.balls, end).get();
    const double time = seconds([&] {
        for (std::int64_t i = 0; i < g.balls; ++i) players[0].tell<&Player::ball>(g.throws, std::int64_t{0});
        over.get();
    });
    check(players[0].ask<&Player::count>().get() == g.balls * (g.throws / 2 + 1), "the first player");
    check(players[1].ask<&Player::count>().get() == g.balls * (g.throws / 2), "the second player");
    return 1e9 * time / static_cast<double>(g.messages());
}

double same_pe() {
    return on_pes(1, [] { return play(motet::array<Player>::create(2), many, 0); });
}
/// A group has one player on each PE, and none of them moves: every throw crosses.
auto cross_pe(game g) {
    return [g] { return on_pes(2, [g] { return play(motet::group<Player>::create(), g, 1); }); };
}

struct caf_state {
    caf::actor other;
    caf::actor referee;
    std::int64_t served = 0;
    std::int64_t caught = 0;
};

caf::behavior caf_player(caf::stateful_actor<caf_state>* self) {
    return {
        [self](const caf::actor& other, const caf::actor& referee, std::int64_t balls) {
            self->state.other = other;
            self->state.referee = referee;
            self->state.served = balls;
            return true;
        },
        [self](std::int64_t left, std::int64_t flown) {
            ++self->state.caught;
            if (left > 0) return self->send(self->state.other, left - 1, flown + 1);
            if (--self->state.served == 0) self->send(self->state.referee, true);
        },
        [self](bool) {
            const std::int64_t caught = self->state.caught;
            self->state.other = nullptr;
            self->state.referee = nullptr;
            self->quit();
            return caught;
        },
    };
}

/// Two actors of CAF: with `Options` detached each has a thread of its own, so that every message crosses; else the
/// scheduler's so many threads share them.
template <caf::spawn_options Options>
auto with_caf(game g, int threads) {
    return [g, threads] {
        caf::actor_system_config config;
        config.set("scheduler.max-threads", threads);
        caf::actor_system system(config);
        caf::scoped_actor referee(system);
        const auto first = system.spawn<Options>(caf_player);
        const auto second = system.spawn<Options>(caf_player);
        const auto fail = [](const caf::error&) { check(false, "CAF"); };
        const auto self = caf::actor_cast<caf::actor>(referee);
        referee->request(first, caf::infinite, second, self, g.balls).receive([](bool) {}, fail);
        referee->request(second, caf::infinite, first, self, g.balls).receive([](bool) {}, fail);
        const double time = seconds([&] {
            for (std::int64_t i = 0; i < g.balls; ++i) referee->send(first, g.throws, std::int64_t{0});
            referee->receive([](bool) {});
        });
        std::int64_t caught = 0;
        for (const auto& player : {first, second})
            referee->request(player, caf::infinite, true).receive([&](std::int64_t count) { caught += count; }, fail);
        check(caught == g.messages(), "the players of CAF");
        return 1e9 * time / static_cast<double>(g.messages());
    };
}

/// Two threads that answer each other through a cache line each: what the machine itself needs for a round trip.
double bounce() {
    struct alignas(128) line {
        std::atomic<std::int64_t> value{0};
    };
    line there, back;
    const std::int64_t rounds = one.throws / 2;
    std::thread other([&] {
        for (std::int64_t i = 1; i <= rounds; ++i) {
            while (there.value.load(std::memory_order_acquire) != i) {}
            back.value.store(i, std::memory_order_release);
        }
    });
    const double time = seconds([&] {
        for (std::int64_t i = 1; i <= rounds; ++i) {
            there.value.store(i, std::memory_order_release);
            while (back.value.load(std::memory_order_acquire) != i) {}
        }
    });
    other.join();
    return 1e9 * time / static_cast<double>(rounds);
}

template <class Measure>
auto twice(Measure measure) {
    return [measure] { return 2 * measure(); };
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    report.compare({.id = "message.same_pe", .unit = "ns", .at_most = 25}, same_pe,
                   motet_bench::rival{"CAF, 1 thread", with_caf<caf::no_spawn_options>(many, 1)});
    report.compare({.id = "message.cross_pe", .unit = "ns", .at_most = 45}, cross_pe(many),
                   motet_bench::rival{"CAF, a thread each", with_caf<caf::detached>(many, 1)},
                   motet_bench::rival{"CAF, 2 threads", with_caf<caf::no_spawn_options>(many, 2)});
    report.compare({.id = "message.round_trip", .unit = "ns", .at_most = 300}, twice(cross_pe(one)),
                   motet_bench::rival{"by hand", bounce},
                   motet_bench::rival{"CAF, a thread each", twice(with_caf<caf::detached>(one, 1))});
}
