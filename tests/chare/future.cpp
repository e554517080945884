// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;
using namespace std::chrono_literals;

namespace future_test {

struct worker {
    std::vector<motet::promise<int>> kept;

    int square(int n) const { return n * n; }
    int slow_square(int n) const {
        motet::sleep_for(std::chrono::microseconds(100 * n));
        return n * n;
    }
    int fail(std::string text) const { throw std::runtime_error(text); }
    void fulfil(motet::promise<int> p, int n) const { p.set(n); }
    void fulfil_text(motet::promise<std::string> p, std::string s) const { p.set(s + "!"); }
    void pass_on(motet::array<worker> all, std::int64_t to, motet::promise<int> p) const {
        if (to == 0)
            p.set(42);
        else
            all[to - 1].tell<&worker::pass_on>(all, to - 1, p);
    }
    void done(motet::promise<void> p) const { p.set(); }
    void break_it(motet::promise<int> p) const { p.fail("no value today"); }
    void keep(motet::promise<int> p) { kept.push_back(p); }
    void release(int n) {
        for (const auto& each : kept) each.set(n);
        kept.clear();
    }
    std::vector<int> values() const { return {1, 2, 3}; }
    std::int64_t fib(motet::array<worker> all, int n) const {
        if (n < 2) return n;
        auto a = all[n % 7].ask<&worker::fib>(all, n - 1);
        auto b = all[(n * 5) % 7].ask<&worker::fib>(all, n - 2);
        return a.get() + b.get();
    }
};

} // namespace future_test

using namespace future_test;

TEST_CASE("an answer for a future that is gone does not reach one that is made after it") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(5);
        for (std::int64_t i = 0; i < 5; ++i) {
            (void)workers[i].ask<&worker::slow_square>(2);
            auto [next, unset] = motet::make_future<int>();
            motet::quiescence().get();
            CHECK(!next.ready());
        }
    });
}

TEST_CASE("a future gives what was asked for, once") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(5);
        auto f = workers[3].ask<&worker::square>(7);
        CHECK(f.valid());
        CHECK(f.get() == 49);
        CHECK(!f.valid());
        CHECK(contains(thrown_by([&] { f.get(); }), "taken before: get() can be called once"));
        motet::future<int> empty;
        CHECK(!empty.valid());
        CHECK(contains(thrown_by([&] { empty.get(); }), "this future is empty"));
        CHECK(contains(thrown_by([&] { empty.wait(); }), "this future is empty"));
        auto g = workers[2].ask<&worker::square>(3);
        motet::future<int> h = std::move(g);
        CHECK(contains(thrown_by([&] { g.get(); }), "this future is empty")); // NOLINT(bugprone-use-after-move)
        h.wait();
        CHECK(h.ready());
        CHECK(h.get() == 9);
        CHECK(workers[0].ask<&worker::values>().get() == std::vector<int>{1, 2, 3});
    });
}

TEST_CASE("many futures at a time, and chains of them") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(7);
        std::vector<motet::future<int>> all;
        for (int i = 0; i < 200; ++i) all.push_back(workers[i % 7].ask<&worker::square>(i));
        for (int i = 199; i >= 0; --i) CHECK(all[static_cast<std::size_t>(i)].get() == i * i);
        CHECK(workers[0].ask<&worker::fib>(workers, 12).get() == 144);
    });
}

TEST_CASE("a future that nobody looks at does no harm") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(3);
        for (int i = 0; i < 20; ++i) {
            workers[i % 3].ask<&worker::square>(i);
            auto kept = workers[i % 3].ask<&worker::slow_square>(1);
        }
        auto [f, p] = motet::make_future<int>();
        workers[1].tell<&worker::fulfil>(p, 5);
        { auto dropped = std::move(f); }
    });
}

TEST_CASE("a promise can be sent to anyone and set from anywhere; the first value counts") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(6);
        auto [f, p] = motet::make_future<int>();
        CHECK(!f.ready());
        workers[5].tell<&worker::pass_on>(workers, std::int64_t{5}, p);
        CHECK(f.get() == 42);
        CHECK(contains(thrown_by([] { motet::make_future<int>(-1); }),
                       "a future of -1 values: there must be 0 at least"));
        auto [g, q] = motet::make_future<std::string>();
        workers[2].tell<&worker::fulfil_text>(q, "yes");
        CHECK(g.get() == "yes!");
        auto [h, r] = motet::make_future<void>();
        workers[4].tell<&worker::done>(r);
        h.get();
        auto [k, s] = motet::make_future<int>();
        s.set(1);
        s.set(2);
        CHECK(k.ready());
        CHECK(k.get() == 1);
        auto [m, t] = motet::make_future<int>();
        workers[3].tell<&worker::break_it>(t);
        CHECK(contains(thrown_by([&m = m] { m.get(); }), "no value today"));
        auto [n, u] = motet::make_future<int>();
        workers[3].ask<&worker::keep>(u).get();
        workers[3].tell<&worker::release>(17); // the promise moves with the chare
        CHECK(n.get() == 17);
    });
}

TEST_CASE("a future of several values has them all, whoever sent them") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(5);
        auto [f, p] = motet::make_future<int>(20);
        for (int i = 0; i < 20; ++i) workers[i % 5].tell<&worker::fulfil>(p, i);
        std::vector<int> values = f.get();
        std::sort(values.begin(), values.end());
        std::vector<int> expected(20);
        std::iota(expected.begin(), expected.end(), 0);
        CHECK(values == expected);
        auto [none, q] = motet::make_future<int>(0);
        CHECK(none.get().empty());
        q.set(1);
        auto [nothing, at_once] = motet::make_future<void>(0);
        CHECK(nothing.ready());
        auto [thrice, each] = motet::make_future<void>(3);
        each.set();
        each.set();
        CHECK(!thrice.ready());
        each.set();
        thrice.get();
        auto [ordered, r] = motet::make_future<std::string>(2);
        r.set("a");
        CHECK(!ordered.ready());
        r.set("b");
        r.set("c");
        CHECK(ordered.get() == std::vector<std::string>{"a", "b"});
    });
}

TEST_CASE("wait_all and wait_any") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(4);
        auto a = workers[0].ask<&worker::slow_square>(2);
        auto b = workers[1].ask<&worker::fail>("b fails");
        auto c = workers[2].ask<&worker::square>(3);
        motet::wait_all(a, b, c); // does not throw what one of them throws
        CHECK((a.ready() && b.ready() && c.ready()));
        CHECK(a.get() == 4);
        CHECK(contains(thrown_by([&] { b.get(); }), "b fails"));
        CHECK(c.get() == 9);

        std::vector<motet::future<int>> all;
        std::vector<motet::promise<int>> promises;
        for (int i = 0; i < 5; ++i) {
            auto [f, p] = motet::make_future<int>();
            all.push_back(std::move(f));
            promises.push_back(p);
        }
        workers[1].tell<&worker::fulfil>(promises[3], 33);
        CHECK(motet::wait_any(all) == 3);
        promises[1].set(11);
        CHECK(motet::wait_any(all) == 1); // the first of those that are ready
        CHECK(all[3].get() == 33);
        for (const int i : {0, 2, 4}) promises[static_cast<std::size_t>(i)].set(i);
        motet::wait_all(all);
        auto [never, lost] = motet::make_future<int>();
        auto soon = motet::after(50us);
        CHECK(motet::wait_any(never, soon) == 1);
        CHECK(contains(thrown_by([] { motet::wait_any(std::vector<motet::future<int>>()); }), "one of no futures"));
    });
}

TEST_CASE("a failure reaches get() with its text, type, chare and entry") {
    everywhere([] {
        const auto workers = motet::array<worker>::create(4);
        auto f = workers[2].ask<&worker::fail>("out of cheese");
        f.wait();
        CHECK(f.ready());
        try {
            f.get();
            FAIL_CHECK("it did not throw");
        } catch (const motet::remote_error& e) {
            CHECK(e.text == "out of cheese");
            CHECK(e.type == "std::runtime_error");
            CHECK(contains(e.chare, "worker[2] on PE "));
            CHECK(contains(e.entry, "worker::fail"));
            CHECK(contains(e.what(), "out of cheese (std::runtime_error), in worker[2] on PE "));
        }
    });
}

TEST_CASE("a failure that nobody sees ends the program, whether its future is dropped before or after") {
    for (const auto& chosen : some()) {
        const auto before = error_of(chosen, [] {
            const auto workers = motet::array<worker>::create(4);
            workers[1].ask<&worker::fail>("dropped before");
            motet::quiescence().get();
        });
        CHECK(contains(before, "dropped before (std::runtime_error), in worker[1] on PE"));
        CHECK(contains(before, "; its future was destroyed before get() was called"));
        const auto after = error_of(chosen, [] {
            const auto workers = motet::array<worker>::create(4);
            {
                auto f = workers[1].ask<&worker::fail>("dropped after");
                f.wait();
            }
            motet::quiescence().get();
        });
        CHECK(contains(after, "dropped after (std::runtime_error), in worker[1] on PE"));
        CHECK(contains(after, "; its future was destroyed before get() was called"));
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto workers = motet::array<worker>::create(4);
                                    workers[3].ask<&worker::fail>("not caught").get();
                                }),
                       "not caught (std::runtime_error), in worker[3] on PE"));
    }
}

namespace future_test {
struct borrower {
    int value = 0;
    std::string use(std::uintptr_t other) {
        auto& f = *reinterpret_cast<motet::future<int>*>(other);
        return thrown_by([&] { f.get(); });
    }
    std::string wait_too(std::uintptr_t other) {
        auto& f = *reinterpret_cast<motet::future<int>*>(other);
        return thrown_by([&] { f.wait(); });
    }
};
} // namespace future_test

TEST_CASE("a future on another PE than its own, and two fibers that wait for one, are refused") {
    for (const auto& chosen : {threads(2), simulated(2, 2)})
        one(chosen, [] {
            auto [f, p] = motet::make_future<int>();
            const auto far = motet::chare<borrower>::create({}, 1);
            CHECK(contains(far.ask<&borrower::use>(reinterpret_cast<std::uintptr_t>(&f)).get(),
                           "a future of PE 0 is used on PE 1: a future stays where it was made; send its promise"));
        });
    for (const auto& chosen : {threads(1), simulated(1, 1)})
        one(chosen, [] {
            auto [f, p] = motet::make_future<int>();
            auto [g, q] = motet::make_future<void>();
            const auto near = motet::chare<borrower>::create();
            auto first = near.ask<&borrower::wait_too>(reinterpret_cast<std::uintptr_t>(&f));
            auto second = near.ask<&borrower::wait_too>(reinterpret_cast<std::uintptr_t>(&f));
            CHECK(motet::wait_any(first, second) <= 1);
            CHECK(contains((first.ready() ? first : second).get(), "two fibers wait for one future"));
            p.set(1);
        });
}

TEST_CASE("a future that is destroyed while another fiber waits for it tells that fiber, and is not touched") {
    for (const auto& chosen : {threads(1), simulated(1, 1)})
        for (const bool ready : {false, true})
            one(chosen, [&] {
                auto made =
                    std::make_unique<std::pair<motet::future<int>, motet::promise<int>>>(motet::make_future<int>());
                const auto near = motet::chare<borrower>::create();
                auto end = near.ask<&borrower::use>(reinterpret_cast<std::uintptr_t>(&made->first));
                while (made->first.held().waiting == nullptr) motet::yield(); // until it waits
                if (ready) made->second.set(1);
                made.reset();
                CHECK(contains(end.get(), "a future was destroyed while this fiber waited for it"));
            });
}

namespace future_test {
/// Tells when it is destroyed on another PE than its own.
struct settler {
    std::int64_t home = -1;
    static inline std::atomic<int> abroad = 0;
    settler() = default;
    explicit settler(std::int64_t pe) : home(pe) {}
    settler(const settler&) = default;
    settler& operator=(const settler&) = default;
    ~settler() {
        if (const auto* p = motet::runtime::pe::current_slot(); p != nullptr && home >= 0 && p->number != home)
            ++abroad;
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(home);
    }
};
struct carrier {
    motet::transient<motet::future<settler>> answer;
    motet::transient<motet::future<void>> pause;

    settler settle() const { return settler(motet::my_pe()); }
    void ask(bool pausing) {
        *answer = motet::this_collection<carrier>()[0].ask<&carrier::settle>();
        if (pausing) *pause = motet::after(1h);
    }
    void drop() { *answer = {}, *pause = {}; }
};
} // namespace future_test

TEST_CASE("a future that a chare brings to another PE of its process, and drops there, goes where it was made") {
    for (const auto& chosen : {threads(2), simulated(1, 2)})
        one(chosen, [] {
            const auto all = motet::array<carrier>::create(80); // the first half on PE 0
            for (int round = 0; round < 3; ++round) {
                for (std::int64_t i = 1; i < 40; ++i) all[i].ask<&carrier::ask>(true).get();
                for (std::int64_t i = 1; i < 40; ++i) all[i].move_to(1).get();
                for (std::int64_t i = 1; i < 40; ++i) all[i].tell<&carrier::drop>();
                for (int i = 0; i < 100; ++i) CHECK(all[0].ask<&carrier::settle>().get().home == 0);
                for (std::int64_t i = 1; i < 40; ++i) all[i].move_to(0).get();
            }
            motet::quiescence().get();
            CHECK(settler::abroad == 0);
            for (const std::int64_t i : {1, 2}) { // one on each PE is left when the run ends
                all[i].ask<&carrier::ask>(false).get();
                all[i].move_to(i - 1).get();
            }
        });
}
