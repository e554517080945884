// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/entry.hpp>
#include <motet/reflect/describe.hpp>
#include <motet/script/for_each.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

/// Opens the chares of struct T to scripts: its fields (see motet::hidden and motet::read_only), and the methods named
/// after it, which scripts can call: MOTET_SCRIPT(Tile, total, set_source). Stands in the namespace of the struct,
/// after it.
#define MOTET_SCRIPT(T, ...)                                                                                           \
    constexpr auto motet_script_methods(std::type_identity<T>) {                                                       \
        return motet::script::method_list<T> {}                                                                        \
        MOTET_FOR_EACH(MOTET_SCRIPT_METHOD, T __VA_OPT__(, ) __VA_ARGS__);                                             \
    }
#define MOTET_SCRIPT_METHOD(T, name) .template add<&T::name>(#name)

namespace motet::inline MOTET_VARIANT::script {

/// A method that scripts may call.
struct script_method {
    std::string_view name;
    const reflect::type_description* arguments; ///< a tuple
    const reflect::type_description* result;    ///< null: void
    /// Calls it on an object of its struct. What it returns is made at `room`, or with new, for the destroy of its
    /// type, where that is null.
    void* (*call)(void* object, void* arguments, void* room);
    std::uint32_t (*entry)(); ///< registered number, for errors
};

template <auto M>
struct method_call {
    using traits = runtime::traits_of<M>;
    static_assert(!runtime::is_eventually<std::remove_cvref_t<typename traits::returns>>,
                  "motet: a method named in MOTET_SCRIPT returns motet::eventually: it goes on in another call, and a "
                  "script waits for this one");

    static void* call(void* object, void* arguments, [[maybe_unused]] void* room) {
        auto& chare = *static_cast<runtime::owner_of<M>*>(object);
        auto& given = *static_cast<typename traits::stored*>(arguments);
        using result = std::remove_cvref_t<typename traits::returns>;
        if constexpr (std::is_void_v<result>) {
            traits::call(chare, M, given);
            return nullptr;
        } else {
            if (room != nullptr) return new (room) result(traits::call(chare, M, given));
            return new result(traits::call(chare, M, given));
        }
    }
    static constexpr const reflect::type_description* result() {
        using result = std::remove_cvref_t<typename traits::returns>;
        if constexpr (std::is_void_v<result>)
            return nullptr;
        else
            return &reflect::describe<result>();
    }
    static constexpr script_method made(std::string_view name) {
        return {name, &reflect::describe<typename traits::stored>(), result(), &call, &runtime::entry_call<M>::id};
    }
};

template <class T, std::size_t Count = 0>
struct method_list {
    std::array<script_method, Count> all{};

    template <auto M>
    constexpr method_list<T, Count + 1> add(std::string_view name) const {
        method_list<T, Count + 1> longer;
        for (std::size_t i = 0; i < Count; ++i) longer.all[i] = all[i];
        longer.all[Count] = method_call<M>::made(name);
        return longer;
    }
};

template <class T>
concept opened_to_scripts = requires { motet_script_methods(std::type_identity<T>{}); };

/// What scripts may do with chares of a type.
struct opened_type {
    std::span<const script_method> (*methods)();
};

template <class T>
struct opening {
    static std::span<const script_method> methods() {
        static constexpr auto list = motet_script_methods(std::type_identity<T>{});
        return list.all;
    }
    static constexpr opened_type operations{&methods};
    static std::uint32_t id() {
        static_assert(opened_to_scripts<T>, "motet: this struct is not open to scripts: write MOTET_SCRIPT(T, "
                                            "methods...) after it, in its namespace");
        return runtime::registered<opening, operations>::id();
    }
};

} // namespace motet::inline MOTET_VARIANT::script
