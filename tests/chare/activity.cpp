// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

using namespace motet_test;

namespace activity_test {

struct worker {
    int done = 0;
    bool free = false;

    void work(motet::array<worker> all, motet::activity a, int left) {
        ++done;
        if (left % 5 == 0) motet::sleep_for(std::chrono::microseconds(left));
        for (int i = 0; i < left % 3; ++i) {
            a.produce();
            all[(motet::this_index() * 7 + left + i) % 6].tell<&worker::work>(all, a, left - 1);
        }
        a.consume();
    }
    int count() const { return done; }
    void release() { free = true; }
    void linger(motet::activity a) {
        motet::wait([&] { return free; });
        a.consume();
    }
};

int pieces(int left) {
    int all = 1;
    for (int i = 0; i < left % 3; ++i) all += pieces(left - 1);
    return all;
}

} // namespace activity_test

using namespace activity_test;

TEST_CASE("an activity is complete when all its pieces are done, while another one goes on") {
    everywhere([] {
        const auto all = motet::array<worker>::create(6);
        const auto lasting = motet::activity::begin();
        lasting.produce();
        all[5].tell<&worker::linger>(lasting);
        auto not_yet = lasting.completed();
        for (int round = 1; round <= 3; ++round) {
            const auto a = motet::activity::begin();
            a.produce(2);
            all[0].tell<&worker::work>(all, a, 8);
            all[1].tell<&worker::work>(all, a, 11);
            a.completed().get();
            CHECK(all.reduce<&worker::count>(motet::sum).get() == round * (pieces(8) + pieces(11)));
            a.completed().get(); // again
        }
        CHECK(!not_yet.ready());
        all[5].tell<&worker::release>();
        not_yet.get();
    });
}

TEST_CASE("an activity that never began says so; an empty one is complete") {
    everywhere([] {
        CHECK(contains(thrown_by([] { motet::activity().produce(); }), "this activity has not begun"));
        CHECK(contains(thrown_by([] { motet::activity().completed().get(); }), "this activity has not begun"));
        motet::activity::begin().completed().get();
    });
}

TEST_CASE("an activity that is never complete is a deadlock, and one that nobody waits for keeps no run alive") {
    for (const auto& chosen : some()) {
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto a = motet::activity::begin();
                                    a.produce();
                                    a.completed().get();
                                }),
                       "waits for the completion of an activity"));
        run_well(chosen, [] {
            const auto a = motet::activity::begin();
            a.produce();
            (void)a.completed();
        });
    }
}

namespace activity_test {

struct asker {
    int done = 0;
    void work(motet::activity a) {
        ++done;
        a.consume();
    }
    int count() const { return done; }
    /// How often the activity was said to be complete before what was produced earlier was done.
    int ask(motet::chare<asker> other, motet::activity a, int times) {
        int early = 0;
        for (int i = 1; i <= times; ++i) {
            a.produce();
            other.tell<&asker::work>(a);
            a.completed().get();
            if (other.ask<&asker::count>().get() < i) ++early;
        }
        return early;
    }
    void keep_asking(motet::activity a, int times) {
        for (int i = 0; i < times; ++i) a.completed().get();
    }
};

} // namespace activity_test

TEST_CASE("completion counts for who asked before: work produced earlier is done, also while others ask") {
    using activity_test::asker;
    everywhere([] {
        const auto last = motet::pe_count() - 1;
        const auto worker = motet::chare<asker>::create({}, last / 2);
        const auto first = motet::chare<asker>::create({}, last);
        const auto second = motet::chare<asker>::create();
        const auto a = motet::activity::begin();
        auto noise = second.ask<&asker::keep_asking>(a, 30);
        CHECK(first.ask<&asker::ask>(worker, a, 30).get() == 0);
        noise.get();
    });
}

namespace activity_test {

/// Makes pieces where it is, which are done elsewhere.
struct noise {
    int made = 0;
    void make(motet::array<noise> all, motet::activity a, int rest) {
        ++made;
        a.produce();
        all[(motet::this_index() + rest) % 6].tell<&noise::finish>(all, a, rest);
    }
    void finish(motet::array<noise> all, motet::activity a, int rest) const {
        a.consume();
        if (rest > 0) all[(motet::this_index() + 2 * rest + 1) % 6].tell<&noise::make>(all, a, rest - 1);
    }
};

} // namespace activity_test

TEST_CASE("an activity is not complete while one piece is left, however many others come and go") {
    using activity_test::noise;
    everywhere([] {
        const auto all = motet::array<noise>::create(6);
        const auto a = motet::activity::begin();
        a.produce();
        auto done = a.completed();
        for (std::int64_t i = 0; i < 3; ++i) all[i].tell<&noise::make>(all, a, 60);
        motet::quiescence().get();
        CHECK(!done.ready());
        a.consume();
        done.get();
    });
}

namespace activity_test {

/// What PE 1 has counted of the only activity there, which waves have not taken.
std::uint64_t made_on_pe_1 = 0;
void freeze(motet::runtime::pe& p) {
    p.freeze([](const motet::runtime::frame&) { return false; });
}
void look(motet::runtime::pe& p, motet::runtime::address told) {
    made_on_pe_1 = 0;
    for (const auto& [id, a] : motet::runtime::local_chares::of(p).activities) made_on_pe_1 += a.own.made;
    motet::runtime::deliver_nothing(p, told);
}
void thaw(motet::runtime::pe& p) { p.thaw(); }

struct far {
    int value = 0;
    void make(motet::activity a, std::uint64_t pieces) const { a.produce(pieces); }
    void finish(motet::activity a, std::uint64_t pieces) const { a.consume(pieces); }
};

} // namespace activity_test

TEST_CASE("a PE that is frozen, to be saved, keeps what it has counted; the waves take it afterwards") {
    using activity_test::far;
    one(simulated(2, 1), [] {
        motet::runtime::pe& p = motet::runtime::this_pe();
        const auto there = motet::chare<far>::create({}, 1);
        const auto a = motet::activity::begin();
        const auto counted = [&] {
            auto [seen, to] = motet::make_future<void>();
            motet::runtime::post<&activity_test::look>(p, 1, to.address());
            seen.get();
            return activity_test::made_on_pe_1;
        };
        there.ask<&far::make>(a, 3).get();
        motet::runtime::post<&activity_test::freeze>(p, 1);
        auto done = a.completed();
        motet::sleep_for(std::chrono::milliseconds(1)); // some waves
        CHECK(counted() == 3);
        motet::runtime::post<&activity_test::thaw>(p, 1);
        motet::sleep_for(std::chrono::milliseconds(1));
        CHECK(counted() == 0);
        CHECK(!done.ready());
        there.tell<&far::finish>(a, 3);
        done.get();
    });
}
