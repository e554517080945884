// SPDX-License-Identifier: BSL-1.0
// What a fiber costs, beside the Boost.Context that it is built on: raw jumps, and boost::context::fiber.
#include "harness.hpp"

#include <motet/fiber/fiber.hpp>

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace {

namespace context = boost::context;
using motet::fiber::fiber;
using motet::fiber::stack_pool;
using motet::fiber::switch_to;
using motet::fiber::thread_fiber;

/// Fibers that go back to the thread for ever, visited in turn.
class motet_fibers {
public:
    explicit motet_fibers(std::size_t count) : all_(count) {
        for (auto& each : all_) {
            each = fiber::create(
                pool_,
                [](void* argument) {
                    auto& here = *static_cast<motet_fibers*>(argument);
                    fiber& self = *here.current_;
                    for (;;) switch_to(self, here.home_);
                },
                this);
        }
    }
    motet_fibers(const motet_fibers&) = delete;
    ~motet_fibers() {
        for (auto* each : all_) fiber::destroy(pool_, each);
    }

    void visit() {
        for (auto* each : all_) {
            current_ = each;
            switch_to(home_, *each);
        }
    }

private:
    thread_fiber home_;
    stack_pool pool_;
    fiber* current_ = nullptr;
    std::vector<fiber*> all_;
};

/// The same by raw jumps.
class raw_jumps {
public:
    explicit raw_jumps(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            stacks_.push_back(allocator_.allocate());
            all_.push_back(context::detail::make_fcontext(
                stacks_.back().sp, stacks_.back().size, [](context::detail::transfer_t home) {
                    for (;;) {
                        home = context::detail::jump_fcontext(home.fctx, nullptr);
                    }
                }));
        }
    }
    raw_jumps(const raw_jumps&) = delete;
    ~raw_jumps() {
        for (auto& each : stacks_) allocator_.deallocate(each);
    }

    void visit() {
        for (auto& each : all_) each = context::detail::jump_fcontext(each, nullptr).fctx;
    }

private:
    context::protected_fixedsize_stack allocator_{motet::fiber::default_stack_size};
    std::vector<context::stack_context> stacks_;
    std::vector<context::detail::fcontext_t> all_;
};

/// The same with boost::context::fiber.
class boost_fibers {
public:
    explicit boost_fibers(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            all_.emplace_back(std::allocator_arg, context::protected_fixedsize_stack(motet::fiber::default_stack_size),
                              [](context::fiber home) {
                                  for (;;) home = std::move(home).resume();
                                  return home;
                              });
        }
    }

    void visit() {
        for (auto& each : all_) each = std::move(each).resume();
    }

private:
    std::vector<context::fiber> all_;
};

/// Nanoseconds per switch while each of `count` fibers is visited in turn.
template <class Fibers>
auto switches(Fibers& fibers, std::size_t count) {
    return [&fibers, count] {
        const std::size_t rounds = 2'000'000 / count;
        const double time = motet_bench::seconds([&] {
            for (std::size_t round = 0; round < rounds; ++round) fibers.visit();
        });
        return 1e9 * time / static_cast<double>(2 * rounds * count);
    };
}

void compare_switches(motet_bench::report& report, const char* id, std::size_t count) {
    motet_fibers ours(count);
    raw_jumps raw(count);
    boost_fibers boost(count);
    report.compare({.id = id, .unit = "ns"}, switches(ours, count),
                   motet_bench::rival{"raw jump_fcontext", switches(raw, count)},
                   motet_bench::rival{"boost::context::fiber", switches(boost, count)});
}

/// Nanoseconds from creation to destruction of a fiber that does nothing.
void compare_lives(motet_bench::report& report) {
    constexpr int lives = 200'000;
    thread_fiber home;
    stack_pool pool;
    const auto ours = [&] {
        return 1e9 / lives * motet_bench::seconds([&] {
                   for (int i = 0; i < lives; ++i) {
                       auto* const once = fiber::create(
                           pool, [](void*) {}, nullptr);
                       switch_to(home, *once);
                       fiber::destroy(pool, once);
                   }
               });
    };
    context::pooled_fixedsize_stack stacks(motet::fiber::default_stack_size);
    const auto boost = [&] {
        return 1e9 / lives * motet_bench::seconds([&] {
                   for (int i = 0; i < lives; ++i)
                       context::fiber(std::allocator_arg, stacks, [](context::fiber caller) {
                           return caller;
                       }).resume();
               });
    };
    report.compare({.id = "fiber.life", .unit = "ns"}, ours,
                   motet_bench::rival{"boost::context::fiber, pooled", boost});
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    compare_switches(report, "fiber.switch", 1);
    compare_switches(report, "fiber.switch_100", 100);
    compare_switches(report, "fiber.switch_1000", 1000);
    compare_lives(report);
}
