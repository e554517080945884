// SPDX-License-Identifier: BSL-1.0
#include <motet/runtime/scheduler.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <vector>

using motet::fiber::fiber;
using motet::runtime::scheduler;

namespace {

/// A loop that calls function objects until there are none.
struct looped {
    std::deque<std::function<void()>> work;
    scheduler fibers{64 << 10, &loop, this};
    std::string trace;
    int loops = 0;

    static void loop(void* pointer) {
        auto& self = *static_cast<looped*>(pointer);
        ++self.loops;
        while (!self.work.empty()) {
            const auto next = std::move(self.work.front());
            self.work.pop_front();
            next();
        }
    }
};

} // namespace

TEST_CASE_FIXTURE(looped, "handlers that do not wait run on one fiber") {
    const fiber* where = nullptr;
    CHECK(fibers.current() == nullptr);
    for (int i = 0; i < 3; ++i)
        work.push_back([&] {
            if (where == nullptr) where = fibers.current();
            CHECK(fibers.current() == where);
            trace += "x";
        });
    fibers.run();
    CHECK(trace == "xxx");
    CHECK(loops == 1);
    CHECK(fibers.current() == nullptr);
}

TEST_CASE_FIXTURE(looped, "the loop goes on while a handler is parked") {
    fiber* parked = nullptr;
    work.push_back([&] {
        trace += "a";
        parked = fibers.current();
        fibers.park();
        CHECK(fibers.current() == parked);
        trace += "c";
    });
    work.push_back([&] { trace += "b"; });
    work.push_back([&] { fibers.resume(parked); });
    work.push_back([&] { trace += "d"; });
    fibers.run();
    CHECK(trace == "abcd");
    CHECK(loops == 2);
}

TEST_CASE_FIXTURE(looped, "a fiber whose handler has returned is used again") {
    fiber* parked = nullptr;
    for (int i = 0; i < 1'000; ++i) {
        work.push_back([&] {
            parked = fibers.current();
            fibers.park();
        });
        work.push_back([&] { fibers.resume(parked); });
    }
    fibers.run();
    CHECK(loops == 2);
}

TEST_CASE_FIXTURE(looped, "many fibers are parked at once and resumed in another order") {
    constexpr int count = 500;
    std::vector<fiber*> parked;
    int sum = 0;
    for (int i = 0; i < count; ++i)
        work.push_back([&, i] {
            parked.push_back(fibers.current());
            fibers.park();
            sum += i;
        });
    work.push_back([&] {
        for (int i = 0; i < count; ++i)
            work.push_back([&] {
                fiber* next = parked.back();
                parked.pop_back();
                fibers.resume(next);
            });
    });
    fibers.run();
    CHECK(sum == count * (count - 1) / 2);
    CHECK(loops == count + 1);
}

#if !defined(MOTET_THREAD_SANITIZER) // which can tell 8,128 fibers apart
TEST_CASE("of very many fibers that have waited those are ended that are not likely to be used again") {
    struct crowd { // parks `left` handlers, then resumes them
        std::size_t left = scheduler::most_spares + 5'000;
        std::vector<fiber*> parked{};
        std::size_t most = 0;
        scheduler fibers{16 << 10, &loop, this};

        static void loop(void* pointer) {
            auto& self = *static_cast<crowd*>(pointer);
            for (;;) {
                if (self.left > 0) {
                    --self.left;
                    self.parked.push_back(self.fibers.current());
                    self.fibers.park();
                } else if (!self.parked.empty()) {
                    fiber* const next = self.parked.back();
                    self.parked.pop_back();
                    self.fibers.resume(next);
                } else {
                    return;
                }
                self.most = std::max(self.most, self.fibers.spare_count());
            }
        }
    } all;
    for (int round = 0; round < 2; ++round) {
        all.fibers.run();
        CHECK(all.parked.empty());
        CHECK(all.most == scheduler::most_spares);
        all.left = scheduler::most_spares + 5'000;
    }
}
#endif

TEST_CASE_FIXTURE(looped, "it runs again after its loop has returned") {
    for (int i = 0; i < 3; ++i) {
        work.push_back([&] { trace += "x"; });
        fibers.run();
    }
    CHECK(trace == "xxx");
}
