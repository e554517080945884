// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/frame.hpp>
#include <motet/chare/future.hpp>
#include <motet/runtime/launch.hpp>

#include <fmt/core.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
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
    return std::make_unique<local_chares>();
}
#endif // MOTET_BODIES

/// motet::run.
MOTET_INLINE int run_program(int& argc, char** argv, main_body main);

#if MOTET_BODIES
MOTET_INLINE int run_program(int& argc, char** argv, main_body main) {
    try {
        std::vector<std::string> arguments(argv, argv + argc);
        const options chosen = take_options(arguments);
        if (chosen.help) {
            std::fputs(help_text().c_str(), stdout);
            return 0;
        }
        if (!chosen.simulated && !chosen.of_simulation.empty())
            throw error("--motet-" + chosen.of_simulation + " is for simulated runs: give --motet-sim PxQ too");
        int kept = 0;
        for (int i = 0; i < argc && kept < static_cast<int>(arguments.size()); ++i)
            if (arguments[static_cast<std::size_t>(kept)] == argv[i]) argv[kept++] = argv[i];
        if (kept < argc) argv[kept] = nullptr;
        argc = kept;
        return run_job(chosen, std::move(arguments), main, &equip);
    } catch (const told_elsewhere&) {
        return 1;
    } catch (const std::exception& problem) {
        std::fflush(stdout);
        std::fprintf(stderr, "motet: error: %s\n", problem.what());
        return 1;
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

/// Ends the run at once, on all PEs, with this exit code. Parked fibers are unwound. Does not return to its caller's
/// handler: what follows it is not run.
[[noreturn]] inline void exit(int code = 0) {
    runtime::pe& p = runtime::this_pe();
    p.job.stop(code);
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
/// Declares that what this method does takes so many seconds: the clock of a simulated PE goes on. Else it does
/// nothing.
inline void charge(double seconds) {
    runtime::pe& p = runtime::this_pe();
    if (!(seconds >= 0)) throw error("motet::charge takes seconds from 0 on, and this is " + std::to_string(seconds));
    if (p.port != nullptr) p.port->charge(p, seconds);
}

/// Prints one line as {fmt} formats it; lines of different PEs do not mix.
template <class... T>
void print(fmt::format_string<T...> format, T&&... values) {
    const std::string line = fmt::format(format, std::forward<T>(values)...) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

} // namespace motet::inline MOTET_VARIANT
