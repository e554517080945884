// SPDX-License-Identifier: BSL-1.0
#include "../fiber/child.hpp"
#include "run.hpp"

#include <motet/runtime/threads.hpp>

#include <atomic>
#include <set>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

using namespace motet_test;

namespace {

void compute_for(double seconds) {
    const double end = wall_time() + seconds;
    while (wall_time() < end) {}
}

#if defined(MOTET_ADDRESS_SANITIZER) || defined(MOTET_THREAD_SANITIZER)
constexpr double patience = 10; // sanitizers take their time
#else
constexpr double patience = 1;
#endif

/// The least of some attempts, until it is good enough: the machine may be busy with other work.
template <class Measure>
double best_of(int attempts, double good, Measure measure) {
    double best = measure();
    for (int i = 1; i < attempts && best > good; ++i) best = std::min(best, measure());
    return best;
}

} // namespace

TEST_CASE("each PE has a thread, PE 0 that of the caller") {
    std::set<std::thread::id> ids;
    std::vector<std::thread::id> of_pe(5);
    run(threads(5), [&](pe& p) {
        for (pe_number to = 0; to < 5; ++to)
            on(p, to, [&](pe& here) { of_pe[here.number] = std::this_thread::get_id(); });
    });
    CHECK(of_pe[0] == std::this_thread::get_id());
    CHECK(std::set<std::thread::id>(of_pe.begin(), of_pe.end()).size() == 5);
}

TEST_CASE("messages go all ways between more PEs than cores") {
    for (const std::uint32_t pes : {2u, 3u, 16u, 33u}) {
        std::atomic<int> count{0};
        std::function<void(pe&, int)> hop = [&](pe& p, int left) {
            ++count;
            if (left > 0)
                on(p, (p.number * 7 + static_cast<pe_number>(left)) % pes,
                   [&hop, left](pe& here) { hop(here, left - 1); });
        };
        run(threads(pes), [&](pe& p) {
            for (pe_number to = 0; to < pes; ++to) on(p, to, [&](pe& here) { hop(here, 200); });
        });
        CHECK(count == static_cast<int>(pes) * 201);
    }
}

TEST_CASE("a PE that always has urgent work still sends, still takes messages, and still stops") {
    std::atomic<bool> answered{false};
    const double end = wall_time() + 20;
    // Expedited messages that make each other.
    std::function<void(pe&)> again = [&](pe& p) {
        if (answered || wall_time() > end) return;
        message* m = work_message(p, again);
        m->set(message::expedited);
        p.send(0, m);
    };
    auto ask = [&](pe& p) {
        on(p, 1, [&](pe& far) {
            message* m = work_message(far, [&](pe&) { answered = true; });
            m->set(message::expedited);
            far.send(0, m);
        });
    };
    run(threads(2), [&](pe& p) {
        ask(p);
        again(p);
    });
    CHECK(answered);
    CHECK(wall_time() < end);
    // A handler that is ready again before any message; another PE stops it.
    run(threads(2), [&](pe& p) {
        on(p, 1, [](pe& far) { far.job.stop(0); });
        while (wall_time() < end) {
            waiter w;
            p.make_ready(w);
            p.park(w);
        }
    });
    CHECK(wall_time() < end);
}

TEST_CASE("a message does not lie behind handlers that compute") {
    const double late = best_of(10, 0.04, [] {
        std::atomic<double> sent{0}, arrived{0};
        run(threads(2), [&](pe& p) {
            for (int i = 0; i < 30; ++i)
                on(p, 0, [&, i](pe& here) {
                    compute_for(0.005);
                    if (i != 10) return;
                    sent = wall_time();
                    on(here, 1, [&](pe&) { arrived = wall_time(); });
                });
        });
        return arrived - sent;
    });
    CHECK(late < 0.04 * patience); // the last of them ends 0.095 s later
}

TEST_CASE("idle PEs leave the cores to others") {
    for (const std::uint32_t pes : {1u, 2u, 8u}) {
        const double spent = best_of(10, 0.05, [pes] {
            const double before = cpu_time();
            run(threads(pes), [](pe& p) { sleep_for(p, 0.5); });
            return cpu_time() - before;
        });
        CHECK(spent < 0.05 * patience);
    }
}

TEST_CASE("PEs that wait for a computing one leave the cores to others, and answer it soon") {
    const double spent = best_of(10, 0.35, [] {
        const double before = cpu_time();
        run(threads(4), [](pe& p) { on(p, 3, [](pe&) { compute_for(0.25); }); });
        return cpu_time() - before;
    });
    CHECK(spent < 0.35 * patience);
    const double late = best_of(10, 0.002, [] {
        std::atomic<double> sent{0}, arrived{0};
        run(threads(2), [&](pe& p) {
            sleep_for(p, 0.05); // PE 1 sleeps by then
            sent = wall_time();
            on(p, 1, [&](pe&) { arrived = wall_time(); });
        });
        return arrived - sent;
    });
    CHECK(late < 0.002 * patience);
}

TEST_CASE("a run is over soon after its last message") {
    for (const std::uint32_t pes : {1u, 2u, 6u}) {
        const double spent = best_of(10, 0.02, [pes] {
            const double begin = wall_time();
            run(threads(pes), [](pe& p) {
                for (pe_number to = 0; to < p.job.pe_total(); ++to) on(p, to, [](pe&) {});
            });
            return wall_time() - begin;
        });
        CHECK(spent < 0.02 * patience);
    }
}

#if !defined(MOTET_ADDRESS_SANITIZER) && !defined(MOTET_THREAD_SANITIZER)
TEST_CASE("threads that cannot be started end the run with a sentence") {
    const auto end = in_child([] {
        const rlimit little{512 << 20, 512 << 20}; // of address space: a few stacks of threads
        setrlimit(RLIMIT_AS, &little);
        std::fputs(error_of(threads(500), [](pe&) {}).c_str(), stderr);
    });
    CHECK(end.signal == 0);
    CAPTURE(end.errors);
    const bool no_thread = end.errors.find(" of 500 cannot be started: ") != std::string::npos;
    const bool no_stack = end.errors.find(" cannot run: ") != std::string::npos;
    CHECK((no_thread || no_stack));
}

TEST_CASE("a PE without a stack for its first fiber leaves nothing behind: another run follows") {
    const auto end = in_child([] {
        const rlimit little{2ul << 30, 2ul << 30};
        setrlimit(RLIMIT_AS, &little);
        options chosen = threads(1);
        chosen.stack = 8ul << 30;
        std::fputs(error_of(chosen, [](pe&) {}).c_str(), stderr);
        std::fputs(error_of(threads(1), [](pe&) { std::fputs(" another ran", stderr); }).c_str(), stderr);
    });
    CAPTURE(end.errors);
    CHECK(end.errors.find("PE 0 cannot run: ") == 0);
    CHECK(end.errors.find(" another ran") != std::string::npos);
}
#endif
