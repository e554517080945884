// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/boxed.hpp>
#include <motet/chare/future.hpp>

#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace motet::inline MOTET_VARIANT {

namespace runtime {

template <class T>
void keep_readonly(pe& p, T value, address told) {
    p.home.readonly[typeid(T).name()] = {std::make_shared<T>(std::move(value)), boxed_as<T>::id()};
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
