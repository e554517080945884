// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/checkpoint/file.hpp>
#include <motet/checkpoint/image.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

/// The folder of a checkpoint, and its manifest: what is one for the whole run.
namespace motet::inline MOTET_VARIANT::checkpointing {

#if MOTET_BODIES

/// A value of program data, which every process has.
struct saved_constant {
    std::uint32_t type = 0; ///< registered constant_type
    std::vector<serial::named_field> fields;
    std::vector<std::byte> value;
};

struct saved_collection {
    collection_info info; ///< without its prototype
    std::string name;     ///< of the chare's type
    std::vector<serial::named_field> fields;
    std::vector<std::byte> prototype;
    std::string map_schema;
    std::uint32_t strategy = 0; ///< that the program has chosen
    double period = 0;
    bool points = false; ///< its elements wait for each other at balancing points
};

struct manifest {
    std::uint64_t generation = 0;
    std::uint32_t epoch = 0;   ///< how many restarts there were
    std::uint64_t futures = 0; ///< the first generation of futures that is free on every PE
    pe_number pes = 0;
    pe_number width = 0; ///< PEs of each process
    bool keeps = false;  ///< there are objects of the program outside of chares
    std::vector<saved_collection> collections;
    std::vector<saved_summary> summaries;
    std::vector<saved_constant> constants;
    address target;
    std::vector<address> waiting; ///< for quiescence
    creation_counts created;      ///< the last numbers that any PE gave
};

// The folder.

inline std::string generation_folder(const std::string& path, std::uint64_t generation) {
    return path + "/" + std::to_string(generation);
}

/// The file of a PE.
inline std::string part_file(const std::string& folder, pe_number number) {
    return folder + "/part." + std::to_string(number);
}

/// The number of the newest checkpoint in a folder; 0: there is none.
inline std::uint64_t newest_generation(const std::string& path) {
    std::ifstream in(path + "/newest");
    std::uint64_t number = 0;
    return in >> number ? number : 0;
}

inline bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 19 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Whether a file of this name belongs to a checkpoint, finished or not.
inline bool is_file_of_checkpoint(std::string_view name) {
    if (name.ends_with(".new")) name.remove_suffix(4);
    return name == "manifest" || (name.starts_with("part.") && is_number(name.substr(5)));
}

/// Removes the files of a checkpoint, and their folder if there is nothing else in it: it may be somebody else's.
inline void remove_generation(const std::string& folder) {
    for (const std::string& name : names_in(folder))
        if (is_file_of_checkpoint(name)) ::unlink(fmt::format("{}/{}", folder, name).c_str());
    ::rmdir(folder.c_str());
}

/// Removes all checkpoints from the folder but one.
inline void remove_others(const std::string& path, std::uint64_t kept) {
    for (const std::string& name : names_in(path))
        if (is_number(name) && name != std::to_string(kept)) remove_generation(fmt::format("{}/{}", path, name));
}

/// Makes the folder for the next checkpoint. Throws `error`. No whole checkpoint is removed before that is published:
/// `newest` may be damaged.
inline std::uint64_t begin_generation(const std::string& path) {
    make_folders(path);
    std::uint64_t last = newest_generation(path);
    for (const std::string& name : names_in(path)) {
        if (!is_number(name)) continue;
        if (::access(fmt::format("{}/{}/manifest", path, name).c_str(), F_OK) == 0)
            last = std::max<std::uint64_t>(last, std::strtoull(name.c_str(), nullptr, 10));
        else
            remove_generation(fmt::format("{}/{}", path, name)); // what a killed process has left
    }
    make_folders(generation_folder(path, last + 1));
    return last + 1;
}

/// Tells the files of one checkpoint from those of any other.
inline std::uint64_t number_of_cut() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device() | 1;
}

inline void abandon_generation(const std::string& path, std::uint64_t generation) {
    if (generation != 0 && newest_generation(path) != generation)
        remove_generation(generation_folder(path, generation));
}

/// What is registered, by number. Schemas are known where processes compare them.
inline std::vector<serial::named_field> registered_items() {
    std::vector<serial::named_field> items(1);
    registry::instance().for_each([&](const char* name, const std::string& schema) {
        items.push_back({demangled(name), schema});
    });
    return items;
}

/// Makes this the newest checkpoint.
inline void publish(const std::string& path, std::uint64_t generation, std::uint64_t cut, const manifest& all) {
    const std::string folder = generation_folder(path, generation);
    record_writer described(folder + "/manifest", cut);
    described.put(serial::encode(registered_items()));
    described.put(serial::encode(all));
    described.finish();
    sync_folder(folder);
    const std::string temporary = path + "/newest.new";
    {
        const descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        const std::string text = std::to_string(generation) + "\n";
        if (file.fd < 0) fail_with_errno("opening", temporary);
        write_all(file.fd, text.data(), text.size(), temporary);
        if (::fsync(file.fd) != 0) fail_with_errno("syncing", temporary);
    }
    if (::rename(temporary.c_str(), (path + "/newest").c_str()) != 0) fail_with_errno("renaming", temporary);
    sync_folder(path);
    remove_others(path, generation);
}

/// Of what the map of a collection keeps; empty where there is none, or it keeps nothing.
inline std::string schema_of_map(const collection_info& info) {
    const auto schema = info.map != 0 ? registry::get<map_type>(info.map).schema : nullptr;
    return schema != nullptr ? schema() : std::string();
}

/// The whole run, at PE 0, which has been told `summaries` of all collections.
inline manifest describe_run(pe& p, const address& target, const std::vector<saved_summary>& summaries) {
    manifest all;
    all.pes = p.job.pe_total();
    all.width = p.home.pe_count;
    all.target = target;
    all.waiting = p.watch->wanted;
    all.summaries = summaries;
    local_chares& here = local_chares::of(p);
    for (const saved_summary& each : summaries) here.find(p, each.id); // single chares of types that PE 0 has none of
    all.epoch = here.futures.restarts();
    for (auto& [bits, c] : here.parts) {
        if (!c->type->saved) continue;
        saved_collection saved;
        const collection_info& info = *c->info;
        saved.info.id = info.id, saved.info.type = info.type, saved.info.kind = info.kind;
        saved.info.dense = info.dense, saved.info.on_demand = info.on_demand, saved.info.linear = info.linear;
        saved.info.total = info.total, saved.info.extent = info.extent, saved.info.map = info.map;
        serial::decode_into(serial::encode(info.map_state).bytes(), saved.info.map_state);
        saved.map_schema = schema_of_map(info);
        saved.name = c->type->name();
        saved.fields = c->type->fields();
        if (info.prototype) {
            serial::writer out;
            c->type->save(c->type->prototype(info.prototype), out);
            saved.prototype = out.to_vector();
        }
        if (c->balancing) {
            saved.strategy = balancing_state::of(*c).strategy;
            saved.period = balancing_state::of(*c).period;
        }
        saved.points = info.kind == collection_kind::array && waits_at_points(p, *c);
        all.collections.push_back(std::move(saved));
    }
    for (const auto& [name, constant] : p.home.readonly) {
        serial::writer out;
        const auto& type = registry::get<constant_type>(constant.type);
        type.save(constant.value.get(), out);
        all.constants.push_back({constant.type, type.fields(), out.to_vector()});
    }
    return all;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::checkpointing
