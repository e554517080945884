// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace motet_test;

namespace collection_type_test {

struct alive {
    int births = 0;
    int arrivals = 0;
    int departures = 0;
    int calls = 0;
    std::int64_t pe = -1; ///< must be that on which it is, set by the hooks
    std::vector<double> cache = {};

    void on(motet::created) {
        ++births;
        pe = motet::my_pe();
        cache.assign(3, static_cast<double>(motet::this_index()));
    }
    void on(motet::departing) {
        ++departures;
        cache.clear();
    }
    void on(motet::arrived) {
        ++arrivals;
        pe = motet::my_pe();
        cache.assign(3, static_cast<double>(motet::this_index()));
    }
    bool call() {
        ++calls;
        return births == 1 && arrivals == departures && pe == motet::my_pe() && cache.size() == 3;
    }
    bool guarded() { return call(); }
    /// Depends on what the hooks have done: they run before it is asked.
    bool when(motet::entry<&alive::guarded>) const {
        if (cache.size() != 3) throw std::logic_error("a `when` was asked before the hook had run");
        return true;
    }
    std::vector<int> counts() const { return {births, arrivals, departures, calls}; }
};

struct patient {
    bool ready = false;
    int value = 0;
    void on(motet::created) {
        motet::sleep_for(std::chrono::microseconds(100));
        value = 7;
        ready = true;
    }
    void on(motet::arrived) {
        ready = false;
        motet::sleep_for(std::chrono::microseconds(30));
        ready = true;
    }
    int get() {
        motet::wait([&] { return ready; });
        return value;
    }
};

struct fails_at_birth {
    int value = 0;
    void on(motet::created) { throw std::runtime_error("stillborn"); }
    int get() const { return value; }
};
struct fails_on_arrival {
    int value = 0;
    void on(motet::arrived) { throw std::runtime_error("lost in transit"); }
};
struct fails_on_departure {
    int value = 0;
    void on(motet::departing) { throw std::runtime_error("will not go"); }
};
struct waits_on_departure {
    int value = 0;
    void on(motet::departing) { motet::yield(); }
};

/// Its serialization throws.
struct unwritable {
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if constexpr (Archive::is_writing) {
            if (value == 13) throw std::runtime_error("thirteen cannot be written");
        }
        archive(value);
    }
};
/// Can be written so many times, by one process after the other.
struct fading {
    int left = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if (Archive::is_writing && left == 0) throw std::runtime_error("it has faded");
        archive(left);
        if (!Archive::is_writing) --left;
    }
};
struct listener {
    int heard = 0;
    void hear(fading) { ++heard; }
    int answer(fading f) { return f.left >= 0 ? ++heard : 0; }
    int count() const { return heard; }
    void reset() { heard = 0; }
};
struct holder {
    unwritable inner;
    void set(int n) { inner.value = n; }
    int get() const { return inner.value; }
    void take(unwritable u) { inner = u; }
    unwritable give(int n) const { return {n}; }
    void contribute(motet::promise<unwritable> to) {
        motet::contribute(
            unwritable{13}, [](unwritable a, unwritable) { return a; }, to);
    }
};
/// Cannot be copied: each element is decoded from the bytes of the prototype.
struct owner {
    std::unique_ptr<int> owned;
    std::vector<std::unique_ptr<std::string>> more;
    unwritable inner;
    int get() const { return *owned + static_cast<int>(more.size()); }
};
owner prototype(int n) {
    owner made;
    made.owned = std::make_unique<int>(n);
    made.more.push_back(std::make_unique<std::string>("text"));
    return made;
}

} // namespace collection_type_test

using namespace collection_type_test;

TEST_CASE("hooks: created before the first message and its `when`, departing and arrived around each move") {
    everywhere([] {
        const auto all = motet::array<alive>::create(4);
        std::vector<motet::future<bool>> fine;
        for (int round = 0; round < 8; ++round)
            for (std::int64_t i = 0; i < 4; ++i) {
                fine.push_back(all[i].ask<&alive::call>());
                fine.push_back(all[i].ask<&alive::guarded>());
                if (round % 2 == 0) all[i].move_to((i + round) % motet::pe_count()).get();
            }
        for (auto& each : fine) CHECK(each.get());
        for (const auto& counts : all.gather<&alive::counts>().get()) {
            CHECK(counts[0] == 1);
            CHECK(counts[1] == counts[2]);
            CHECK(counts[3] == 16);
        }
        const auto sparse = motet::array<alive>::create();
        auto early = sparse[5].ask<&alive::guarded>();
        sparse.insert(5, {}, motet::pe_count() - 1).get();
        CHECK(early.get());
        const auto demanded = motet::array<alive>::create(motet::on_demand);
        CHECK(demanded[7].ask<&alive::guarded>().get());
        CHECK(demanded[8].ask<&alive::call>().get());
        all.all<&alive::guarded>().get();
        const auto group = motet::group<alive>::create();
        group.all<&alive::guarded>().get();
        group.all<&alive::call>().get();
    });
}

TEST_CASE("hooks run although no message comes") {
    everywhere([] {
        const auto all = motet::array<alive>::create(3);
        motet::quiescence().get();
        for (const auto& counts : all.gather<&alive::counts>().get()) CHECK(counts[0] == 1);
    });
}

TEST_CASE("the hooks created and arrived may wait") {
    everywhere([] {
        const auto all = motet::array<patient>::create(4);
        for (std::int64_t i = 0; i < 4; ++i) CHECK(all[i].ask<&patient::get>().get() == 7);
        for (std::int64_t i = 0; i < 4; ++i) all[i].move_to((i * 3 + 1) % motet::pe_count()).get();
        CHECK(all.gather<&patient::get>().get() == std::vector<int>(4, 7));
    });
}

TEST_CASE("an exception in a hook ends the program and names the hook; departing cannot wait") {
    for (const auto& chosen : {threads(2), threads(3), simulated(3, 2), simulated(1, 2, 5)}) {
        const auto born = error_of(chosen, [] {
            motet::array<fails_at_birth>::create(3);
            motet::quiescence().get();
        });
        CHECK(contains(born, "stillborn (std::runtime_error), in fails_at_birth["));
        CHECK(contains(born, "entry on(motet::created)"));
        CHECK(
            contains(error_of(chosen, [] { motet::chare<fails_at_birth>::create().ask<&fails_at_birth::get>().get(); }),
                     "stillborn (std::runtime_error), in fails_at_birth on PE"));
        const auto moved = [&](auto tag) {
            return error_of(chosen, [&] {
                const auto all = motet::array<typename decltype(tag)::type>::create(3);
                all[0].move_to(1).get();
                all[0].move_to(0).get();
                motet::quiescence().get();
            });
        };
        const auto arrived = moved(std::type_identity<fails_on_arrival>());
        CHECK(contains(arrived, "lost in transit (std::runtime_error), in fails_on_arrival[0] on PE"));
        CHECK(contains(arrived, "entry on(motet::arrived)"));
        CHECK(contains(moved(std::type_identity<fails_on_departure>()), "will not go (std::runtime_error)"));
        CHECK(contains(moved(std::type_identity<waits_on_departure>()), "on(motet::departing)"));
    }
}

TEST_CASE("a chare that cannot be copied is made from the bytes of its prototype") {
    everywhere([] {
        const auto all = motet::array<owner>::create(5, prototype(4));
        CHECK(all.gather<&owner::get>().get() == std::vector<int>(5, 5));
        all[3].move_to(motet::pe_count() - 1).get();
        CHECK(all[3].ask<&owner::get>().get() == 5);
        const auto sparse = motet::array<owner>::create();
        sparse.insert(3, prototype(8)).get();
        CHECK(sparse[3].ask<&owner::get>().get() == 9);
        CHECK(motet::chare<owner>::create(prototype(1)).ask<&owner::get>().get() == 2);
        CHECK(motet::array<owner>::create(motet::on_demand, prototype(2))[6].ask<&owner::get>().get() == 3);
        CHECK(motet::group<owner>::create(prototype(3))[0].ask<&owner::get>().get() == 4);
    });
}

TEST_CASE("arguments of all that a PE on their way cannot write: the call fails, and what comes after it goes on") {
    options far = simulated(12, 1); // some are two steps from the root
    options moving = simulated(12, 1, 3);
    moving.migrate = 0.3;
    for (const auto& chosen : {far, moving}) {
        one(chosen, [] {
            const auto all = motet::array<listener>::create(24);
            for (int round = 0; round < 3; ++round) {
                CHECK(contains(thrown_by([&] { all.all<&listener::hear>(fading{0}).get(); }), "it has faded"));
                CHECK(all.reduce<&listener::count>(motet::sum).get() == 0); // nobody has it
                auto gathered = all.gather<&listener::answer>(fading{1});
                all.all<&listener::hear>(fading{2}).get(); // numbered behind that
                CHECK(contains(thrown_by([&] { gathered.get(); }), "it has faded"));
                const std::vector<int> heard = all.gather<&listener::count>().get();
                CHECK(std::count(heard.begin(), heard.end(), 2) > 0);
                CHECK(std::count(heard.begin(), heard.end(), 1) > 0);
                CHECK(std::count(heard.begin(), heard.end(), 1) + std::count(heard.begin(), heard.end(), 2) == 24);
                all.all<&listener::reset>().get();
            }
        });
        CHECK(contains(error_of(chosen,
                                [] {
                                    motet::array<listener>::create(24).tell<&listener::hear>(fading{1});
                                    motet::quiescence().get();
                                }),
                       "it has faded"));
    }
}

TEST_CASE("serialization that throws: of a prototype, of an argument, of a chare that moves") {
    for (const auto& chosen : {simulated(2, 1), simulated(3, 2), simulated(3, 2, 5)}) {
        const char* text = "thirteen cannot be written";
        CHECK(contains(error_of(chosen,
                                [] {
                                    motet::array<holder>::create(5, {.inner = {13}});
                                    motet::quiescence().get();
                                }),
                       text));
        CHECK(contains(error_of(chosen,
                                [] {
                                    owner thirteen = prototype(1);
                                    thirteen.inner.value = 13;
                                    motet::array<owner>::create(5, std::move(thirteen));
                                    motet::quiescence().get();
                                }),
                       text));
        one(chosen, [&] {
            const auto all = motet::array<holder>::create(4);
            // To another process; the sender is told, and goes on.
            CHECK(contains(thrown_by([&] {
                               try {
                                   all[3].tell<&holder::take>(unwritable{13});
                               } catch (const std::runtime_error& e) {
                                   throw motet::error(e.what());
                               }
                           }),
                           text));
            CHECK(all[3].ask<&holder::get>().get() == 0);
            const auto some = all.section({1, 2, 3});
            CHECK(contains(thrown_by([&] { all.all<&holder::take>(unwritable{13}).get(); }), text));
            CHECK(contains(thrown_by([&] { some.all<&holder::take>(unwritable{13}).get(); }), text));
            CHECK(contains(thrown_by([&] { all[3].ask<&holder::give>(13).get(); }), text));
            CHECK(contains(thrown_by([&] { all.gather<&holder::give>(13).get(); }), text));
            CHECK(contains(thrown_by([&] { some.gather<&holder::give>(13).get(); }), text));
            auto [contributed, to] = motet::make_future<unwritable>();
            all.tell<&holder::contribute>(to);
            CHECK(contains(thrown_by([&, &f = contributed] { f.get(); }), text));
            const auto sparse = motet::array<holder>::create();
            for (std::int64_t on = 0; on < motet::pe_count(); ++on)
                for (std::int64_t i = 0; i < 5; ++i) {
                    const std::int64_t index = 10 * on + i;
                    const std::string said = thrown_by([&] {
                        try {
                            sparse.insert(index, {.inner = {13}}, on).get();
                        } catch (const std::runtime_error& e) { // at the call, where the home is in another process
                            throw motet::error(e.what());
                        }
                    });
                    CHECK((said.empty() || contains(said, text))); // within a process nothing is written
                    if (!said.empty()) sparse.insert(index, {.inner = {2}}).get();
                }
            all.all<&holder::take>(unwritable{2}).get();
            CHECK(all.reduce<&holder::get>(motet::sum).get() == 8);
        });
        CHECK(contains(error_of(chosen,
                                [] {
                                    const auto all = motet::array<holder>::create(2);
                                    all[0].ask<&holder::set>(13).get();
                                    all[0].move_to(motet::pe_count() - 1).get();
                                }),
                       text));
    }
    for (const auto& chosen : {threads(1), threads(2), simulated(3, 2)}) {
        one(chosen, [] {
            const auto all = motet::array<owner>::create();
            for (std::int64_t on = 0; on < motet::pe_count(); ++on) {
                owner thirteen = prototype(1);
                thirteen.inner.value = 13;
                auto asked = all[on].ask<&owner::get>();
                bool refused = false;
                try {
                    all.insert(on, std::move(thirteen), on).get();
                } catch (const std::runtime_error& e) {
                    refused = contains(e.what(), "thirteen cannot be written");
                }
                CHECK(refused);
                all.insert(on, prototype(1), on).get();
                CHECK(asked.get() == 2); // it has waited for that
            }
        });
        CHECK(contains(error_of(chosen,
                                [] {
                                    owner thirteen = prototype(1);
                                    thirteen.inner.value = 13;
                                    const auto all = motet::array<owner>::create(motet::on_demand, std::move(thirteen));
                                    all[4].ask<&owner::get>().get();
                                }),
                       "thirteen cannot be written"));
    }
}
