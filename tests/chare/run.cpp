// SPDX-License-Identifier: BSL-1.0
#include "../fiber/child.hpp"
#include "runs.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace run_test {

struct actor {
    int value = 0;
    bool done = false;

    int number() const { return value; }
    void quit(int code) {
        value = code;
        motet::exit(code);
    }
    void quit_deeply(int depth, int code) {
        struct counts {
            ~counts() { ++unwound; }
        } const counted;
        if (depth > 0) return quit_deeply(depth - 1, code);
        if (code != 0) motet::exit(code);
    }
    void wait_for_ever() {
        struct counts {
            ~counts() { ++unwound; }
        } const counted;
        motet::wait([this] { return done; });
    }
    void wait_for_future() {
        auto [f, p] = motet::make_future<int>();
        f.get();
    }
    void give(motet::promise<int> to) { motet::contribute(1, motet::sum, to); }
    void wait_for_channel() { motet::channel<int>(motet::this_element<actor, std::int64_t>()).receive(); }
    void wait_for_any() {
        auto [f, p] = motet::make_future<int>();
        auto [g, q] = motet::make_future<int>();
        motet::wait_any(f, g);
    }
    void never(int n) { value = n; }
    bool when(motet::entry<&actor::never>, int) const { return done; }
    std::vector<std::string> arguments() const { return motet::arguments(); }
    void fail(std::string text) { throw std::runtime_error(text); }
    void fail_oddly() { throw 42; }
    static inline std::atomic<int> unwound{0};
};

/// Runs out of stack, and takes memory on the way.
struct diver {
    std::int64_t dive(std::int64_t left) {
        std::vector<std::int64_t> some(20, left);
        asm volatile("" ::"r"(some.data()) : "memory");
        return left == 0 ? 0 : dive(left - 1) + some.back();
    }
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

} // namespace run_test

using namespace run_test;

TEST_CASE("a run returns what main returns") {
    for (const auto& chosen : some()) {
        CHECK(run(chosen, [] {}) == 0);
        CHECK(run(chosen, [] { return 7; }) == 7);
        CHECK(run(chosen, [] {
                  motet::yield();
                  return 3;
              }) == 3);
        CHECK(run(chosen, [] { return "not an int"; }) == 0);
    }
}

TEST_CASE("a run ends when main has returned and nothing moves any more, not before") {
    for (const auto& chosen : some()) {
        static std::atomic<int> handled;
        handled = 0;
        struct late {
            int value = 0;
            void pass(motet::array<late> all, int left) {
                ++handled;
                if (left > 0) all[left % 5].tell<&late::pass>(all, left - 1);
                if (left == 10) {
                    motet::sleep_for(std::chrono::microseconds(300));
                    ++handled;
                }
            }
        };
        CHECK(run(chosen, [] {
                  const auto all = motet::array<late>::create(5);
                  for (std::int64_t i = 0; i < 5; ++i) all[i].tell<&late::pass>(all, 50);
              }) == 0);
        CHECK(over_all(handled) == 5 * 52);
    }
}

// Frames that are left for ever keep their memory; and with their fibers ThreadSanitizer lets no test fork after this.
#if !defined(MOTET_ADDRESS_SANITIZER) && !defined(MOTET_THREAD_SANITIZER)
TEST_CASE("exit in a destructor that an exception calls, or the end of the run") {
    struct quits {
        int value = 0;
        struct at_its_end {
            int code;
            ~at_its_end() { motet::exit(code); } // NOLINT: it does not throw while something is unwound
        };
        void fail() {
            const at_its_end guard{7};
            throw std::runtime_error("calls the destructor");
        }
        void park() {
            const at_its_end guard{8};
            auto [f, p] = motet::make_future<int>();
            f.get(); // for ever
        }
    };
    for (const auto& chosen : some()) {
        CHECK(run(chosen, [] {
                  motet::array<quits>::create(3)[1].tell<&quits::fail>();
                  motet::sleep_for(std::chrono::hours(1));
              }) == 7);
        CHECK(run(chosen, [] {
                  motet::array<quits>::create(3).tell<&quits::park>();
                  motet::quiescence().get();
                  motet::exit(9);
              }) == 9);
    }
}
#endif

TEST_CASE("exit ends the run at once from anywhere: main, a chare, a hook, a `when`, a fiber among parked ones") {
    for (const auto& chosen : some()) {
        CHECK(run(chosen, [] {
                  motet::exit(5);
                  throw std::runtime_error("not reached");
              }) == 5);
        actor::unwound = 0;
        CHECK(run(chosen, [] {
                  const auto all = motet::array<actor>::create(4);
                  all.tell<&actor::wait_for_ever>();
                  motet::quiescence().get();
                  all[2].tell<&actor::quit_deeply>(3, 6);
                  auto [f, p] = motet::make_future<int>();
                  f.get(); // for ever
              }) == 6);
        CHECK(over_all(actor::unwound) == 4 + 4);
        CHECK(run(chosen, [] {
                  const auto all = motet::array<actor>::create(4);
                  all.tell<&actor::quit>(9);
                  all.all<&actor::wait_for_ever>().get();
              }) == 9);
        struct quits_at_birth {
            int value = 0;
            void on(motet::created) { motet::exit(11); }
        };
        CHECK(run(chosen, [] {
                  motet::array<quits_at_birth>::create(3);
                  motet::sleep_for(std::chrono::hours(1));
              }) == 11);
        struct quits_in_when {
            int value = 0;
            void call() {}
            bool when(motet::entry<&quits_in_when::call>) const { motet::exit(12); }
        };
        CHECK(run(chosen, [] { motet::array<quits_in_when>::create(3)[1].ask<&quits_in_when::call>().get(); }) == 12);
        CHECK(run(chosen, [] {
                  motet::exit();
                  return 1;
              }) == 0);
        struct quits_after_main {
            int value = 0;
            void call() {
                motet::sleep_for(std::chrono::milliseconds(5));
                motet::exit();
            }
        };
        CHECK(run(chosen, [] {
                  motet::array<quits_after_main>::create(3)[1].tell<&quits_after_main::call>();
                  return 3;
              }) == 0);
    }
}

TEST_CASE("the program's arguments are known everywhere") {
    for (const auto& chosen : some()) {
        const std::vector<std::string> given{"program", "--size", "5", "file name"};
        bool equal = false;
        auto body = [&] {
            const auto group = motet::group<actor>::create();
            equal = motet::arguments() == given;
            for (const auto& each : group.gather<&actor::arguments>().get()) equal = equal && each == given;
        };
        run(chosen, body, given);
        if (this_job().rank == 0) CHECK(equal);
    }
}

TEST_CASE("motet::run takes Motet's options out of the arguments and tells errors") {
    if (this_job().size > 1) return; // it forks
    const auto call = [](std::vector<const char*> words, auto body) {
        words.push_back(nullptr);
        int count = static_cast<int>(words.size()) - 1;
        auto** values = const_cast<char**>(words.data());
        const int code = motet::run(count, values, body);
        std::string left;
        for (int i = 0; i < count; ++i) left += std::string(values[i]) + " ";
        return left + std::to_string(code) + (values[count] == nullptr ? "" : " and no end");
    };
    int pes = 0;
    CHECK(call({"x", "a", "--motet-pes", "2", "b"}, [&] { pes = static_cast<int>(motet::pe_count()); }) == "x a b 0");
    CHECK(pes == 2);
    CHECK(call({"x", "--motet-sim=2x3", "--motet-sim-table=off", "--motet-pes", "3"},
               [&] { pes = static_cast<int>(motet::pe_count()); }) == "x 0");
    CHECK(pes == 6);
    CHECK(call({"x", "--motet-pes=1", "--motet-spin", "4", "--other", "--"}, [] { return 3; }) == "x --other -- 3");
    const auto said = [&](std::vector<const char*> words, auto body) {
        return in_child([&] { _exit(call(words, body).back() == '1' ? 1 : 0); });
    };
    CHECK(said({"x", "--motet-pes", "0"}, [] {}).errors ==
          "motet: error: --motet-pes 0: expected a number of PEs from 1 to 4096\n");
    CHECK(said({"x", "--motet-pes=1", "--motet-sim-migrate", "0.5"}, [] {}).errors ==
          "motet: error: --motet-sim-migrate is for simulated runs: give --motet-sim PxQ too\n");
    CHECK(
        contains(said({"x", "--motet-sim=3xq"}, [] {}).errors, "--motet-sim 3xq: expected 1 to 65536 PEs after the x"));
    CHECK(contains(said({"x", "--motet-sime"}, [] {}).errors, "unknown option --motet-sime"));
    CHECK(contains(said({"x", "--motet-pes=2"}, [] { throw std::runtime_error("main fails"); }).errors,
                   "motet: error: main fails (std::runtime_error)"));
    CHECK(said({"x", "--motet-pes=2"}, [] { throw std::runtime_error("main fails"); }).code == 1);
}

TEST_CASE("an exception in a told method ends the program with chare, index, entry and text") {
    for (const auto& chosen : some()) {
        const auto text = error_of(chosen, [] {
            const auto all = motet::array<actor, motet::grid<2>>::create({2, 3});
            all(1, 2).tell<&actor::fail>("out of luck");
            motet::quiescence().get();
        });
        CHECK(contains(text, "out of luck (std::runtime_error), in actor[1, 2] on PE "));
        CHECK(contains(text, "entry run_test::actor::fail"));
        CHECK(contains(error_of(chosen,
                                [] {
                                    motet::chare<actor>::create().tell<&actor::fail_oddly>();
                                    motet::quiescence().get();
                                }),
                       "an exception that is no std::exception (int), in actor on PE"));
        CHECK(contains(error_of(chosen, [] { throw std::runtime_error("in main"); }),
                       "in main (std::runtime_error), on PE 0"));
        CHECK(contains(error_of(chosen,
                                [] {
                                    motet::yield();
                                    throw std::runtime_error("in main, later");
                                }),
                       "in main, later (std::runtime_error), on PE 0"));
        // It unwinds what is parked.
        actor::unwound = 0;
        error_of(chosen, [] {
            const auto all = motet::array<actor>::create(4);
            all.tell<&actor::wait_for_ever>();
            motet::quiescence().get();
            all[0].tell<&actor::fail>("x");
            motet::quiescence().get();
        });
        CHECK(over_all(actor::unwound) == 4);
    }
}

TEST_CASE("a deadlock is told fiber by fiber, with held messages") {
    for (const auto& chosen : some()) {
        const std::string text = error_of(chosen, [] {
            const auto all = motet::array<actor>::create(4);
            all[0].tell<&actor::wait_for_ever>();
            all[1].tell<&actor::wait_for_future>();
            all[2].tell<&actor::wait_for_channel>();
            all[3].tell<&actor::wait_for_any>();
            all[3].tell<&actor::never>(1);
            motet::array<actor, motet::grid<2>>::create(motet::sparse)(5, -5).tell<&actor::never>(2);
            motet::chare<actor>::create().ask<&actor::wait_for_ever>().get();
        });
        CHECK(contains(first_line(text), "deadlock: nothing can move any more, but 6 fibers wait:"));
        for (const char* line :
             {"actor[0], entry run_test::actor::wait_for_ever, on PE ",
              "actor[1], entry run_test::actor::wait_for_future, on PE ",
              "actor[2], entry run_test::actor::wait_for_channel, on PE ",
              "actor[3], entry run_test::actor::wait_for_any, on PE ",
              "actor, entry run_test::actor::wait_for_ever, on PE ",
              "main, on PE 0 waits for the result of run_test::actor::wait_for_ever, for ",
              " waits for a condition, for ", " waits for a future, for ",
              " waits for a value from a channel of actor[2], for ", " waits for one of several futures, for ",
              "and these messages are held back:", "actor[3], entry run_test::actor::never, on PE ",
              ": its `when` is not satisfied", "actor[5, -5], entry run_test::actor::never, on PE ",
              ": there is no element of that index"}) {
            INFO(line);
            INFO(text);
            CHECK(contains(text, line));
        }
    }
    const std::string text =
        error_of(simulated(2, 1), [] { motet::array<actor>::create(motet::sparse)[7].erase().get(); });
    CHECK(contains(text, "main, on PE 0 waits for a chare to be erased, in which no frame may stand then"));
    CHECK(contains(text, "  actor[7], entry motet::runtime::erase_on_request, on PE "));
    CHECK(contains(error_of(simulated(2, 1),
                            [] {
                                auto [f, p] = motet::make_future<int>();
                                auto slow = motet::after(std::chrono::seconds(3));
                                f.get();
                            }),
                   "main, on PE 0 waits for a future, for 3.0 s"));
}

TEST_CASE("a deadlock names who has not contributed to a reduction") {
    for (const auto& chosen : some()) {
        const std::string text = error_of(chosen, [] {
            const auto all = motet::array<actor>::create(4);
            auto [f, p] = motet::make_future<int>();
            for (const std::int64_t i : {0, 1, 3}) all[i].tell<&actor::give>(p);
            f.get();
        });
        CHECK(contains(text, "actor[2], on PE "));
        CHECK(contains(text, ": a reduction to which others have contributed waits for it"));
        CHECK(!contains(text, "actor[1]"));
    }
}

TEST_CASE("a deadlock of main alone, and of a broadcast") {
    for (const auto& chosen : some()) {
        CHECK(contains(error_of(chosen,
                                [] {
                                    bool never = false;
                                    motet::wait([&] { return never; });
                                }),
                       "main, on PE 0 waits for a condition"));
        const auto text = error_of(chosen, [] { motet::array<actor>::create(3).all<&actor::never>(1).get(); });
        CHECK(contains(text, "but 1 fiber waits:"));
        CHECK(contains(text, "actor[2], entry run_test::actor::never"));
    }
}

#if !defined(MOTET_ADDRESS_SANITIZER) && !defined(MOTET_THREAD_SANITIZER) // they take locks of their own in malloc
TEST_CASE("a method that overflows its stack is named, also where it does so inside of malloc") {
    if (this_job().size > 1) return; // it forks
    for (auto chosen : {threads(2), simulated(1, 2)}) {
        chosen.stack = 256 << 10;
        const auto end =
            in_child([&] { run(chosen, [] { motet::array<diver>::create(2)[1].ask<&diver::dive>(1 << 30).get(); }); });
        CHECK(end.signal == SIGABRT);
        CHECK(contains(end.errors, "motet: stack overflow in diver"));
        CHECK(contains(end.errors, "entry run_test::diver::dive"));
    }
}
#endif

TEST_CASE("what is not delivered to erased elements is counted and told") {
    if (this_job().size > 1) return; // it forks
    for (const auto& chosen : {threads(2), simulated(3, 2)}) {
        const auto end = in_child([&] {
            run(chosen, [] {
                const auto all = motet::array<actor>::create(3);
                all.erase(1).get();
                all[1].tell<&actor::never>(1);
                all[1].tell<&actor::quit>(1);
            });
        });
        CHECK(end.code == 0);
        CHECK(contains(end.errors, "motet: warning: 2 messages to erased elements dropped"));
    }
}

TEST_CASE("numbers of PEs and processes, time, charged time") {
    one(simulated(3, 2), [] {
        CHECK(motet::my_pe() == 0);
        CHECK(motet::pe_count() == 6);
        CHECK(motet::my_process() == 0);
        CHECK(motet::process_count() == 3);
        const double before = motet::now();
        motet::charge(0.25);
        CHECK(motet::now() - before == doctest::Approx(0.25));
    });
    one(threads(2), [] {
        CHECK(motet::pe_count() == 2);
        CHECK(motet::process_count() == 1);
        const double before = motet::now();
        motet::charge(1e9);
        CHECK(motet::now() - before < 10);
    });
}

namespace run_test {

struct leaver {
    int value = 0;
    void on(motet::departing) { motet::exit(13); }
    void go(std::int64_t to) { motet::move_this(to); }
};
struct holder {
    int value = 0;
    void never() {}
    bool when(motet::entry<&holder::never>) const { return value > 0; }
    int look() const { return value; }
};

} // namespace run_test

TEST_CASE("exit in on(departing), by a move from outside and from inside") {
    using run_test::leaver;
    for (const auto& chosen : {threads(2), simulated(2, 2)}) {
        CHECK(run(chosen, [] { motet::array<leaver>::create(2)[0].move_to(motet::pe_count() - 1).get(); }) == 13);
        CHECK(run(chosen, [] {
                  motet::array<leaver>::create(2)[0].ask<&leaver::go>(motet::pe_count() - 1).get();
                  motet::sleep_for(std::chrono::hours(1));
              }) == 13);
    }
}

TEST_CASE("exit with messages that a `when` holds back is a warning that names them") {
    if (this_job().size > 1) return; // it forks
    auto program = [] {
        const auto held = motet::array<run_test::holder>::create(2);
        held[1].tell<&run_test::holder::never>();
        motet::quiescence(motet::make_future<void>().second);
        held[1].ask<&run_test::holder::look>().get(); // its PE may be late
        motet::sleep_for(std::chrono::milliseconds(5));
        motet::exit(4);
    };
    for (const auto& chosen : {threads(2), simulated(2, 1)}) {
        const auto end = in_child([&] { _exit(run(chosen, program)); });
        CHECK(end.code == 4);
        CHECK(contains(end.errors, "1 message still held back:"));
        CHECK(contains(end.errors, "holder[1], entry run_test::holder::never"));
    }
}

TEST_CASE("a run inside of a run and negative times are refused") {
    for (const auto& chosen : {threads(1), simulated(1, 1)})
        one(chosen, [&] {
            CHECK(contains(thrown_by([&] { run(threads(1), [] {}); }), "motet::run is called inside of a run"));
            for (const double wrong : {-1., std::numeric_limits<double>::infinity()})
                CHECK(contains(thrown_by([&] { motet::charge(wrong); }), "motet::charge takes seconds from 0 on"));
            const std::chrono::duration<double> no_number(std::numeric_limits<double>::quiet_NaN());
            CHECK(contains(thrown_by([&] { motet::sleep_for(no_number); }), "this one is no number"));
            motet::sleep_for(std::chrono::hours::min());
            CHECK(motet::pe_count() == 1);
        });
}

TEST_CASE("a future that outlives its run is harmless, and says so when it is used") {
    for (const auto& chosen : {threads(2), simulated(2, 2)}) {
        motet::future<int> left;
        motet::future<int> pending;
        CHECK(run(chosen, [&] {
                  left = motet::chare<actor>::create({.value = 7}).ask<&actor::number>();
                  left.wait();
                  pending = motet::make_future<int>().first;
              }) == 0);
        one(chosen, [&] {
            CHECK(left.get() == 7);
            CHECK(contains(thrown_by([&] { pending.get(); }), "this future belongs to a run that is over"));
        });
    }
}

TEST_CASE("a promise of a run before finds nobody") {
    for (const auto& chosen : {threads(1), simulated(1, 1)}) {
        motet::promise<std::string> kept;
        one(chosen, [&] {
            auto [made, by] = motet::make_future<std::string>();
            kept = by;
            by.set("first");
            CHECK(made.get() == "first");
        });
        one(chosen, [&] {
            auto [made, by] = motet::make_future<int>();
            kept.set("late");
            CHECK(!made.ready());
            by.set(5);
            CHECK(made.get() == 5);
        });
    }
}

TEST_CASE("names are not given twice, however many there were: of futures, of what is created") {
    using namespace motet::runtime;
    constexpr std::uint64_t many = std::uint64_t{1} << 32;
    one(threads(1), [&] {
        future_table table;
        table.begin_after(0, many - 1);
        auto* const state = reinterpret_cast<future_state_base*>(&table); // NOLINT: nobody looks at it
        const auto before = table.add(state);
        table.remove(before);
        const auto next = table.add(state);
        CHECK(table.find(before) == nullptr);
        CHECK(table.find(next) == state);
        CHECK_FALSE(table.is_of_earlier_run(next));
        CHECK(table.next_generation() > many);
        table.remove(next);
    });
    one(simulated(2, 2), [&] {
        const auto all = motet::array<run_test::holder>::create(4, {.value = 3});
        creation_counts& created = this_pe().created;
        created.chares += many;
        motet::array<run_test::holder>::create(4);
        CHECK(all.reduce<&run_test::holder::look>(motet::sum).get() == 12);
        created.others = 256 * many - 2;
        CHECK(all.section({0, 1}).reduce<&run_test::holder::look>(motet::sum).get() == 6);
        CHECK(contains(thrown_by([&] { all.section({0, 1}); }), "no more sections, activities and channels"));
        CHECK(contains(thrown_by([] { motet::activity::begin(); }), "no more sections, activities and channels"));
        created.collections = many - 1;
        CHECK(contains(thrown_by([] { motet::array<run_test::holder>::create(1); }), "no more collections"));
        CHECK(motet::chare<run_test::holder>::create().ask<&run_test::holder::look>().get() == 0);
    });
}

TEST_CASE("a timer whose future is gone does not keep the run going") {
    for (const auto& chosen : {threads(2), simulated(2, 2)}) {
        const auto begin = std::chrono::steady_clock::now();
        double virtual_time = 0;
        one(chosen, [&] {
            auto [f, p] = motet::make_future<void>();
            {
                const auto too_late = motet::after(std::chrono::hours(24));
                p.set();
                CHECK(motet::wait_any(f, too_late) == 0);
            }
            motet::quiescence().get();
            motet::sleep_for(std::chrono::milliseconds(1));
            virtual_time = motet::now();
        });
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::hours(1)); // or it was not cancelled
        if (chosen.simulated) CHECK(virtual_time < 1);
    }
}

namespace run_test {

/// Knows how many of its kind there are.
struct counted {
    static inline std::atomic<int> alive{0};
    int value = 0;
    counted() { ++alive; }
    counted(const counted& other) : value(other.value) { ++alive; }
    counted(counted&& other) noexcept : value(other.value) { ++alive; }
    counted& operator=(const counted&) = default;
    counted& operator=(counted&&) = default;
    ~counted() { --alive; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value);
    }
};
struct mortal {
    counted own = {};
    bool free = false;
    void take(counted) {}
    void hold(counted) {}
    bool when(motet::entry<&mortal::hold>, const counted&) const { return free; }
    void wait_with(counted) {
        motet::wait([&] { return free; });
    }
    counted give() const { return own; }
    void go(std::int64_t to) { motet::move_this(to); }
};

} // namespace run_test

namespace run_test {

/// Its wait swallows what unwinds it, and it goes on as if nothing had happened.
struct stubborn {
    int value = 0;
    void wait_badly() {
        try {
            motet::wait([&] { return value > 0; });
        } catch (...) { // NOLINT(bugprone-empty-catch)
        }
        ++value;
    }
    int get() const { return value; }
};

} // namespace run_test

TEST_CASE("methods that swallow what unwinds them at the end of the run do no harm") {
    using run_test::stubborn;
    for (const auto& chosen : some())
        CHECK(run(chosen, [] {
                  const auto all = motet::array<stubborn>::create(4);
                  all.tell<&stubborn::wait_badly>();
                  for (int i = 0; i < 3; ++i) all[1].tell<&stubborn::wait_badly>();
                  motet::quiescence().get();
                  motet::exit(2);
              }) == 2);
}

TEST_CASE("when a run has ended nothing of it is left: chares, arguments, results, prototypes, however it ended") {
    using run_test::counted;
    using run_test::mortal;
    if (this_job().size > 1) return; // processes end at different moments
    for (const auto& chosen : some())
        for (const int end : {0, 1, 2}) {
            try {
                run(chosen, [&] {
                    const auto all = motet::array<mortal>::create(6);
                    const auto sparse = motet::array<mortal>::create();
                    for (std::int64_t i = 0; i < 4; ++i) sparse.insert(i, mortal{}, i % motet::pe_count()).get();
                    const auto demanded = motet::array<mortal>::create(motet::on_demand);
                    motet::group<mortal>::create().all<&mortal::take>(counted()).get();
                    const auto single = motet::chare<mortal>::create();
                    sparse.erase(1).get();
                    single.erase().get();
                    motet::quiescence().get();
                    const int before = counted::alive;
                    demanded[9].ask<&mortal::take>(counted()).get();
                    demanded[9].erase().get();
                    motet::quiescence().get();
                    CHECK(counted::alive == before); // what ends while the run goes on
                    auto asked = all.gather<&mortal::give>();
                    for (std::int64_t i = 0; i < 6; ++i) all[i].tell<&mortal::go>((i + 1) % motet::pe_count());
                    if (end == 0) return;
                    if (end == 2) all.tell<&mortal::hold>(counted()); // after motet::exit it would be a warning
                    sparse.tell<&mortal::wait_with>(counted());
                    sparse[77].tell<&mortal::take>(counted()); // there is none
                    motet::sleep_for(std::chrono::microseconds(20));
                    all.tell<&mortal::take>(counted());
                    for (std::int64_t i = 0; i < 6; ++i) all[i].tell<&mortal::go>(i % motet::pe_count());
                    if (end == 1) motet::exit(3);
                    throw std::runtime_error("it fails");
                });
            } catch (const motet::error&) {
                CHECK(end == 2);
            }
            CAPTURE(describe(chosen));
            CAPTURE(end);
            CHECK(counted::alive == 0);
        }
}

#if !defined(MOTET_ADDRESS_SANITIZER) && !defined(MOTET_THREAD_SANITIZER)
namespace run_test {

struct bottomless {
    int value = 0;
    int fall(int depth) { // NOLINT(misc-no-recursion)
        volatile char frame[1024];
        frame[0] = static_cast<char>(depth);
        return depth < 0 ? 0 : fall(depth + 1) + frame[0];
    }
    void fall_later() {
        motet::yield();
        value = fall(0);
    }
};

} // namespace run_test

TEST_CASE("an entry method that overflows its stack is named, with its chare") {
    using run_test::bottomless;
    if (this_job().size > 1) return; // it forks
    for (const auto& chosen : {threads(2), simulated(2, 1)}) {
        const auto end = in_child([&] {
            run(chosen, [] {
                motet::array<bottomless, motet::grid<2>>::create({2, 2})(1, 0).ask<&bottomless::fall_later>().get();
            });
        });
        CHECK(end.signal == SIGABRT);
        CHECK(contains(end.errors, "motet: stack overflow in bottomless[1, 0], entry run_test::bottomless::fall_later, "
                                   "on PE"));
        CHECK(contains(end.errors, "the stack of a fiber has 512 KiB; raise it with --motet-stack"));
    }
}
#endif
