// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <motet/chare/collection_type.hpp>
#include <motet/chare/local.hpp>
#include <motet/chare/move.hpp>
#include <motet/script/open.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// Objects that belong to a program without chares, one on each process, as a collection that scripts can be run in: a
/// group whose elements are elsewhere. Nothing is sent when it is made: every process makes its own part.
namespace motet::inline MOTET_VARIANT::script {

/// An object of the program, and what scripts may do with it.
struct lent_object {
    void* object = nullptr;
    const reflect::type_description& (*describe)(void* object) = nullptr;
    std::span<const script_method> (*methods)(void* object) = nullptr;

    template <class T>
    static lent_object of(T& object) {
        return {&object, [](void*) -> const reflect::type_description& { return reflect::describe<T>(); },
                [](void*) { return opening<T>::methods(); }};
    }
};

struct lent_element final : runtime::element_header {
    lent_object what;
};

/// The collection of number `serial` begins to exist in this process, with `what` as its element here.
MOTET_INLINE runtime::collection_id lend_object(runtime::pe& p, std::uint32_t serial, lent_object what);
/// How scripts open it.
MOTET_INLINE std::uint32_t opened_lent();
/// Registered collection_type of lent objects.
MOTET_INLINE std::uint32_t lent_chares();
/// The object of an element, if it is such a one; else null.
MOTET_INLINE const lent_object* find_lent(const runtime::part& c, const runtime::element_header& e);

#if MOTET_BODIES

struct lent_collection {
    using code = runtime::index_code<std::int64_t>;
    struct nothing {};

    static runtime::element_header* make(const runtime::boxed&) { return new lent_element; }
    static void destroy(runtime::element_header* e) { delete static_cast<lent_element*>(e); }
    [[noreturn]] static void stays() { runtime::broken("an object that a program has lent is to leave its process"); }
    static void encode(const runtime::element_header&, serial::writer&) { stays(); }
    static runtime::element_header* decode(serial::reader&) { stays(); }
    static std::uint64_t count(runtime::index_bits extent) { return code::count(code::unpack(extent)); }
    static std::uint64_t linear(runtime::index_bits extent, runtime::index_bits index) {
        return code::linear(code::unpack(extent), code::unpack(index));
    }
    static runtime::index_bits from_linear(runtime::index_bits extent, std::uint64_t place) {
        return code::pack(code::from_linear(code::unpack(extent), place));
    }
    static std::string name() { return "rank"; }
    static const reflect::type_description& describe() { return reflect::describe<nothing>(); }
    static void* object(runtime::element_header& e) { return static_cast<lent_element&>(e).what.object; }
    static std::vector<serial::named_field> fields() { return {}; }
    static void save(const void*, serial::writer&) { stays(); }
    static void load(void*, serial::reader&, const std::vector<std::size_t>&) { stays(); }
    static const void* prototype(const runtime::boxed&) { return nullptr; }
    static runtime::boxed blank() { return {}; }

    static constexpr runtime::collection_type operations{&make,
                                                         &destroy,
                                                         &encode,
                                                         &decode,
                                                         nullptr,
                                                         nullptr,
                                                         nullptr,
                                                         &count,
                                                         &linear,
                                                         &from_linear,
                                                         &code::order,
                                                         &code::text,
                                                         &code::coordinates,
                                                         &code::from_coordinates,
                                                         &name,
                                                         &describe,
                                                         &object,
                                                         &fields,
                                                         &save,
                                                         &load,
                                                         &prototype,
                                                         &blank,
                                                         nullptr};
    static std::uint32_t id() { return runtime::registered<lent_collection, operations>::id(); }
    static std::span<const script_method> no_methods() { return {}; } ///< each object has its own
    static constexpr opened_type opening{&no_methods};
};

MOTET_INLINE std::uint32_t lent_chares() { return lent_collection::id(); }
MOTET_INLINE std::uint32_t opened_lent() { return runtime::registered<lent_object, lent_collection::opening>::id(); }

MOTET_INLINE runtime::collection_id lend_object(runtime::pe& p, std::uint32_t serial, lent_object what) {
    auto info = std::make_shared<runtime::collection_info>();
    info->id = {0, serial};
    info->type = lent_collection::id();
    info->kind = runtime::collection_kind::group;
    runtime::part& c = runtime::local_chares::of(p).install(info);
    c.own_first = p.number;
    c.own_count = 1;
    auto* const made = new lent_element;
    made->what = what;
    runtime::install_element(p, c, made, {p.number, 0}, 0);
    return info->id;
}

MOTET_INLINE const lent_object* find_lent(const runtime::part& c, const runtime::element_header& e) {
    return c.type == &lent_collection::operations ? &static_cast<const lent_element&>(e).what : nullptr;
}

#endif // MOTET_BODIES

} // namespace motet::inline MOTET_VARIANT::script
