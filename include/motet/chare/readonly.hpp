// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/future.hpp>
#include <motet/runtime/registry.hpp>
#include <motet/serial/by_name.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace motet::inline MOTET_VARIANT {

namespace runtime {

/// How program data of one type goes into checkpoints and out of them.
struct constant_type {
    std::shared_ptr<void> (*make)();
    const char* (*key)();  ///< mangled name of the type
    std::string (*name)(); ///< readable
    std::vector<serial::named_field> (*fields)();
    void (*save)(const void*, serial::writer&);
    void (*load)(void*, serial::reader&, const std::vector<std::size_t>& places);
};

template <class T>
struct constant_of {
    static std::shared_ptr<void> make() { return std::make_shared<T>(); }
    static const char* key() { return typeid(T).name(); }
    static std::string name() { return std::string(reflect::short_type_name<T>); }
    static void save(const void* value, serial::writer& out) {
        serial::by_name<T>::write(out, *static_cast<const T*>(value));
    }
    static void load(void* value, serial::reader& in, const std::vector<std::size_t>& places) {
        serial::by_name<T>::read(in, *static_cast<T*>(value), places);
    }
    static constexpr constant_type operations{&make, &key, &name, &serial::by_name<T>::fields, &save, &load};
    static std::uint32_t id() { return registered<constant_of, operations>::id(); }
};

template <class T>
void keep_readonly(pe& p, T value, address told) {
    p.home.readonly[typeid(T).name()] = {std::make_shared<T>(std::move(value)), constant_of<T>::id()};
    deliver_nothing(p, told);
}

} // namespace runtime

/// Gives every process a copy of `value`, which motet::readonly<T>() then reads anywhere. To be called in main, before
/// the first chare is created; waits until all processes have it. One value of each type T. Throws motet::error when it
/// comes too late or is called elsewhere.
template <class T>
void set_readonly(T value) {
    serial::check_owning<T>();
    runtime::pe& p = runtime::this_pe();
    const runtime::frame& f = runtime::waiting_frame(p);
    if (p.number != 0 || f.element != nullptr || p.job.created_something)
        throw error("motet::set_readonly must be called in main, before the first chare is created: chares that exist "
                    "already would have read something else");
    const std::uint32_t processes = p.job.process_total();
    auto [done, to] = runtime::new_future<void>(p, std::size_t{processes});
    for (std::uint32_t i = 1; i < processes; ++i) {
        T copy;
        serial::decode_into(serial::encode(value).bytes(), copy);
        runtime::post<&runtime::keep_readonly<T>>(p, i * p.home.pe_count, std::move(copy), to);
    }
    runtime::keep_readonly<T>(p, std::move(value), to);
    done.get();
}

/// The program data of type T that main has set. Throws motet::error if it has not.
template <class T>
const T& readonly() {
    const auto& all = runtime::this_pe().home.readonly;
    const auto found = all.find(typeid(T).name());
    if (found == all.end())
        throw error("motet::readonly<" + runtime::demangled(typeid(T).name()) +
                    ">: nothing was set. Call motet::set_readonly(value) in main, before the first chare is created");
    return *static_cast<const T*>(found->second.value.get());
}

} // namespace motet::inline MOTET_VARIANT
