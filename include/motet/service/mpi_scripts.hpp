// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/net/mpi.hpp>
#include <motet/service/told_object.hpp>
#if MOTET_BODIES
#include <motet/chare/run.hpp>
#include <motet/runtime/embedded.hpp>
#include <motet/script/debug.hpp>
#include <motet/script/run_here.hpp>
#include <motet/script/serve.hpp>
#include <motet/service/listener.hpp>
#include <motet/service/poll_rounds.hpp>
#endif

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

namespace service {

/// What stands behind mpi_scripts where scripts are on.
class mpi_host;
struct mpi_host_end {
    void operator()(mpi_host*) const;
};

} // namespace service

/// Python scripts inside a plain MPI program, without chares.
///
/// They are on where MOTET_SCRIPT=1 stands in the environment of rank 0 (MOTET_SCRIPT_WAIT=1: the first poll waits for
/// a client); else this does nothing, at the cost of one broadcast at the start. Clients are those of every Motet
/// program: motet ls, motet run, motet.connect().
///
/// Everything works on communicators of its own, on the thread that calls: MPI_THREAD_SINGLE is enough.
class mpi_scripts {
public:
    /// Over the processes of `among`, all of which call it, after MPI_Init. Throws motet::error on all of them where
    /// scripts are on and something is wrong on one.
    explicit mpi_scripts(MPI_Comm among);
    mpi_scripts(const mpi_scripts&) = delete;
    mpi_scripts& operator=(const mpi_scripts&) = delete;
    /// Closes it, if MPI_Finalize has not done so. Collective.
    ~mpi_scripts();

    /// Opens a struct of this rank, which has MOTET_SCRIPT, to scripts under a name. All ranks do so, each with its
    /// own object, in the same order. It is referred to and must live until it is withdrawn.
    template <class T>
        requires script::opened_to_scripts<T>
    void serve(T& object, std::string name) {
        if (on()) lend(std::move(name), script::lent_object::of(object), reflect::short_type_name<T>);
    }
    /// The same of what is told by name: serve(*this, "solver").value("dt", dt).array("u", u, {ny, nx}), in a member
    /// function of a class with private members.
    template <class T>
    [[nodiscard("tell what scripts see of it: .value(...), .array(...); or write MOTET_SCRIPT(T, methods...) after the "
                "struct")]] told_object<T>
    serve(T& object, std::string name) {
        return told_object<T>(tell(std::move(name), &object, reflect::short_type_name<T>));
    }
    /// The same of variables and arrays that belong to no object.
    [[nodiscard("tell what scripts see: .value(...), .array(...)")]] told_object<void> serve(std::string name) {
        return told_object<void>(tell(std::move(name), nullptr, "variables"));
    }
    /// It is not there for scripts any more. All ranks do so.
    void withdraw(const std::string& name);

    /// Called by every rank equally often, now and then: at each time step, say. Where a client has asked for a script,
    /// it runs here, at the same poll on all ranks; else it returns at once. `poll_rounds.hpp` says how that is
    /// agreed.
    void poll() {
        if (++count == gate) [[unlikely]]
            at_gate();
    }
    /// How many polls there have been on this rank.
    std::uint64_t polls() const { return count; }
    /// Whether scripts are on.
    bool on() const { return host != nullptr; }
    /// Ends it before the destructor does. Collective. MPI_Finalize does so too.
    void close();

private:
    void lend(std::string name, script::lent_object what, std::string_view type);
    script::told_members* tell(std::string name, void* object, std::string_view type);
    void at_gate();
    void keep_until_finalize();

    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t count = 0;
    std::uint64_t gate = never;
    std::unique_ptr<service::mpi_host, service::mpi_host_end> host;
    int key = MPI_KEYVAL_INVALID; ///< of the attribute by which MPI_Finalize tells us
};

#if MOTET_BODIES

namespace service {

class mpi_host {
public:
    mpi_host(MPI_Comm among, runtime::options chosen, std::string program)
        : group(among), rounds(group),
          machine((chosen.within = group, std::move(chosen)), {std::move(program)}, &runtime::equip) {
        if (machine.here().number == 0) door = runtime::machine::listen(machine.here().job);
        rounds.leave_gate(machine.here().job.options.script_wait);
    }

    struct lent {
        std::string name;
        std::unique_ptr<script::told_members> members;
    };

    script::desk& desk() { return script::desk::of(machine.here()); }
    /// On rank 0: somebody has asked for something.
    bool asked() {
        runtime::pe& p = machine.here();
        return door != nullptr &&
               (!p.incoming.empty() || !p.nothing_queued() || desk().busy() || script::is_stepping(p));
    }
    void lend(std::string name, script::lent_object what, std::string_view type,
              std::unique_ptr<script::told_members> members);
    void withdraw(const std::string& name);
    void check_names();
    /// What has been asked for is done, on all ranks. Step 4 of poll_rounds.hpp. False if that failed.
    bool run_scripts();

    net::communicator group;
    poll_rounds rounds;
    runtime::embedded_machine machine;
    std::unique_ptr<runtime::machine_state> door; ///< listens, on rank 0
    std::vector<lent> all;                        ///< what is open now
    std::uint32_t serial = 1u << 31;              ///< apart from those of collections that are created

private:
    static constexpr double patience = 1e-3;      ///< for the next request, when one has been answered; in seconds
    static constexpr double longest_stop = 10e-3; ///< after which no further one is taken at the same poll
    std::string refused;
};

MOTET_INLINE void mpi_host_end::operator()(mpi_host* host) const { delete host; }

inline void mpi_host::lend(std::string name, script::lent_object what, std::string_view type,
                           std::unique_ptr<script::told_members> members) {
    if (name == script::program_name)
        throw error("motet::mpi_scripts::serve: the name 'main' is that of the program itself; take another one");
    runtime::pe& p = machine.here();
    const auto id = script::lend_object(p, ++serial, what);
    std::erase_if(all, [&](const lent& each) { return each.name == name; });
    all.push_back({name, std::move(members)});
    if (p.number != 0) return;
    p.enter(); // a script may wait for it (--motet-script-run)
    desk().serve(p, {std::move(name),
                     script::opened_lent(),
                     id,
                     runtime::collection_kind::group,
                     {},
                     std::string(type),
                     script::lent_chares()});
    runtime::pe::current_slot() = nullptr;
}

inline void mpi_host::withdraw(const std::string& name) {
    std::erase_if(all, [&](const lent& each) { return each.name == name; });
    if (machine.here().number != 0) return;
    machine.here().enter();
    desk().withdraw(machine.here(), name);
    runtime::pe::current_slot() = nullptr;
}

/// All ranks must have opened the same: else a script would wait for ever for one that has not.
inline void mpi_host::check_names() {
    std::string own;
    for (const lent& each : all) own += (own.empty() ? "" : ", ") + each.name;
    own += " (" + std::to_string(serial - (1u << 31)) + " calls of serve)";
    const runtime::agreement among(group);
    const auto hash = static_cast<std::int64_t>(reflect::fnv_1a(own));
    refused.clear();
    if (among.least(hash) != among.most(hash)) {
        const std::string first = among.from(0, own);
        const int other = among.first_that(own != first);
        refused = "the ranks of this program have opened different things to scripts: rank 0 " + first + ", rank " +
                  std::to_string(other) + " " + among.from(other, own) + ". All are to call serve in the same order";
    }
    if (group.rank == 0) desk().refuse_all(refused);
}

inline bool mpi_host::run_scripts() {
    check_names();
    double idle_since = -1;
    const double begun = machine.here().now();
    return machine.run([&](runtime::pe& p) {
        if (script::passes_poll(p)) return true;
        if (p.frozen || p.halted || script::has_orders(p) || desk().busy() ||
            (p.job.options.script_wait && !desk().has_served())) {
            idle_since = -1;
            return false;
        }
        if (idle_since < 0) idle_since = p.now();
        return p.now() - idle_since > patience || p.now() - begun > longest_stop;
    });
}

/// The name of the program, for clients.
inline std::string program_name() {
    const std::string path = runtime::executable();
    return path.substr(0, path.rfind(" on "));
}

} // namespace service

MOTET_INLINE mpi_scripts::mpi_scripts(MPI_Comm among) {
    int rank = 0;
    MPI_Comm_rank(among, &rank);
    std::vector<std::string> arguments{service::program_name()};
    runtime::options chosen;
    std::string problem; // what rank 0 is told counts: launchers do not hand the environment to all
    try {
        chosen = runtime::take_options(arguments);
    } catch (const error& e) {
        problem = e.what();
    }
    double said[4] = {chosen.script || !chosen.script_run.empty() ? 1.0 : 0.0, chosen.script_wait ? 1.0 : 0.0,
                      problem.empty() ? 0.0 : 1.0, chosen.script_limit};
    net::check(MPI_Bcast(said, 4, MPI_DOUBLE, 0, among), "MPI_Bcast");
    if (said[2] != 0) throw error(rank == 0 ? problem : "the environment of rank 0 is not right: see what that says");
    if (said[0] == 0) return;
    if (rank != 0) chosen.script = true;
    chosen.script_wait = said[1] != 0;
    chosen.script_limit = said[3];
    host.reset(new service::mpi_host(among, std::move(chosen), arguments[0]));
    gate = 1;
    keep_until_finalize();
}

MOTET_INLINE mpi_scripts::~mpi_scripts() {
    int over = 0;
    MPI_Finalized(&over);
    if (over != 0) return;
    close();
}

/// MPI_Finalize deletes the attributes of MPI_COMM_SELF before anything else (MPI standard, 11.2.4).
MOTET_INLINE void mpi_scripts::keep_until_finalize() {
    MPI_Comm_create_keyval(
        MPI_COMM_NULL_COPY_FN,
        [](MPI_Comm, int, void* scripts, void*) {
            static_cast<mpi_scripts*>(scripts)->key = MPI_KEYVAL_INVALID;
            static_cast<mpi_scripts*>(scripts)->close();
            return MPI_SUCCESS;
        },
        &key, nullptr);
    MPI_Comm_set_attr(MPI_COMM_SELF, key, this);
}

MOTET_INLINE void mpi_scripts::close() {
    if (key != MPI_KEYVAL_INVALID) {
        MPI_Comm_delete_attr(MPI_COMM_SELF, key); // calls this again
        return;
    }
    if (!host) return;
    gate = never;
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    host->rounds.finish(count, least, most);
    if (least != most && host->group.rank == 0)
        std::fprintf(
            stderr, "motet: warning: the ranks polled for scripts %llu to %llu times: all are to do so equally often\n",
            static_cast<unsigned long long>(least), static_cast<unsigned long long>(most));
    host->door.reset();
    host.reset();
}

MOTET_INLINE void mpi_scripts::at_gate() {
    std::uint32_t next = 0;
    const bool run = host->rounds.enter_gate(next);
    host->machine.here().job.polls = count;
    if (run && !host->run_scripts()) {
        const std::string why = host->machine.here().job.failure;
        if (host->group.rank == 0) std::fprintf(stderr, "motet: error: scripts have ended: %s\n", why.c_str());
        gate = never;
        host->rounds.leave_gate(false);
        host->door.reset();
        return;
    }
    host->rounds.leave_gate(host->asked());
    gate = count + next;
}

MOTET_INLINE void mpi_scripts::lend(std::string name, script::lent_object what, std::string_view type) {
    host->lend(std::move(name), what, type, nullptr);
}

MOTET_INLINE script::told_members* mpi_scripts::tell(std::string name, void* object, std::string_view type) {
    if (!on()) return nullptr;
    auto members = std::make_unique<script::told_members>();
    script::told_members* const told = members.get();
    told->object = object;
    told->type_name = type;
    host->lend(std::move(name), told->lent(), type, std::move(members));
    return told;
}

MOTET_INLINE void mpi_scripts::withdraw(const std::string& name) {
    if (on()) host->withdraw(name);
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT
