// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/collection_type.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

/// What scripts and clients reach by name.
///
/// The desk on PE 0 makes a new list for each name that is served, and sends it down the tree of PEs. A list also goes
/// along with every script and every request of a script, so that a script never knows less than who sent it.
namespace motet::inline MOTET_VARIANT::script {

/// A collection, or a single chare, under the name that clients use.
struct served {
    std::string name;
    std::uint32_t opened = 0; ///< registered opened_type
    runtime::collection_id collection;
    runtime::collection_kind kind = runtime::collection_kind::single;
    runtime::index_bits single;     ///< of a single chare
    std::string type;               ///< of the chares, for people
    std::uint32_t chares = 0;       ///< registered collection_type
    std::string kind_text() const { ///< for people
        return kind == runtime::collection_kind::single       ? "chare"
               : kind == runtime::collection_kind::group      ? "group"
               : kind == runtime::collection_kind::node_group ? "node group"
                                                              : "array";
    }
    const runtime::collection_type& type_of_chares() const {
        return runtime::registry::get<runtime::collection_type>(chares);
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(name, opened, collection.root, collection.serial, kind, single.low, single.high, type, chares);
    }
};

struct served_names {
    std::uint64_t version = 0; ///< grows with each name
    std::map<std::string, served> all;
};
using shared_names = std::shared_ptr<const served_names>;

} // namespace motet::inline MOTET_VARIANT::script
