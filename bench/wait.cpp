// SPDX-License-Identifier: BSL-1.0
// What a wait costs beyond the message that ends it, beside the two jumps of raw Boost.Context that it cannot do
// without.

#include "harness.hpp"
#include "program.hpp"

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include <cstdint>
#include <tuple>

namespace {

using motet_bench::check;
using motet_bench::seconds;

constexpr std::int64_t messages = 300'000;

struct Chare {
    std::int64_t arrived = 0;
    std::int64_t resumed = 0;

    void poke(std::int64_t number, std::int64_t more) { arrived += number == arrived ? more : 0; }
    /// Sends itself messages, and waits for each.
    double waits() {
        const auto self = motet::this_element<Chare, std::int64_t>();
        return seconds([&] {
            for (std::int64_t i = 0; i < messages; ++i) {
                self.tell<&Chare::poke>(i, std::int64_t{1});
                motet::wait([&] {
                    ++resumed;
                    return arrived > i;
                });
            }
        });
    }
    /// The same messages, each sent by the handler of the one before.
    void next(std::int64_t left, motet::promise<void> end) {
        ++arrived;
        if (left == 0) return end.set();
        motet::this_element<Chare, std::int64_t>().tell<&Chare::next>(left - 1, end);
    }
    std::int64_t count() const { return arrived; }
    std::int64_t looks() const { return resumed; }
};

/// Nanoseconds that a wait adds.
double extra() {
    return motet_bench::on_pes(1, [] {
        const auto chares = motet::array<Chare>::create(2);
        const double with = chares[0].ask<&Chare::waits>().get();
        check(chares[0].ask<&Chare::count>().get() == messages, "the messages waited for");
        check(chares[0].ask<&Chare::looks>().get() >= 2 * messages, "the waits"); // each began when nothing had arrived
        motet::future<void> over;
        motet::promise<void> end;
        std::tie(over, end) = motet::make_future<void>();
        const double without = seconds([&] {
            chares[1].tell<&Chare::next>(messages - 1, end);
            over.get();
        });
        check(chares[1].ask<&Chare::count>().get() == messages, "the messages");
        return 1e9 * (with - without) / static_cast<double>(messages);
    });
}

/// There and back again.
double two_jumps() {
    namespace context = boost::context;
    context::protected_fixedsize_stack allocator(64 * 1024);
    auto stack = allocator.allocate();
    auto there = context::detail::make_fcontext(stack.sp, stack.size, [](context::detail::transfer_t back) {
        for (;;) back = context::detail::jump_fcontext(back.fctx, back.data);
    });
    std::int64_t jumps = 0;
    const double time = seconds([&] {
        for (std::int64_t i = 0; i < messages; ++i) {
            const auto came = context::detail::jump_fcontext(there, &jumps);
            there = came.fctx;
            jumps += came.data == &jumps ? 1 : 0;
        }
    });
    check(jumps == messages, "the jumps");
    allocator.deallocate(stack);
    return 1e9 * time / static_cast<double>(messages);
}

} // namespace

int main(int argc, char** argv) {
    motet_bench::report report(argc, argv);
    report.compare({.id = "wait.extra", .unit = "ns", .at_most = 60}, extra,
                   motet_bench::rival{"two raw jumps", two_jumps});
}
