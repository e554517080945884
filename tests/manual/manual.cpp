// SPDX-License-Identifier: BSL-1.0
// What docs/manual/ shows, compiled and run.
#include "../pattern/runs.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

using motet_test::in_many_runs;
using namespace std::chrono_literals;

namespace manual {

// calling.md

struct Account {
    std::string owner{};
    double balance = 0;

    void deposit(double amount) { balance += amount; }
    double read() const { return balance; }
    bool belongs_to(std::string_view name) const { return owner == name; }
    double largest(std::span<const double> amounts) const { return *std::max_element(amounts.begin(), amounts.end()); }
};

struct Log {
    std::vector<std::string> lines;
    void add(std::string line) { lines.push_back(std::move(line)); }
    void add(int number) { lines.push_back(std::to_string(number)); }
    std::size_t size() const { return lines.size(); }
};

template <class Proxy>
void pay(const Proxy& account, double amount) {
    account.template ask<&Account::deposit>(amount).get();
    motet::ask<&Account::deposit>(account, amount).get(); // the same, without the word
}

constexpr auto add_number = static_cast<void (Log::*)(int)>(&Log::add);

// creating.md

struct Cell {
    int atoms = 0;
    std::int64_t born_on = -1;
    int moves = 0;

    void on(motet::created) { born_on = motet::my_pe(); }
    void on(motet::arrived) { ++moves; }
    void on(motet::departing) {}

    std::int64_t where() const { return motet::my_pe(); }
    int count() const { return atoms; }
};

struct Ring {
    std::int64_t operator()(std::int64_t index, std::int64_t, std::int64_t pes) const { return index % pes; }
};

struct Particle {
    std::int32_t kind = 0;
    std::int64_t number = 0;
};

// waiting.md

struct Buffer {
    std::vector<int> items;
    std::size_t limit = 2;

    void put(int item) { items.push_back(item); }
    bool when(motet::entry<&Buffer::put>, int) const { return items.size() < limit; }
    int take() {
        const int first = items.front();
        items.erase(items.begin());
        return first;
    }
    bool when(motet::entry<&Buffer::take>) const { return !items.empty(); }
};

struct Gate {
    int arrived = 0;
    void arrive() { ++arrived; }
    int pass(int wanted) {
        motet::wait([&] { return arrived >= wanted; });
        return arrived;
    }
};

struct Oracle {
    void answer_later(motet::promise<int> to) {
        motet::sleep_for(1ms);
        to.set(42);
    }
};

struct Explorer {
    void visit(motet::activity search, int depth) {
        for (int i = 0; depth > 0 && i < 2; ++i) {
            search.produce();
            motet::chare<Explorer>::create().tell<&Explorer::visit>(search, depth - 1);
        }
        search.consume();
    }
};

// reductions.md

struct Sample {
    double value = 0;
    double read() const { return value; }
    std::vector<double> pair() const { return {value, -value}; }
    std::tuple<double, double> both() const { return {value, value}; }
    void finish(motet::promise<double> to) { motet::contribute(value, motet::sum, to); }
};

struct Sink {
    double seen = 0;
    void take(double total) { seen = total; }
    double read() const { return seen; }
};

// channels.md

struct Player {
    int rally(int peer, int strokes) {
        auto players = motet::this_collection<Player>();
        motet::channel<int> ball(players[peer]);
        int number = 0;
        for (int i = 0; i < strokes; ++i) {
            if (peer == 1) ball.send(i);
            number = ball.receive();
            if (peer == 0) ball.send(number + 1);
        }
        return number;
    }
};

// balancing.md

struct Region {
    std::vector<double> cells;
    int step = 0;

    motet::eventually<double> run(int steps) {
        while (step < steps) {
            relax();
            if (++step % 20 == 0) return motet::balance_next<&Region::run>(steps); // all regions come here
        }
        return std::reduce(cells.begin(), cells.end());
    }
    void relax() {
        for (double& c : cells) c *= 0.5;
        motet::charge(1e-6 * static_cast<double>(cells.size()));
    }
};

/// Everything to the first half of the PEs, heaviest first.
struct FirstHalf {
    void operator()(motet::balancing& all) const {
        std::int64_t next = 0;
        for (auto& chare : all.chares)
            if (chare.may_move) chare.to = next++ % ((all.pes + 1) / 2);
    }
};

// checkpoints.md

struct Sea {
    std::vector<double> height;
    int day = 0;
    motet::transient<std::map<int, double>> cache; // left out; empty after a restart

    void sail(int days) {
        while (day < days) {
            height.push_back(day * 0.5);
            if (++day % 10 == 0) return motet::next<&Sea::sail>(days); // here a checkpoint may come
        }
    }
    std::int64_t days() const { return day; }
};

/// Goes on in place of main.
struct Captain {
    motet::array<Sea> seas;
    void go_on() {
        motet::quiescence().get(); // what was under way has come to its end
        motet::print("{} days at sea", seas.reduce<&Sea::days>(motet::sum).get());
    }
};

// moving.md

struct Walker {
    int steps = 0;

    motet::eventually<int> walk(int until) {
        while (steps < until) {
            ++steps;
            if (steps % 10 == 0) return motet::next<&Walker::walk>(until); // here it may move
            motet::yield();
        }
        return steps;
    }
    void leave() { motet::move_this((motet::my_pe() + 1) % motet::pe_count()); }
};

// errors.md

struct Fragile {
    void work(int x) {
        if (x < 0) throw std::domain_error("negative");
    }
};

// sharing.md

struct Settings {
    int sweeps = 0;
};

struct Reader {
    int sweeps() const { return motet::readonly<Settings>().sweeps; }
};

} // namespace manual
using namespace manual;

TEST_CASE("calling.md") {
    in_many_runs(
        [] {
            auto account = motet::chare<Account>::create(Account{.owner = "Ada"});
            account.ask<&Account::deposit>(10).get();              // waits until it has returned
            CHECK(account.ask<&Account::read>().get() == 10);      // waits for the result
            account.tell<&Account::deposit>(5);                    // nobody waits
            CHECK(account.ask<&Account::belongs_to>("Ada").get()); // views the message, no copy
            const std::vector<double> amounts{3, 7, 5};
            CHECK(account.ask<&Account::largest>(amounts).get() == 7);

            pay(account, 1);

            auto log = motet::chare<Log>::create();
            log.ask<add_number>(3).get();
            CHECK(log.ask<&Log::size>().get() == 1);

            auto accounts = motet::array<Account>::create(10, Account{.balance = 1});
            accounts[3].ask<&Account::deposit>(1).get();                    // one of them
            accounts.tell<&Account::deposit>(0);                            // every one; nobody waits
            accounts.all<&Account::deposit>(1).get();                       // every one; waits until all have returned
            CHECK(accounts.gather<&Account::read>().get().size() == 10);    // all results, in index order
            CHECK(accounts.reduce<&Account::read>(motet::sum).get() == 21); // put together along a tree

            accounts[3].with_priority(-5).tell<&Account::deposit>(1); // before messages of higher numbers
            accounts[3].expedited().tell<&Account::deposit>(1);       // before all others
        },
        1);
}

TEST_CASE("creating.md") {
    in_many_runs(
        [] {
            auto one = motet::chare<Cell>::create(Cell{.atoms = 5}, 0);   // on PE 0
            auto everywhere = motet::group<Cell>::create();               // one on each PE
            auto per_process = motet::node_group<Cell>::create();         // one in each process
            auto row = motet::array<Cell>::create(100, Cell{.atoms = 5}); // indices 0 to 99
            auto cube = motet::array<Cell, motet::grid<3>>::create({4, 4, 4}, Cell{.atoms = 1});
            CHECK(one.ask<&Cell::count>().get() == 5);
            CHECK(static_cast<std::int64_t>(everywhere.gather<&Cell::where>().get().size()) == motet::pe_count());
            CHECK(static_cast<std::int64_t>(per_process.gather<&Cell::count>().get().size()) == motet::process_count());
            CHECK(row.reduce<&Cell::count>(motet::sum).get() == 500);
            CHECK(cube[{3, 0, 2}].ask<&Cell::count>().get() == 1);
            CHECK(everywhere.here().ask<&Cell::where>().get() == motet::my_pe());

            auto dealt = motet::array<Cell>::create(10, Cell{}, Ring{});
            auto halves =
                motet::array<Cell>::create(10, Cell{}, [](std::int64_t index, std::int64_t extent, std::int64_t pes) {
                    return index * 2 < extent ? 0 : pes - 1;
                });
            CHECK(dealt.gather<&Cell::count>().get() == halves.gather<&Cell::count>().get());

            auto particles = motet::array<Cell, Particle>::create(); // sparse: no element yet
            particles.insert({1, 700}, Cell{.atoms = 3}).get();
            particles.insert({2, 4}, Cell{.atoms = 2}, 0).get(); // to begin its life on PE 0
            particles.done_inserting().get();
            CHECK(particles.reduce<&Cell::count>(motet::sum).get() == 5);
            particles.erase({1, 700}).get();

            auto pages = motet::array<Cell>::create(motet::on_demand, Cell{.atoms = 8});
            CHECK(pages[123456].ask<&Cell::count>().get() == 8); // comes into being when it is called
        },
        1);
}

TEST_CASE("waiting.md") {
    in_many_runs(
        [] {
            auto buffer = motet::chare<Buffer>::create();
            auto first = buffer.ask<&Buffer::take>(); // held back until there is something
            buffer.tell<&Buffer::put>(7);
            CHECK(first.get() == 7);

            auto gate = motet::chare<Gate>::create();
            auto passed = gate.ask<&Gate::pass>(3);
            for (int i = 0; i < 3; ++i) gate.tell<&Gate::arrive>();
            CHECK(passed.get() == 3);

            auto [answer, promise] = motet::make_future<int>();
            motet::chare<Oracle>::create().tell<&Oracle::answer_later>(promise);
            auto timeout = motet::after(10s);
            motet::wait_any(answer, timeout);
            if (answer.ready()) CHECK(answer.get() == 42);

            auto [several, from_each] = motet::make_future<int>(3); // three values, as they come
            for (int i = 0; i < 3; ++i) motet::chare<Oracle>::create().tell<&Oracle::answer_later>(from_each);
            CHECK(several.get() == std::vector<int>{42, 42, 42});

            const auto search = motet::activity::begin();
            search.produce();
            motet::chare<Explorer>::create().tell<&Explorer::visit>(search, 5);
            search.completed().get();

            motet::quiescence().get(); // nothing moves any more
        },
        1);
}

TEST_CASE("reductions.md") {
    in_many_runs(
        [] {
            auto samples = motet::array<Sample>::create(4, Sample{.value = 2});
            CHECK(samples.reduce<&Sample::read>(motet::product).get() == 16);
            CHECK(samples.reduce<&Sample::pair>(motet::sum).get() == std::vector<double>{8, -8});
            CHECK(samples.reduce<&Sample::both>(motet::reducers(motet::min, motet::sum)).get() == std::tuple(2.0, 8.0));
            CHECK(samples.reduce<&Sample::read>(motet::max_at).get().index == 0);
            const auto longer = [](double a, double b) { return std::abs(a) < std::abs(b) ? b : a; };
            CHECK(samples.reduce<&Sample::read>(longer).get() == 2);

            auto [total, promise] = motet::make_future<double>();
            samples.tell<&Sample::finish>(promise); // each contributes once
            CHECK(total.get() == 8);

            auto some = samples.section({0, 2, 3});
            some.all<&Sample::read>().get();
            CHECK(some.reduce<&Sample::read>(motet::sum).get() == 6);

            auto sink = motet::chare<Sink>::create();
            const auto target = sink.to<&Sink::take>(); // a reduction, a promise, a callback may go there
            target.send(2.5);
        },
        1);
}

TEST_CASE("channels.md") {
    in_many_runs(
        [] {
            auto players = motet::array<Player>::create(2);
            auto zero = players[0].ask<&Player::rally>(1, 5);
            auto one = players[1].ask<&Player::rally>(0, 5);
            CHECK(zero.get() == 5);
            CHECK(one.get() == 4);
        },
        1);
}

TEST_CASE("balancing.md") {
    in_many_runs(
        [] {
            auto regions = motet::array<Region>::create(32, Region{.cells = std::vector<double>(100, 1)});
            motet::balance_with(regions, motet::refine).get();
            regions.all<&Region::run>(100).get();

            const auto did = motet::rebalance(regions).get();
            motet::print("imbalance {:.2f}, then {:.2f}; {} moved", did.before, did.after, did.moved);

            motet::balance_with(regions, FirstHalf{}).get();
            motet::balance_every(regions, std::chrono::seconds(10)).get();
            CHECK(motet::rebalance(regions).get().chares == 32);
        },
        3);
}

TEST_CASE("checkpoints.md") {
    const std::string folder = "/tmp/motet-manual-" + std::to_string(getpid());
    in_many_runs(
        [&] {
            auto seas = motet::array<Sea>::create(8);
            auto captain = motet::chare<Captain>::create({seas});
            seas.tell<&Sea::sail>(100);
            motet::checkpoint(folder, captain.to<&Captain::go_on>()).get(); // ready when it is on the disk

            motet::checkpoint_every(folder, captain.to<&Captain::go_on>(), std::chrono::minutes(10));
        },
        1);
    CHECK(std::filesystem::exists(folder + "/newest"));
    std::filesystem::remove_all(folder);
}

TEST_CASE("moving.md") {
    in_many_runs(
        [] {
            auto walkers = motet::array<Walker>::create(3);
            auto done = walkers.gather<&Walker::walk>(25);
            walkers.all<&Walker::leave>().get();
            walkers[0].move_to(motet::pe_count() - 1).get(); // ready when it has arrived
            CHECK(done.get() == std::vector<int>{25, 25, 25});
        },
        1);
}

TEST_CASE("errors.md") {
    in_many_runs(
        [] {
            auto fragile = motet::chare<Fragile>::create();
            try {
                fragile.ask<&Fragile::work>(-1).get();
            } catch (const motet::remote_error& e) {
                CHECK(e.text == "negative");          // what() of the original
                CHECK(e.type == "std::domain_error"); // its type
                CHECK(!e.chare.empty());              // and where: e.chare, e.entry
            }

            auto array = motet::array<Fragile>::create(3);
            array.erase(1).get();
            CHECK_THROWS_AS(array[1].ask<&Fragile::work>(1).get(), motet::erased);
        },
        1);
}

TEST_CASE("sharing.md") {
    in_many_runs(
        [] {
            motet::set_readonly(Settings{.sweeps = 3}); // in main, before the first chare is created
            CHECK(motet::group<Reader>::create().reduce<&Reader::sweeps>(motet::min).get() == 3);

            std::vector<double> x(1000, 1), y(1000, 2);
            motet::parallel_for(std::size_t{0}, x.size(), [&](std::size_t i) { y[i] += 3 * x[i]; });
            const double dot = motet::parallel_reduce(
                std::size_t{0}, x.size(), 0.0, [&](std::size_t i) { return x[i] * y[i]; }, motet::sum);
            CHECK(dot == 5000);

            auto pool = motet::pool::create();
            auto squares = pool.map([](int n) { return n * n; }, {1, 2, 3, 4}, {.pes = 1, .chunk = 2});
            CHECK(squares.get() == std::vector<int>{1, 4, 9, 16});
        },
        1);
}
