// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/local.hpp>
#include <motet/script/control.hpp>
#include <motet/script/lent.hpp>
#include <motet/script/open.hpp>
#include <motet/script/python_value.hpp>
#include <motet/script/request.hpp>

#if MOTET_BODIES

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// What a script leaves behind for the next one: its variables.
namespace motet::inline MOTET_VARIANT::script {

/// The variables of scripts of one handle in one chare, and how they look into it.
struct [[gnu::visibility("hidden")]] space {
    explicit space(std::shared_ptr<scope> into, std::uint64_t born = 0) : chare(std::move(into)), birth(born) {}

    std::shared_ptr<scope> chare;
    std::uint64_t birth; ///< of the chare: one that comes after it under the same index does not find its variables
    py::dict variables;
    bool used = false; ///< a script runs with them
};

/// What the atomic script that runs on a PE has for the program's own output.
inline std::string& held_lines(runtime::pe& p);

/// The message at which a hook runs.
struct hook_call {
    runtime::message& m;
    std::shared_ptr<scope> arguments = {}; ///< once the hook has asked for them
};

/// A script that runs: what `print` and the module `ck` refer to.
struct [[gnu::visibility("hidden")]] running_script {
    running_script(runtime::pe& on, runtime::part& of, runtime::element_header& in, space& with)
        : p(on), c(of), e(in), variables(with) {}
    running_script(const running_script&) = delete;
    running_script& operator=(const running_script&) = delete;

    runtime::pe& p;
    runtime::part& c;
    runtime::element_header& e;
    space& variables;
    std::span<const script_method> methods; ///< that it may call
    hook_call* hook = nullptr;              ///< it is a hook
    bool high_level = false;
    bool atomic = false;
    /// Whether it has a thread of its own, to wait on.
    bool may_wait() const { return high_level && !atomic && !p.job.options.embedded; }
    bool ending = false; ///< the run is over, and the script is being unwound
    bool keep_print = true;
    std::uint32_t handle = 0; ///< whose output the desk keeps; 0: it goes with the outcome
    output_ring output;
    watched_script watched;

    void print(std::string_view text) {
        if (!keep_print) return;
        if (handle == 0)
            output.add(text);
        else
            script_control::of(p.job).output.add(handle, text);
    }

    /// The script that the calling thread runs; null if it runs none.
    [[gnu::noinline]] static running_script*& current() {
        static thread_local constinit running_script* slot = nullptr;
        asm volatile("");
        return slot;
    }
};

/// sys.stdout and sys.stderr as all scripts have them (ck.hpp).
inline std::array<PyObject*, 2>& own_streams() {
    static std::array<PyObject*, 2> both{}; // Python is never ended
    return both;
}
/// What a script has put in their place goes with it: there is one of each in a process.
inline void restore_streams() {
    for (const auto& [name, own] : {std::pair("stdout", own_streams()[0]), std::pair("stderr", own_streams()[1])})
        if (PySys_GetObject(name) != own) PySys_SetObject(name, own);
}

/// The script that the caller is part of; raises RuntimeError where there is none.
inline running_script& this_script(const char* what) {
    running_script* const found = running_script::current();
    if (found == nullptr)
        raise(PyExc_RuntimeError, std::string(what) + " belongs to a script that runs in a chare, and the caller (a "
                                                      "thread of its own?) is no part of one");
    return *found;
}

/// The spaces of a process. Python's lock guards it.
struct [[gnu::visibility("hidden")]] script_host final : runtime::machine_state {
    using key = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t>;
    std::map<key, std::shared_ptr<space>> spaces;
    /// Python's own names, and what is served under others; proxies.hpp keeps them up to date.
    py::dict builtins;
    py::dict served; ///< by name, all of it
    std::uint64_t version = 0;
    bool prepared = false;

    ~script_host() override {
        const gil lock;
        for (auto& [name, each] : spaces) each->chare->close();
        spaces.clear();
        builtins.release().dec_ref();
        served.release().dec_ref();
    }
    static script_host& of(runtime::process& home) { return runtime::kept_as<script_host>(home.scripting); }
    static key key_of(std::uint32_t handle, const runtime::part& c, const runtime::element_header& e) {
        return {handle, c.info->id.bits(), e.index.high, e.index.low};
    }
    static std::uint64_t birth_of(const runtime::element_header& e) {
        return e.version >> runtime::version_bits_of_moves;
    }
    /// Nobody asks for the variables of that handle any more. They may lie here of chares that have moved, or are gone.
    void forget(std::uint32_t handle) {
        std::vector<std::shared_ptr<space>> gone; // what goes may run Python, which may come back here
        const auto first = spaces.lower_bound({handle, 0, 0, 0});
        auto last = first;
        for (; last != spaces.end() && std::get<0>(last->first) == handle; ++last) gone.push_back(last->second);
        spaces.erase(first, last);
    }
};

} // namespace motet::inline MOTET_VARIANT::script

#endif // MOTET_BODIES
