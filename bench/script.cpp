// SPDX-License-Identifier: BSL-1.0
// needs: script
// example: molecules
//
// What scripts cost: a request from another process, a call, a suspension, an element of an iteration; a program that
// is open to them and has no client. The figures of the original (Charm++/Python scripting paper, section 5): 0.7 ms a
// request, 41 ms with a new interpreter, 10 us a call.

#include "harness.hpp"
#include "loop_time.hpp"
#include "program.hpp"

#include <motet/script.hpp>
#include <motet/service/client.hpp>
#ifdef MOTET_MPIEXEC
#include <motet/mpi_script.hpp>
#endif

#include <pybind11/embed.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <semaphore>
#include <spawn.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace scripted {

struct particle {
    double mass = 1;
    double charge = 0;
};

struct worker {
    std::vector<particle> particles = std::vector<particle>(20'000);
    std::vector<double> cells = std::vector<double>(1'000'000, 0.5);
    bool go = false;

    double twice(double x) const { return 2 * x; }
    double compute(double milliseconds) const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
        while (std::chrono::steady_clock::now() < end) {}
        return 1;
    }
    double compute_all(double milliseconds) {
        return motet::this_collection<worker, std::int64_t>().reduce<&worker::compute>(motet::sum, milliseconds).get();
    }
    void wait() {
        motet::wait([&] { return go; });
        go = false;
    }
    void wake(std::int64_t times) {
        for (std::int64_t i = 0; i < times; ++i) {
            motet::wait([&] { return !go; });
            go = true;
        }
    }
};
MOTET_SCRIPT(worker, twice, compute_all, wait)

struct keeper {
    bool ended = false;
    void end() { ended = true; }
    void wait() {
        motet::wait([&] { return ended; });
    }
};
MOTET_SCRIPT(keeper, end)

} // namespace scripted

namespace {

using motet_bench::check;
using motet_bench::on_pes;
using motet_bench::seconds;
using scripted::worker;

/// The program that clients talk to, in a process of its own (`--serve`).
int serve(int argc, char** argv) {
    return motet::run(argc, argv, [] {
        const auto workers = motet::group<worker>::create(worker{});
        const auto keeper = motet::chare<scripted::keeper>::create(scripted::keeper{});
        motet::serve(workers, "workers");
        motet::serve(keeper, "keeper");
        keeper.ask<&scripted::keeper::wait>().get();
    });
}

/// A server: one process, or an MPI job, and a client of it.
class server {
public:
    server(const char* self, int ranks, int pes) {
        std::vector<std::string> words;
#ifdef MOTET_MPIEXEC
        if (ranks > 1) words = {MOTET_MPIEXEC, "-n", std::to_string(ranks)};
#endif
        check(ranks == 1 || !words.empty(), "an MPI job without MPI");
        const std::string name = "motet_bench_" + std::to_string(getpid());
        for (const char* each : {self, "--serve", "--motet-script", "on", "--motet-pes"}) words.emplace_back(each);
        words.push_back(std::to_string(pes));
        std::vector<char*> pointers;
        for (auto& word : words) pointers.push_back(word.data());
        pointers.push_back(nullptr);
        const auto before = motet::running_programs();
        check(posix_spawnp(&child, pointers[0], nullptr, nullptr, pointers.data(), environ) == 0, "posix_spawn");
        for (int i = 0; i < 1000 && !to; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            for (const auto& each : motet::running_programs())
                if (std::find(before.begin(), before.end(), each) == before.end()) {
                    try {
                        to = std::make_unique<motet::client>(each);
                    } catch (const motet::error&) { // it has only just begun to listen
                    }
                }
        }
        check(to != nullptr, "a client");
        for (int i = 0; i < 1000 && to->list().size() < 2; ++i) // both are served
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    server(const server&) = delete;
    ~server() {
        to->execute({.name = "keeper", .index = {}, .script = {.code = "charm.end()", .high_level = true}});
        int status = 0;
        waitpid(child, &status, 0);
        check(status == 0, "the server");
    }

    motet::script_answer execute(motet::script_request script, std::vector<std::int64_t> index = {}) {
        auto answer = to->execute({.name = "workers", .index = std::move(index), .script = std::move(script)});
        for (const auto& each : answer.outcomes)
            if (each.failed()) {
                std::fprintf(stderr, "%s\n%s\n", each.error.c_str(), each.traceback.c_str());
                check(false, "a script");
            }
        return answer;
    }

private:
    pid_t child = 0;
    std::unique_ptr<motet::client> to;
};

/// Microseconds of a request with an interpreter that is there already.
double reused(server& s, int requests) {
    const auto first = s.execute({.code = "x = 1", .persistent = true});
    return 1e6 / requests * seconds([&] {
               for (int i = 0; i < requests; ++i) s.execute({.code = "x", .persistent = true, .handle = first.handle});
           });
}
double fresh(server& s, int requests) {
    return 1e6 / requests * seconds([&] {
               for (int i = 0; i < requests; ++i) s.execute({.code = "x = 1"});
           });
}

/// Microseconds of a message there and back between two processes, over a Unix socket.
double socket_round_trip() {
    constexpr int rounds = 2000;
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    char message[200] = {};
    const auto all = [&](auto how, int end) {
        for (std::size_t done = 0; done < sizeof message;) {
            const auto n = how(end, message + done, sizeof message - done);
            if (n <= 0) return false;
            done += static_cast<std::size_t>(n);
        }
        return true;
    };
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        while (all(&read, ends[1]) && all(&write, ends[1])) {}
        _exit(0);
    }
    close(ends[1]);
    const double time = seconds([&] {
        for (int i = 0; i < rounds; ++i) check(all(&write, ends[0]) && all(&read, ends[0]), "the socket");
    });
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return 1e6 * time / rounds;
}

/// What a script in a worker says: a number.
double said(motet::script_request script) {
    return on_pes(1, [&] {
        const auto chare = motet::array<worker>::create(1, worker{});
        const auto outcome = motet::run_script(chare[0], script).get();
        if (outcome.failed()) std::fprintf(stderr, "%s\n%s\n", outcome.error.c_str(), outcome.traceback.c_str());
        check(!outcome.failed(), "a script");
        return std::get<double>(outcome.result.data);
    });
}

/// Nanoseconds of the best of some runs of `body(n)`, in Python.
std::string timed(const std::string& preparation, const std::string& body) {
    return "import time\n" + preparation + "\ndef measure(n):\n    begin = time.perf_counter()\n" + body +
           "\n    return 1e9 * (time.perf_counter() - begin) / n\n";
}

double call() {
    return said({.code = timed("", "    for i in range(n): charm.twice(1.5)") + "measure(100000)", .high_level = true});
}

struct plain {
    double twice(double x) const { return 2 * x; }
};

double pybind_call() {
    const motet::script::gil lock;
    namespace py = pybind11;
    if (!py::hasattr(py::module_::import("builtins"), "motet_bench_plain")) {
        py::class_<plain>(py::module_::import("builtins"), "motet_bench_plain")
            .def(py::init())
            .def("twice", &plain::twice);
    }
    py::dict names;
    names["__builtins__"] = py::module_::import("builtins");
    py::exec(timed("charm = motet_bench_plain()", "    for i in range(n): charm.twice(1.5)"), names);
    return names["measure"](100000).cast<double>();
}

double suspend() {
    return on_pes(1, [&] {
        const auto chare = motet::array<worker>::create(1, worker{});
        constexpr std::int64_t times = 2000;
        auto done = chare[0].ask<&worker::wake>(times);
        const auto outcome = motet::run_script(chare[0], {.code = timed("", "    for i in range(n): charm.wait()") +
                                                                  "measure(" + std::to_string(times) + ")",
                                                          .high_level = true})
                                 .get();
        done.get();
        check(!outcome.failed(), "a script");
        return 1e-3 * std::get<double>(outcome.result.data);
    });
}

/// Microseconds: a semaphore's wake-up of another thread, and of this one by it.
double two_threads() {
    constexpr int times = 2000;
    std::binary_semaphore there{0};
    std::binary_semaphore back{0};
    std::thread other([&] {
        for (int i = 0; i < times; ++i) {
            there.acquire();
            back.release();
        }
    });
    const double time = seconds([&] {
        for (int i = 0; i < times; ++i) {
            there.release();
            back.acquire();
        }
    });
    other.join();
    return 1e6 * time / times;
}

constexpr const char* heavier = "def heavier(p): p.mass = p.mass * 1.000001";

double iterate() {
    return on_pes(1, [&] {
        const auto chare = motet::array<worker>::create(1, worker{});
        constexpr std::size_t count = 20'000;
        const double time = seconds([&] {
            const auto outcome =
                motet::run_script(chare[0],
                                  {.code = heavier, .iterate = true, .method = "heavier", .over = "particles"})
                    .get();
            check(!outcome.failed(), "a script");
        });
        return 1e9 * time / static_cast<double>(count);
    });
}

double own_objects() {
    return said({.code = std::string(heavier) + R"(
import time
class particle:
    __slots__ = ("mass", "charge")
    def __init__(self): self.mass, self.charge = 1.0, 0.0
particles = [particle() for i in range(20000)]
returned = []
begin = time.perf_counter()
for p in particles: returned.append(heavier(p))
1e9 * (time.perf_counter() - begin) / len(particles)
)"});
}

/// Nanoseconds for each of a million numbers; of ten requests, after one that is not counted, as the rival's ten.
double vectorized() {
    return on_pes(1, [&] {
        const auto chare = motet::array<worker>::create(1, worker{});
        const auto run = [&] {
            const auto outcome = motet::run_script(chare[0], {.code = "def f(a): a *= 1.000001\n",
                                                              .iterate = true,
                                                              .vectorized = true,
                                                              .method = "f",
                                                              .over = "cells"})
                                     .get();
            check(!outcome.failed(), "a script");
        };
        run();
        return 1e9 / 1e7 * seconds([&] {
                   for (int i = 0; i < 10; ++i) run();
               });
    });
}

double own_array() {
    return said({.code = R"(
import numpy, time
a = numpy.full(1000000, 0.5)
a *= 1.000001
begin = time.perf_counter()
for i in range(10): a *= 1.000001
1e9 * (time.perf_counter() - begin) / len(a) / 10
)"});
}

#ifdef MOTET_EXAMPLE
/// Seconds that a melt of 4,000 atoms takes for some steps.
double molecules(const std::string& options) {
    return motet_bench::loop_time(std::string(MOTET_EXAMPLE) + " " + MOTET_SOURCE_DIR +
                                  "/examples/molecules/data/melt.data --steps 1000 --thermo 1000 --motet-pes 2" +
                                  options);
}
#endif

#ifdef MOTET_MPIEXEC
/// A plain MPI program (`--poll`, `--probe`): rank 0 prints the nanoseconds that one of very many polls takes.
int poll_program(int argc, char** argv) {
    constexpr int polls = 1'000'000;
    MPI_Init(&argc, &argv);
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    double time = 0;
    if (std::string(argv[1]) == "--poll") {
        worker here;
        motet::mpi_scripts scripts(MPI_COMM_WORLD);
        check(scripts.on(), "MOTET_SCRIPT");
        scripts.serve(here, "worker");
        MPI_Barrier(MPI_COMM_WORLD);
        time = seconds([&] {
            for (int i = 0; i < polls; ++i) scripts.poll();
        });
    } else {
        MPI_Barrier(MPI_COMM_WORLD);
        time = seconds([&] {
            for (int i = 0, found = 0; i < polls; ++i)
                MPI_Iprobe(MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
        });
    }
    MPI_Finalize();
    if (rank == 0) std::printf("Loop time of %g on every rank\n", time / polls);
    return 0;
}
double polls(const char* self, const char* how) {
    return 1e9 * motet_bench::loop_time("MOTET_SCRIPT=1 " MOTET_MPIEXEC " -n 2 " + std::string(self) + " " + how);
}
#endif

/// Milliseconds beyond the millisecond that each PE computes.
double reduce(server& s) {
    constexpr int requests = 50;
    const auto first = s.execute({.code = "x = 1", .persistent = true, .high_level = true}, {0});
    return 1e3 / requests * seconds([&] {
               for (int i = 0; i < requests; ++i)
                   s.execute({.code = "charm.compute_all(1.0)",
                              .persistent = true,
                              .high_level = true,
                              .handle = first.handle},
                             {0});
           }) -
           1;
}

} // namespace

int main(int argc, char** argv) {
    // NumPy asks Linux for huge pages for its arrays (script.vectorized's rival); malloc does if it is told so before
    // the program starts.
    if (std::getenv("GLIBC_TUNABLES") == nullptr) {
        setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1);
        execv("/proc/self/exe", argv);
    }
    const std::string first = argc > 1 ? argv[1] : "";
    if (first == "--serve") return serve(argc, argv);
#ifdef MOTET_MPIEXEC
    if (first == "--poll" || first == "--probe") return poll_program(argc, argv);
#endif
    motet_bench::report report(argc, argv);
    using motet_bench::rival;
#ifdef MOTET_MPIEXEC
    // First: a process that has called MPI itself starts no other job.
    report.compare(
        {.id = "script.poll", .unit = "ns", .repetitions = 5}, [&] { return polls(argv[0], "--poll"); },
        rival{"MPI_Iprobe", [&] { return polls(argv[0], "--probe"); }});
#endif
    const rival socket{"a round trip", socket_round_trip};
    for (const int ranks : {1, 2, 8}) {
#ifndef MOTET_MPIEXEC
        if (ranks > 1) break;
#endif
        const std::string suffix = "_" + std::to_string(ranks);
        if (!report.wants("script.request" + suffix) && !report.wants("script.new" + suffix)) continue;
        server s(argv[0], ranks, 1);
        const double goal = ranks == 1 ? 100 : ranks == 2 ? 150 : 0;
        report.compare(
            {.id = "script.request" + suffix, .unit = "us", .at_most = goal}, [&] { return reused(s, 500); }, socket);
        report.compare(
            {.id = "script.new" + suffix, .unit = "us", .at_most = 2 * goal}, [&] { return fresh(s, 500); }, socket);
    }
    report.compare({.id = "script.call", .unit = "ns", .at_most = 200}, call, rival{"pybind11", pybind_call});
    report.compare({.id = "script.suspend", .unit = "us", .at_most = 20}, suspend, rival{"two threads", two_threads});
    report.compare({.id = "script.iterate", .unit = "ns", .at_most = 1.5, .goal_is_ratio = true}, iterate,
                   rival{"objects with __slots__", own_objects});
    report.compare({.id = "script.vectorized", .unit = "ns", .at_most = 1.2, .goal_is_ratio = true}, vectorized,
                   rival{"its own array", own_array});
    if (report.wants("script.reduce")) {
        server s(argv[0], 1, 2);
        report.compare({.id = "script.reduce", .unit = "ms", .at_most = 0.2}, [&] { return reduce(s); });
    }
#ifdef MOTET_EXAMPLE
    report.compare(
        {.id = "script.idle", .unit = "s", .at_most = 1.01, .goal_is_ratio = true, .repetitions = 11},
        [] { return molecules(" --motet-script"); }, rival{"without", [] { return molecules(""); }});
#endif
}
