// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace location_test {

struct nomad {
    int steps = 0;
    std::vector<int> got = {};
    std::string baggage = "a text that is longer than any small string could be";
    std::map<std::string, std::vector<double>> table = {};

    void add(int n) { got.push_back(n); }
    std::int64_t where() const { return motet::my_pe(); }
    std::vector<int> list() const { return got; }
    void put(std::string name, std::vector<double> v) { table[name] = std::move(v); }
    std::vector<double> look(std::string name) const {
        const auto found = table.find(name);
        return found == table.end() ? std::vector<double>() : found->second;
    }
    std::string text() const { return baggage; }
    void go(std::int64_t pe) { motet::move_this(pe); }
    void go_on_to_the_next() { motet::move_this((motet::my_pe() + 1) % motet::pe_count()); }
    void nothing() {}
    void end() { motet::erase_this(); }
    /// Stays while it waits: a live frame pins it.
    bool stays(int micros) {
        const std::int64_t before = motet::my_pe();
        const auto* const self = this;
        motet::move_this((before + 1) % motet::pe_count());
        motet::sleep_for(std::chrono::microseconds(micros));
        ++steps;
        return motet::my_pe() == before && self == this;
    }
    int erased_under_it(int micros) {
        motet::erase_this();
        motet::sleep_for(std::chrono::microseconds(micros));
        return ++steps;
    }
    /// Sends itself messages while it moves at each step.
    void wander(int n) {
        ++steps;
        got.push_back(n);
        if (n == 0) return;
        const auto self = motet::this_element<nomad, std::int64_t>();
        motet::move_this((motet::my_pe() * 3 + n) % motet::pe_count());
        self.tell<&nomad::wander>(n - 1);
    }
};

/// Asks elements, and tells what its PE knows of where they are.
struct caller {
    int value = 0;
    void call(motet::array<nomad> all, std::int64_t count) const {
        for (std::int64_t i = 0; i < count; ++i) all[i].tell<&nomad::nothing>();
    }
    std::int64_t way(motet::array<nomad> all) const {
        return motet::runtime::where(motet::runtime::this_pe(), all.name(),
                                     motet::runtime::index_code<std::int64_t>::pack(0));
    }
    std::size_t remembered(motet::array<nomad> all) const {
        motet::runtime::pe& p = motet::runtime::this_pe();
        return motet::runtime::local_chares::of(p).find(p, all.name())->cache.size();
    }
};

struct sender {
    int value = 0;
    void flood(motet::array<nomad> to, int from, int count, std::int64_t elements) {
        for (int i = 0; i < count; ++i) to[(from + i) % elements].tell<&nomad::add>(from + i);
    }
};

} // namespace location_test

using namespace location_test;

TEST_CASE("a chare moves with all it has, and is found where it went") {
    everywhere(
        [] {
            const auto all = motet::array<nomad>::create(4);
            all[2].ask<&nomad::put>("x", std::vector<double>{1, 2}).get();
            for (std::int64_t i = 0; i < 3 * motet::pe_count(); ++i) {
                const std::int64_t to = (i * 5 + 2) % motet::pe_count();
                all[2].move_to(to).get();
                CHECK(all[2].ask<&nomad::where>().get() == to);
                CHECK(all[2].ask<&nomad::look>("x").get() == std::vector<double>{1, 2});
                CHECK(contains(all[2].ask<&nomad::text>().get(), "longer than any small string"));
            }
            const auto single = motet::chare<nomad>::create({.steps = 0, .got = {4, 5}});
            for (std::int64_t i = 0; i < 2 * motet::pe_count(); ++i) {
                single.move_to(i % motet::pe_count()).get();
                CHECK(single.ask<&nomad::where>().get() == i % motet::pe_count());
                CHECK(single.ask<&nomad::list>().get() == std::vector<int>{4, 5});
            }
            all[1].ask<&nomad::go>(motet::pe_count() - 1).get();
            motet::quiescence().get();
            CHECK(all[1].ask<&nomad::where>().get() == motet::pe_count() - 1);
        },
        moves::none);
}

TEST_CASE("messages arrive exactly once, whatever moves meanwhile") {
    everywhere([] {
        const std::int64_t elements = 6;
        const auto all = motet::array<nomad>::create(elements);
        const auto senders = motet::group<sender>::create();
        const int count = 40;
        const auto pes = static_cast<int>(motet::pe_count());
        for (int s = 0; s < pes; ++s) senders[s].tell<&sender::flood>(all, s * count, count, elements);
        std::vector<motet::future<void>> moves;
        for (int i = 0; i < 60; ++i) moves.push_back(all[i % elements].move_to((i * 7 + i / 6) % pes));
        for (auto& each : moves) each.get();
        motet::quiescence().get();
        std::vector<int> times(static_cast<std::size_t>(count * pes));
        std::int64_t index = 0;
        for (const auto& list : all.gather<&nomad::list>().get()) {
            for (const int n : list) {
                CHECK(n % elements == index);
                ++times[static_cast<std::size_t>(n)];
            }
            ++index;
        }
        CHECK(times == std::vector<int>(times.size(), 1));
    });
}

TEST_CASE("a live frame pins its chare; the move comes after it") {
    everywhere([] {
        const auto all = motet::array<nomad>::create(5);
        for (int round = 0; round < 3; ++round) {
            std::vector<motet::future<bool>> stayed;
            for (int i = 0; i < 15; ++i) stayed.push_back(all[i % 5].ask<&nomad::stays>(10 + 7 * i));
            auto moved = all[1].move_to(round % motet::pe_count());
            for (auto& each : stayed) CHECK(each.get());
            moved.get();
        }
    });
}

TEST_CASE("an erasure waits for live frames; then asks fail with motet::erased and tells are dropped") {
    everywhere([] {
        const auto all = motet::array<nomad>::create(5);
        CHECK(all[3].ask<&nomad::erased_under_it>(300).get() == 1);
        try {
            all[3].erase().get();
        } catch (const motet::erased&) { // it came after the end
        }
        CHECK_THROWS_AS(all[3].ask<&nomad::where>().get(), motet::erased);
        CHECK_THROWS_AS(all[3].move_to(0).get(), motet::erased);
        CHECK_THROWS_AS(all[3].erase().get(), motet::erased);
        all[3].tell<&nomad::add>(1);
        CHECK(all.gather<&nomad::where>().get().size() == 4);
        try {
            all[3].ask<&nomad::where>().get();
        } catch (const motet::erased& e) {
            CHECK(contains(e.what(), "there is no such element (it was erased, or never inserted)"));
            CHECK(contains(e.what(), "in nomad[3], entry location_test::nomad::where"));
        }
        const auto single = motet::chare<nomad>::create();
        single.ask<&nomad::end>().get();
        motet::quiescence().get();
        CHECK_THROWS_AS(single.ask<&nomad::where>().get(), motet::erased);
    });
}

TEST_CASE("messages for elements that were never inserted fail with motet::erased after done_inserting") {
    everywhere([] {
        const auto all = motet::array<nomad>::create();
        auto asked = all[9].ask<&nomad::where>(); // held at the home: there is no such element yet
        motet::yield();
        all.done_inserting().get();
        CHECK_THROWS_AS(asked.get(), motet::erased);
        CHECK_THROWS_AS(all[9].ask<&nomad::where>().get(), motet::erased);
        CHECK_THROWS_AS(all.erase(9).get(), motet::erased);
    });
}

TEST_CASE("an erased index can be inserted again, wherever its former life ended") {
    everywhere([] {
        const auto all = motet::array<nomad>::create();
        for (int life = 0; life < 12; ++life) {
            all.insert(7, {.steps = life}, life % motet::pe_count()).get();
            all[7].ask<&nomad::add>(life).get();
            if (life % 2 == 0) all[7].move_to((life * 5 + 1) % motet::pe_count()).get();
            CHECK(all[7].ask<&nomad::list>().get() == std::vector<int>{life});
            all.erase(7).get();
            if (life % 3 == 0) CHECK_THROWS_AS(all[7].ask<&nomad::list>().get(), motet::erased);
        }
        const auto dense = motet::array<nomad>::create(3);
        dense.erase(1).get();
        dense.insert(1, {.steps = 5, .got = {9}}).get();
        CHECK(dense[1].ask<&nomad::list>().get() == std::vector<int>{9});
    });
}

TEST_CASE("chares that move at each step and send themselves messages") {
    everywhere([] {
        const auto all = motet::array<nomad>::create(6);
        all.tell<&nomad::wander>(25);
        motet::quiescence().get();
        for (const auto& list : all.gather<&nomad::list>().get()) {
            REQUIRE(list.size() == 26);
            for (int i = 0; i < 26; ++i) CHECK(list[static_cast<std::size_t>(i)] == 25 - i);
        }
    });
}

TEST_CASE("several moves asked for at once: the chare ends somewhere, and all are told") {
    everywhere([] {
        const auto all = motet::array<nomad>::create(3);
        std::vector<motet::future<void>> moves;
        for (int i = 0; i < 20; ++i) moves.push_back(all[1].move_to(i % motet::pe_count()));
        auto gone = all[1].erase();
        motet::wait_all(moves);
        gone.get();
        for (auto& each : moves) {
            try {
                each.get();
            } catch (const motet::erased&) { // it came after the erasure
            }
        }
    });
}

TEST_CASE("a proxy reaches its collection before its creation has arrived") {
    everywhere([] {
        const auto senders = motet::group<sender>::create();
        for (int round = 0; round < 5; ++round) {
            const auto all = motet::array<nomad>::create(4);
            for (std::int64_t pe = 0; pe < motet::pe_count(); ++pe)
                senders[pe].expedited().tell<&sender::flood>(all, 0, 8, std::int64_t{4});
            motet::quiescence().get();
            std::size_t got = 0;
            for (const auto& list : all.gather<&nomad::list>().get()) got += list.size();
            CHECK(got == 8 * static_cast<std::size_t>(motet::pe_count()));
        }
    });
}

namespace location_test {
/// Calls an index that cannot be, perhaps before the collection is known where it runs.
struct stray {
    int value = 0;
    std::string wrong_index(motet::array<nomad> to) const {
        return thrown_by([&] { to[4].ask<&nomad::where>().get(); });
    }
    std::string wrong_pe(motet::group<sender> to) const {
        return thrown_by([&] { to[99].ask<&sender::flood>(motet::array<nomad>(), 0, 0, std::int64_t{1}).get(); });
    }
    void tell_wrong_index(motet::array<nomad> to) const { to[4].tell<&nomad::add>(1); }
};
} // namespace location_test

TEST_CASE("a wrong index is refused also where the collection is not known yet") {
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed) {
        one(simulated_by(seed), [] {
            const auto strays = motet::group<stray>::create();
            motet::quiescence().get();
            for (int round = 0; round < 4; ++round) {
                const auto all = motet::array<nomad>::create(4);
                auto texts = strays.gather<&stray::wrong_index>(all);
                const auto group = motet::group<sender>::create();
                auto others = strays.gather<&stray::wrong_pe>(group);
                for (const auto& text : texts.get()) CHECK(contains(text, "there is no element nomad[4]"));
                for (const auto& text : others.get()) CHECK(contains(text, "there is no PE 99"));
            }
        });
        CHECK(contains(error_of(simulated_by(seed),
                                [] {
                                    const auto strays = motet::group<stray>::create();
                                    motet::quiescence().get();
                                    strays.tell<&stray::tell_wrong_index>(motet::array<nomad>::create(4));
                                }),
                       "there is no element nomad[4]"));
    }
}

namespace location_test {

struct sitter {
    int value = 0;
    bool free = false;
    void sit() {
        motet::wait([&] { return free; });
    }
    void release() { free = true; }
};

} // namespace location_test

TEST_CASE("a move that is overtaken by an erasure fails with motet::erased") {
    using location_test::sitter;
    everywhere(
        [] {
            const auto one = motet::array<sitter>::create(2)[1];
            auto sits = one.ask<&sitter::sit>();
            motet::quiescence().get(); // it sits
            auto moved = one.move_to(0);
            auto moved_too = one.move_to(motet::pe_count() - 1);
            motet::quiescence().get(); // it knows of the moves
            auto gone = one.erase();
            motet::quiescence().get();
            one.tell<&sitter::release>();
            sits.get();
            gone.get();
            for (auto* each : {&moved, &moved_too}) {
                bool lost = false;
                try {
                    each->get();
                } catch (const motet::erased&) {
                    lost = true;
                }
                CHECK(lost);
            }
        },
        moves::none);
}

TEST_CASE("who has sent a message the long way knows the short one from then on") {
    using location_test::nomad;
    struct asker {
        double ask(motet::array<nomad> whom) { // seconds that an answer takes
            const double began = motet::now();
            whom[1].ask<&nomad::where>().get();
            return motet::now() - began;
        }
    };
    auto how = simulated(4, 1);
    how.network.latency = 1e-3;
    one(how, [] {
        const auto all = motet::array<nomad>::create(4);
        const auto far = motet::chare<asker>::create({}, 3);
        const auto takes = [&](double messages) {
            CHECK(far.ask<&asker::ask>(all).get() == doctest::Approx(messages * 1e-3).epsilon(0.01));
        };
        takes(2);
        all[1].move_to(2).get();
        takes(3); // by way of its home
        takes(2);
        all[1].move_to(0).get();
        takes(3); // by way of where it was
        takes(2);
        all[1].move_to(1).get();
        takes(3);
        takes(2);
    });
}

TEST_CASE("whoever sends to where an element was learns where it is, on each PE of each process") {
    using location_test::caller;
    using location_test::nomad;
    everywhere(
        [] {
            const auto all = motet::array<nomad>::create(motet::pe_count());
            const auto callers = motet::group<caller>::create();
            for (std::int64_t i = 0; i < 4; ++i) {
                const std::int64_t to = (i * 3 + 1) % motet::pe_count();
                all[0].move_to(to).get();
                callers.all<&caller::call>(all, 1).get();
                motet::quiescence().get(); // the notices have come
                for (const std::int64_t way : callers.gather<&caller::way>(all).get()) CHECK(way == to);
            }
        },
        moves::none);
}

TEST_CASE("what a PE remembers of places is bounded") {
    using location_test::caller;
    using location_test::nomad;
    const auto body = [] {
        const std::int64_t elements = 5000 * motet::pe_count();
        const auto all = motet::array<nomad>::create(elements);
        const auto callers = motet::group<caller>::create();
        all.all<&nomad::go_on_to_the_next>().get();
        motet::quiescence().get();
        for (int i = 0; i < 2; ++i) callers[0].ask<&caller::call>(all, elements).get();
        motet::quiescence().get();
        const std::size_t remembered = callers[0].ask<&caller::remembered>(all).get();
        CHECK(remembered <= 4096);
        if (motet::pe_count() > 2) CHECK(remembered > 4000);
    };
    if (this_job().size > 1) return run_well(threads(1), body);
    run_well(threads(3), body);
    run_well(simulated(3, 1), body);
}

TEST_CASE("a place that is remembered of an erased element is forgotten") {
    using location_test::nomad;
    everywhere(
        [] {
            const auto all = motet::array<nomad>::create(motet::sparse);
            all.insert(7, nomad{.steps = 1}).get();
            for (int life = 0; life < 3; ++life) {
                all[7].move_to((life + 1) % motet::pe_count()).get();
                all[7].ask<&nomad::where>().get();
                CHECK(all[7].ask<&nomad::where>().get() == (life + 1) % motet::pe_count());
                all[7].erase().get();
                all.insert(7, nomad{.steps = life}, life % motet::pe_count()).get();
                CHECK(all[7].ask<&nomad::where>().get() == life % motet::pe_count());
            }
        },
        moves::none);
}

namespace location_test {
/// A page that is read when it has been loaded.
struct page {
    bool loaded = false;
    void load() { loaded = true; }
    bool read() const { return loaded; }
    bool when(motet::entry<&page::read>) const { return loaded; }
    std::int64_t number() const { return motet::this_index(); }
};
} // namespace location_test

TEST_CASE("on demand: what waits for an element that is erased meanwhile goes to the next one of its index") {
    using location_test::page;
    everywhere([] {
        const auto pages = motet::array<page>::create(motet::on_demand);
        for (std::int64_t i = 0; i < 12; ++i) {
            const std::int64_t at = i % 3;
            pages[at].ask<&page::number>().get();
            auto moved = pages[at].move_to(i % motet::pe_count());
            auto gone = pages[at].erase();
            std::vector<motet::future<std::int64_t>> asked; // held at the home during the move, or at the element
            for (int k = 0; k < 5; ++k) asked.push_back(pages[at].ask<&page::number>());
            for (auto& each : asked) CHECK(each.get() == at);
            thrown_by([&] { moved.get(); }); // it may come after the erasure
            gone.get();
        }
        for (std::int64_t i = 20; i < 24; ++i) {
            auto read = pages[i].ask<&page::read>();
            motet::sleep_for(std::chrono::milliseconds(1)); // its `when` holds it
            pages[i].erase().get();
            pages[i].tell<&page::load>();
            CHECK(read.get());
        }
    });
}

namespace location_test {
/// Can be sent inside a process only.
struct stays_here {
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if (Archive::is_writing) throw std::runtime_error("not to be sent");
        archive(value);
    }
};
struct taker {
    int value = 0;
    int take(stays_here what) { return what.value; }
    void tell_value(int n) { value = n; }
    bool when(motet::entry<&taker::take>, const stays_here&) const { return value != 0; }
};
struct giver {
    int value = 0;
    std::string ask(motet::array<taker> whom) const {
        try {
            whom[0].ask<&taker::take>(stays_here()).get();
        } catch (const std::exception& problem) { // of its own serialize, where it is sent straight
            return problem.what();
        }
        return "";
    }
};
} // namespace location_test

TEST_CASE("a message that is sent on to another process and cannot be serialized is told to who asked") {
    using namespace location_test;
    const auto [first, end] = seeds();
    for (std::uint64_t seed = first; seed < end; ++seed) {
        auto how = simulated(2, 2, seed);
        how.delay = seed % 2 == 0 ? 50e-6 : 0;
        one(how, [] {
            const auto givers = motet::group<giver>::create();
            const auto all = motet::array<taker>::create(4); // the first at PE 0
            motet::quiescence().get();
            auto held = givers[1].ask<&giver::ask>(all); // by the `when`: it goes after the element
            motet::sleep_for(std::chrono::milliseconds(1));
            all[0].move_to(2).get();
            const std::string why =
                "not to be sent (std::runtime_error), in taker[0], entry location_test::taker::take";
            CHECK(held.get() == why);
            motet::quiescence().get();
            all[0].move_to(0).get();
            motet::quiescence().get();
            all[0].tell<&taker::tell_value>(1);
            auto moved = all[0].move_to(2); // or it is held by the home meanwhile
            const std::string by_home = givers[1].ask<&giver::ask>(all).get();
            moved.get();
            CHECK((by_home == "" || contains(by_home, "not to be sent")));
            for (int i = 0; i < 2; ++i) CHECK(contains(givers[1].ask<&giver::ask>(all).get(), "not to be sent"));
            motet::quiescence().get(); // nothing is counted that is not there
        });
    }
}

namespace location_test {
std::atomic<bool> map_is_broken{false};
struct fickle_map {
    std::int64_t operator()(std::int64_t, std::int64_t) const {
        if (map_is_broken) throw std::runtime_error("no place any more");
        return 0;
    }
};
struct misled {
    int value = 0;
    void go_on() {
        map_is_broken = true;
        motet::move_this(1);
    }
    void end() {
        map_is_broken = true;
        motet::erase_this();
    }
};
} // namespace location_test

TEST_CASE("a map that throws when an element moves or dies ends the program, with the index") {
    using namespace location_test;
    for (const auto& chosen : {threads(2), simulated(3, 2), simulated(1, 2)})
        for (const bool moves : {true, false}) {
            map_is_broken = false;
            CAPTURE(describe(chosen));
            CAPTURE(moves);
            CHECK(error_of(chosen,
                           [&] {
                               const auto all = motet::array<misled>::create(3, {}, fickle_map{});
                               motet::quiescence().get(); // every PE has it
                               moves ? all[1].tell<&misled::go_on>() : all[1].tell<&misled::end>();
                               motet::quiescence().get();
                           }) == "the map of misled threw std::runtime_error for misled[1]: no place any more "
                                 "(motet::error), in misled[1], entry its map");
        }
}
