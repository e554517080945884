// SPDX-License-Identifier: BSL-1.0
#include <motet/fiber/fiber.hpp>

#include <doctest/doctest.h>

#include <alloca.h>
#include <cfenv>
#include <cmath>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <unwind.h>

using motet::fiber::fiber;
using motet::fiber::stack_pool;
using motet::fiber::switch_to;
using motet::fiber::thread_fiber;

namespace {

/// A fiber that runs a function object, and goes back to where it was resumed from.
template <class Work>
class task {
public:
    task(stack_pool& pool, fiber& home, Work work) : pool_(pool), home_(home), work_(work) {}
    task(const task&) = delete;
    ~task() { fiber::destroy(pool_, self_); }

    void resume() { switch_to(home_, *self_); }
    bool finished() const { return self_->finished(); }
    fiber& self() { return *self_; }

private:
    static void run(void* argument) {
        auto& self = *static_cast<task*>(argument);
        self.work_([&self] { switch_to(*self.self_, self.home_); });
    }

    stack_pool& pool_;
    fiber& home_;
    Work work_;
    fiber* self_ = fiber::create(pool_, &run, this);
};

/// Calls itself until its frame lies below `floor`; returns the depth.
[[gnu::noinline]] int recurse_down_to(const std::byte* floor) {
    volatile std::byte frame[1024];
    frame[0] = std::byte{1};
    const bool there = static_cast<const std::byte*>(__builtin_frame_address(0)) < floor;
    return there ? 1 : recurse_down_to(floor) + static_cast<int>(frame[0]);
}

struct thread_and_pool {
    thread_fiber home;
    stack_pool pool;
};

} // namespace

TEST_CASE_FIXTURE(thread_and_pool, "a fiber runs, parks, goes on and finishes") {
    std::string trace;
    task work(pool, home, [&](auto park) {
        trace += "a";
        park();
        trace += "b";
    });
    CHECK(trace.empty());
    work.resume();
    trace += "-";
    CHECK(!work.finished());
    work.resume();
    CHECK(work.finished());
    CHECK(trace == "a-b");
}

TEST_CASE_FIXTURE(thread_and_pool, "when a fiber has finished, the one that started it goes on, or its successor") {
    std::string trace;
    task inner(pool, home, [&](auto park) {
        trace += "1";
        park();
        trace += "4";
    });
    inner.resume();
    trace += "2";
    fiber* self = nullptr;
    task outer(pool, home, [&](auto) {
        trace += "3";
        inner.self().successor() = self;
        switch_to(*self, inner.self());
        trace += "5";
    });
    self = &outer.self();
    outer.resume();
    CHECK(trace == "12345");
    CHECK(inner.finished());
    CHECK(outer.finished());
}

TEST_CASE_FIXTURE(thread_and_pool, "a fiber that never ran, and one that is parked, can be destroyed") {
    const auto before = pool.spares();
    {
        task never(pool, home, [](auto) {});
        task parked(pool, home, [](auto park) { park(); });
        parked.resume();
    }
    CHECK(pool.spares() == before + 2);
}

TEST_CASE_FIXTURE(thread_and_pool, "nearly the whole stack can be used") {
    int depth = 0;
    const fiber* self = nullptr;
    task work(pool, home, [&](auto park) {
        depth = recurse_down_to(self->memory().bottom() + (64 << 10));
        park();
    });
    self = &work.self();
    work.resume();
    CHECK(depth > 1000);
}

TEST_CASE_FIXTURE(thread_and_pool, "frames as large as those of BLAS and OpenMP fit") {
    double sum = 0;
    task work(pool, home, [&](auto park) {
        const std::size_t count = (std::size_t{1} << 20) / sizeof(double);
        auto* values = static_cast<double*>(alloca(count * sizeof(double)));
        for (std::size_t i = 0; i < count; ++i) values[i] = 1;
        park();
        for (std::size_t i = 0; i < count; ++i) sum += values[i];
    });
    work.resume();
    work.resume();
    CHECK(sum == (1 << 20) / sizeof(double));
}

TEST_CASE_FIXTURE(thread_and_pool, "exceptions are thrown and caught across switches") {
    std::string trace;
    task work(pool, home, [&](auto park) {
        for (int i = 0; i < 3; ++i) {
            try {
                park();
                throw std::runtime_error(std::to_string(i));
            } catch (const std::runtime_error& problem) {
                trace += problem.what();
                park();
            }
        }
    });
    while (!work.finished()) {
        work.resume();
        try {
            throw std::logic_error("-");
        } catch (const std::logic_error& problem) {
            trace += problem.what();
        }
    }
    CHECK(trace == "-0--1--2--");
}

TEST_CASE_FIXTURE(thread_and_pool, "a fiber that parks inside a catch finds its own exception again") {
    std::string trace;
    auto parks_in_a_catch = [&](const char* name) {
        return [&trace, name](auto park) {
            try {
                try {
                    throw std::runtime_error(name);
                } catch (...) {
                    park();
                    throw;
                }
            } catch (const std::runtime_error& problem) {
                trace += problem.what();
                park();
                trace += problem.what();
            }
        };
    };
    task first(pool, home, parks_in_a_catch("a"));
    task second(pool, home, parks_in_a_catch("b"));
    first.resume();
    CHECK(std::current_exception() == nullptr);
    second.resume();
    CHECK(std::current_exception() == nullptr);
    first.resume();
    second.resume();
    first.resume();
    second.resume();
    CHECK(trace == "abab");
    CHECK(std::current_exception() == nullptr);
}

TEST_CASE_FIXTURE(thread_and_pool, "a fiber that parks while it unwinds is the only one with an uncaught exception") {
    int inside = -1;
    int after = -1;
    task work(pool, home, [&](auto park) {
        struct parks {
            decltype(park)& wait;
            int& seen;
            ~parks() {
                wait();
                seen = std::uncaught_exceptions();
            }
        };
        try {
            parks here{park, inside};
            throw 1;
        } catch (int) {
            after = std::uncaught_exceptions();
        }
    });
    work.resume();
    CHECK(std::uncaught_exceptions() == 0);
    try {
        throw 2;
    } catch (int thrown) {
        CHECK(thrown == 2);
    }
    work.resume();
    CHECK(inside == 1);
    CHECK(after == 0);
    CHECK(std::uncaught_exceptions() == 0);
}

TEST_CASE_FIXTURE(thread_and_pool,
                  "unwinding a parked fiber runs its destructors and passes catches of std::exception") {
    bool stop = false;
    int destroyed = 0;
    bool reached = false;
    bool caught = false;
    struct counts {
        int& count;
        ~counts() { ++count; }
    };
    task work(pool, home, [&](auto park) {
        auto wait = [&] {
            park();
            if (stop) throw motet::fiber::unwind{};
        };
        try {
            counts outer{destroyed};
            try {
                counts inner{destroyed};
                wait();
                reached = true;
            } catch (const std::exception&) {
                caught = true;
            }
        } catch (const motet::fiber::unwind&) {}
    });
    work.resume();
    stop = true;
    work.resume();
    CHECK(work.finished());
    CHECK(destroyed == 2);
    CHECK(!reached);
    CHECK(!caught);
}

#if defined(__x86_64__)
TEST_CASE_FIXTURE(thread_and_pool, "the rounding mode belongs to the fiber") {
    int inside = -1;
    task work(pool, home, [&](auto park) {
        std::fesetround(FE_UPWARD);
        park();
        inside = std::fegetround();
        std::fesetround(FE_TONEAREST);
    });
    work.resume();
    CHECK(std::fegetround() == FE_TONEAREST);
    std::fesetround(FE_DOWNWARD);
    work.resume();
    CHECK(std::fegetround() == FE_DOWNWARD);
    std::fesetround(FE_TONEAREST);
    CHECK(inside == FE_UPWARD);
}
#endif

TEST_CASE_FIXTURE(thread_and_pool, "floating-point values survive a switch") {
    double far = 0;
    task work(pool, home, [&](auto park) {
        double a = 1, b = 1, c = 2, d = 3;
        for (int i = 0; i < 100; ++i) {
            a = std::sqrt(a + b), b = a * c, c = std::fmod(b + d, 7), d = d + a;
            park();
        }
        far = a + b + c + d;
    });
    double a = 1, b = 1, c = 2, d = 3;
    for (int i = 0; i < 100; ++i) {
        work.resume();
        a = std::sqrt(a + b), b = a * c, c = std::fmod(b + d, 7), d = d + a;
    }
    work.resume();
    CHECK(far == a + b + c + d);
}

TEST_CASE_FIXTURE(thread_and_pool, "a walk up the stack, as debuggers do it, ends at the fiber's entry") {
    int frames = 0;
    task work(pool, home, [&](auto) {
        _Unwind_Backtrace(
            [](_Unwind_Context*, void* count) {
                return ++*static_cast<int*>(count) < 1000 ? _URC_NO_REASON : _URC_END_OF_STACK;
            },
            &frames);
    });
    work.resume();
    CHECK(frames > 1);
    CHECK(frames < 20);
}

TEST_CASE_FIXTURE(thread_and_pool, "fibers keep a word for the runtime, and lie at the top of their stacks") {
    task work(pool, home, [](auto) {});
    int word = 0;
    work.self().user = &word;
    CHECK(work.self().user == &word);
    const auto* block = reinterpret_cast<const std::byte*>(&work.self());
    CHECK(block + sizeof(fiber) == work.self().memory().top);
    CHECK(work.self().memory().bottom() < block);
}

TEST_CASE("threads have fibers of their own, with exceptions of their own") {
    const auto work = [](int& sum) {
        thread_and_pool here;
        task thrower(here.pool, here.home, [&sum](auto park) {
            for (int i = 0; i < 100; ++i) {
                try {
                    throw i;
                } catch (int thrown) {
                    park();
                    sum += thrown;
                }
            }
        });
        while (!thrower.finished()) thrower.resume();
    };
    int sums[2] = {};
    std::thread other(work, std::ref(sums[0]));
    work(sums[1]);
    other.join();
    CHECK(sums[0] == 4950);
    CHECK(sums[1] == 4950);
}

TEST_CASE("a fiber may be made on one thread and run on another") {
    stack_pool pool;
    bool caught = false;
    fiber* const made = fiber::create(
        pool,
        [](void* argument) {
            try {
                throw 1;
            } catch (int) {
                *static_cast<bool*>(argument) = true;
            }
        },
        &caught);
    std::thread([&] {
        thread_fiber home;
        switch_to(home, *made);
    }).join();
    CHECK(caught);
    fiber::destroy(pool, made);
}
