// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/reflect/schema.hpp>
#include <motet/runtime/registry.hpp>
#include <motet/serial/serial.hpp>
#include <motet/variant.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

namespace checkpointing {

/// An object of the program, outside of all chares, that goes into checkpoints.
struct kept_object {
    void* object;
    std::vector<std::byte> (*save)(const void*);
    void (*load)(void*, const std::vector<std::byte>&);
    std::string (*schema)(); ///< what it is
};
/// By name. Of this operating-system process, as the objects themselves are.
inline std::map<std::string, kept_object>& kept_objects() {
    static std::map<std::string, kept_object> all;
    return all;
}

template <class T>
struct keeping {
    static std::vector<std::byte> save(const void* object) {
        const T& value = *static_cast<const T*>(object);
        if constexpr (serial::serializable<T>) {
            const serial::buffer bytes = serial::encode(value);
            return {bytes.bytes().begin(), bytes.bytes().end()};
        } else {
            std::ostringstream out;
            out << value;
            const std::string text = out.str();
            const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
            return {bytes.begin(), bytes.end()};
        }
    }
    static void load(void* object, const std::vector<std::byte>& bytes) {
        T& value = *static_cast<T*>(object);
        if constexpr (serial::serializable<T>) {
            serial::decode_into(bytes, value);
        } else {
            std::istringstream in(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
            if (!(in >> value)) throw error("its text cannot be read");
        }
    }
    static std::string schema() {
        if constexpr (serial::serializable<T>)
            return reflect::schema_of<T>();
        else
            return runtime::demangled(typeid(T).name());
    }
};

} // namespace checkpointing

/// Has this object, which lives as long as the program (a random generator, say), saved with checkpoints and restored
/// when a run restarts. To be called before motet::run, on every process, with names that differ. Each process has its
/// own; one that did not exist when the checkpoint was written keeps what it has. T is serializable, or has << and >>,
/// as the generators of <random> do.
template <class T>
void keep(const std::string& name, T& object) {
    static_assert(
        serial::serializable<T> || requires(std::ostream& out, std::istream& in, T& t) {
            out << t;
            in >> t;
        }, "motet: what is kept must be serializable, or have the operators << and >>");
    using how = checkpointing::keeping<T>;
    if (!checkpointing::kept_objects()
             .try_emplace(name, checkpointing::kept_object{&object, &how::save, &how::load, &how::schema})
             .second)
        throw error("motet::keep: there is something of the name \"" + name + "\" already");
}

} // namespace motet::inline MOTET_VARIANT
