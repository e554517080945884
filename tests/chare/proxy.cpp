// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace motet_test;

namespace proxy_test {

/// A value that knows how often it was copied and moved on its way.
struct counting {
    int copies = 0;
    int moves = 0;
    counting() = default;
    counting(const counting& other) : copies(other.copies + 1), moves(other.moves) {}
    counting(counting&& other) noexcept : copies(other.copies), moves(other.moves + 1) {}
    counting& operator=(const counting&) = default;
    counting& operator=(counting&&) = default;
    ~counting() = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(copies, moves);
    }
};

struct taker {
    int total = 0;
    std::string text;

    int by_value(counting c) { return c.copies; }
    int by_reference(const counting& c) { return c.copies; }
    int by_rvalue(counting&& c) {
        const counting taken(std::move(c));
        return taken.copies;
    }
    int moves_of(counting c) { return c.moves; }
    std::uintptr_t place_of(const std::vector<int>& v) { return reinterpret_cast<std::uintptr_t>(v.data()); }

    long sum_of(std::span<const std::int32_t> values) {
        long sum = 0;
        for (const std::int32_t v : values) sum += v;
        return sum;
    }
    std::string twice(std::string_view s) { return std::string(s) + std::string(s); }
    std::string after_a_while(std::string_view s, std::span<const double> values) {
        motet::yield();
        motet::sleep_for(std::chrono::microseconds(200));
        return std::string(s) + std::to_string(values.size()) + (values.empty() ? "" : std::to_string(values.back()));
    }
    int unwrap(std::unique_ptr<int> p) { return *p; }
    int unwrap_all(std::vector<std::unique_ptr<int>> all) {
        int sum = 0;
        for (auto& each : all) sum += *each;
        return sum;
    }
    std::unique_ptr<int> wrap(int n) { return std::make_unique<int>(n); }
    int shared(std::shared_ptr<const int> p) { return *p; }

    std::string convert(std::int64_t a, double b, const std::string& c, std::optional<int> d, bool e) {
        return std::to_string(a) + " " + std::to_string(b) + " " + c + " " + (d ? std::to_string(*d) : "none") +
               (e ? " yes" : " no");
    }
    void add(int n) { total += n; }
    void add(int n, int m) { total += n * m; }
    int get() const noexcept { return total; }
    std::int64_t where() const { return motet::my_pe(); }
};
static_assert(sizeof(motet::element_proxy<taker, std::int64_t>) <= 32);

/// Keeps proxies of every kind in its fields.
struct keeper {
    motet::chare<taker> one;
    motet::array<taker> line;
    motet::array<taker, motet::grid<2>> plane;
    motet::element_proxy<taker, std::int64_t> third;
    motet::group<taker> everywhere;
    motet::section<taker> some;

    void set(motet::chare<taker> a, motet::array<taker> b, motet::array<taker, motet::grid<2>> c,
             motet::element_proxy<taker, std::int64_t> d, motet::group<taker> e, motet::section<taker> f) {
        one = a, line = b, plane = c, third = d, everywhere = e, some = f;
    }
    int use() {
        auto a = one.ask<&taker::unwrap>(std::make_unique<int>(1));
        auto b = line[2].ask<&taker::unwrap>(std::make_unique<int>(10));
        auto c = plane(1, 1).ask<&taker::unwrap>(std::make_unique<int>(100));
        auto d = third.ask<&taker::unwrap>(std::make_unique<int>(1000));
        auto e = everywhere[0].ask<&taker::unwrap>(std::make_unique<int>(10000));
        int sum = a.get() + b.get() + c.get() + d.get() + e.get();
        sum += 100'000 * static_cast<int>(some.gather<&taker::where>().get().size());
        return sum;
    }
    bool same(motet::element_proxy<taker, std::int64_t> other) const { return other == third; }
};

/// A template that calls: it needs no word `template`.
template <class Chare>
int generic(const motet::array<Chare>& chares) {
    motet::tell<static_cast<void (Chare::*)(int)>(&Chare::add)>(chares[0], 5);
    motet::all<static_cast<void (Chare::*)(int, int)>(&Chare::add)>(chares, 2, 3).get();
    motet::quiescence().get();
    return motet::ask<&Chare::get>(chares[0]).get() +
           static_cast<int>(motet::gather_from<&Chare::where>(chares).get().size()) +
           motet::reduce<&Chare::get>(chares, motet::sum).get();
}

} // namespace proxy_test

using namespace proxy_test;

TEST_CASE("arguments are moved, not copied, inside a process") {
    for (const auto& chosen : {threads(1), threads(2), threads(3), simulated(1, 1), simulated(1, 4, 3)}) {
        one(chosen, [] {
            const auto takers = motet::array<taker>::create(5);
            for (std::int64_t i = 0; i < 5; ++i) {
                CHECK(takers[i].ask<&taker::by_value>(counting()).get() == 0);
                CHECK(takers[i].ask<&taker::by_reference>(counting()).get() == 0);
                CHECK(takers[i].ask<&taker::by_rvalue>(counting()).get() == 0);
                counting kept;
                CHECK(takers[i].ask<&taker::by_value>(kept).get() == 1);
                CHECK(takers[i].ask<&taker::by_reference>(kept).get() == 1);
                CHECK(takers[i].ask<&taker::by_value>(std::move(kept)).get() == 0);
                CHECK(takers[i].ask<&taker::moves_of>(counting()).get() <= 4);
                std::vector<int> large(1000);
                const auto place = reinterpret_cast<std::uintptr_t>(large.data());
                CHECK(takers[i].ask<&taker::place_of>(std::move(large)).get() == place);
            }
            CHECK(takers.gather<&taker::by_value>(counting()).get() == std::vector<int>(5, 1)); // one for each element
            CHECK(takers.gather<&taker::by_reference>(counting()).get() == std::vector<int>(5, 0));
            CHECK(takers.gather<&taker::by_rvalue>(counting()).get() == std::vector<int>(5, 1));
        });
    }
}

TEST_CASE("span and string_view parameters view the message, across waits too") {
    everywhere([] {
        const auto takers = motet::array<taker>::create(4);
        for (std::int64_t i = 0; i < 4; ++i) {
            const std::vector<std::int32_t> values{1, 2, 3};
            CHECK(takers[i].ask<&taker::sum_of>(values).get() == 6);
            CHECK(takers[i].ask<&taker::sum_of>(std::vector<std::int32_t>{4, 5}).get() == 9);
            CHECK(takers[i].ask<&taker::sum_of>(std::span<const std::int32_t>(values).subspan(1)).get() == 5);
            const std::int32_t plain[] = {7, 8};
            CHECK(takers[i].ask<&taker::sum_of>(plain).get() == 15);
            CHECK(takers[i].ask<&taker::sum_of>(std::array<std::int32_t, 2>{1, 1}).get() == 2);
            CHECK(takers[i].ask<&taker::sum_of>(std::vector<std::int32_t>()).get() == 0);
            CHECK(takers[i].ask<&taker::twice>("ab").get() == "abab");
            CHECK(takers[i].ask<&taker::twice>(std::string("abc")).get() == "abcabc");
            CHECK(takers[i].ask<&taker::twice>(std::string_view("a\0b", 3)).get() == std::string("a\0ba\0b", 6));
            std::vector<motet::future<std::string>> all;
            for (int k = 0; k < 5; ++k)
                all.push_back(
                    takers[i].ask<&taker::after_a_while>("text that is longer than any small string",
                                                         std::vector<double>(static_cast<std::size_t>(k), 0.5)));
            for (int k = 0; k < 5; ++k)
                CHECK(all[static_cast<std::size_t>(k)].get() ==
                      "text that is longer than any small string" + std::to_string(k) + (k == 0 ? "" : "0.500000"));
        }
        CHECK(takers.gather<&taker::twice>("xy").get() == std::vector<std::string>(4, "xyxy"));
        CHECK(takers.gather<&taker::after_a_while>("xy", std::vector<double>{2}).get() ==
              std::vector<std::string>(4, "xy12.000000"));
        CHECK(takers.reduce<&taker::sum_of>(motet::sum, std::vector<std::int32_t>{5, 6}).get() == 44);
    });
}

TEST_CASE("arguments and results that can only be moved, also in a broadcast") {
    everywhere([] {
        const auto takers = motet::array<taker>::create(5);
        CHECK(takers[3].ask<&taker::unwrap>(std::make_unique<int>(8)).get() == 8);
        std::vector<std::unique_ptr<int>> several;
        several.push_back(std::make_unique<int>(3));
        several.push_back(std::make_unique<int>(4));
        CHECK(takers[4].ask<&taker::unwrap_all>(std::move(several)).get() == 7);
        CHECK(*takers[1].ask<&taker::wrap>(9).get() == 9);
        CHECK(takers[2].ask<&taker::shared>(std::make_shared<const int>(6)).get() == 6);
        CHECK(takers.gather<&taker::unwrap>(std::make_unique<int>(2)).get() == std::vector<int>(5, 2));
        const auto wrapped = takers.gather<&taker::wrap>(3).get();
        REQUIRE(wrapped.size() == 5);
        for (const auto& each : wrapped) CHECK(*each == 3);
    });
}

TEST_CASE("arguments are converted to the parameters of the callee when it is called") {
    everywhere([] {
        const auto takers = motet::array<taker>::create(3);
        const char c = 'x';
        CHECK(takers[1].ask<&taker::convert>(short{3}, 1.5f, "text", 4, true).get() == "3 1.500000 text 4 yes");
        CHECK(takers[2].ask<&taker::convert>(c, 2, std::string("t"), std::nullopt, false).get() ==
              "120 2.000000 t none no");
        CHECK(takers.gather<&taker::convert>(1u, 2, "t", std::optional<int>(5), true).get()[2] == "1 2.000000 t 5 yes");
    });
}

TEST_CASE("proxies of every kind as arguments and as fields") {
    everywhere([] {
        const auto line = motet::array<taker>::create(4);
        const auto plane = motet::array<taker, motet::grid<2>>::create({2, 2});
        const auto keepers = motet::array<keeper>::create(3);
        keepers
            .all<&keeper::set>(motet::chare<taker>::create(), line, plane, line[3], motet::group<taker>::create(),
                               line.section({0, 1, 3, 3}))
            .get();
        CHECK(keepers.gather<&keeper::use>().get() == std::vector<int>(3, 311'111));
        CHECK(keepers[0].ask<&keeper::same>(line[3]).get());
        CHECK(!keepers[0].ask<&keeper::same>(line[2]).get());
        motet::array<taker> again = line; // a value
        CHECK(again == line);
        CHECK(again[1] == line[1]);
        motet::element_proxy<taker, std::int64_t> one = again[1];
        CHECK(one.index() == 1);
    });
}

TEST_CASE("calls in templates, and of overloaded methods") {
    everywhere([] { CHECK(generic(motet::array<taker>::create(3)) == 11 + 3 + 11 + 6 + 6); });
}

TEST_CASE("tell to one and to all reaches every chare once") {
    everywhere([] {
        using add = void (taker::*)(int);
        const auto takers = motet::array<taker>::create(7);
        for (int i = 0; i < 100; ++i) {
            takers[i % 7].tell<static_cast<add>(&taker::add)>(1);
            takers.tell<static_cast<add>(&taker::add)>(100);
            takers[i % 7].with_priority(i % 5 - 2).tell<static_cast<add>(&taker::add)>(10'000);
            takers[i % 7].expedited().tell<static_cast<add>(&taker::add)>(10'000);
        }
        motet::quiescence().get();
        CHECK(takers.reduce<&taker::get>(motet::sum).get() == 100 + 7 * 100 * 100 + 100 * 20'000);
    });
}

namespace proxy_test {
struct journal {
    std::string order;
    void note(char c) { order += c; }
    std::string get() const { return order; }
};
struct correspondent {
    void write(motet::element_proxy<journal, std::int64_t> plain, motet::element_proxy<journal, std::int64_t> soon,
               motet::array<journal> late) {
        late[0].tell<&journal::note>('c');
        plain.tell<&journal::note>('b');
        soon.tell<&journal::note>('a');
    }
};

/// Long methods and short ones in turn, until it is told to end.
struct uneven {
    static inline std::atomic<std::int64_t> done{0};
    bool ended = false;

    void work() {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        ++done;
        const auto own = motet::this_chare<uneven>();
        own.tell<&uneven::rest>();
        if (!ended) own.tell<&uneven::work>();
    }
    void rest() {}
    std::int64_t waited(std::int64_t sent) const { return done - sent; }
    void end() { ended = true; }
};

} // namespace proxy_test

TEST_CASE("a PE looks for messages after few of its methods, also where short ones stand between long ones") {
    if (this_job().size > 1) return;
    run_well(threads(2), [] {
        const auto busy = motet::chare<uneven>::create({}, 1);
        busy.tell<&uneven::work>();
        std::vector<std::int64_t> waited; // so many long methods ran before an expedited message did
        for (int i = 0; i < 51; ++i) waited.push_back(busy.expedited().ask<&uneven::waited>(uneven::done.load()).get());
        busy.tell<&uneven::end>();
        std::sort(waited.begin(), waited.end());
        CHECK(waited[25] <= 2); // 4 as long as one that was short made it look after 8 only
    });
}

TEST_CASE("expedited messages go first, then those of lower numbers; 0 is the ordinary priority") {
    for (const auto& chosen : {threads(1), simulated(1, 1, 1), simulated(1, 1, 2), simulated(1, 1, 3)})
        one(chosen, [] {
            const auto all = motet::array<journal>::create(1);
            const auto l = all[0];
            l.ask<&journal::get>().get();
            l.with_priority(5).tell<&journal::note>('f');
            l.tell<&journal::note>('d');
            l.with_priority(-1).tell<&journal::note>('c');
            l.with_priority(0).tell<&journal::note>('d');
            l.with_priority(-7).tell<&journal::note>('b');
            l.tell<&journal::note>('d');
            l.with_priority(INT32_MIN).tell<&journal::note>('a');
            l.with_priority(INT32_MAX).tell<&journal::note>('g');
            l.with_priority(4).tell<&journal::note>('e');
            l.expedited().tell<&journal::note>('!');
            motet::quiescence().get();
            CHECK(l.ask<&journal::get>().get() == "!abcdddefg");
            all.with_priority(3).tell<&journal::note>('z');
            all.tell<&journal::note>('y');
            all.expedited().tell<&journal::note>('x');
            motet::quiescence().get();
            CHECK(l.ask<&journal::get>().get() == "!abcdddefgxyz");
        });
    for (const auto& chosen : {threads(1), threads(2)}) // first in, first out among equals
        one(chosen, [] {
            const auto l = motet::chare<journal>::create({}, 0);
            l.ask<&journal::get>().get();
            for (const char c : std::string("klm")) {
                l.with_priority(1).tell<&journal::note>(c);
                l.with_priority(-1).tell<&journal::note>(static_cast<char>(c - 10));
                l.with_priority(0).tell<&journal::note>(static_cast<char>(c - 32));
            }
            motet::quiescence().get();
            CHECK(l.ask<&journal::get>().get() == "abcKLMklm");
        });
}

TEST_CASE("a proxy has its priority also when it has been sent to another process") {
    // Not between threads: there the first message goes at once, and may be handled before the others are sent.
    std::vector<options> kinds{simulated(2, 1, 1), simulated(2, 1, 2), simulated(2, 1, 3)};
    if (this_job().size > 1) kinds = {threads(1)};
    for (const auto& chosen : kinds)
        run_well(chosen, [] {
            const auto all = motet::array<journal>::create(1);
            const auto far = motet::chare<correspondent>::create({}, 1);
            far.ask<&correspondent::write>(all[0], all[0].with_priority(-1), all.with_priority(1)).get();
            motet::quiescence().get();
            CHECK(all[0].ask<&journal::get>().get() == "abc");
        });
}

TEST_CASE("an empty proxy says so when it is used") {
    everywhere([] {
        const char* text = "this proxy is empty";
        CHECK(contains(thrown_by([] { motet::array<taker>().tell<&taker::unwrap>(nullptr); }), text));
        CHECK(contains(thrown_by([] { motet::array<taker>().gather<&taker::get>(); }), text));
        CHECK(contains(thrown_by([] { motet::array<taker>()[3].tell<&taker::unwrap>(nullptr); }), text));
        CHECK(contains(thrown_by([] { motet::element_proxy<taker, std::int64_t>().ask<&taker::get>(); }), text));
        CHECK(contains(thrown_by([] { motet::chare<taker>().ask<&taker::get>(); }), text));
        CHECK(contains(thrown_by([] { motet::chare<taker>().move_to(0); }), text));
        CHECK(contains(thrown_by([] { motet::group<taker>().here().tell<&taker::unwrap>(nullptr); }), text));
        CHECK(contains(thrown_by([] { motet::array<taker>().insert(3); }), text));
        CHECK(contains(thrown_by([] { motet::section<taker>().all<&taker::where>().get(); }), ""));
    });
}
