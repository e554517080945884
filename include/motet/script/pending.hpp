// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/local.hpp>
#include <motet/script/call.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// What a script has asked of other chares and waits for, or will.
///
/// Python may drop what it holds at any time and on any thread: that is a shared pointer to plain data, and nothing
/// else. The table of the PE holds the other until the answer has come.
namespace motet::inline MOTET_VARIANT::script {

struct script_waiter : runtime::waiter {
    std::string what; ///< for reports
};

struct script_pending {
    runtime::pe* on = nullptr; ///< where the answer comes
    std::uint32_t missing = 1; ///< answers
    std::vector<script_outcome> outcomes;
    std::vector<script_waiter*> waiting;
    bool ready() const { return missing == 0; }
};

/// A message of a script may be part of a checkpoint, and answer after a restart, when nobody waits for it any more: so
/// the numbers by which answers are known begin anew with each restart, where no earlier run has been.
inline std::uint32_t restarts_of(runtime::pe& p) { return runtime::local_chares::of(p).futures.restarts(); }
inline std::uint64_t numbers_after(std::uint32_t restarts) { return std::uint64_t{restarts} << 40; }

/// What a PE knows of scripts.
struct pe_scripting final : runtime::upper_state {
    shared_names names = std::make_shared<const served_names>();
    std::map<std::uint64_t, std::shared_ptr<script_pending>> pending;
    std::uint64_t last;
    std::unique_ptr<runtime::upper_state> desk;
    std::unique_ptr<runtime::upper_state> threads; ///< of scripts that may wait (script_thread.hpp)

    static pe_scripting& of(runtime::pe& p) {
        return runtime::kept_as<pe_scripting>(p.scripting, numbers_after(restarts_of(p)));
    }
    explicit pe_scripting(std::uint64_t first) : last(first) {}
    void learn(const shared_names& more) {
        if (more && more->version > names->version) names = more;
    }
};

/// Where answers go.
struct pending_delivery {
    /// An answer of one chare, of many, or that something is done: kinds of addresses with the same number.
    static std::uint32_t one() { return runtime::registered<one_key, of_one>::id(); }
    static std::uint32_t many() { return runtime::registered<many_key, of_many>::id(); }
    static std::uint32_t done() { return runtime::registered<done_key, of_done>::id(); }

    static std::pair<std::shared_ptr<script_pending>, runtime::address> make(runtime::pe& p, std::uint32_t kind) {
        pe_scripting& here = pe_scripting::of(p);
        auto made = std::make_shared<script_pending>();
        made->on = &p;
        here.pending[++here.last] = made;
        return {std::move(made), {kind, p.number, {}, {here.last, 0}}};
    }
    static void give(runtime::pe& p, const runtime::address& to, std::vector<script_outcome> outcomes);

private:
    static void give_one(runtime::pe& p, const runtime::address& to, void* value) {
        std::vector<script_outcome> all;
        all.push_back(std::move(*static_cast<script_outcome*>(value)));
        give(p, to, std::move(all));
    }
    static void give_many(runtime::pe& p, const runtime::address& to, void* value) {
        give(p, to, std::move(*static_cast<std::vector<script_outcome>*>(value)));
    }
    static void give_done(runtime::pe& p, const runtime::address& to, void*) { give(p, to, {}); }
    static void fail(runtime::pe& p, const runtime::address& to, runtime::failure&& why) {
        std::vector<script_outcome> all;
        all.push_back(outcome_of_failure(why));
        give(p, to, std::move(all));
    }
    struct one_key {};
    struct many_key {};
    struct done_key {};
    static inline const runtime::delivery of_one{&give_one, &fail};
    static inline const runtime::delivery of_many{&give_many, &fail};
    static inline const runtime::delivery of_done{&give_done, &fail};
};

/// A new list of names, on its way down the tree of PEs.
MOTET_INLINE void learn_names(runtime::pe& p, shared_names names);

#if MOTET_BODIES

MOTET_INLINE shared_names known_names(runtime::pe& p) { return pe_scripting::of(p).names; }

MOTET_INLINE void learn_names(runtime::pe& p, shared_names names) {
    pe_scripting::of(p).learn(names);
    runtime::tree(p, 0).for_each_child(p.number,
                                       [&](runtime::pe_number child) { runtime::post<&learn_names>(p, child, names); });
}

inline void take_pending(runtime::pe& p, std::uint64_t number, std::vector<script_outcome> outcomes) {
    auto& all = pe_scripting::of(p).pending;
    const auto found = all.find(number);
    if (found == all.end()) return; // it has failed before
    script_pending& here = *found->second;
    bool failed = false;
    for (script_outcome& each : outcomes) {
        failed = failed || each.failed();
        here.outcomes.push_back(std::move(each));
    }
    here.missing = failed ? 0 : here.missing - 1;
    if (!here.ready()) return;
    for (script_waiter* w : std::exchange(here.waiting, {})) p.make_ready(*w);
    all.erase(found);
}

MOTET_INLINE void pending_delivery::give(runtime::pe& p, const runtime::address& to,
                                         std::vector<script_outcome> outcomes) {
    runtime::do_at<&take_pending>(p, to.pe, to.index.low, std::move(outcomes));
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::script
