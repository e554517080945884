// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/error.hpp>
#include <motet/reflect/fnv.hpp>
#include <motet/runtime/identity.hpp>
#ifdef MOTET_WITH_MPI
#include <motet/reflect/schema.hpp>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <mutex>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

/// What can be named in a message: entry methods, system calls, reducers, types of prototypes. Each registers itself
/// before main under the name of its type; `seal` gives dense numbers in the order of names, the same on every process.
namespace motet::inline MOTET_VARIANT::runtime {

/// The readable form of a mangled type name.
MOTET_INLINE std::string demangled(const char* name);

#if MOTET_BODIES
MOTET_INLINE std::string demangled(const char* name) {
    int status = 0;
    char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
    std::string result = status == 0 ? text : name;
    std::free(text);
    // The namespace of the build variant says nothing to anybody, nor what the library's functions of strings bear.
    static constexpr std::pair<std::string_view, std::string_view> replaced[] = {
        {"variant_threads::", ""},
        {"variant_mpi_script::", ""},
        {"variant_mpi::", ""},
        {"variant_script::", ""},
        {"[abi:cxx11]", ""},
        {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"}};
    for (const auto& [from, to] : replaced)
        for (std::size_t at = 0; (at = result.find(from, at)) != std::string::npos; at += to.size())
            result.replace(at, from.size(), to);
    return result;
}
#endif // MOTET_BODIES

class registry {
public:
    struct item {
        const char* name;
        const void* operations;
        std::uint32_t* number;
        std::string (*schema)();    ///< of what travels under this name; null: the name says all
        const std::type_info* kind; ///< the type of its operations
    };

    ~registry();
    static registry& instance();
    template <class Operations>
    void add(const char* name, const Operations* operations, std::uint32_t* number, std::string (*schema)() = nullptr) {
        add_item({name, operations, number, schema, &typeid(Operations)});
    }
    /// Numbers the items. Throws `error` where one name stands for two things. Runs may begin on several threads.
    void seal();
    template <class Operations>
    const Operations& at(std::uint32_t number) const {
        return *static_cast<const Operations*>(table[number]);
    }
    /// The same of the one registry there is outside of tests: every message looks there.
    template <class Operations>
    static const Operations& get(std::uint32_t number) {
        return *static_cast<const Operations*>(numbered[number]);
    }
    /// What the number of another program, whose state is being read, stands for in this one; 0: nothing. Without a
    /// translation it is the same.
    static std::uint32_t translated(std::uint32_t number) {
        if (translation == nullptr) [[likely]]
            return number;
        return number < translation->size() ? (*translation)[number] : 0;
    }
    /// Set while a checkpoint is read, before the PEs run, on the thread that reads it: others may have runs of their
    /// own.
    static inline thread_local constinit const std::vector<std::uint32_t>* translation = nullptr;

    bool knows(std::uint32_t number) const { return number > 0 && number < table.size(); }
    /// Whether the number, which may have come from anywhere, is that of something with such operations.
    template <class Operations>
    bool is(std::uint32_t number) const {
        if (!knows(number)) return false;
        const std::type_info* const kind = items[number - 1].kind;
        return kind == &typeid(Operations) || *kind == typeid(Operations); // a shared library may have another of it
    }
    const char* name(std::uint32_t number) const { return items[number - 1].name; }
    /// Differs where names or schemas do.
    std::uint64_t fingerprint() const { return fingerprint_value; }
    /// Calls f(name, schema) in the order of names; the schema of what has none is empty.
    template <class F>
    void for_each(F&& f) const {
        for (const item& i : items) f(i.name, i.schema != nullptr ? i.schema() : std::string());
    }

private:
    void add_item(const item& more);

    std::vector<item> items;
    std::vector<const void*> table;
    static inline const void* const* numbered = nullptr; ///< the table of instance(), once it is sealed
    std::uint64_t fingerprint_value = 0;
    bool sealed = false;
    std::mutex sealing;
};

#if MOTET_BODIES
MOTET_INLINE registry::~registry() = default;
MOTET_INLINE registry& registry::instance() {
    static registry all;
    return all;
}
MOTET_INLINE void registry::add_item(const item& more) {
    items.push_back(more);
    sealed = false;
}
MOTET_INLINE void registry::seal() {
    const std::lock_guard lock(sealing);
    if (sealed) return;
    std::sort(items.begin(), items.end(), [](const item& a, const item& b) { return std::strcmp(a.name, b.name) < 0; });
    table.assign(items.size() + 1, nullptr);
    fingerprint_value = reflect::fnv_begin;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0 && std::strcmp(items[i].name, items[i - 1].name) == 0)
            throw error("two entries have the same name, " + demangled(items[i].name) +
                        ": it stands in an anonymous namespace (or is local) in two source files. Give one of the "
                        "two types another name, or put it into a named namespace.");
        table[i + 1] = items[i].operations;
        *items[i].number = static_cast<std::uint32_t>(i + 1);
        fingerprint_value = reflect::fnv_1a(items[i].name, fingerprint_value);
        if (items[i].schema != nullptr) fingerprint_value = reflect::fnv_1a(items[i].schema(), fingerprint_value);
    }
    if (this == &instance()) numbered = table.data();
    sealed = true;
}
#endif // MOTET_BODIES

/// Names that were read mean the same in this program.
inline void translate(collection_id& id) {
    if (id.root == singles_root) id.serial = registry::translated(id.serial);
}
inline void translate(address& to) {
    to.how = registry::translated(to.how);
    translate(to.collection);
}
template <class Archive>
void address::serialize(Archive& archive) {
    archive(how, pe, collection.root, collection.serial, index.low, index.high);
    if constexpr (!Archive::is_writing) translate(*this);
}

/// `registered<Key, Operations>::number` is the number of `Operations`, known under the name of the type `Key`.
template <class Key, const auto& Operations>
struct registered {
    static std::uint32_t id() {
        (void)&registration; // instantiates it, hence registers before main
        return number;
    }

private:
    struct registrar {
        registrar() { registry::instance().add(typeid(Key).name(), &Operations, &number, schema()); }
    };
    /// Only processes that exchange messages compare schemas.
    static constexpr auto schema() -> std::string (*)() {
#ifdef MOTET_WITH_MPI
        if constexpr (requires { Operations.describe; })
            return [] {
                return Operations.describe != nullptr ? reflect::schema_of(Operations.describe()) : std::string();
            };
        else
            return nullptr;
#else
        return nullptr;
#endif
    }
    static inline std::uint32_t number = 0;
    static inline registrar registration;
};

} // namespace motet::inline MOTET_VARIANT::runtime
