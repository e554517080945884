// SPDX-License-Identifier: BSL-1.0
#include "../chare/runs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

using namespace motet_test;
using namespace std::chrono_literals;

/// What goes from process to process: every size there is, the limits of packets and of what is lent among them.
namespace link_test {

/// What MPI is asked for in this process: the test stands between, by MPI's profiling interface.
struct asked {
    std::mutex guard;
    std::atomic<std::int64_t> sends{0};
    std::int64_t over_the_world = 0;    ///< on MPI_COMM_WORLD, which is the program's
    std::set<MPI_Request> open;         ///< sends that have not left,
    std::size_t most_open = 0;          ///< and so many at most
    std::set<const void*> sent_from;    ///< where large data was sent from,
    std::set<const void*> received_to;  ///< and received to
    std::optional<std::uint32_t> type;  ///< that the second message of each packet gets
    static constexpr int large = 32768; ///< bytes, from which on nothing is copied

    static asked& of_mpi() {
        static asked all;
        return all;
    }
    void note(const void* data, int count, MPI_Comm over, std::set<const void*>& places) {
        const std::lock_guard lock(guard);
        over_the_world += over == MPI_COMM_WORLD;
        if (count >= large) places.insert(data);
    }
    void left(MPI_Request request) {
        const std::lock_guard lock(guard);
        open.erase(request);
    }
    /// Writes over the second message of a packet, if it has that.
    void damage(std::byte* packet, std::size_t bytes) const {
        std::uint16_t units = 0; // of 8 bytes: what belongs to the first
        std::memcpy(&units, packet + 12, sizeof units);
        const std::size_t second = 8 + 8 * std::size_t{units};
        if (second + sizeof *type <= bytes) std::memcpy(packet + second, &*type, sizeof *type);
    }
    bool sent(const void* from) {
        const std::lock_guard lock(guard);
        return sent_from.count(from) != 0;
    }
    bool received(const void* to) {
        const std::lock_guard lock(guard);
        return received_to.count(to) != 0;
    }
};

std::vector<double> numbers(std::size_t count, double first = 0) {
    std::vector<double> made(count);
    for (std::size_t i = 0; i < count; ++i) made[i] = first + static_cast<double>(i);
    return made;
}

struct parcel {
    std::int32_t mark = 0;
    std::vector<double> large;
    std::vector<std::vector<std::int32_t>> many;
    std::map<std::string, std::vector<double>> by_name;
    std::optional<std::vector<float>> perhaps;
    std::unique_ptr<std::vector<std::int64_t>> owned;
};

parcel make_parcel(std::size_t count) {
    parcel p;
    p.mark = static_cast<std::int32_t>(count);
    p.large = numbers(count, 0.5);
    p.many = {{1, 2, 3}, std::vector<std::int32_t>(count, 7), {}, std::vector<std::int32_t>(2 * count, 9)};
    p.by_name["large"] = numbers(count, 1);
    p.by_name["none"];
    if (count % 2 == 0) p.perhaps = std::vector<float>(count, 2.5f);
    p.owned = std::make_unique<std::vector<std::int64_t>>(count, -4);
    return p;
}

bool is_parcel(const parcel& p, std::size_t count) {
    const parcel wanted = make_parcel(count);
    return p.mark == wanted.mark && p.large == wanted.large && p.many == wanted.many && p.by_name == wanted.by_name &&
           p.perhaps == wanted.perhaps && p.owned && *p.owned == *wanted.owned;
}

/// Reads its data before it says so: nothing may be missing then.
struct summed {
    std::vector<double> values;
    double sum = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if constexpr (Archive::is_writing) {
            sum = 0;
            for (const double v : values) sum += v;
        }
        archive(values, sum);
        double found = 0;
        for (const double v : values) found += v;
        if (found != sum) throw std::runtime_error("the data is not there yet");
    }
};

struct fails_to_encode {
    std::int32_t value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        if (Archive::is_writing && value < 0) throw std::runtime_error("cannot be written");
        archive(value);
    }
};

struct fails_to_decode {
    std::vector<double> large;
    std::vector<std::int32_t> check;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(large, check);
        if (Archive::is_writing) return;
        if (check.back() == 3) throw 42;
        throw std::runtime_error("cannot be read");
    }
};
struct with_large {
    std::vector<double> large;
    fails_to_decode rest;
};

struct receiver {
    std::int64_t taken = 0;
    std::int64_t wrong = 0;
    std::vector<std::int64_t> order;

    template <class... T>
    std::tuple<T...> echo_numbers(T... values) {
        return {values...};
    }
    std::vector<double> echo(std::vector<double> values) { return values; }
    std::string echo_text(std::string text) { return text; }
    std::vector<std::string> echo_texts(std::vector<std::string> texts) { return texts; }
    double sum(std::span<const double> values, std::string_view name) {
        motet::yield(); // what it views stays
        double total = static_cast<double>(name.size());
        for (const double v : values) total += v;
        return total;
    }
    bool take_parcel(parcel p, std::int64_t count) { return is_parcel(p, static_cast<std::size_t>(count)); }
    bool take_summed(summed s, std::int64_t count) { return static_cast<std::int64_t>(s.values.size()) == count; }
    std::vector<double> take_shared(std::shared_ptr<const std::vector<double>> a,
                                    std::shared_ptr<const std::vector<double>> b) {
        return a == b ? *a : std::vector<double>();
    }
    void take(std::int64_t number, std::vector<char> filling) {
        ++taken;
        for (const char c : filling) wrong += c != static_cast<char>(number);
    }
    void take_failing(fails_to_encode) {}
    std::int64_t take_undecodable(with_large) { return 1; }
    void put(std::int64_t n) { order.push_back(n); }
    std::int64_t placed() const { return static_cast<std::int64_t>(order.size()); }
    std::int64_t count() const { return taken; }
    std::int64_t errors() const { return wrong; }
};

/// What has pieces beside arguments that are a piece themselves.
struct ball {
    std::vector<std::string> texts = std::vector<std::string>(2000, std::string(40, 'x'));
    std::vector<std::vector<double>> pieces = std::vector<std::vector<double>>(60, numbers(4200, 1));
};
struct player {
    std::int64_t taken = 0;
    std::int64_t wrong = 0;

    void bounce(motet::group<player> all, ball b, std::int64_t left) {
        ++taken;
        static const ball wanted;
        wrong += b.texts != wanted.texts || b.pieces != wanted.pieces;
        if (left > 0) all[next(left)].tell<&player::bounce>(all, std::move(b), left - 1);
    }
    void serve(motet::group<player> all, std::int64_t balls, std::int64_t left) {
        for (std::int64_t i = 0; i < balls; ++i) all[next(i)].tell<&player::bounce>(all, ball(), left);
    }
    std::int64_t get_taken() const { return taken; }
    std::int64_t get_wrong() const { return wrong; }

    /// The PE of somebody else, if there is one.
    static std::int64_t next(std::int64_t n) {
        const std::int64_t others = std::max<std::int64_t>(1, motet::pe_count() - 1);
        return (motet::my_pe() + 1 + n % others) % motet::pe_count();
    }
};

/// A receiver on the last PE: in another process, if there is one.
motet::chare<receiver> far() { return motet::chare<receiver>::create({}, motet::pe_count() - 1); }

} // namespace link_test

using namespace link_test;

extern "C" int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm over,
                         MPI_Request* request) {
    asked& all = asked::of_mpi();
    all.note(data, count, over, all.sent_from);
    ++all.sends;
    if (all.type) all.damage(static_cast<std::byte*>(const_cast<void*>(data)), static_cast<std::size_t>(count));
    const int result = PMPI_Isend(data, count, type, to, tag, over, request);
    const std::lock_guard lock(all.guard);
    all.open.insert(*request);
    all.most_open = std::max(all.most_open, all.open.size());
    return result;
}
extern "C" int MPI_Test(MPI_Request* request, int* done, MPI_Status* status) {
    const MPI_Request before = *request;
    const int result = PMPI_Test(request, done, status);
    if (*done != 0) asked::of_mpi().left(before);
    return result;
}
extern "C" int MPI_Testsome(int count, MPI_Request* requests, int* done, int* which, MPI_Status* statuses) {
    const std::vector<MPI_Request> before(requests, requests + count);
    const int result = PMPI_Testsome(count, requests, done, which, statuses);
    for (int i = 0; i < *done; ++i) asked::of_mpi().left(before[static_cast<std::size_t>(which[i])]);
    return result;
}
extern "C" int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm over,
                         MPI_Request* request) {
    asked& all = asked::of_mpi();
    all.note(data, count, over, all.received_to);
    return PMPI_Irecv(data, count, type, from, tag, over, request);
}

TEST_CASE("large data leaves from where it is, and arrives where the method finds it: no copy on either side") {
    struct keeper {
        std::vector<double> kept;
        bool take(std::vector<double> values) {
            const bool in_place = asked::of_mpi().received(values.data());
            kept = std::move(values);
            return in_place;
        }
        bool look(std::span<const double> values) { return asked::of_mpi().received(values.data()); }
    };
    on_threads([] {
        if (motet::process_count() == 1) return;
        const auto there = motet::chare<keeper>::create({}, motet::pe_count() - 1);
        for (const std::size_t size : {4096u, 130'000u, 1'000'000u})
            for (const bool as_span : {false, true}) {
                auto values = numbers(size);
                const void* const here = values.data();
                CHECK((as_span ? there.ask<&keeper::look>(std::move(values))
                               : there.ask<&keeper::take>(std::move(values)))
                          .get());
                CHECK(asked::of_mpi().sent(here));
            }
    });
}

TEST_CASE("small messages share packets") {
    for (const std::uint32_t pes : {1u, 2u}) {
        if (this_job().size == 1) break;
        options chosen = threads(pes);
        chosen.shared_memory = 0; // each packet is one message of MPI
        run_well(chosen, [pes] {
            const auto there = far();
            there.ask<&receiver::count>().get();
            const std::int64_t before = asked::of_mpi().sends;
            for (std::int64_t i = 0; i < 1000; ++i) there.tell<&receiver::put>(i); // this PE does nothing else
            const std::int64_t sends = asked::of_mpi().sends - before;
            if (pes == 1) CHECK((sends > 0 && sends < 20));
            motet::quiescence().get();
            CHECK(there.ask<&receiver::placed>().get() == 1000);
        });
    }
    CHECK(asked::of_mpi().over_the_world == 0);
}

TEST_CASE("vectors and strings of every size arrive as they were") {
    on_threads([] {
        const auto there = far();
        for (const std::size_t size : {0u, 1u, 100u, 490u, 500u, 510u, 4000u, 4090u, 4095u, 4096u, 4097u, 8190u, 8200u,
                                       20'000u, 130'000u, 1'000'000u}) {
            CHECK(there.ask<&receiver::echo>(numbers(size)).get() == numbers(size));
            const std::string text(size, 'x');
            CHECK(there.ask<&receiver::echo_text>(text).get() == text);
            const auto values = numbers(size);
            CHECK(there.ask<&receiver::sum>(std::span<const double>(values), "four").get() ==
                  4 + 0.5 * static_cast<double>(size) * (static_cast<double>(size) - (size > 0 ? 1 : 0)));
        }
    });
}

namespace {
enum class colour : std::uint16_t { red = 7, green = 65535 };
/// Numbers there and back, alone and behind others in a packet.
template <class... T>
void check_echo(motet::chare<receiver> there, T... values) {
    auto first = there.ask<&receiver::echo_numbers<T...>>(values...);
    auto second = there.ask<&receiver::echo_numbers<T...>>(values...);
    CHECK(first.get() == std::tuple(values...));
    CHECK(second.get() == std::tuple(values...));
}
} // namespace

TEST_CASE("numbers arrive as they were, with gaps between them and without") {
    on_threads([] {
        const auto there = far();
        check_echo(there, std::int8_t{-5});
        check_echo(there, 'a', 'b', 'c');
        check_echo(there, 1.5f);
        check_echo(there, true);
        check_echo(there, false, std::int8_t{1});
        check_echo(there, std::uint32_t{4'000'000'000}, -1);
        check_echo(there, std::uint32_t{4'000'000'000}, -1, colour::green, colour::red);
        check_echo(there, std::int64_t{-1} << 62, 2.5);
        check_echo(there, std::int64_t{3}, std::int8_t{4}, 5.0);
        check_echo(there, 1.0L / 3);
        check_echo(there, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
    });
}

TEST_CASE("messages whose parts are many and not contiguous, small and large, arrive as they were") {
    on_threads([] {
        const auto there = far();
        for (const std::size_t texts : {1u, 30u, 100u, 1000u, 20'000u}) {
            std::vector<std::string> all;
            for (std::size_t i = 0; i < texts; ++i)
                all.push_back("text " + std::to_string(i) + std::string(i % 50, '.'));
            CHECK(there.ask<&receiver::echo_texts>(all).get() == all);
        }
    });
}

TEST_CASE("what is lent inside structs, containers and pointers arrives as it was") {
    on_threads([] {
        const auto there = far();
        std::vector<motet::future<bool>> all;
        for (const std::int64_t count : {0, 10, 4095, 4096, 5001, 60'000, 60'001})
            for (int i = 0; i < 3; ++i)
                all.push_back(there.ask<&receiver::take_parcel>(make_parcel(static_cast<std::size_t>(count)), count));
        for (auto& each : all) CHECK(each.get());
        for (const std::int64_t count : {0, 5000, 100'000})
            CHECK(there.ask<&receiver::take_summed>(summed{numbers(static_cast<std::size_t>(count))}, count).get());
        const auto shared = std::make_shared<const std::vector<double>>(numbers(10'000));
        CHECK(there.ask<&receiver::take_shared>(shared, shared).get() == *shared);
        CHECK(shared->size() == 10'000);
    });
}

TEST_CASE("more than can be lent at a time, and messages larger than a packet that lend as well") {
    on_threads([] {
        struct many {
            std::int64_t value = 0;
            std::int64_t take(std::vector<std::vector<double>> all, std::vector<std::string> names) {
                std::int64_t right = 0;
                for (std::size_t i = 0; i < all.size(); ++i)
                    right += all[i] == numbers(5000, static_cast<double>(i)) && names[i] == std::to_string(i);
                return right;
            }
        };
        const auto there = motet::chare<many>::create({}, motet::pe_count() - 1);
        for (const std::size_t count : {1u, 63u, 64u, 65u, 200u}) {
            std::vector<std::vector<double>> all;
            std::vector<std::string> names(count + 30'000);
            for (std::size_t i = 0; i < count; ++i) {
                all.push_back(numbers(5000, static_cast<double>(i)));
                names[i] = std::to_string(i);
            }
            CHECK(there.ask<&many::take>(all, names).get() == static_cast<std::int64_t>(count));
        }
    });
}

TEST_CASE("floods from all to all arrive once each, small and large mixed") {
    on_threads([] {
        struct flooder {
            std::int64_t value = 0;
            void flood(motet::group<receiver> to, std::int64_t count) {
                for (std::int64_t i = 0; i < count; ++i) {
                    const auto size = static_cast<std::size_t>(i % 50 == 0 ? 40'000 : i % 7 == 0 ? 3000 : i % 40);
                    to[i % motet::pe_count()].tell<&receiver::take>(i, std::vector<char>(size, static_cast<char>(i)));
                }
            }
        };
        const auto to = motet::group<receiver>::create({});
        const auto from = motet::group<flooder>::create({});
        from.all<&flooder::flood>(to, std::int64_t{5000}).get();
        motet::quiescence().get();
        CHECK(to.reduce<&receiver::count>(motet::sum).get() == 5000 * motet::pe_count());
        CHECK(to.reduce<&receiver::errors>(motet::sum).get() == 0);
    });
}

TEST_CASE("who floods a process that is busy is held back: so much is under way, and no more") {
    struct sleeper {
        void sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }
    };
    on_threads([] {
        if (motet::process_count() == 1) return;
        const auto to = far();
        const auto all = motet::group<sleeper>::create();
        asked& of_mpi = asked::of_mpi();
        for (const std::size_t size : {std::size_t{20'000}, std::size_t{60'000}}) { // in packets, and lent
            {
                const std::lock_guard lock(of_mpi.guard);
                of_mpi.most_open = 0;
            }
            const std::int64_t before = to.ask<&receiver::count>().get();
            const std::int64_t pes = motet::pe_count() / motet::process_count();
            for (std::int64_t pe = motet::pe_count() - pes; pe < motet::pe_count(); ++pe)
                all[pe].tell<&sleeper::sleep>();
            for (std::int64_t i = 0; i < 2000; ++i)
                to.tell<&receiver::take>(i, std::vector<char>(size, static_cast<char>(i)));
            motet::quiescence().get();
            CHECK(to.ask<&receiver::count>().get() == before + 2000);
            CHECK(to.ask<&receiver::errors>().get() == 0);
            const std::lock_guard lock(of_mpi.guard);
            CHECK(of_mpi.most_open < 300); // mpi_link: 256, and what other PEs send meanwhile
        }
    });
}

TEST_CASE("large messages of many pieces go back and forth: none waits for ever for one behind it") {
    on_threads([] {
        const auto all = motet::group<player>::create();
        all.tell<&player::serve>(all, std::int64_t{16}, std::int64_t{5});
        motet::quiescence().get();
        CHECK(all.reduce<&player::get_taken>(motet::sum).get() == 16 * 6 * motet::pe_count());
        CHECK(all.reduce<&player::get_wrong>(motet::sum).get() == 0);
    });
}

TEST_CASE("expedited messages overtake what lies at another process") {
    on_threads([] {
        struct busy {
            std::vector<std::int64_t> order;
            void work() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }
            void put(std::int64_t n) { order.push_back(n); }
            std::vector<std::int64_t> all() const { return order; }
        };
        if (motet::process_count() == 1) return;
        const auto there = motet::chare<busy>::create({}, motet::pe_count() - 1);
        there.ask<&busy::all>().get();
        there.tell<&busy::work>();
        for (std::int64_t i = 0; i < 200; ++i) there.tell<&busy::put>(i);
        there.expedited().tell<&busy::put>(std::int64_t{-1});
        there.with_priority(-5).tell<&busy::put>(std::int64_t{-2});
        motet::quiescence().get();
        const auto order = there.ask<&busy::all>().get();
        REQUIRE(order.size() == 202);
        const auto place = [&](std::int64_t n) { return std::find(order.begin(), order.end(), n) - order.begin(); };
        CHECK(place(-1) < 64); // but for what PE and packet had in line before
        CHECK(place(-2) < 100);
    });
}

TEST_CASE("an argument that cannot be encoded is refused where it is sent, and the rest goes on") {
    on_threads([] {
        if (motet::process_count() == 1) return;
        const auto there = far();
        for (int i = 0; i < 10; ++i) {
            there.tell<&receiver::take>(std::int64_t{1}, std::vector<char>(10, 1));
            CHECK_THROWS_WITH_AS(there.tell<&receiver::take_failing>(fails_to_encode{-1}), "cannot be written",
                                 std::runtime_error);
            there.tell<&receiver::take_failing>(fails_to_encode{1});
        }
        motet::quiescence().get();
        CHECK(there.ask<&receiver::count>().get() == 10);
    });
}

TEST_CASE("a packet in which something is no message ends the run") {
    if (this_job().size == 1) return;
    for (const std::uint32_t type : {0u, 1'000'000u}) {
        options chosen = threads(1);
        chosen.shared_memory = 0; // each packet is one message of MPI
        const std::string text = error_of(chosen, [type] {
            const auto there = far();
            there.ask<&receiver::count>().get();
            asked::of_mpi().type = type;
            for (std::int64_t i = 0; i < 10; ++i) there.tell<&receiver::put>(i);
            motet::sleep_for(1ms);
            asked::of_mpi().type.reset();
            motet::sleep_for(10s);
        });
        CHECK(contains(text, "a packet from process 0 cannot be read"));
    }
}

TEST_CASE("an argument that cannot be decoded ends the run with its entry and processes, lent data or not") {
    if (this_job().size == 1) return;
    for (const std::size_t size : {10u, 100'000u})
        for (const std::int32_t kind : {2, 3}) {
            const std::string text = error_of(threads(size > 10 ? 1 : 2), [size, kind] {
                const auto there = far();
                const with_large what{numbers(size), {numbers(10), {1, kind}}};
                there.ask<&receiver::take_undecodable>(what).get();
            });
            CHECK(contains(text, "a message from process 0 to PE "));
            CHECK(contains(text, "link_test::receiver::take_undecodable, cannot be decoded: "));
            CHECK(contains(text, kind == 2 ? "cannot be read" : "an exception that is no std::exception"));
        }
}
