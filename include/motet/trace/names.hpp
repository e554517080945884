// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/entry.hpp>
#include <motet/runtime/call.hpp>
#include <motet/runtime/launch.hpp>
#include <motet/runtime/payload.hpp>
#include <motet/runtime/registry.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace motet::inline MOTET_VARIANT::trace {

#if MOTET_BODIES

/// How what runs is called for readers, and whether it is the program's or a step of the runtime.
struct name_of_entry {
    std::string text;
    bool of_runtime = false;
    bool known = false;
};

/// The names of entries, each made once.
class entry_names {
public:
    /// `type`: a registered id; 0: a hook.
    const name_of_entry& operator[](std::uint32_t type) {
        if (type >= known.size()) known.resize(std::size_t{type} + 1);
        name_of_entry& name = known[type];
        if (!name.known) name = make(type);
        return name;
    }

private:
    static name_of_entry make(std::uint32_t type) {
        if (type == 0) return {"a hook", false, true};
        const auto& what = runtime::registry::get<runtime::message_type>(type);
        if (what.run == runtime::call<&runtime::run_main>::operations.run) return {"main", false, true};
        if (what.is_method()) return {what.name(), false, true};
        std::string text = runtime::method_name(what.name()); // "motet::runtime::call<&motet::runtime::wave_down>"
        for (const std::string within : {"motet::", "runtime::"})
            if (text.starts_with(within)) text.erase(0, within.size());
        return {text, true, true};
    }

    std::vector<name_of_entry> known;
};

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::trace
