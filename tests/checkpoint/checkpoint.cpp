// SPDX-License-Identifier: BSL-1.0
#include "../chare/runs.hpp"
#include "../chare/takes_turns.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

using namespace motet_test;
using namespace std::chrono_literals;

namespace checkpoint_test {

/// A folder for a checkpoint, the same on all processes of a job, which goes with this.
class folder {
public:
    folder() {
        static int count = 0;
        name = "/tmp/motet-checkpoint-" + std::to_string(this_job().size > 1 ? getppid() : getpid()) + "-" +
               std::to_string(++count);
        if (this_job().rank == 0) std::filesystem::remove_all(name);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() {
        over_all(0); // all have read it
        if (this_job().rank == 0) std::filesystem::remove_all(name);
    }
    /// The number of the newest checkpoint; 0: there is none.
    std::uint64_t newest() const {
        std::uint64_t number = 0;
        std::ifstream(name + "/newest") >> number;
        return number;
    }
    std::string name;
};

struct settings {
    std::int64_t scale = 0;
    std::string text;
};

struct computes {
    std::int64_t done = 0;

    void work() {
        ++done;
        motet::charge(2e-3);
        const auto end = std::chrono::steady_clock::now() + 2ms;
        while (std::chrono::steady_clock::now() < end) {}
    }
};

/// Passes numbers around: each ends where its hops are used up.
struct hopper {
    std::int64_t sum = 0;
    std::vector<std::string> notes;
    std::unique_ptr<std::int64_t> owned;
    std::int64_t arrivals = 0;
    std::int64_t steps = 0;

    void on(motet::arrived) { ++arrivals; }
    void pass(motet::array<hopper> all, std::int64_t n, std::int64_t hops) {
        if (hops == 0) {
            sum += n;
            return;
        }
        if (hops % 5 == 0) motet::move_this((motet::my_pe() + n) % motet::pe_count());
        all[(3 * motet::this_index() + n + hops) % 10].tell<&hopper::pass>(all, n, hops - 1);
    }
    void nothing() {}
    void note(std::string text) { notes.push_back(std::move(text)); }
    /// Loops for the whole run, and lets checkpoints come.
    void loop(std::int64_t until) {
        if (++steps < until) return motet::next<&hopper::loop>(until);
    }
    void give(motet::target<std::int64_t> to) { motet::contribute(steps, motet::sum, to); }
    void wait_for_a_while(std::int64_t ms) { motet::sleep_for(std::chrono::milliseconds(ms)); }
    void wait_for_rest() { motet::quiescence().get(); }
    void wait_for_ever() {
        motet::wait([] { return false; });
    }
    std::int64_t get_sum() const { return sum; }
    std::int64_t get_steps() const { return steps; }
    std::vector<std::string> get_notes() const { return notes; }
    std::int64_t get_arrivals() const { return arrivals; }
};

struct member {
    std::int64_t value = 7;
    void set(std::int64_t v) { value = v; }
    std::int64_t get() const { return value; }
    std::int64_t scaled() const { return value * motet::readonly<settings>().scale; }
};

/// What goes on after a restart, and what it has found; statics, because nobody is left to be told.
struct judge {
    motet::array<hopper> hoppers;
    motet::group<member> members;
    motet::array<hopper> sparse;

    static inline std::int64_t sum, steps, group_sum, scaled, found;
    static inline std::vector<std::string> notes;
    static void forget() { sum = steps = group_sum = scaled = found = -1, notes.clear(); }

    void go_on() {
        motet::quiescence().get();
        sum = hoppers.reduce<&hopper::get_sum>(motet::sum).get();
        steps = hoppers.reduce<&hopper::get_steps>(motet::sum).get();
        notes = hoppers[4].ask<&hopper::get_notes>().get();
        group_sum = members.reduce<&member::get>(motet::sum).get();
        scaled = members[0].ask<&member::scaled>().get();
        found = 0;
        for (const std::int64_t index : {3, 100, -7}) {
            try {
                sparse[index].ask<&hopper::get_sum>().get();
                ++found;
            } catch (const motet::erased&) {}
        }
        motet::array<member>::create(5).all<&member::set>(std::int64_t{1}).get(); // new names do not meet old ones
    }
};

/// Counts from restart to restart.
struct counter {
    std::int64_t value = 0;
    static inline std::int64_t last = 0;
    void add(std::int64_t n) { value += n; }
    void go_on(std::string path) {
        last = ++value;
        if (value < 5) motet::checkpoint(path, motet::this_chare<counter>().to<&counter::again>());
    }
    void again() { motet::this_chare<counter>().tell<&counter::go_on>(place); }
    static inline std::string place;
};

/// Half of them give before the checkpoint.
struct giver {
    std::int64_t value = 0;
    static inline std::int64_t result = 0;
    motet::array<giver> all;
    void know(motet::array<giver> array) { all = array; }
    void give() {
        motet::contribute(motet::this_index() + 1, motet::sum, motet::target<std::int64_t>(all[0].to<&giver::take>()));
    }
    void take(std::int64_t sum) { result = sum; }
    void go_on() {
        for (std::int64_t i = 3; i < 6; ++i) all[i].tell<&giver::give>();
    }
};

/// Members of a section: those of an even index give before the checkpoint. Each does a piece of an activity.
struct piece {
    motet::array<piece> all;
    motet::section<piece> some;
    motet::activity work;
    static inline std::int64_t result, rounds, too_early, done;
    static void forget() { result = rounds = too_early = done = 0; }

    motet::activity begin() const { return motet::activity::begin(); } // its owner is the PE of this one
    void know(motet::array<piece> array, motet::section<piece> section, motet::activity whole) {
        all = array, some = std::move(section), work = whole;
    }
    void give() {
        motet::contribute(some, motet::this_index() + 1, motet::sum,
                          motet::target<std::int64_t>(all[0].to<&piece::take>()));
        work.consume();
    }
    void take(std::int64_t sum) { result = sum, ++rounds; }
    void go_on() {
        auto completed = work.completed();
        motet::quiescence().get();
        too_early = completed.ready();
        for (std::int64_t i = 1; i <= 10; i += 2) all[i].tell<&piece::give>();
        completed.get();
        for (std::int64_t i = 1; i <= 10; ++i) all[i].tell<&piece::give>(); // the round after
        motet::quiescence().get();
        done = 1;
    }
};

struct unwritable {
    std::int64_t value = 1;
    template <class Archive>
    void serialize(Archive& archive) {
        if (Archive::is_writing) throw 42;
        archive(value);
    }
    void nothing() {}
    std::int64_t get() const { return value; }
};

/// Has a promise whose future is gone since the restart.
struct promise_keeper {
    motet::promise<std::int64_t> late;
    static inline std::int64_t tried = 0, found = 0;
    void go_on() {
        for (; tried < 10'000; ++tried) {
            auto [fresh, unused] = motet::make_future<std::int64_t>();
            late.set(1);
            found += fresh.ready();
        }
    }
};

/// Waits at birth for orders that came before it.
struct late_one {
    motet::array<late_one> all;
    static inline std::int64_t where = -1;
    void go_on() {
        all.insert(99).get();
        motet::quiescence().get();
        where = all[99].ask<&late_one::on_pe>().get();
    }
    std::int64_t on_pe() const { return motet::my_pe(); }
};

/// Counts what came of a call of a section.
struct sectioned {
    std::int64_t value = 0;
    static inline std::int64_t least, most;
    std::int64_t add(std::int64_t n) { return value += n; }
    std::int64_t get() const { return value; }
    void go_on() {
        motet::quiescence().get();
        const auto all = motet::this_collection<sectioned>();
        least = all.reduce<&sectioned::get>(motet::min).get();
        most = all.reduce<&sectioned::get>(motet::max).get();
    }
};

struct unreadable {
    std::int64_t value = 1;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value);
        if (!Archive::is_writing && value == 2) throw std::runtime_error("a two");
    }
    void set(std::int64_t v) { value = v; }
    void nothing() {}
};

constexpr std::int64_t tokens = 40;
constexpr std::int64_t whole_sum = tokens * (tokens + 1) / 2;

/// Starts everything, and writes a checkpoint in the middle.
void start(const std::string& path) {
    motet::set_readonly(settings{3, "text"});
    const auto hoppers = motet::array<hopper>::create(10);
    const auto members = motet::group<member>::create(member{2});
    const auto sparse = motet::array<hopper>::create();
    sparse.insert(3).get();
    sparse.insert(100, {}, motet::pe_count() - 1).get();
    sparse.insert(-7).get();
    sparse.erase(100).get();
    const auto after = motet::chare<judge>::create(judge{hoppers, members, sparse});
    hoppers[4].tell<&hopper::note>("first");
    hoppers.tell<&hopper::loop>(std::int64_t{60});
    for (std::int64_t n = 1; n <= tokens; ++n) hoppers[n % 10].tell<&hopper::pass>(hoppers, n, 30 + n % 9);
    motet::checkpoint(path, after.to<&judge::go_on>()).get();
    motet::quiescence().get();
    CHECK(hoppers.reduce<&hopper::get_sum>(motet::sum).get() == whole_sum); // it goes on unharmed
    CHECK(hoppers.reduce<&hopper::get_steps>(motet::sum).get() == 600);
}

/// Goes on from a checkpoint, and compares.
void check_restart(options chosen, const std::string& path, std::int64_t members) {
    chosen.restart = path;
    judge::forget();
    CAPTURE(describe(chosen));
    try {
        CHECK(run(chosen, [] { FAIL("main runs after a restart"); }) == 0);
    } catch (const motet::error& problem) {
        FAIL_CHECK(std::string(problem.what()));
    }
    // The judge may be on any process.
    CHECK(most_of_all(judge::sum) == whole_sum);
    CHECK(most_of_all(judge::steps) == 600);
    CHECK(most_of_all(judge::notes == std::vector<std::string>{"first"}) == 1);
    CHECK(most_of_all(judge::group_sum) == 2 * members);
    CHECK(most_of_all(judge::scaled) == 6);
    CHECK(most_of_all(judge::found) == 2);
}

/// Comes to its balancing points, but for the first element, which waits for the restart.
struct balanced {
    std::int64_t steps = 0;
    motet::eventually<std::int64_t> loop(std::int64_t left) {
        ++steps;
        if (left == 0) return steps;
        return motet::balance_next<&balanced::loop>(left - 1);
    }
    std::int64_t get() const { return steps; }
};
struct owner {
    motet::array<balanced> all;
    static inline std::int64_t sum = 0;
    void make() { all = motet::array<balanced>::create(5); } // its root is the owner's PE
    motet::array<balanced> get() const { return all; }
    void move_and_go_on() {
        for (std::int64_t i = 1; i < 5; ++i) all[i].move_to(0).get();
        go_on();
    }
    void go_on() {
        all[0].tell<&balanced::loop>(std::int64_t{3});
        motet::quiescence().get();
        sum = all.reduce<&balanced::get>(motet::sum).get();
    }
};

struct slow_to_write {
    std::int64_t ms = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(ms);
        if (Archive::is_writing && ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    }
    std::int64_t one() const { return 1; }
    static inline std::int64_t found = 0;
    void count() { found = motet::this_collection<slow_to_write>().reduce<&slow_to_write::one>(motet::sum).get(); }
};

struct waits_for_quiet {
    std::int64_t value = 0;
    static inline std::int64_t told = 0;
    void go_on() {
        for (int i = 0; i < 10; ++i) motet::this_collection<waits_for_quiet>()[2].tell<&waits_for_quiet::nothing>();
        ++told;
    }
    void nothing() {}
    void quiet() { told += told == 1 ? 1 : 100; }
};

/// Waits in every step for the one before it in a ring; between two calls of `run` none of its methods waits.
struct in_ring {
    std::int64_t step = 0;
    std::int64_t value = 0;
    std::map<std::int64_t, std::int64_t> arrived;
    static constexpr std::int64_t count = 16;

    static std::int64_t after(std::int64_t own, std::int64_t other) { return (3 * own + other) % 1'000'003; }
    void take(std::int64_t of_step, std::int64_t other) { arrived[of_step] = other; }
    motet::eventually<bool> run(std::int64_t end, bool balances) {
        while (step < end) {
            motet::this_collection<in_ring>()[(motet::this_index() + 1) % count].tell<&in_ring::take>(step, value);
            motet::wait([this] { return arrived.contains(step); });
            value = after(value + motet::this_index(), arrived.extract(step).mapped());
            ++step;
            if (step % 10 > 0) continue;
            if (balances) return motet::balance_next<&in_ring::run>(end, true);
            return motet::next<&in_ring::run>(end, false);
        }
        return true;
    }
    std::int64_t get() const { return value; }
    static inline std::int64_t sum = -1;
    void judge() {
        motet::quiescence().get();
        sum = motet::this_collection<in_ring>().reduce<&in_ring::get>(motet::sum).get();
    }
    static std::int64_t expected(std::int64_t end) {
        std::array<std::int64_t, count> now{};
        for (std::int64_t step = 0; step < end; ++step) {
            const auto before = now;
            const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i % count); };
            for (std::int64_t i = 0; i < count; ++i) now[at(i)] = after(before[at(i)] + i, before[at(i + count - 1)]);
        }
        return std::accumulate(now.begin(), now.end(), std::int64_t{0});
    }
};

} // namespace checkpoint_test

using namespace checkpoint_test;

TEST_CASE("a checkpoint in the middle of everything: the run goes on, and a restart comes to the same end") {
    std::vector<options> all{threads(1), threads(3)};
    if (this_job().size > 1) all = {threads(1), threads(2)};
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end && this_job().size == 1; ++seed) all.push_back(simulated_by(seed));
    for (const options& chosen : all) {
        const folder where;
        run_well(chosen, [&] { start(where.name); });
        check_restart(chosen, where.name,
                      this_job().size > 1 ? static_cast<std::uint32_t>(this_job().size) * chosen.pes
                      : chosen.simulated  ? chosen.processes * chosen.pes
                                          : chosen.pes);
        if (this_job().size > 1) continue;
        check_restart(chosen, where.name,
                      chosen.simulated ? chosen.processes * chosen.pes : chosen.pes); // it is still there
        check_restart(threads(1), where.name, 1);
        check_restart(threads(4), where.name, 4);
        check_restart(simulated(1, 3, 7), where.name, 3);
        check_restart(simulated(4, 2, 9), where.name, 8);
    }
}

namespace checkpoint_test {

/// Messages that go from one of these to another.
struct wandered {
    std::int64_t arrived = 0;
    motet::array<wandered> all;
    static constexpr std::int64_t tokens = 20;
    static inline std::int64_t sum = 0;

    static void set_out(const motet::array<wandered>& all) {
        all.all<&wandered::know>(all).get();
        for (std::int64_t i = 0; i < tokens; ++i)
            all[i % 16].tell<&wandered::token>(std::int64_t{30}, static_cast<std::uint64_t>(i));
    }
    void know(motet::array<wandered> whom) { all = whom; }
    void token(std::int64_t left, std::uint64_t seed) {
        if (left == 0) return void(++arrived);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        all[static_cast<std::int64_t>(seed >> 33) % 16].tell<&wandered::token>(left - 1, seed);
    }
    std::int64_t count() const { return arrived; }
    void go_on() {
        motet::quiescence().get();
        sum = all.reduce<&wandered::count>(motet::sum).get();
    }
};

} // namespace checkpoint_test

TEST_CASE("checkpoints one after the other: in none is anything lost") {
    if (this_job().size > 1) return;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) { // in 10 of them the begin of one overtook the end of another
        const folder where;
        const auto whole = [&] {
            const auto on_last = [](std::int64_t, std::int64_t, std::int64_t pes) { return pes - 1; };
            const auto all = motet::array<wandered>::create(16, {}, on_last);
            wandered::set_out(all);
            std::vector<motet::future<void>> written;
            for (int i = 0; i < 3; ++i) written.push_back(motet::checkpoint(where.name, all[0].to<&wandered::go_on>()));
            motet::wait_all(written);
            motet::exit(0);
        };
        CHECK(run(simulated(1, 2, seed), whole) == 0);
        options again = simulated(1, 2, seed);
        again.restart = where.name;
        wandered::sum = 0;
        CHECK(run(again, [] {}) == 0);
        CHECK(wandered::sum == wandered::tokens);
    }
}

TEST_CASE("loops that wait for each other's messages: a checkpoint comes between two calls of all, not when they end") {
    std::vector<options> all{threads(1), threads(2)};
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end && this_job().size == 1; ++seed) all.push_back(simulated_by(seed));
    for (const options& chosen : all)
        for (const bool balances : {false, true}) {
            const folder where;
            const std::int64_t steps = chosen.simulated ? 500 : 20'000;
            run_well(chosen, [&] {
                const auto ring = motet::array<in_ring>::create(in_ring::count);
                if (balances) motet::balance_with(ring, motet::rotate).get();
                auto done = ring.all<&in_ring::run>(steps, balances);
                for (int i = 0; i < 3; ++i) motet::checkpoint(where.name, ring[0].to<&in_ring::judge>()).get();
                CHECK(!done.ready());
                done.get();
                CHECK(ring.reduce<&in_ring::get>(motet::sum).get() == in_ring::expected(steps));
            });
            options again = chosen;
            again.restart = where.name;
            in_ring::sum = -1;
            CHECK(run(again, [] {}) == 0);
            CHECK(most_of_all(in_ring::sum) == in_ring::expected(steps));
        }
}

TEST_CASE("main goes on only when a checkpoint is written: what it does then is not half in it") {
    if (this_job().size > 1) return;
    const folder where;
    one(threads(2), [&] {
        const auto all = motet::array<slow_to_write>::create();
        for (std::int64_t i = 0; i < 8; ++i) all.insert(i, {}, 0).get();
        all.insert(8, {50}, 1).get();
        auto written = motet::checkpoint(where.name, all[8].to<&slow_to_write::count>());
        motet::sleep_for(20ms); // PE 1 writes still, PE 0 does not any more
        for (std::int64_t i = 0; i < 8; ++i) all[i].move_to(1);
        const auto late = motet::array<hopper>::create(2);
        late.all<&hopper::nothing>().get();
        written.get();
    });
    options again = threads(2);
    again.restart = where.name;
    slow_to_write::found = 0;
    CHECK(run(again, [] {}) == 0);
    CHECK(slow_to_write::found == 9);
}

TEST_CASE("a target that waits for quiescence does so after a restart, too") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(1), threads(2), simulated(2, 2, 5)}) {
        const folder where;
        one(chosen, [&] {
            const auto all = motet::array<waits_for_quiet>::create(3);
            motet::quiescence(all[1].to<&waits_for_quiet::quiet>());
            motet::checkpoint(where.name, all[0].to<&waits_for_quiet::go_on>()).get();
        });
        options again = chosen;
        again.restart = where.name;
        waits_for_quiet::told = 0;
        CHECK(run(again, [] {}) == 0);
        CHECK(waits_for_quiet::told == 2); // once in place of main, and once when that has come to its end
    }
}

TEST_CASE("a checkpoint of a restarted run") {
    if (this_job().size > 1) return;
    const folder where;
    counter::place = where.name;
    for (const auto& chosen : {threads(2), simulated(2, 2, 3), threads(1)}) {
        std::filesystem::remove_all(where.name);
        one(chosen, [] { motet::chare<counter>::create().ask<&counter::go_on>(counter::place).get(); });
        for (std::int64_t i = 2; i <= 5; ++i) {
            options again = chosen;
            again.restart = where.name;
            CHECK(run(again, [] {}) == 0);
            CHECK(counter::last == i);
        }
    }
}

TEST_CASE("a promise of the run before finds nobody, however many futures that had made") {
    if (this_job().size > 1) return;
    const folder where;
    one(threads(1), [&] {
        for (int i = 0; i < 70'000; ++i) motet::make_future<std::int64_t>();
        auto [forgotten, late] = motet::make_future<std::int64_t>();
        const auto keeper = motet::chare<promise_keeper>::create(promise_keeper{late});
        motet::checkpoint(where.name, keeper.to<&promise_keeper::go_on>()).get();
    });
    promise_keeper::tried = promise_keeper::found = 0;
    options again = threads(1);
    again.restart = where.name;
    CHECK(run(again, [] {}) == 0);
    CHECK(promise_keeper::tried == 10'000);
    CHECK(promise_keeper::found == 0);
}

TEST_CASE("a folder that holds other things, too: they stay") {
    if (this_job().size > 1) return;
    const folder where;
    std::filesystem::create_directories(where.name + "/7");
    for (const char* file : {"/7/data", "/7/part.7", "/7/part.of.it", "/results"})
        std::ofstream(where.name + file) << "precious";
    one(threads(2), [&] {
        const auto all = motet::array<hopper>::create(3);
        for (int i = 0; i < 2; ++i) motet::checkpoint(where.name, all.to<&hopper::nothing>()).get();
    });
    for (const char* file : {"/7/data", "/7/part.of.it", "/results"})
        CHECK(std::filesystem::file_size(where.name + file) == 8);
    CHECK(!std::filesystem::exists(where.name + "/1")); // what is its own goes
    CHECK(std::filesystem::exists(where.name + "/2/manifest"));
}

TEST_CASE("methods that wait hold a checkpoint up, and it comes when they have ended") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(2, 1, 1)}) {
        const folder where;
        one(chosen, [&] {
            const auto all = motet::array<hopper>::create(3);
            const double begin = motet::now();
            all[1].tell<&hopper::wait_for_a_while>(std::int64_t{30});
            motet::sleep_for(3ms);
            motet::checkpoint(where.name, all.to<&hopper::nothing>()).get();
            CHECK(motet::now() - begin >= 0.029);
        });
        // One that waits for all to come to rest does not wait for ever, whether somebody waits for the checkpoint or
        // not.
        for (const bool waits : {false, true})
            one(chosen, [&] {
                const auto all = motet::array<hopper>::create(3);
                all[1].tell<&hopper::wait_for_rest>();
                motet::sleep_for(3ms);
                std::filesystem::remove_all(where.name);
                auto written = motet::checkpoint(where.name, all.to<&hopper::nothing>());
                if (waits) written.get();
            });
        CHECK(std::filesystem::exists(where.name + "/newest"));
        // One that waits for ever is a deadlock, not a checkpoint that never comes.
        CHECK(contains(error_of(chosen,
                                [&] {
                                    const auto all = motet::array<hopper>::create(3);
                                    all[1].tell<&hopper::wait_for_ever>();
                                    motet::sleep_for(3ms);
                                    motet::checkpoint(where.name, all.to<&hopper::nothing>()).get();
                                }),
                       "hopper[1], entry checkpoint_test::hopper::wait_for_ever"));
    }
}

TEST_CASE("reductions under way: who has contributed need not again, and the others still can") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(1), threads(3), simulated(3, 2, 4), simulated(2, 1, 5)})
        for (const auto& later : {threads(1), threads(2), simulated(2, 2, 6)}) {
            const folder where;
            giver::result = 0;
            one(chosen, [&] {
                const auto all = motet::array<giver>::create(6);
                all.all<&giver::know>(all).get();
                for (std::int64_t i = 0; i < 3; ++i) all[i].tell<&giver::give>();
                motet::checkpoint(where.name, all[5].to<&giver::go_on>()).get();
                CHECK(giver::result == 0);
            });
            CHECK(giver::result == 0);
            options again = later;
            again.restart = where.name;
            CHECK(run(again, [] {}) == 0);
            CHECK(giver::result == 21);
        }
}

TEST_CASE("reductions of sections and activities under way: what has been given and done counts after a restart") {
    std::vector<options> all{threads(1), threads(2)};
    if (this_job().size == 1) all = {threads(3), simulated(3, 2, 4), simulated(2, 1, 5)};
    for (const options& chosen : all)
        for (options again : this_job().size == 1 ? std::vector{threads(2), simulated(4, 2, 6)} : all) {
            const folder where;
            piece::forget();
            run_well(chosen, [&] {
                const auto pieces = motet::array<piece>::create(12);
                const auto some = pieces.section({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
                const auto work = pieces[11].ask<&piece::begin>().get();
                pieces.all<&piece::know>(pieces, some, work).get();
                work.produce(10);
                for (std::int64_t i = 2; i <= 10; i += 2) pieces[i].tell<&piece::give>();
                motet::checkpoint(where.name, pieces[11].to<&piece::go_on>()).get();
            });
            CHECK(most_of_all(piece::result) == 0);
            again.restart = where.name;
            CHECK(run(again, [] {}) == 0);
            CHECK(most_of_all(piece::too_early) == 0);
            CHECK(most_of_all(piece::result) == 65);
            CHECK(most_of_all(piece::rounds) == 2);
            CHECK(most_of_all(piece::done) == 1);
        }
}

TEST_CASE("an order to move to a PE that does not exist any more") {
    if (this_job().size > 1) return;
    const folder where;
    one(threads(4), [&] {
        const auto all = motet::array<late_one>::create();
        const auto first = motet::chare<late_one>::create({all});
        const auto moved = all[99].move_to(3);
        motet::checkpoint(where.name, first.to<&late_one::go_on>()).get();
        all.insert(99).get();
    });
    for (const std::uint32_t pes : {4u, 2u, 1u}) {
        late_one::where = -1;
        options again = threads(pes);
        again.restart = where.name;
        CHECK(run(again, [] {}) == 0);
        CHECK(late_one::where == 3 % pes);
    }
}

namespace checkpoint_test {

/// Members that call themselves again and again.
struct looping_member {
    std::int64_t rounds = 0;
    motet::group<looping_member> all;
    static inline std::int64_t sum = 0;

    void set(motet::group<looping_member> whom) { all = whom; }
    void loop() {
        motet::charge(1e-5);
        if (++rounds < 200) return motet::next<&looping_member::loop>();
    }
    std::int64_t done() const { return rounds; }
    void go_on() {
        motet::quiescence().get();
        sum = all.reduce<&looping_member::done>(motet::sum).get();
    }
};

} // namespace checkpoint_test

TEST_CASE("calls for members of PEs that are gone are gone, too") {
    if (this_job().size > 1) return;
    for (const auto& later : {threads(4), threads(2), threads(1), simulated(1, 3, 1), simulated(3, 1, 2)}) {
        const folder where;
        one(simulated(2, 2, 5), [&] {
            const auto all = motet::group<looping_member>::create();
            all.all<&looping_member::set>(all).get();
            all.tell<&looping_member::loop>();
            motet::checkpoint(where.name, all[0].to<&looping_member::go_on>()).get();
            CHECK(all.reduce<&looping_member::done>(motet::sum).get() < 800); // the calls are in it
        });
        options again = later;
        again.restart = where.name;
        looping_member::sum = 0;
        CHECK(run(again, [] {}) == 0);
        CHECK(looping_member::sum >= 200 * std::min<std::int64_t>(4, again.pes));
    }
}

namespace checkpoint_test {

/// Members of a group, some of which a restart does without.
struct mate {
    motet::group<mate> all;
    motet::section<mate> some;
    std::int64_t called = 0;
    static inline std::vector<std::int64_t> sums;

    void know(motet::group<mate> group, motet::section<mate> section) { all = group, some = std::move(section); }
    void give() {
        motet::contribute(some, motet::this_index() + 1, motet::sum,
                          motet::target<std::int64_t>(all[0].to<&mate::take>()));
    }
    void give_to_last() {
        motet::contribute(std::int64_t{1}, motet::sum, motet::target<std::int64_t>(all[7].to<&mate::take>()));
    }
    void take(std::int64_t sum) { sums.push_back(sum); }
    void rest() {}
    void add() { ++called; }
    std::int64_t calls() const { return called; }
    void go_on() {
        for (const std::int64_t i : {0, 2}) all[i].tell<&mate::give>();
        for (const std::int64_t i : {0, 1, 2}) all[i].tell<&mate::give_to_last>();
        motet::quiescence().get();
        all.all<&mate::give>().get();
        motet::quiescence().get();
        for (const std::int64_t calls : all.gather<&mate::calls>().get()) sums.push_back(calls);
    }
};

} // namespace checkpoint_test

TEST_CASE("a restart without some members of a group: their sections and targets go on without them") {
    if (this_job().size > 1) return;
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed)
        for (options again : {threads(3), simulated(1, 3, seed), simulated(3, 1, seed)}) {
            const folder where;
            one(simulated(4, 2, seed), [&] {
                const auto all = motet::group<mate>::create();
                const auto some = all.section({0, 1, 2, 3, 4, 5, 6, 7});
                all.all<&mate::know>(all, some).get();
                for (const std::int64_t i : {1, 3, 5, 6}) all[i].tell<&mate::give>(); // 1 waits for 7, which is gone
                for (std::int64_t i = 3; i < 8; ++i) all[i].tell<&mate::give_to_last>();
                motet::quiescence().get();
                auto written = motet::checkpoint(where.name, all[0].to<&mate::go_on>());
                motet::quiescence(all[5].to<&mate::rest>());
                auto called = some.all<&mate::add>();
                written.get();
                called.get();
            });
            again.restart = where.name;
            mate::sums.clear();
            CAPTURE(seed);
            CHECK(run(again, [] {}) == 0);
            CHECK(mate::sums == std::vector<std::int64_t>{1 + 2 + 3 + 4 + 6 + 7, 1 + 2 + 3, 1, 1, 1});
        }
}

TEST_CASE("a checkpoint that goes on with a member of a PE that is gone is refused") {
    if (this_job().size > 1) return;
    const folder where;
    one(threads(3), [&] {
        const auto all = motet::group<looping_member>::create();
        motet::checkpoint(where.name, all[2].to<&looping_member::go_on>()).get();
    });
    options again = threads(2);
    again.restart = where.name;
    CHECK(contains(error_of(again, [] {}), "looping_member[2], whose PE or process this run does not have"));
}

TEST_CASE("a call of a section that some relays have handed on: each member gets it once") {
    if (this_job().size > 1) return;
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed)
        for (options again : {threads(1), threads(2), simulated(3, 2, seed)}) {
            const folder where;
            one(simulated(4, 2, seed), [&] {
                const auto all = motet::array<sectioned>::create(40);
                std::vector<std::int64_t> each(40);
                std::iota(each.begin(), each.end(), 0);
                const auto whole = all.section(each);
                auto written = motet::checkpoint(where.name, all[3].to<&sectioned::go_on>());
                auto called = whole.gather<&sectioned::add>(std::int64_t{2});
                written.get();
                called.get();
            });
            sectioned::least = sectioned::most = -1;
            again.restart = where.name;
            CAPTURE(seed);
            CHECK(run(again, [] {}) == 0);
            CHECK(sectioned::least == 2);
            CHECK(sectioned::most == 2);
        }
}

TEST_CASE("files that are not what their names say, and what a serialize throws on reading") {
    if (this_job().size > 1) return;
    const folder where;
    const auto restart = [&] {
        options again = threads(2);
        again.restart = where.name;
        return error_of(again, [] {});
    };
    one(threads(2), [&] {
        const auto all = motet::array<unreadable>::create(4);
        motet::checkpoint(where.name, all.to<&unreadable::nothing>()).get();
        std::filesystem::copy(where.name + "/1", where.name + "/kept");
        all[2].ask<&unreadable::set>(std::int64_t{2}).get();
        motet::checkpoint(where.name, all.to<&unreadable::nothing>()).get();
    });
    const std::string now = where.name + "/2";
    CHECK(contains(restart(), "the checkpoint file " + now + "/part.1 cannot be read: unreadable[2]: a two"));
    constexpr auto over = std::filesystem::copy_options::overwrite_existing;
    const folder elsewhere;
    one(threads(2), [&] {
        const auto all = motet::array<unreadable>::create(4);
        for (int times = 0; times < 2; ++times) motet::checkpoint(elsewhere.name, all.to<&unreadable::nothing>()).get();
    });
    std::filesystem::copy_file(elsewhere.name + "/2/part.1", now + "/part.1", over);
    CHECK(contains(restart(), "the checkpoint file " + now + "/part.1 is of another run than the manifest beside it"));
    std::filesystem::copy_file(where.name + "/kept/part.1", now + "/part.1", over); // of the checkpoint before
    CHECK(contains(restart(), "the checkpoint file " + now + "/part.1 is another one: it was written as 1/part.1"));
    std::filesystem::copy_file(now + "/part.0", now + "/part.1", over);
    CHECK(contains(restart(), "the checkpoint file " + now + "/part.1 is another one: it was written as 2/part.0"));
    std::filesystem::copy_file(where.name + "/kept/manifest", now + "/manifest", over);
    CHECK(contains(restart(), "the checkpoint file " + now + "/manifest is another one: it was written as 1/manifest"));
    std::filesystem::remove(now + "/manifest");
    std::filesystem::create_directory(now + "/manifest");
    CHECK(contains(restart(), "the checkpoint file " + now + "/manifest cannot be read: Is a directory"));
}

TEST_CASE("no whole checkpoint goes before the next is there, also where the file that names the newest is damaged") {
    if (this_job().size > 1) return;
    for (const bool fails : {true, false}) {
        const folder where;
        one(threads(1), [&] {
            const auto all = motet::array<hopper>::create(3);
            motet::checkpoint(where.name, all.to<&hopper::nothing>()).get();
            std::ofstream(where.name + "/newest", std::ios::trunc).flush();
            if (fails) {
                motet::array<unwritable>::create(2);
                CHECK(thrown_by([&] { motet::checkpoint(where.name, all.to<&hopper::nothing>()).get(); }) != "");
                CHECK(std::filesystem::exists(where.name + "/1/manifest"));
                CHECK(!std::filesystem::exists(where.name + "/2"));
            } else {
                motet::checkpoint(where.name, all.to<&hopper::nothing>()).get();
                CHECK(std::filesystem::exists(where.name + "/2/manifest"));
                CHECK(!std::filesystem::exists(where.name + "/1"));
            }
        });
    }
}

TEST_CASE("bad folders and files are refused by name and place") {
    if (this_job().size > 1) return;
    const folder where;
    std::filesystem::create_directories(where.name);
    const auto restart = [](const std::string& path) {
        options again = threads(1);
        again.restart = path;
        return error_of(again, [] {});
    };
    CHECK(contains(restart("/no/such/folder"), "--motet-restart /no/such/folder: there is no checkpoint"));
    CHECK(contains(restart(where.name), "there is no checkpoint"));
    one(threads(2), [&] { start(where.name); });
    const std::string part = where.name + "/1/part.0", manifest = where.name + "/1/manifest";
    const auto read = [](const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    const auto write = [](const std::string& path, const std::string& bytes) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    };
    for (const std::string& file : {part, manifest}) {
        const std::string whole = read(file);
        REQUIRE(whole.size() > 100);
        // Every byte that is changed, and every length that is missing, is noticed.
        for (std::size_t at = 0; at < whole.size(); at += 1 + at / 16) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
            write(file, damaged);
            const std::string text = restart(where.name);
            CHECK(contains(text, "the checkpoint file " + file));
            CHECK((contains(text, "is damaged") || contains(text, "is none") || contains(text, "ends at byte")));
            write(file, whole.substr(0, at));
            CHECK(contains(restart(where.name), "the checkpoint file " + file));
        }
        write(file, whole);
    }
    std::filesystem::rename(part, part + ".away");
    CHECK(contains(restart(where.name), "part.0 cannot be opened: No such file or directory"));
    std::filesystem::rename(part + ".away", part);
    check_restart(threads(2), where.name, 2);
    // Where nothing can be written the program is told, and goes on.
    for (const char* path : {"/proc/motet", "/dev/null/x"})
        one(threads(2), [path] {
            const auto all = motet::array<hopper>::create(3);
            CHECK(contains(thrown_by([&] { motet::checkpoint(path, all.to<&hopper::nothing>()).get(); }),
                           "a checkpoint cannot be written: making " + std::string(path)));
            CHECK(all.reduce<&hopper::get_sum>(motet::sum).get() == 0);
        });
    for (const std::int64_t count : {0, 2}) // of an array without elements there is the prototype
        one(threads(2), [&] {
            const auto all = motet::array<unwritable>::create(count);
            CHECK(contains(thrown_by([&] { motet::checkpoint(where.name, all.to<&unwritable::nothing>()).get(); }),
                           "an exception that is no std::exception"));
            CHECK(all.gather<&unwritable::get>().get().size() == static_cast<std::size_t>(count));
        });
    everywhere([&] {
        const auto dense = motet::array<hopper>::create(3);
        const auto sparse = motet::array<hopper>::create();
        sparse.insert(0).get();
        const auto single = motet::chare<hopper>::create();
        const auto refused = [&](const motet::target<void>& gone) {
            const std::string why = thrown_by([&] { motet::checkpoint(where.name, gone).get(); });
            return contains(why, "hopper") && contains(why, "was erased: nothing would go on after a restart");
        };
        dense[0].erase().get(), sparse[0].erase().get(), single.erase().get();
        CHECK(refused(dense[0].to<&hopper::nothing>()));
        CHECK(refused(sparse[0].to<&hopper::nothing>()));
        CHECK(refused(single.to<&hopper::nothing>()));
        sparse.done_inserting().get();
        CHECK(refused(sparse[7].to<&hopper::nothing>()));
        motet::checkpoint(where.name, dense.to<&hopper::nothing>()).get();
        motet::checkpoint(where.name, dense[1].to<&hopper::nothing>()).get();
        // What cannot be there is refused, too, and so is what reaches nobody.
        const auto group = motet::group<hopper>::create();
        const auto not_sealed = motet::array<hopper>::create();
        const auto on_demand = motet::array<hopper>::create(motet::on_demand);
        const auto why = [&](const motet::target<void>& none) {
            return thrown_by([&] { motet::checkpoint(where.name, none).get(); });
        };
        for (const std::int64_t no_index : {-1, 3, 100})
            CHECK(contains(why(dense[no_index].to<&hopper::nothing>()), "there is no element hopper["));
        CHECK(contains(why(group[motet::pe_count()].to<&hopper::nothing>()), "there is no PE "));
        CHECK(contains(why(sparse.to<&hopper::nothing>()), "reaches nobody, for it has no elements"));
        for (const motet::target<void>& there :
             {group[motet::pe_count() - 1].to<&hopper::nothing>(), group.to<&hopper::nothing>(),
              not_sealed.to<&hopper::nothing>(), on_demand.to<&hopper::nothing>(),
              on_demand[-5].to<&hopper::nothing>()})
            motet::checkpoint(where.name, there).get();
    });
    one(threads(1), [] {
        const auto all = motet::array<hopper>::create(3);
        CHECK(contains(thrown_by([&] { motet::checkpoint("", all.to<&hopper::nothing>()); }), "is empty"));
        CHECK(contains(thrown_by([&] { motet::checkpoint("/tmp/x", motet::target<void>()); }), "leads nowhere"));
        CHECK(contains(thrown_by([&] { motet::checkpoint("/tmp/x", motet::make_future<void>().second); }),
                       "its target is a promise"));
        CHECK(contains(thrown_by([&] { motet::checkpoint_every("/tmp/x", all.to<&hopper::nothing>(), -1s); }),
                       "a time from 0 on, and this is -1"));
    });
}

namespace checkpoint_test {

std::mt19937 generator;
std::int64_t counted = 0;
const bool kept = [] {
    motet::keep("generator", generator);
    motet::keep("counted", counted);
    return true;
}();

struct cached {
    std::int64_t value = 5;
    motet::transient<std::unique_ptr<std::int64_t>> cache;
    static inline std::int64_t seen = 0;
    static inline unsigned next = 0;

    void on(motet::arrived) { cache.value = std::make_unique<std::int64_t>(10 * value); }
    void fill() {
        value = 6;
        cache.value = std::make_unique<std::int64_t>(1);
    }
    void go_on() {
        seen = *cache.value;
        next = static_cast<unsigned>(generator());
    }
};

} // namespace checkpoint_test

TEST_CASE("transient fields are made anew; generators of the program go on where they were") {
    if (this_job().size > 1) return;
    const folder where;
    generator.seed(17);
    generator.discard(100);
    counted = 12;
    auto expected = generator;
    one(threads(2), [&] {
        const auto all = motet::array<cached>::create(2);
        all.all<&cached::fill>().get();
        motet::checkpoint(where.name, all[1].to<&cached::go_on>()).get();
        generator.discard(5); // what happens after the checkpoint has not happened
        counted = 99;
    });
    options again = threads(1);
    again.restart = where.name;
    CHECK(run(again, [] {}) == 0);
    CHECK(cached::seen == 60);
    CHECK(cached::next == static_cast<unsigned>(expected()));
    CHECK(counted == 12);
    // Of another type now, or not kept any more.
    auto& kept_now = motet::checkpointing::kept_objects();
    const auto as_it_was = kept_now;
    kept_now.erase("counted");
    const std::string text = error_of(again, [] {});
    CHECK(contains(text, "part.0 has the object \"counted\", which this program does not keep (motet::keep)"));
    double other = 0;
    motet::keep("counted", other);
    CHECK(contains(error_of(again, [] {}), "has the object \"counted\" of type int64, which is float64 now"));
    kept_now = as_it_was;
}

TEST_CASE("periodic checkpoints come while the program works, and do not keep it from ending") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(2, 2, 1)}) {
        const folder where;
        options often = chosen;
        often.checkpoint_period = 1e-3;
        std::uint64_t written = 0;
        one(often, [&] {
            const auto all = motet::array<hopper>::create(4);
            motet::checkpoint_every(where.name, all.to<&hopper::nothing>(), 0s);
            for (int i = 0; i < 40; ++i) {
                all.all<&hopper::nothing>().get();
                motet::sleep_for(500us);
            }
            written = where.newest();
        });
        CHECK(written >= 3);
        CHECK(std::distance(std::filesystem::directory_iterator(where.name), {}) == 2); // the newest, and its name
    }
}

TEST_CASE("periodic checkpoints come again when the program has rested") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(2, 2, 1)}) {
        const folder where;
        options often = chosen;
        often.checkpoint_period = 1e-3;
        std::uint64_t before = 0;
        std::uint64_t after = 0;
        one(often, [&] {
            const auto all = motet::array<hopper>::create(4);
            motet::checkpoint_every(where.name, all.to<&hopper::nothing>(), 0s);
            motet::sleep_for(50ms);
            before = where.newest();
            for (int i = 0; i < 40; ++i) {
                all.all<&hopper::nothing>().get();
                motet::sleep_for(500us);
            }
            after = where.newest();
        });
        CHECK(before <= 3); // when main begins to rest and wakes there is news; the others would have been the same
        CHECK(after >= before + 3);
    }
}

TEST_CASE("periodic checkpoints come also while nothing but messages of long ago is handled") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(2, 2, 1)}) {
        const folder where;
        options often = chosen;
        often.checkpoint_period = 1e-3;
        std::uint64_t written = 0;
        one(often, [&] {
            const auto worker = motet::chare<computes>::create({}, 1);
            motet::checkpoint_every(where.name, worker.to<&computes::work>(), 0s);
            for (int i = 0; i < 20; ++i) worker.tell<&computes::work>();
            worker.ask<&computes::work>().get();
            written = where.newest();
        });
        CHECK(written >= 3);
    }
}

TEST_CASE("methods that make each other go on, again and again, hold a checkpoint up and nothing else") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(2, 1, 1)}) {
        const folder where;
        one(chosen, [&] {
            const auto pair = motet::chare<takes_turns>::create({}, 0);
            pair.tell<&takes_turns::take>(0);
            pair.tell<&takes_turns::take>(1);
            motet::sleep_for(1ms);
            auto written = motet::checkpoint(where.name, pair.to<&takes_turns::stop>());
            motet::sleep_for(30ms);
            CHECK(!written.ready());
            pair.tell<&takes_turns::stop>();
            written.get();
        });
    }
}

TEST_CASE("a full disk: the program is told, the checkpoint before stays, and the next one works") {
    if (this_job().size > 1) return;
    const folder where;
    one(threads(2), [&] {
        const auto all = motet::array<hopper>::create(10);
        motet::checkpoint(where.name, all.to<&hopper::nothing>()).get();
        all[3].ask<&hopper::note>(std::string(100'000, 'x')).get();
        struct rlimit before {
        }, small{};
        getrlimit(RLIMIT_FSIZE, &before);
        small = before;
        small.rlim_cur = 50'000;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
        const std::string text = thrown_by([&] { motet::checkpoint(where.name, all.to<&hopper::nothing>()).get(); });
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK(
            contains(text, "a checkpoint cannot be written: writing " + where.name + "/2/part.0.new: File too large"));
        CHECK(std::filesystem::exists(where.name + "/1/manifest"));
        CHECK(!std::filesystem::exists(where.name + "/2"));
        motet::checkpoint(where.name, all.to<&hopper::nothing>()).get();
        CHECK(std::filesystem::exists(where.name + "/2/manifest"));
        CHECK(!std::filesystem::exists(where.name + "/1"));
    });
}

TEST_CASE("an element at a balancing point may be moved as soon as a restarted run goes on") {
    if (this_job().size > 1) return;
    const folder where;
    one(simulated(2, 1, 1), [&] {
        const auto on_first = motet::chare<owner>::create({}, 0);
        on_first.ask<&owner::make>().get();
        const auto all = on_first.ask<&owner::get>().get();
        motet::balance_with(all, motet::rotate).get();
        for (std::int64_t i = 1; i < 5; ++i) all[i].tell<&balanced::loop>(std::int64_t{3});
        motet::sleep_for(1ms);
        motet::checkpoint(where.name, on_first.to<&owner::move_and_go_on>()).get();
        all[0].ask<&balanced::loop>(std::int64_t{3}).get();
    });
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        options again = simulated(2, 1, seed);
        again.delay = 50e-6;
        again.restart = where.name;
        owner::sum = 0;
        CHECK(error_of(again, [] {}) == "");
        CHECK(owner::sum == 20);
    }
}

TEST_CASE("elements at a balancing point go on after a restart, whether arrays are balanced there then or not") {
    if (this_job().size > 1) return;
    for (const bool by_section : {false, true})
        for (const auto& strategies : std::vector<std::pair<std::string, std::string>>{
                 {"greedy", "none"}, {"greedy", ""}, {"none", "greedy"}, {"", "rotate"}, {"rotate", "greedy"}}) {
            const auto& then = strategies.first;
            const auto& now = strategies.second;
            CAPTURE(then);
            CAPTURE(now);
            const folder where;
            owner::sum = 0;
            options first = simulated(2, 2, 2);
            first.balance = then;
            one(first, [&] {
                const auto on_first = motet::chare<owner>::create({}, 0);
                on_first.ask<&owner::make>().get();
                const auto all = on_first.ask<&owner::get>().get();
                motet::future<void> called;
                if (by_section) called = all.section({1, 2, 3, 4}).all<&balanced::loop>(std::int64_t{3});
                for (std::int64_t i = 1; i < 5 && !by_section; ++i) all[i].tell<&balanced::loop>(std::int64_t{3});
                motet::checkpoint(where.name, on_first.to<&owner::go_on>()).get();
                all[0].ask<&balanced::loop>(std::int64_t{3}).get();
                motet::quiescence().get();
            });
            for (const std::uint32_t pes : {4u, 1u}) {
                options again = threads(pes);
                again.restart = where.name;
                again.balance = now;
                owner::sum = 0;
                CHECK(run(again, [] {}) == 0);
                CHECK(owner::sum == 20);
            }
        }
}

namespace checkpoint_test {

/// Has a method that fails, and waits for its time.
struct guarded {
    bool open = false;
    static inline int rested = 0;
    void fails() { throw std::runtime_error("not that"); }
    bool when(motet::entry<&guarded::fails>) const { return open; }
    void allow() { open = true; }
    void go_on() {
        open = true;
        motet::quiescence().get();
        ++rested;
    }
};

} // namespace checkpoint_test

TEST_CASE("what fails for somebody who asked before a restart is nobody's then, and not the program's end") {
    if (this_job().size > 1) return;
    const folder where;
    one(threads(2), [&] {
        const auto it = motet::chare<guarded>::create({}, 1);
        auto asked = it.ask<&guarded::fails>();
        motet::checkpoint(where.name, it.to<&guarded::go_on>()).get();
        it.tell<&guarded::allow>();
        CHECK_THROWS_AS(asked.get(), motet::remote_error);
    });
    for (const std::uint32_t pes : {2u, 1u}) {
        options again = threads(pes);
        again.restart = where.name;
        guarded::rested = 0;
        CHECK(run(again, [] {}) == 0);
        CHECK(guarded::rested == 1);
    }
}

TEST_CASE("periodic checkpoints come one at a time, however often the program chooses their period") {
    if (this_job().size > 1) return;
    const folder where;
    one(simulated(1, 2, 3), [&] {
        const auto all = motet::group<looping_member>::create();
        all.all<&looping_member::set>(all).get();
        const auto target = all[0].to<&looping_member::go_on>();
        for (int i = 0; i < 5; ++i)
            for (const auto period : {200us, 0us, 200us}) {
                motet::checkpoint_every(where.name, target, period);
                motet::sleep_for(1us); // it is one message after another then
            }
        all.all<&looping_member::loop>().get(); // 2 ms of virtual time
    });
    CHECK(where.newest() > 3);
    CHECK(where.newest() < 14);
}

TEST_CASE("quiescence comes also where checkpoints have a period that is shorter than what they take") {
    const folder where;
    on_threads([&] {
        const auto all = motet::array<hopper>::create(8);
        motet::checkpoint_every(where.name, all.to<&hopper::nothing>(), 2us);
        for (int i = 0; i < 20; ++i) {
            all.tell<&hopper::nothing>();
            motet::quiescence().get();
        }
        motet::checkpoint_every(where.name, all.to<&hopper::nothing>(), 0s);
    });
}

namespace checkpoint_test {

void wander_to_the_end_beside_checkpoints(const folder& where) {
    const auto all = motet::array<wandered>::create(16);
    wandered::set_out(all);
    motet::checkpoint_every(where.name, all[0].to<&wandered::go_on>(), 10ms);
    motet::sleep_for(25ms);
    motet::quiescence().get();
    CHECK(all.reduce<&wandered::count>(motet::sum).get() == wandered::tokens);
}

} // namespace checkpoint_test

TEST_CASE("quiescence comes also where periodic checkpoints fail, and they are tried again") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(1, 2), simulated(2, 1, 3)}) {
        const folder where;
        run_well(chosen, [&] {
            std::ofstream(where.name) << "a file where the folder would be";
            wander_to_the_end_beside_checkpoints(where);
            std::filesystem::remove(where.name);
            motet::sleep_for(50ms);
            CHECK(where.newest() >= 1);
        });
    }
}

TEST_CASE("a shorter period of periodic checkpoints does not wait for the end of the longer one") {
    if (this_job().size > 1) return;
    const folder where;
    one(simulated(1, 2, 3), [&] {
        const auto all = motet::array<hopper>::create(4);
        motet::checkpoint_every(where.name, all.to<&hopper::nothing>(), 1h);
        all.all<&hopper::nothing>().get();
        motet::checkpoint_every(where.name, all.to<&hopper::nothing>(), 10ms);
        motet::sleep_for(50ms);
        CHECK(where.newest() >= 1);
    });
}

TEST_CASE("quiescence comes also where periodic checkpoints come, in a simulated run, too") {
    if (this_job().size > 1) return;
    for (const auto& chosen : {threads(2), simulated(1, 2), simulated(2, 1, 3)}) {
        const folder where;
        run_well(chosen, [&] { wander_to_the_end_beside_checkpoints(where); });
    }
}

TEST_CASE("elements at a balancing point go on after a restart, also without the PE that was the root") {
    if (this_job().size > 1) return;
    for (const auto& later : {threads(1), threads(4), simulated(2, 1, 3), simulated(5, 1, 4)}) {
        const folder where;
        owner::sum = 0;
        one(simulated(2, 2, 2), [&] {
            const auto on_last = motet::chare<owner>::create({}, 3);
            on_last.ask<&owner::make>().get();
            const auto all = on_last.ask<&owner::get>().get();
            motet::balance_with(all, motet::rotate).get();
            for (std::int64_t i = 1; i < 5; ++i) all[i].tell<&balanced::loop>(std::int64_t{3});
            motet::checkpoint(where.name, on_last.to<&owner::go_on>()).get();
            all[0].ask<&balanced::loop>(std::int64_t{3}).get();
        });
        options again = later;
        again.restart = where.name;
        CHECK(run(again, [] {}) == 0);
        CHECK(owner::sum == 20);
    }
}

namespace checkpoint_test {

struct ballast {
    std::vector<double> cells;
    static inline double weight = 0;
    void load() { cells.assign(32 << 10, static_cast<double>(motet::this_index())); }
    double weigh() const { return cells.front() + cells.back() + static_cast<double>(cells.size()); }
    void go_on() { weight = motet::this_collection<ballast>().reduce<&ballast::weigh>(motet::sum).get(); }
};

/// Bytes that this process has read from files so far.
std::int64_t bytes_read() {
    std::ifstream in("/proc/self/io");
    std::string name;
    std::int64_t count = 0;
    in >> name >> count;
    REQUIRE(name == "rchar:");
    return count;
}

} // namespace checkpoint_test

TEST_CASE("each process reads its share of a checkpoint and no more, also with another number of PEs") {
    constexpr std::int64_t count = 96, each = 8 * (32 << 10);
    const folder where;
    run_well(threads(1), [&] {
        const auto all = motet::array<ballast>::create(count);
        all.all<&ballast::load>().get();
        motet::checkpoint(where.name, all[3].to<&ballast::go_on>()).get();
    });
    for (const std::uint32_t pes : {1u, 2u}) {
        ballast::weight = 0;
        options again = threads(pes);
        again.restart = where.name;
        const std::int64_t before = bytes_read();
        CHECK(run(again, [] {}) == 0);
        const std::int64_t most = most_of_all(bytes_read() - before);
        CHECK(most_of_all(static_cast<std::int64_t>(ballast::weight)) == count * (count - 1) + count * (32 << 10));
        constexpr std::int64_t of_all = 4 << 20; // the manifest, and what else a process reads: /proc, libraries
        CHECK(most > count * each / this_job().size);
        CHECK(most < count * each / this_job().size + of_all);
    }
}
