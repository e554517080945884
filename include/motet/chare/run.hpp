// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/frame.hpp>
#include <motet/chare/future.hpp>
#include <motet/runtime/launch.hpp>

#include <fmt/core.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

namespace runtime {

MOTET_INLINE std::unique_ptr<pe_state> equip(pe& p);

#if MOTET_BODIES
MOTET_INLINE void local_chares::clear(pe& p) {
    for (auto& [id, c] : parts) {
        for (element_header* e : c->table.elements) {
            if (e->extension)
                while (!e->extension->held.empty()) p.discard(e->extension->held.pop());
            c->type->destroy(e);
        }
        c->table.elements.clear();
        for (auto& [index, record] : c->homes)
            while (!record.held.empty()) p.discard(record.held.pop());
    }
    for (auto& [id, list] : unknown)
        while (!list.empty()) p.discard(list.pop());
    futures.for_each([](future_state_base& left) { left.run_is_over = true; });
    futures.close();
    parts.clear();
    unknown.clear();
    work.clear();
}

/// Moves an element of some array to another PE, as soon as it may.
MOTET_INLINE void local_chares::shake(pe& p, std::uint64_t random) {
    if (p.job.pe_total() == 1) return;
    std::vector<part*> movable;
    for (auto& [id, c] : parts)
        if (!c->fixed() && !c->table.elements.empty()) movable.push_back(c.get());
    if (movable.empty()) return;
    std::sort(movable.begin(), movable.end(),
              [](const part* a, const part* b) { return a->info->id.bits() < b->info->id.bits(); });
    part& c = *movable[random % movable.size()];
    element_header& e = *c.table.elements[(random >> 16) % c.table.elements.size()];
    if (e.flags & (element_header::erase_pending | element_header::move_pending)) return;
    move_element(p, c, e, static_cast<pe_number>((random >> 32) % p.job.pe_total()), {});
}

MOTET_INLINE std::unique_ptr<pe_state> equip(pe& p) {
    p.settle = &settle_parked;
    p.watch_element = &watch;
    p.unwatch_element = &unwatch;
    p.pause_measuring = &pause_measuring;
    return std::make_unique<local_chares>();
}
#endif // MOTET_BODIES

/// motet::run. `within`: where the processes of the job are told by the program, an MPI_Comm.
MOTET_INLINE int run_program(int& argc, char** argv, main_body main, const void* within = nullptr);

#if MOTET_BODIES
inline int tell_error(const char* what) {
    std::fflush(stdout);
    std::fprintf(stderr, "motet: error: %s\n", what);
    return 1;
}

/// Whether this process tells what all of the run would: that of number 0, in a communicator that the program gives.
inline bool tells_for_all([[maybe_unused]] const void* within) {
#ifdef MOTET_WITH_MPI
    if (within != nullptr) return net::rank_in(*static_cast<const MPI_Comm*>(within)) == 0;
#endif
    return speaks_for_all();
}

MOTET_INLINE int run_program(int& argc, char** argv, main_body main, [[maybe_unused]] const void* within) {
    std::vector<std::string> arguments(argv, argv + argc);
    options chosen;
    try {
#ifdef MOTET_WITH_MPI
        if (within != nullptr) {
            const MPI_Comm given = *static_cast<const MPI_Comm*>(within);
            if (const char* problem = net::problem_of_given(given))
                return given == MPI_COMM_NULL || tells_for_all(within) ? tell_error(problem) : 1;
        }
#endif
        try {
            chosen = take_options(arguments);
            if (!chosen.simulated && !chosen.of_simulation.empty())
                throw error("--motet-" + chosen.of_simulation + " is for simulated runs: give --motet-sim PxQ too");
            if (chosen.simulated && within == nullptr) refuse_copies(chosen, "a simulated run is one process");
        } catch (const error& problem) {
#ifdef MOTET_WITH_MPI
            net::initialize(); // so that no process ends before the one that tells has told
#endif
            return tells_for_all(within) ? tell_error(problem.what()) : 1;
        }
        if (chosen.help) {
            if (tells_for_all(within)) std::fputs(help_text().c_str(), stdout);
            return 0;
        }
        int kept = 0;
        for (int i = 0; i < argc && kept < static_cast<int>(arguments.size()); ++i)
            if (arguments[static_cast<std::size_t>(kept)] == argv[i]) argv[kept++] = argv[i];
        if (kept < argc) argv[kept] = nullptr;
        argc = kept;
#ifdef MOTET_WITH_MPI
        if (within != nullptr) chosen.within = *static_cast<const MPI_Comm*>(within);
#endif
        return run_job(std::move(chosen), std::move(arguments), main, &equip);
    } catch (const told_elsewhere&) {
        return 1;
    } catch (const std::exception& problem) {
        return tell_error(problem.what());
    }
}
#endif // MOTET_BODIES

} // namespace runtime

/// Runs a program: `body` is its main, runs on PE 0 and may wait. Takes the options that begin with --motet- out of the
/// arguments (see --motet-help; each is an environment variable too), and leaves the others in argc and argv.
/// Returns when body has returned and nothing moves any more, or after motet::exit: what body returned if that is an
/// int, the exit code, or 1 after an error, which is told on standard error.
template <class Body>
int run(int& argc, char** argv, Body&& body) {
    static_assert(std::is_invocable_v<Body&>, "motet: run(argc, argv, body) calls body()");
    return runtime::run_program(argc, argv, runtime::main_body::of(body));
}

#ifdef MOTET_WITH_MPI
/// The same over the processes of an MPI communicator, all of which call it. MPI must be initialized, for
/// MPI_THREAD_SERIALIZED if a process has more than one PE. Motet works on communicators of its own that it makes from
/// this one, so what the program itself sends meanwhile is not disturbed.
template <class Body>
int run(MPI_Comm within, int& argc, char** argv, Body&& body) {
    static_assert(std::is_invocable_v<Body&>, "motet: run(communicator, argc, argv, body) calls body()");
    return runtime::run_program(argc, argv, runtime::main_body::of(body), &within);
}
#endif

/// Ends the run at once, on all PEs, with this exit code. Parked fibers are unwound. Does not return to its caller's
/// handler: what follows it is not run.
[[noreturn]] inline void exit(int code = 0) {
    runtime::pe& p = runtime::this_pe();
    p.job.stop(code);
    if (p.current_frame != nullptr && std::uncaught_exceptions() > 0) p.abandon(*p.current_frame); // in a destructor
    throw fiber::unwind{};
}

/// The number of the PE that the caller runs on.
inline std::int64_t my_pe() { return runtime::this_pe().number; }
/// How many PEs there are.
inline std::int64_t pe_count() { return runtime::this_pe().job.pe_total(); }
/// The number of the process that the caller runs in.
inline std::int64_t my_process() { return runtime::this_pe().home.number; }
/// How many processes there are.
inline std::int64_t process_count() { return runtime::this_pe().job.process_total(); }
/// The arguments of the program without Motet's, its name first. On every PE.
inline const std::vector<std::string>& arguments() { return runtime::this_pe().job.arguments; }
/// Seconds of a clock that only goes forward: virtual time in a simulated run.
inline double now() { return runtime::this_pe().now(); }
/// Declares that what this method does takes so many seconds: the clock of a simulated PE goes on. Else, and with
/// --motet-sim-measure, it does nothing.
inline void charge(double seconds) {
    runtime::pe& p = runtime::this_pe();
    if (!(seconds >= 0 && std::isfinite(seconds)))
        throw error("motet::charge takes seconds from 0 on, and this is " + std::to_string(seconds));
    if (p.port != nullptr) p.port->charge(p, seconds);
}

namespace runtime {
/// Writes a text as whole lines, in one piece.
MOTET_INLINE void write_lines(std::string text);
#if MOTET_BODIES
MOTET_INLINE void write_lines(std::string text) {
    text += '\n';
    if (const pe* p = pe::current_slot(); p != nullptr && p->job.options.prefix) {
        const std::string prefix = "[" + std::to_string(p->home.number) + "] ";
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) text.insert(at, prefix);
    }
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw error("motet::print: the standard output cannot be written: " + std::generic_category().message(errno));
}
#endif // MOTET_BODIES
} // namespace runtime

/// Prints one line as {fmt} formats it; lines of different PEs do not mix. With --motet-prefix it begins with the
/// number of its process. Throws `error` if that cannot be written, as to a disk that is full.
template <class... T>
void print(fmt::format_string<T...> format, T&&... values) {
    runtime::write_lines(fmt::format(format, std::forward<T>(values)...));
}

} // namespace motet::inline MOTET_VARIANT
