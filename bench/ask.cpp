// SPDX-License-Identifier: BSL-1.0
// needs: caf boost_fiber
//
// Requests and their answers, futures and channels, all on one thread, beside CAF and Boost.Fiber.

#include "harness.hpp"
#include "program.hpp"

#include <boost/fiber/all.hpp>
#include <caf/all.hpp>

#include <cstdint>
#include <utility>

namespace {

using motet_bench::check;
using motet_bench::on_pes;
using motet_bench::seconds;

constexpr std::int64_t rounds = 200'000;
double per_round(double time) { return 1e9 * time / static_cast<double>(rounds); }

struct Chare {
    std::int64_t calls = 0;
    motet::promise<std::int64_t> wanted;

    std::int64_t add(std::int64_t a, std::int64_t b) {
        ++calls;
        return a + b;
    }
    double ask_all(motet::element_proxy<Chare, std::int64_t> other) {
        std::int64_t sum = 0;
        const double time = seconds([&] {
            for (std::int64_t i = 0; i < rounds; ++i) sum = other.ask<&Chare::add>(sum, std::int64_t{1}).get();
        });
        check(sum == rounds, "the asks");
        return time;
    }
    /// Futures made here, set by the other.
    void set(motet::promise<std::int64_t> promise, std::int64_t value) { promise.set(value); }
    double take_all(motet::element_proxy<Chare, std::int64_t> other) {
        std::int64_t sum = 0;
        const double time = seconds([&] {
            for (std::int64_t i = 0; i < rounds; ++i) {
                auto [value, promise] = motet::make_future<std::int64_t>();
                other.tell<&Chare::set>(promise, sum + 1);
                sum = value.get();
            }
        });
        check(sum == rounds, "the futures");
        return time;
    }
    /// Values that go to the other and back.
    void echo(motet::element_proxy<Chare, std::int64_t> other) {
        const motet::channel<std::int64_t> channel(other);
        for (std::int64_t i = 0; i < rounds; ++i) channel.send(channel.receive() + 1);
    }
    double echoed(motet::element_proxy<Chare, std::int64_t> other) {
        const motet::channel<std::int64_t> channel(other);
        std::int64_t sum = 0;
        const double time = seconds([&] {
            for (std::int64_t i = 0; i < rounds; ++i) {
                channel.send(sum);
                sum = channel.receive();
            }
        });
        check(sum == rounds, "the channel");
        return time;
    }
};

double ask() {
    return on_pes(1, [] {
        const auto chares = motet::array<Chare>::create(2);
        return per_round(chares[0].ask<&Chare::ask_all>(chares[1]).get());
    });
}
double future() {
    return on_pes(1, [] {
        const auto chares = motet::array<Chare>::create(2);
        return per_round(chares[0].ask<&Chare::take_all>(chares[1]).get());
    });
}
double channel() {
    return on_pes(1, [] {
        const auto chares = motet::array<Chare>::create(2);
        chares[1].tell<&Chare::echo>(chares[0]);
        return per_round(chares[0].ask<&Chare::echoed>(chares[1]).get());
    });
}

// CAF: the answer to a request runs a handler, which makes the next request.

caf::behavior adder() {
    return {[](std::int64_t a, std::int64_t b) { return a + b; }};
}
void request_next(caf::event_based_actor* self, const caf::actor& adder, const caf::actor& told, std::int64_t sum) {
    if (sum == rounds) {
        self->send(told, sum);
        self->quit();
        return;
    }
    self->request(adder, caf::infinite, sum, std::int64_t{1}).then([self, adder, told](std::int64_t result) {
        request_next(self, adder, told, result);
    });
}
double caf_request() {
    caf::actor_system_config config;
    config.set("scheduler.max-threads", 1);
    caf::actor_system system(config);
    caf::scoped_actor main(system);
    const auto answering = system.spawn(adder);
    const auto told = caf::actor_cast<caf::actor>(main);
    std::int64_t sum = 0;
    const double time = seconds([&] {
        system.spawn([=](caf::event_based_actor* self) { request_next(self, answering, told, 0); });
        main->receive([&](std::int64_t value) { sum = value; });
    });
    check(sum == rounds, "CAF");
    main->send_exit(answering, caf::exit_reason::user_shutdown);
    return per_round(time);
}

// Boost.Fiber: a fiber answers what comes through a channel, and sets the promise that came with it.

struct request {
    boost::fibers::promise<std::int64_t> answer;
    std::int64_t a = 0, b = 0;
};
double fiber_future() {
    boost::fibers::buffered_channel<request> requests(8);
    boost::fibers::fiber answering([&] {
        request next;
        while (requests.pop(next) == boost::fibers::channel_op_status::success) next.answer.set_value(next.a + next.b);
    });
    std::int64_t sum = 0;
    const double time = seconds([&] {
        for (std::int64_t i = 0; i < rounds; ++i) {
            request next{{}, sum, 1};
            auto answer = next.answer.get_future();
            requests.push(std::move(next));
            sum = answer.get();
        }
    });
    requests.close();
    answering.join();
    check(sum == rounds, "Boost.Fiber");
    return per_round(time);
}
double fiber_channel() {
    boost::fibers::buffered_channel<std::int64_t> there(8), back(8);
    boost::fibers::fiber echo([&] {
        std::int64_t value = 0;
        while (there.pop(value) == boost::fibers::channel_op_status::success) back.push(value + 1);
    });
    std::int64_t sum = 0;
    const double time = seconds([&] {
        for (std::int64_t i = 0; i < rounds; ++i) {
            there.push(sum);
            back.pop(sum);
        }
    });
    there.close();
    echo.join();
    check(sum == rounds, "Boost.Fiber's channels");
    return per_round(time);
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    report.compare({.id = "ask.same_pe", .unit = "ns", .at_most = 150}, ask, motet_bench::rival{"CAF", caf_request},
                   motet_bench::rival{"Boost.Fiber", fiber_future});
    report.compare({.id = "future.same_pe", .unit = "ns"}, future, motet_bench::rival{"Boost.Fiber", fiber_future});
    report.compare({.id = "channel.same_pe", .unit = "ns"}, channel, motet_bench::rival{"Boost.Fiber", fiber_channel});
}
