// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/runtime/named_strategy.hpp>
#include <motet/variant.hpp>
#ifdef MOTET_WITH_MPI
#include <motet/net/mpi.hpp>
#endif

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace motet::inline MOTET_VARIANT::runtime {

/// The network between simulated processes, as in the LogGP model (Alexandrov et al., 1995). Times in seconds.
struct network_model {
    double latency = 0;   ///< from one process to another
    double overhead = 0;  ///< of the sending PE, per message
    double gap = 0;       ///< between two messages that leave one process
    double bandwidth = 0; ///< bytes per second; 0: unlimited
};

/// What the command line and the environment say to the runtime.
struct options {
    std::uint32_t pes = 0;        ///< PEs of each process; 0: one per core of this machine, shared by its processes
    std::size_t stack = 8u << 20; ///< of a fiber, in bytes
    std::uint32_t spin_us = 50;   ///< how long an idle PE looks for messages before it sleeps
    bool simulated = false;
    std::uint32_t processes = 1; ///< simulated ones
    std::uint64_t seed = 1;
    bool shuffle = true;       ///< simulated delivery in a random order where times are equal
    double delay = 0;          ///< simulated: longest random delay of a message, in seconds
    double migrate = 0;        ///< simulated: chance that an element moves after it handled a message
    bool measure = false;      ///< simulated: measured compute time advances the clock
    bool table = true;         ///< simulated: the table at the end
    std::string of_simulation; ///< the last option on the command line that says nothing to a run on threads
    network_model network;
    std::string restart;          ///< folder of a checkpoint to go on from
    double checkpoint_period = 0; ///< seconds between the checkpoints of motet::checkpoint_every; 0: what it says
    std::string balance;          ///< strategy for every array; empty: what the program says; "none": none
    double balance_period = 0;    ///< seconds between two balancings of arrays that are balanced; 0: at program points
    bool balance_report = false;  ///< tells what each balancing did
    std::string trace;            ///< file for the timeline of the run; empty: none
    std::size_t trace_size = 16u << 20; ///< memory of each PE for it, in bytes
    bool stats = false;                 ///< tells at the end what each entry did
    bool script = false;                ///< listens for clients that upload scripts
    bool script_wait = false;           ///< main begins when the first client has sent a request
    std::string script_tcp;             ///< [ADDRESS:]PORT to listen at, too; empty: nowhere
    std::string script_key;             ///< file of the keys for it; empty: a new one
    std::string script_log;             ///< file for what clients do; empty: the usual one, "off": none
    std::string script_run;             ///< file of a script that is run at the start; empty: none
    double script_limit = 600;          ///< seconds that a client's script may keep its PE; 0: for ever
    bool freeze_on_error = false;       ///< stands still, in place of ending, where clients can look at it
    bool freeze_on_deadlock = false;    ///< the same
    double freeze_hold = 600;           ///< seconds that it does
    bool help = false;
    bool alone = false; ///< a run of this process, whatever others were started with it
    /// So many processes of one machine hand packets to each other in memory; 0: none.
    std::uint32_t shared_memory = ~std::uint32_t{0};
    bool prefix = false;   ///< lines that are printed begin with the number of their process
    bool embedded = false; ///< runs when its program calls it (embedded.hpp): no other thread calls MPI
    bool core_each = true; ///< every PE has a core of its own, as far as can be told
#ifdef MOTET_WITH_MPI
    MPI_Comm within = MPI_COMM_NULL; ///< the processes of the run; MPI_COMM_NULL: all there are
#endif
};

/// The text that --motet-help prints.
MOTET_INLINE std::string help_text();
/// Reads the environment, then takes Motet's options out of `arguments` (the first is the program's name).
/// Throws `error` for an unknown option or a bad value.
MOTET_INLINE options take_options(std::vector<std::string>& arguments);

#if MOTET_BODIES

namespace parse {

[[noreturn]] inline void refuse(std::string_view option, std::string_view value, std::string_view wanted) {
    throw error("--motet-" + std::string(option) + " " + std::string(value) + ": expected " + std::string(wanted));
}

template <class Number>
Number number(std::string_view option, std::string_view text, Number least, Number most, std::string_view wanted) {
    Number n{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failure != std::errc{} || end != text.data() + text.size() || !(n >= least && n <= most))
        refuse(option, text, wanted);
    return n;
}

/// A number followed by one of the units, each a power of `step` above the one before (`units` from the smallest).
inline double scaled(std::string_view option, std::string_view text, std::string_view wanted,
                     std::initializer_list<std::pair<std::string_view, double>> units) {
    double n = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failure != std::errc{} || !(n >= 0 && n <= 1e300)) refuse(option, text, wanted);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (unit.empty() && n == 0) return 0;
    for (const auto& [name, factor] : units)
        if (unit == name) return n * factor;
    refuse(option, text, wanted);
}

inline double seconds(std::string_view option, std::string_view text) {
    return scaled(option, text, "a time such as 10us (ns, us, ms, s)",
                  {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}});
}

inline double bytes(std::string_view option, std::string_view text) {
    return scaled(option, text, "a size such as 512K (K, M, G, or plain bytes)",
                  {{"", 1}, {"K", 1024.}, {"M", 1048576.}, {"G", 1073741824.}});
}

inline bool yes_no(std::string_view option, std::string_view text) {
    if (text == "on" || text == "1" || text == "yes") return true;
    if (text == "off" || text == "0" || text == "no") return false;
    refuse(option, text, "on or off");
}

} // namespace parse

inline void check_size(const options& simulated) {
    if (std::uint64_t{simulated.processes} * simulated.pes > (1u << 24))
        parse::refuse("sim", std::to_string(simulated.processes) + "x" + std::to_string(simulated.pes),
                      "at most 16777216 PEs in all");
}

struct option {
    const char* name;
    const char* value; ///< what follows it; null: nothing (in the environment: on or off)
    const char* help;
    void (*set)(options&, std::string_view);
};

inline constexpr option known_options[] = {
    {"help", nullptr, "show these options and end",
     [](options& o, std::string_view v) { o.help = parse::yes_no("help", v); }},
    {"pes", "N", "PEs of each process, one thread each (default: one per core)",
     [](options& o, std::string_view v) {
         o.pes = parse::number<std::uint32_t>("pes", v, 1, 4096, "a number of PEs from 1 to 4096");
     }},
    {"alone", nullptr, "run alone, although mpirun or srun started several of this program: each runs all of it",
     [](options& o, std::string_view v) { o.alone = parse::yes_no("alone", v); }},
    {"prefix", nullptr, "begin every line that motet::print writes with the number of its process",
     [](options& o, std::string_view v) { o.prefix = parse::yes_no("prefix", v); }},
    {"shared-memory", "on|off|N",
     "processes of one machine hand packets to each other in memory, not over MPI (default on); N: only so many, "
     "as if the next ones were on another machine",
     [](options& o, std::string_view v) {
         static constexpr const char* wanted = "on, off, or a number of processes";
         if (v == "on" || v == "off")
             o.shared_memory = v == "on" ? options().shared_memory : 0;
         else
             o.shared_memory = parse::number<std::uint32_t>("shared-memory", v, 1, 1u << 20, wanted);
     }},
    {"stack", "SIZE", "stack of a fiber (default 8M: like a thread's)",
     [](options& o, std::string_view v) {
         const double size = parse::bytes("stack", v);
         if (size < 16384 || size > 1099511627776.) parse::refuse("stack", v, "16K to 1024G");
         o.stack = static_cast<std::size_t>(size);
     }},
    {"spin", "US", "microseconds that an idle PE looks for messages before it sleeps (default 50)",
     [](options& o, std::string_view v) {
         o.spin_us = parse::number<std::uint32_t>("spin", v, 0, 1000000, "0 to 1000000 microseconds");
     }},
    {"restart", "FOLDER", "go on from the checkpoint in this folder, in place of main",
     [](options& o, std::string_view v) {
         if (v.empty()) parse::refuse("restart", v, "the folder of a checkpoint");
         o.restart = v;
     }},
    {"checkpoint-period", "TIME", "time between two checkpoints of a program that writes them periodically",
     [](options& o, std::string_view v) { o.checkpoint_period = parse::seconds("checkpoint-period", v); }},
    {"balance", "STRATEGY",
     "balance every array: none, greedy, refine, rotate, random, communication, distributed, or a strategy that this "
     "program has by a name, such as metis or scotch (default: what the program says)",
     [](options& o, std::string_view v) {
         for (const char* known : {"none", "greedy", "refine", "rotate", "random", "communication", "distributed"})
             if (v == known) return void(o.balance = v);
         if (named_strategy::find(v) != nullptr) return void(o.balance = v);
         for (const char* other : {"metis", "scotch"})
             if (v == other)
                 throw error("--motet-balance " + std::string(v) + ": this program is built without it: include " +
                             "<motet/balance/" + other + ".hpp>, and link to motet::" + other);
         parse::refuse("balance", v, "none, greedy, refine, rotate, random, communication or distributed");
     }},
    {"balance-period", "TIME", "balance arrays again after so much time of work, such as 10s",
     [](options& o, std::string_view v) { o.balance_period = parse::seconds("balance-period", v); }},
    {"balance-report", nullptr, "tell after each balancing what it did",
     [](options& o, std::string_view v) { o.balance_report = parse::yes_no("balance-report", v); }},
    {"trace", "FILE", "write a timeline of the run, which ui.perfetto.dev and chrome://tracing open",
     [](options& o, std::string_view v) {
         if (v.empty()) parse::refuse("trace", v, "the name of a file");
         o.trace = v;
     }},
    {"trace-size", "SIZE", "memory of each PE for the newest part of its timeline (default 16M)",
     [](options& o, std::string_view v) {
         const double size = parse::bytes("trace-size", v);
         if (size < 32768 || size > 1099511627776.) parse::refuse("trace-size", v, "32K to 1024G");
         o.trace_size = static_cast<std::size_t>(size);
     }},
    {"stats", nullptr, "tell at the end what each entry method did: calls, time, messages, waits",
     [](options& o, std::string_view v) { o.stats = parse::yes_no("stats", v); }},
    {"script", nullptr, "listen for scripts of this user, on a socket that nobody else can reach",
     [](options& o, std::string_view v) { o.script = parse::yes_no("script", v); }},
    {"script-wait", nullptr, "the same, and begin when the first client has sent a request",
     [](options& o, std::string_view v) {
         o.script_wait = parse::yes_no("script-wait", v);
         o.script = o.script || o.script_wait;
     }},
    {"script-tcp", "[ADDRESS:]PORT",
     "listen there too (default address 127.0.0.1; port 0: any) for clients that own a key of --motet-script-key",
     [](options& o, std::string_view v) {
         static constexpr const char* wanted = "a port from 0 to 65535, perhaps after an address and a colon";
         const std::size_t colon = v.rfind(':');
         parse::number<std::uint32_t>("script-tcp", v.substr(colon + 1), 0, 65535, wanted);
         if (colon == 0) parse::refuse("script-tcp", v, wanted);
         o.script_tcp = v;
         o.script = true;
     }},
    {"script-key", "FILE", "keys of clients over TCP (default: a new one, beside the socket)",
     [](options& o, std::string_view v) {
         if (v.empty()) parse::refuse("script-key", v, "the name of a file");
         o.script_key = v;
     }},
    {"script-log", "FILE",
     "write what clients do to this file (default: ~/.local/state/motet/NAME.NUMBER.log; off: none)",
     [](options& o, std::string_view v) {
         if (v.empty()) parse::refuse("script-log", v, "the name of a file, or off");
         o.script_log = v;
     }},
    {"script-run", "FILE", "run this script at the start, in what its first line names (# motet: NAME)",
     [](options& o, std::string_view v) {
         if (v.empty()) parse::refuse("script-run", v, "the name of a file");
         o.script_run = v;
     }},
    {"script-limit", "TIME",
     "time that a script, or a hook at a message, may keep a PE without waiting, such as 60s (default 600s; 0: for "
     "ever)",
     [](options& o, std::string_view v) { o.script_limit = parse::seconds("script-limit", v); }},
    {"freeze-on", "WHAT",
     "with --motet-script: where the program would end by an error, a deadlock or either of them "
     "(error,deadlock) it stands still, to be looked at",
     [](options& o, std::string_view v) {
         o.freeze_on_error = o.freeze_on_deadlock = false;
         for (std::string_view rest = v; !rest.empty() || v.empty();) {
             const auto comma = std::min(rest.find(','), rest.size());
             const std::string_view each = rest.substr(0, comma);
             if (each == "error")
                 o.freeze_on_error = true;
             else if (each == "deadlock")
                 o.freeze_on_deadlock = true;
             else
                 parse::refuse("freeze-on", v, "error, deadlock, or error,deadlock");
             rest.remove_prefix(std::min(comma + 1, rest.size()));
         }
     }},
    {"freeze-hold", "TIME", "how long it does, such as 3600s; then it ends (default 600s)",
     [](options& o, std::string_view v) { o.freeze_hold = parse::seconds("freeze-hold", v); }},
    {"sim", "PxQ", "simulate P processes of Q PEs each on this thread, under a virtual clock",
     [](options& o, std::string_view v) {
         const auto x = v.find('x');
         if (x == std::string_view::npos) parse::refuse("sim", v, "processes x PEs, such as 64x16");
         o.simulated = true;
         const auto part = [&](std::string_view text, std::uint32_t most, const char* wanted) {
             std::uint32_t n = 0;
             const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
             if (failure != std::errc{} || end != text.data() + text.size() || n < 1 || n > most)
                 parse::refuse("sim", v, wanted);
             return n;
         };
         o.processes = part(v.substr(0, x), 1u << 20, "1 to 1048576 processes before the x");
         o.pes = part(v.substr(x + 1), 1u << 16, "1 to 65536 PEs after the x");
         check_size(o);
     }},
    {"seed", "N", "simulated: seed of every random choice (default 1)",
     [](options& o, std::string_view v) {
         o.seed = parse::number<std::uint64_t>("seed", v, 0, ~std::uint64_t{0}, "a whole number");
     }},
    {"sim-shuffle", "on|off", "simulated: messages due at the same time arrive in a random order (default on)",
     [](options& o, std::string_view v) { o.shuffle = parse::yes_no("sim-shuffle", v); }},
    {"sim-delay", "TIME", "simulated: every message is late by a random time up to this",
     [](options& o, std::string_view v) { o.delay = parse::seconds("sim-delay", v); }},
    {"sim-migrate", "CHANCE",
     "simulated: chance (0 to 1) that an array element moves to a random PE after each message",
     [](options& o, std::string_view v) {
         o.migrate = parse::number<double>("sim-migrate", v, 0, 1, "a chance from 0 to 1");
     }},
    {"sim-measure", nullptr, "simulated: the clock advances by measured compute time (such a run cannot be replayed)",
     [](options& o, std::string_view v) { o.measure = parse::yes_no("sim-measure", v); }},
    {"sim-table", "on|off", "simulated: the table at the end (default on)",
     [](options& o, std::string_view v) { o.table = parse::yes_no("sim-table", v); }},
    {"net-latency", "TIME", "simulated network: time from process to process",
     [](options& o, std::string_view v) { o.network.latency = parse::seconds("net-latency", v); }},
    {"net-overhead", "TIME", "simulated network: time a message takes of the sending PE",
     [](options& o, std::string_view v) { o.network.overhead = parse::seconds("net-overhead", v); }},
    {"net-gap", "TIME", "simulated network: least time between messages leaving a process",
     [](options& o, std::string_view v) { o.network.gap = parse::seconds("net-gap", v); }},
    {"net-bandwidth", "SIZE", "simulated network: bytes per second of a process, such as 10G",
     [](options& o, std::string_view v) { o.network.bandwidth = parse::bytes("net-bandwidth", v); }},
};

MOTET_INLINE std::string help_text() {
    std::string text = "Options of Motet (each also an environment variable: --motet-pes is MOTET_PES):\n";
    for (const option& o : known_options) {
        std::string left = "  --motet-" + std::string(o.name) + (o.value != nullptr ? " " + std::string(o.value) : "");
        left.resize(std::max<std::size_t>(left.size() + 2, 34), ' ');
        text += left + o.help + "\n";
    }
    return text;
}

inline std::string environment_name(std::string_view option) {
    std::string name = "MOTET_";
    for (const char c : option) name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return name;
}

MOTET_INLINE options take_options(std::vector<std::string>& arguments) {
    options result;
    for (const option& o : known_options)
        if (const char* value = std::getenv(environment_name(o.name).c_str())) {
            try {
                o.set(result, value);
            } catch (const error& problem) {
                throw error("the environment variable " + environment_name(o.name) + " stands for " + problem.what());
            }
        }
    std::vector<std::string> rest;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (i == 0 || argument.rfind("--motet-", 0) != 0) {
            rest.push_back(argument);
            continue;
        }
        const auto equals = argument.find('=');
        const std::string name = argument.substr(8, equals == std::string::npos ? equals : equals - 8);
        const option* found = nullptr;
        for (const option& o : known_options)
            if (name == o.name) found = &o;
        if (found == nullptr)
            throw error("unknown option " + argument.substr(0, equals) + ": --motet-help shows the options there are");
        if (name == "seed" || name.starts_with("sim-") || name.starts_with("net-")) result.of_simulation = name;
        if (found->value == nullptr) {
            found->set(result, equals == std::string::npos ? "on" : argument.substr(equals + 1));
        } else if (equals != std::string::npos) {
            found->set(result, argument.substr(equals + 1));
        } else if (++i < arguments.size()) {
            found->set(result, arguments[i]);
        } else {
            throw error(argument + " needs a value: " + found->value);
        }
    }
    arguments = std::move(rest);
    if (result.simulated) check_size(result); // --motet-pes may have come later
    return result;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::runtime
