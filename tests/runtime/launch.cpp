// SPDX-License-Identifier: BSL-1.0
#include "environment.hpp"
#include "run.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

using namespace motet_test;

namespace {

std::unique_ptr<motet::runtime::pe_state> equip(pe&) { return std::make_unique<test_state>(); }

/// The exit code of a run of any function object.
int code_of(const options& chosen, auto body) { return motet::runtime::launch(chosen, {"program", "x"}, body, &equip); }

} // namespace

TEST_CASE("a run returns what main returns, and 0 where that is nothing" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(1), threads(3), simulated(2, 2)}) {
        CHECK(code_of(chosen, [] {}) == 0);
        CHECK(code_of(chosen, [] { return 3; }) == 3);
        CHECK(code_of(chosen, [] { return std::string(); }) == 0);
        CHECK(code_of(chosen, [count = 0]() mutable { return ++count; }) == 1);
    }
}

TEST_CASE("main runs on PE 0, which knows the arguments" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(2), simulated(2, 2)})
        code_of(chosen, [] {
            const pe& p = motet::runtime::this_pe();
            CHECK(p.number == 0);
            CHECK(p.job.arguments == std::vector<std::string>{"program", "x"});
        });
}

TEST_CASE("outside of a run there is no PE" * doctest::test_suite("simulated")) {
    auto ask = [] {
        try {
            motet::runtime::this_pe();
        } catch (const motet::error& problem) {
            return std::string(problem.what());
        }
        return std::string();
    };
    CHECK(ask().find("motet::run") != std::string::npos);
    run(threads(1), [](pe&) {});
    CHECK(ask() != "");
    run(simulated(1, 2), [](pe&) {});
    CHECK(ask() != "");
}

TEST_CASE("a machine knows its processes and PEs" * doctest::test_suite("simulated")) {
    run(simulated(3, 4), [](pe& p) {
        CHECK(p.job.pe_total() == 12);
        CHECK(p.job.process_total() == 3);
        for (pe_number i = 0; i < 12; ++i) {
            CHECK(p.job.pes[i]->number == i);
            CHECK(p.job.pes[i]->home.number == i / 4);
            CHECK(p.job.pes[i]->home.first_pe == i / 4 * 4);
        }
    });
}

TEST_CASE("unless told otherwise there is one PE per core") {
    motet::runtime::options chosen;
    chosen.stack = 256 << 10;
    run(chosen, [](pe& p) { CHECK(p.job.pe_total() == std::max(1u, std::thread::hardware_concurrency())); });
}

TEST_CASE("copies of a program that know nothing of each other are refused, unless that is meant") {
    const auto refused = [](const char* count_name, const char* rank_name, const char* rank) {
        const environment count(count_name, "2");
        const environment number(rank_name, rank);
        try {
            code_of(threads(1), [] {});
        } catch (const motet::runtime::told_elsewhere&) {
            return std::string("another tells");
        } catch (const motet::error& problem) {
            return std::string(problem.what());
        }
        return std::string();
    };
    // srun without a --mpi that suits; mpirun with a program built without MPI, or with another one.
    CHECK(refused("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "0") ==
          "2 processes of this program were started together, but each would run alone: it is built without MPI (link "
          "it to motet::mpi). Where that is meant, give --motet-alone");
    CHECK(refused("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "0") != "");
    CHECK(refused("PMI_SIZE", "PMI_RANK", "0") != "");
    CHECK(refused("PMI_SIZE", "PMI_RANK", "1") == "another tells");
    CHECK(refused("SLURM_NTASKS", "SLURM_PROCID", "0") == ""); // a batch script
    const environment step("SLURM_STEP_NUM_TASKS", "2");
    {
        const environment inner("OMPI_COMM_WORLD_SIZE", "1"); // mpirun -n 1 in it
        CHECK(code_of(threads(1), [] {}) == 0);
    }
    CHECK(code_of(simulated(2, 1), [] {}) == 0);
    options alone = threads(1);
    alone.alone = true;
    CHECK(code_of(alone, [] {}) == 0);
}

TEST_CASE("an exception in main, or on any PE, ends the run as an error" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(2), simulated(2, 1), threads(4, 0)}) {
        CHECK(error_of(chosen, [](pe&) { throw std::runtime_error("no input"); }) ==
              "no input (std::runtime_error), on PE 0");
        if (chosen.simulated) continue;
        CHECK(error_of(chosen, [](pe& p) {
                  on(p, 1, [](pe&) { throw motet::error("far away"); });
                  gate().wait(p);
              }) == "far away (motet::error), on PE 1");
    }
}

TEST_CASE("of many errors the first is told") {
    for (int i = 0; i < 30; ++i) {
        const std::string text = error_of(threads(4), [](pe& p) {
            for (pe_number to = 0; to < 4; ++to) on(p, to, [](pe&) { throw std::runtime_error("one of four"); });
        });
        CHECK(text.find("one of four (std::runtime_error), on PE ") == 0);
    }
    CHECK(error_of(threads(1), [](pe& p) {
              p.job.fail("first");
              p.job.fail("second");
          }) == "first");
    CHECK(error_of(threads(1), [](pe& p) {
              p.job.stop(0);
              p.job.fail("after the end");
          }) == "");
}

TEST_CASE("any PE ends the run at once, and its exit code counts" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(3), simulated(1, 3)})
        for (int i = 0; i < 20; ++i) {
            const int code = run(chosen, [&](pe& p) {
                on(p, 2, [](pe& far) { far.job.stop(7); });
                gate().wait(p); // never opened
            });
            CHECK(code == 7);
        }
}

TEST_CASE("messages in queues, timers, and kept back when the run ends go without a leak" *
          doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(3), simulated(1, 3)}) {
        auto token = std::make_shared<int>(0);
        run(chosen, [&](pe& p) {
            for (pe_number to = 0; to < 3; ++to)
                for (int i = 0; i < 500; ++i) {
                    on(p, to, [token](pe& here) {
                        for (pe_number next = 0; next < 3; ++next) on(here, next, [token](pe&) {});
                    });
                    message* urgent = work_message(p, [token](pe&) {});
                    if (i % 3 == 0) urgent->set(message::expedited);
                    urgent->set(message::prioritized);
                    urgent->priority = i;
                    p.send(to, urgent);
                }
            p.send_after(3600, work_message(p, [token](pe&) {}));
            state_of(p).kept.push_back(work_message(p, [token](pe&) {}));
            on(p, 1, [token](pe& far) { far.job.stop(0); });
        });
        CHECK(token.use_count() == 1);
    }
}

TEST_CASE("a run that ends by an error leaks nothing either" * doctest::test_suite("simulated")) {
    for (const auto& chosen : {threads(2), simulated(1, 2)}) {
        auto token = std::make_shared<int>(0);
        CHECK(error_of(chosen, [&](pe& p) {
                  for (int i = 0; i < 100; ++i) on(p, 1, [token](pe& far) { on(far, 0, [token](pe&) {}); });
                  gate never;
                  on(p, 0, [token, &never](pe& here) { never.wait(here); });
                  throw std::runtime_error("x");
              }) != "");
        CHECK(token.use_count() == 1);
    }
}

TEST_CASE("runs follow one another, and stand beside one another on threads of the program" *
          doctest::test_suite("simulated")) {
    for (int i = 0; i < 5; ++i) CHECK(run(threads(2), [](pe& p) { on(p, 1, [](pe&) {}); }) == 0);
    std::atomic<int> sum{0};
    std::vector<std::thread> programs;
    for (int i = 0; i < 4; ++i)
        programs.emplace_back([&sum, i] {
            const auto chosen = i % 2 == 0 ? threads(2) : simulated(1, 2);
            for (int k = 0; k < 10; ++k) run(chosen, [&](pe& p) { on(p, 1, [&](pe&) { ++sum; }); });
        });
    for (std::thread& t : programs) t.join();
    CHECK(sum == 40);
}

TEST_CASE("a state that cannot be made ends the run before it begins") {
    auto body = [] {};
    CHECK_THROWS_AS(motet::runtime::launch(
                        threads(3), {}, body,
                        +[](pe& p) -> std::unique_ptr<motet::runtime::pe_state> {
                            if (p.number == 1) throw std::runtime_error("no state");
                            return std::make_unique<test_state>();
                        }),
                    std::runtime_error);
}
